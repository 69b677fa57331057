"""Nothing of a repository runs: a clone and a session full of planted programs, none of which fires.

Each is also set off with everyday programs, so that it is known to be live.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.runtime import Runtime
from tests.security.planted import HERE, HOOKS, INNER, PLANTS, REBASE, SETTINGS, TREE, Plant
from tests.spine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PLANTING = "planting"
NAMED = ("askpass", "signer", "tag-signer")  # settings that take a program and no words after it
PREPARE = f"""
    export GIT_TEMPLATE_DIR=
    git clone -q --bare "$ELSEWHERE" elsewhere.git; git clone -q elsewhere.git tree
    cd tree
    git config filter.lfs.clean 'git-lfs clean -- %f'
    echo one > stopped.txt; {HERE} add stopped.txt; {HERE} commit -qm one
    git -c protocol.file.allow=always submodule --quiet add "$ELSEWHERE" lib; {HERE} commit -qm lib
    git format-patch -q -1 HEAD~1 -o ../patch; {HERE} revert --no-edit HEAD~1
    git init -q nested; echo n > nested/n; cd nested; git add n; git commit -qm n
"""


@dataclass
class Marks:
    """Where payloads leave their marks, and the programs that leave them."""

    root: Path
    fired: dict[str, set[str]] = field(default_factory=dict)

    @property
    def programs(self) -> Path:
        return self.root / "programs"

    def furnish(self) -> None:
        for folder in (self.programs, self.root / "marks"):
            folder.mkdir(parents=True)
        line = f'#!/bin/sh\nname=${{1:-$(basename "$0" | cut -d- -f2-)}}\n: > "{self.root}/marks/$name"\n'
        for name in ("fire", *(f"fire-{name}" for name in NAMED)):
            text = line if name == "fire" else line.replace("${1:-", "${0:+")
            (self.programs / name).write_text(f"{text}exit 0\n")
            (self.programs / name).chmod(0o755)

    def note(self, moment: str) -> None:
        """Take down what has fired since the last note."""
        found = list((self.root / "marks").iterdir())
        self.fired[moment] = {path.name for path in found}
        for path in found:
            path.unlink()


def shell(script: str, cwd: Path, environment: dict[str, str], *, check: bool = True) -> None:
    done = subprocess.run(
        ["sh", "-ec" if check else "-c", script],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(f"{script}\n{done.stdout.decode(errors='replace')}")


def prepare(place: Path, environment: dict[str, str]) -> Path:
    """A clone with a submodule and a repository in it, and nothing planted yet."""
    place.mkdir()
    shell(PREPARE, place, environment)
    return place / "tree"


def gift(tree: Path, environment: dict[str, str]) -> None:
    """Plant everything, amid a rebase: such a clone may come out of an archive."""
    for plant in (*REBASE, *TREE, *INNER, *HOOKS, *SETTINGS):
        shell(plant.plant, tree, environment)


def set_off(prepared: Path, plant: Plant, environment: dict[str, str]) -> None:
    """Fire a plant with plain programs, in a clone with nothing else planted in it."""
    bare = prepared.parent / "elsewhere.git"
    script = f"git remote set-url origin '{bare}'\n{plant.plant}\n({plant.control})"
    shell(script, prepared, {**environment, "ELSEWHERE": str(bare)}, check=False)


def act(machine: Machine) -> None:
    """What a person does with gitsession in a day."""
    (machine.worktree / "new.txt").write_text("new\n")
    for name in ("train.py", "clean.clean", "process.process", "textconv.textconv", "a.bin", "lib/train.py"):
        with (machine.worktree / name).open("a") as file:
            file.write("more\n")
    for words in (
        ("flush", "--timeout", "60", "--level", "safe"),
        ("status",),
        ("log",),
        ("restore", "train.py", "--snapshot", "1"),
        ("restore", "smudge.smudge", "--snapshot", "1"),
        ("update",),
        ("review", "--title", "x", "--body", "y"),
        ("flush", "--timeout", "60"),
    ):
        machine.gitsession(*words, cwd=machine.worktree, check=False)


def furnished(runtime: Runtime, sealed: Path, bare: Path) -> tuple[Marks, dict[str, str]]:
    """The payloads' programs on the machine's path, and the environment of plain programs."""
    marks = Marks(sealed / "plants")
    marks.furnish()
    runtime.extra["PATH"] = f"{marks.programs}:{runtime.env['PATH']}"
    return marks, {**runtime.env, "ELSEWHERE": str(bare), "PYTHON": sys.executable}


SAMPLE = PLANTS[::12]  # of the controls; scripts/test --all plays them all
CONTROLS = [
    pytest.param(plant, id=plant.name, marks=() if plant in SAMPLE else pytest.mark.long) for plant in PLANTS
]


@pytest.mark.parametrize("plant", CONTROLS)
def test_a_plant_is_live(runtime: Runtime, sample_repository: Path, sealed: Path, plant: Plant) -> None:
    marks, own = furnished(runtime, sealed, sample_repository)
    set_off(prepare(sealed / "gift", own), plant, own)
    marks.note("control")
    assert plant.name in marks.fired["control"]


@pytest.fixture(scope="module")
def told() -> dict[str, dict[str, set[str]]]:
    """What the one life that all parameters share has shown."""
    return {}


@pytest.fixture
def fired(
    told: dict[str, dict[str, set[str]]], runtime: Runtime, git_server: GitServer, hub: Hub, sealed: Path
) -> dict[str, set[str]]:
    """What fired, by moment; lived through once, by the first test that asks."""
    if not told:
        told["fired"] = live(runtime, git_server, sealed)
    return told["fired"]


def live(runtime: Runtime, server: GitServer, sealed: Path) -> dict[str, set[str]]:
    marks, own = furnished(runtime, sealed, server.forge.repository().path)
    tree = prepare(sealed / "gift", own)
    gift(tree, own)
    runtime.extra |= {
        "GITHUB_TOKEN": ADA_TOKEN,
        "GITHUB_SERVER_URL": server.site,
        "PATH": f".:{runtime.env['PATH']}",  # a careless but common setting
    }
    machine = Machine(runtime, "ada/digits", ("--storage", str(runtime.drive)), str(program(sealed)))
    shutil.copytree(tree, machine.worktree, symlinks=True)
    shell(f"git remote set-url origin '{server.url()}'", machine.worktree, own)
    marks.note(PLANTING)
    machine.gitsession("open", ".", "--editor", "none", *machine.options, cwd=machine.worktree)
    marks.note("open")
    act(machine)
    marks.note("work")
    resume(machine, "vault and remote", own, marks)
    resume(machine, "remote", own, marks, "--storage", "none")
    server.stop()
    resume(machine, "vault", own, marks)
    return marks.fired


def resume(machine: Machine, source: str, own: dict[str, str], marks: Marks, *more: str) -> None:
    """A new machine, on which the person goes on where the attacker's session had stopped."""
    machine.lose()
    assert machine.open(*more)["resumed"] is True
    assert (machine.worktree / ".git/rebase-merge").is_dir(), "the rebase came back, so that it can go on"
    marks.note(f"resume from the {source}")
    machine.gitsession("flush", "--timeout", "60", cwd=machine.worktree, check=False)
    marks.note(f"work after a resume from the {source}")
    shell("GIT_EDITOR=true git rebase --continue", machine.worktree, own, check=False)
    marks.note(f"rebase --continue after a resume from the {source}")


def program(place: Path) -> Path:
    """`gitsession` as pip installs it: a script, since `python -m` itself imports from where one stands."""
    (place / "script").mkdir()
    console = place / "script/gitsession"
    console.write_text("import sys\nfrom gitsession.cli import main\nsys.exit(main())\n")
    wrapper = place / "script/run"
    wrapper.write_text(f'#!/bin/sh\nshift 2\nexec {sys.executable} {console} "$@"\n')
    wrapper.chmod(0o755)
    return wrapper


@pytest.mark.parametrize("plant", PLANTS, ids=[plant.name for plant in PLANTS])
def test_a_planted_program_does_not_run(fired: dict[str, set[str]], plant: Plant) -> None:
    assert [moment for moment, names in fired.items() if plant.name in names and moment != PLANTING] == []


def test_there_are_sixty_plants_and_nothing_else_fired(fired: dict[str, set[str]]) -> None:
    assert len({plant.name for plant in PLANTS}) >= 60
    assert set().union(*fired.values()) <= {plant.name for plant in PLANTS}
    assert len(fired) == 12
