"""The token is nowhere, and a held secret only where it may be, after every flow and failure."""

from __future__ import annotations

import base64
import json
import sys
import urllib.parse
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
import zstandard

from gitsession.git import bundle
from gitsession.git.command import Repository
from tests.rig.colab import Front, Notebook
from tests.rig.forge import ADA_TOKEN, Token
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.patience import eventually
from tests.rig.push_rules import ProtectedBranch
from tests.rig.repositories import git
from tests.rig.runtime import Finished, Runtime
from tests.security.canary import Canary, watched
from tests.spine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

TOKEN = Canary(ADA_TOKEN)
HELD = Canary("Canary+held/" * 7 + "9w==")
TRACED = (
    "GIT_TRACE",
    "GIT_TRACE_CURL",
    "GIT_TRACE_PACKET",
    "GIT_TRACE_SETUP",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
)
# Not `run` and `wait -- COMMAND`: a program of the person gets the environment of the person.
RARER = (
    "attach",
    "commit --message Mine --push",
    "update",
    "fetch no-such",
    "allow no-such",
    "restore no-such --snapshot 99",
    "wait --pid 4194303",
    "expose 9",
    "prune ada/digits",
)
RAISES = """
import importlib, sys, traceback
from gitsession import cli
name, place = sys.argv[1].rsplit(":", 1)
def fails(*_given, **_named): raise RuntimeError("a mistake of ours")
module = importlib.import_module(name)
setattr(getattr(module, place.split(".")[0]) if "." in place else module, place.split(".")[-1], fails)
cli._report_bug = lambda error: print(
    "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
)
sys.exit(cli.main(sys.argv[2:]))
"""


@pytest.fixture
def machine(runtime: Runtime, git_server: GitServer, hub: Hub) -> Machine:
    """A machine whose git traces whatever it can, to standard error and to files."""
    runtime.extra |= {
        "GITHUB_TOKEN": ADA_TOKEN,
        "GITHUB_SERVER_URL": git_server.site,
        "GIT_CURL_VERBOSE": "1",
    }
    runtime.extra |= dict.fromkeys(TRACED, "1")
    return Machine(runtime, "ada/digits", ("--storage", str(runtime.drive)))


def furnish(machine: Machine) -> None:
    """A stranger's git configuration that has every git call write down its environment."""
    place = machine.runtime.home / ".gitconfig"
    target = machine.runtime.root / "trace2"
    target.mkdir(exist_ok=True)
    place.write_text(
        f"{place.read_text()}[trace2]\n\teventTarget = {target}\n\tenvVars = GITHUB_TOKEN,GH_TOKEN\n"
    )


def write(machine: Machine, name: str) -> Finished:
    (machine.worktree / name).write_text(f"{name}\n")
    return machine.gitsession("flush", "--timeout", "3", check=False)


def push_by_hand(machine: Machine) -> Finished:
    """The person pushes from a shell of theirs that does not hold the token."""
    script = 'eval "$(python3 -m gitsession env)" && git push --quiet origin HEAD:refs/heads/pushed'
    return machine.runtime.run("sh", "-c", script, cwd=machine.worktree, env={"GITHUB_TOKEN": ""})


def first_life(machine: Machine, git_server: GitServer) -> list[Finished]:
    """Work, pushes, refusals, a token that is revoked, a review with its report."""
    server, said = git_server, []
    machine.open()
    (machine.worktree / "settings.env").write_text(f"AccountKey={HELD.secret}\n")
    said.append(write(machine, "new.txt"))
    assert eventually(lambda: "held       settings.env" in machine.gitsession("status").stdout)
    server.rules.append(ProtectedBranch("session/*"))
    said.append(write(machine, "refused.txt"))
    server.rules.clear()
    server.forge.revoke(ADA_TOKEN)
    said.append(write(machine, "unauthorised.txt"))
    server.forge.add_token(Token(ADA_TOKEN, "ada"))
    report = str(machine.runtime.root / "report.html")
    verbs = ("status", "status --json", "env", "log", "list ada/digits", "doctor", "restore new.txt")
    said += [machine.gitsession(*verb.split(), check=False, cwd=machine.worktree) for verb in verbs]
    said.append(machine.gitsession("review", "--title", "Mine", "--html", report))
    elsewhere = str(machine.runtime.work / "x")
    said.append(machine.gitsession("open", "ada/no-such", "--workdir", elsewhere, check=False))
    said.append(push_by_hand(machine))
    rarer = [machine.gitsession(*verb.split(), check=False, cwd=machine.worktree) for verb in RARER]
    assert {done.code for done in rarer} == {0, 1}
    assert "which may not leave" in rarer[1].stderr
    return [*said, *rarer]


def second_life(machine: Machine, git_server: GitServer) -> list[Finished]:
    """The machine was lost: resumed, then GitHub is down until the end."""
    machine.lose()
    furnish(machine)
    assert machine.open()["resumed"] is True
    git_server.stop()
    return [
        write(machine, "late.txt"),
        machine.gitsession("status"),
        machine.gitsession("close", check=False),
        *last_life(machine, git_server),
    ]


def last_life(machine: Machine, git_server: GitServer) -> list[Finished]:
    """GitHub is back: the session is opened where it was closed, and ended for good."""
    git_server.start()
    machine.open()
    finished = machine.gitsession("finish")
    return [finished, machine.gitsession("prune", "ada/digits"), machine.gitsession("list", "ada/digits")]


