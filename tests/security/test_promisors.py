"""A partial clone whose promising remotes are hostile: nothing of theirs runs, and nobody else is asked.

Each is also set off with plain git, so that it is known to be live.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gitsession.errors import GitError
from gitsession.git import Repository, partial
from tests.rig.certificates import issue
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hostile_server import HostileServer
from tests.rig.hub import Hub
from tests.rig.patience import eventually
from tests.rig.runtime import Runtime
from tests.security.planted import Plant
from tests.security.promises import ORIGIN, PARTIAL, PROMISES
from tests.security.test_planted import Marks, furnished, shell
from tests.spine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DAY = (
    ("flush", "--timeout", "60", "--level", "safe"),
    ("status",),
    ("log",),
    ("restore", "old.txt", "--snapshot", "1"),
    ("review", "--title", "x", "--body", "y"),
    ("flush", "--timeout", "60"),
)


@pytest.fixture
def gift(
    runtime: Runtime, git_server: GitServer, hub: Hub, sealed: Path
) -> tuple[Path, Marks, dict[str, str]]:
    """A partial clone that lacks old contents and has no remote yet."""
    marks, own = furnished(runtime, sealed, git_server.forge.repository().path)
    own["SERVER"] = git_server.url()
    place = sealed / "gift"
    place.mkdir()
    shell(PARTIAL, place, own)
    return place / "tree", marks, own


@pytest.mark.parametrize("plant", PROMISES, ids=[plant.name for plant in PROMISES])
def test_a_promise_is_live(gift: tuple[Path, Marks, dict[str, str]], plant: Plant) -> None:
    tree, marks, own = gift
    shell(f"{plant.plant}\n({plant.control})", tree, own, check=False)
    marks.note("control")
    assert plant.name in marks.fired["control"]


@pytest.mark.parametrize("plant", PROMISES[:-1], ids=[plant.name for plant in PROMISES[:-1]])
def test_a_content_that_is_missing_is_asked_of_nobody(
    gift: tuple[Path, Marks, dict[str, str]], plant: Plant
) -> None:
    """By no git of ours, nor by one before 2.39.4: it obeys no `GIT_NO_LAZY_FETCH`, as if that were 0."""
    tree, marks, own = gift
    shell(plant.plant, tree, own)
    old = {"GIT_NO_LAZY_FETCH": "0"}
    repository = Repository(tree / ".git", tree, variables={**old, "PATH": own["PATH"]})
    lacking = list(partial.missing(repository, "--all"))
    assert lacking
    with pytest.raises(GitError):
        repository.run("cat-file", "-p", lacking[0])
    marks.note("ours")
    assert marks.fired["ours"] == set()


@pytest.fixture
def elsewhere(sealed: Path) -> Iterator[HostileServer]:
    """Another server that promises contents, with a certificate that git trusts."""
    (sealed / "elsewhere").mkdir()
    with HostileServer(issue(sealed / "elsewhere")) as server:
        yield server


def test_a_day_with_a_hostile_partial_clone(
    gift: tuple[Path, Marks, dict[str, str]],
    runtime: Runtime,
    git_server: GitServer,
    elsewhere: HostileServer,
) -> None:
    tree, marks, own = gift
    for plant in PROMISES:
        shell(plant.plant, tree, own)
    shell(
        f"git config remote.far.url {elsewhere.site}/x; git config remote.far.promisor true{ORIGIN}",
        tree,
        own,
    )
    runtime.extra |= {"GITHUB_TOKEN": ADA_TOKEN, "GITHUB_SERVER_URL": git_server.site}
    machine = Machine(runtime, "ada/digits", ("--storage", str(runtime.drive)))
    tree.rename(machine.worktree)
    machine.gitsession("open", ".", "--editor", "none", *machine.options, cwd=machine.worktree)
    marks.note("open")
    repository = Repository(machine.worktree / ".git")
    assert eventually(lambda: not list(partial.missing(repository, "--all"))), "the rest came"
    marks.note("completing")
    (machine.worktree / "new.txt").write_text("new")
    for words in DAY:
        machine.gitsession(*words, cwd=machine.worktree)
    marks.note("work")
    assert {moment: names for moment, names in marks.fired.items() if names} == {}
    assert elsewhere.seen == []