def stores(machine: Machine, git_server: GitServer) -> list[Path]:
    """Every repository there is, and one of all that the vault's bundles hold."""
    state, server = machine.runtime.state, git_server.forge.root
    vault = Repository(machine.runtime.root / "unpacked.git")
    git(server, "init", "--quiet", "--bare", str(vault.git_dir))
    bundles = sorted(machine.runtime.drive.rglob("*.bundle"), key=lambda path: path.stat().st_mtime_ns)
    for path in (*(path for path in bundles if path.parent.name == "base"), *bundles):
        bundle.read(vault, path, checked=False)
    assert len(bundles) > 2
    shadows = list(state.glob("sessions/*/shadow.git"))
    assert shadows
    return [machine.worktree, *shadows, vault.git_dir, *server.glob("*/*.git")]


def heard_by(server: GitServer, hub: Hub) -> bytes:
    """Every URL and header that a server was sent but the header for a token, and every discussion."""
    asked = [(request.path, {**request.headers, "Authorization": ""}) for request in server.requests]
    pulls = [asdict(pull) for hosted in server.forge.repositories.values() for pull in hosted.pulls.values()]
    assert asked and pulls
    return repr((asked, [(call.path, call.body) for call in hub.calls], pulls)).encode()


def test_no_secret_is_where_it_may_not_be(machine: Machine, git_server: GitServer, hub: Hub) -> None:
    findings: set[str] = set()
    furnish(machine)
    runtime = machine.runtime
    with watched(runtime, findings, TOKEN, HELD):
        said = first_life(machine, git_server) + second_life(machine, git_server)
    assert findings == set()
    for done in said:
        for text in (done.stdout, done.stderr):
            assert (TOKEN.found(text.encode()), HELD.found(text.encode())) == (None, None), text
    heard = heard_by(git_server, hub)
    assert (TOKEN.found(heard), HELD.found(heard)) == (None, None)
    assert TOKEN.files(runtime.root, git_server.forge.root) == []
    mine = {machine.worktree, runtime.drive, *runtime.state.glob("sessions/*/shadow.git")}
    assert HELD.files(machine.worktree, runtime.drive)
    assert HELD.files(runtime.root, git_server.forge.root, spared=mine) == []
    kept = stores(machine, git_server)
    assert [line for store in kept for line in TOKEN.objects(runtime, store)] == []
    published = [store for store in kept if store.is_relative_to(git_server.forge.root)]
    assert [line for store in published for line in HELD.objects(runtime, store)] == []


BREAKS = ("gitsession.git.transfer:ls_remote", "gitsession.git.transfer:clone", "gitsession.run:run")


@pytest.mark.parametrize("place", BREAKS)
def test_no_traceback_shows_the_token(machine: Machine, place: str) -> None:
    arguments = ("open", "ada/digits", "--editor", "none", "--storage", "none", "--workdir", "x")
    failed = machine.runtime.run(sys.executable, "-c", RAISES, place, *arguments, check=False)
    assert "a mistake of ours" in failed.stdout + failed.stderr
    assert TOKEN.found((failed.stdout + failed.stderr).encode()) is None


@pytest.mark.long
def test_no_cell_shows_the_token(machine: Machine) -> None:
    """Where every traceback shows the variables of each frame."""
    del machine.runtime.extra["GITHUB_TOKEN"]
    with Notebook(machine.runtime, Front(secrets={"GITHUB_TOKEN": ADA_TOKEN})) as notebook:
        folder = machine.worktree
        cells = (
            "import gitsession\n%load_ext gitsession\n%xmode Verbose",
            f"session = gitsession.open('ada/digits', workdir={str(folder)!r}, storage=False, editor=None)",
            "session",
            "session.restore('no-such-file', at=77)",
            "from gitsession.git import transfer; transfer.ls_remote = None",
            "gitsession.list('ada/digits')",
            "session.close()",
        )
        ran = [notebook.run(cell) for cell in cells]
    assert ran[1].ok and not ran[3].ok and not ran[5].ok
    assert "Traceback" in ran[5].error
    shown = json.dumps([asdict(each) for each in ran]).encode()
    assert TOKEN.found(shown) is None


FORMS: dict[str, Callable[[str], bytes]] = {
    "raw": lambda secret: f"x{secret}y".encode(),
    "base64": lambda secret: base64.b64encode(secret.encode()),
    "base64 behind one": lambda secret: base64.b64encode(f"-{secret}".encode()),
    "base64 behind two": lambda secret: base64.b64encode(f"--{secret}".encode()),
    "url": lambda secret: urllib.parse.quote_plus(secret).encode(),
    "hex": lambda secret: secret.encode().hex().encode(),
    "basic": lambda secret: base64.b64encode(f"x-access-token:{secret}".encode()),
}
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda content: content,
    "deflated": zlib.compress,
    "deflated behind others": lambda content: b"PACK\x78\x9c" + zlib.compress(b"a") + zlib.compress(content),
    "zstandard": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("form", FORMS)
def test_the_search_sees_every_form(tmp_path: Path, form: str, packing: str) -> None:
    for canary in (TOKEN, HELD):
        (tmp_path / "leak").write_bytes(PACKINGS[packing](FORMS[form](canary.secret)))
        (tmp_path / "clean").write_bytes(PACKINGS[packing](b"nothing here"))
        assert len(canary.files(tmp_path)) == 1


def test_the_search_sees_processes_and_objects(runtime: Runtime, tmp_path: Path) -> None:
    findings: set[str] = set()
    with watched(runtime, findings, TOKEN):
        runtime.run("sh", "-c", f"sleep 0.5; : {ADA_TOKEN}")
        runtime.run("sh", "-c", "env SECRET=$SECRET sleep 0.5", env={"SECRET": ADA_TOKEN})
    assert any(finding.startswith("argv") for finding in findings)
    assert any(finding.startswith("environment") for finding in findings)
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a").write_text(ADA_TOKEN)
    git(tmp_path, "hash-object", "-w", "a")
    assert TOKEN.objects(runtime, tmp_path) == [ADA_TOKEN]
