"""Somebody who can write to the vault plants files beside the honest ones: those still come back."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable, Iterator

import pytest

from gitsession.git import bundle
from gitsession.git.command import Repository
from gitsession.replicas.bundles import base_name
from tests.replicas.conftest import SESSION, Chain
from tests.replicas.conftest import address as address
from tests.replicas.conftest import chain as chain
from tests.replicas.conftest import fresh as fresh
from tests.replicas.test_vault import Vaults, is_sound
from tests.replicas.test_vault import vaults as vaults
from tests.security.forging import plant_increment

DEEP = 100  # more than Python calls itself in the test, in which it may hardly


def plant_base(vaults: Vaults, oid: str, content: bytes) -> None:
    """A file that is what its name says, so far as a hash can tell."""
    folder = vaults.folder / "base"
    folder.mkdir(exist_ok=True)
    (folder / base_name(oid, hashlib.sha256(content).hexdigest())).write_bytes(content)


def no_bundle(vaults: Vaults, _chain: Chain) -> None:
    plant_base(vaults, "0" * 40, b"not a bundle\n")


def other_than_it_says(vaults: Vaults, chain: Chain) -> None:
    pack = chain.repository.output("pack-objects", "--stdout", "-q", stdin=chain.blob("other").encode())
    plant_base(vaults, "0" * 40, bundle.header({"HEAD": "0" * 40}, []) + pack)


def each_on_the_next(vaults: Vaults, _chain: Chain) -> None:
    for number in range(DEEP):
        below = f"{number + 1:040x}"
        plant_base(vaults, f"{number:040x}", bundle.header({"HEAD": f"{number:040x}"}, [below]))


def hollow(vaults: Vaults, chain: Chain) -> None:
    """Named after the honest one's commit, without the contents of any file."""
    main = chain.repository.text("rev-parse", "main")
    listing = ("rev-list", "--objects", "--no-object-names", "--filter=blob:none", main)
    pack = chain.repository.output("pack-objects", "--stdout", "-q", stdin=chain.repository.output(*listing))
    plant_base(vaults, main, bundle.header({"HEAD": main}, []) + pack)


@pytest.fixture
def shallow_calls() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 2 * DEEP)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("shallow_calls")
@pytest.mark.parametrize("plant", [hollow, no_bundle, other_than_it_says, each_on_the_next])
def test_a_forged_base_costs_only_itself(
    vaults: Vaults, chain: Chain, fresh: Repository, plant: Callable[[Vaults, Chain], None]
) -> None:
    honest = chain.save({"a.txt": "mine"})
    vaults.open(chain.repository).ship(honest)
    (base,) = vaults.files("base/*")
    base.rename(base.with_name(base_name("f" * 40, base.name.split(".")[1])))  # found by what it holds
    plant(vaults, chain)
    there = vaults.open(fresh, "r2")
    assert there.fetch(SESSION) == honest.state
    assert is_sound(fresh, honest.state)


def plant_state(vaults: Vaults, chain: Chain, oid: str) -> None:
    folder = vaults.folder / "sessions" / SESSION.login / SESSION.name / "evil"
    plant_increment(folder, chain.repository, SESSION, oid, oid)


FORGED: dict[str, Callable[[Chain], str]] = {
    "a blob": lambda chain: chain.blob("no commit"),
    "a tree": lambda chain: chain.tree({"a.txt": "no commit"}),
    "a commit without a snapshot": lambda chain: chain.commit(chain.tree({"version": "1\n"}), [], "state"),
    "a commit without its small files": lambda chain: chain.commit(
        chain.tree({"a.txt": "none"}), [chain.snapshot or ""], "state"
    ),
}


@pytest.mark.parametrize("make", FORGED.values(), ids=list(FORGED))
def test_what_is_no_state_hides_no_honest_one(
    vaults: Vaults, chain: Chain, fresh: Repository, make: Callable[[Chain], str]
) -> None:
    honest = chain.save({"a.txt": "mine"})
    vaults.open(chain.repository).ship(honest)
    plant_state(vaults, chain, make(chain))
    there = vaults.open(fresh, "r2")
    assert there.fetch(SESSION) == honest.state
    assert any(skipped.path.startswith("sessions/ada/lesson/evil/") for skipped in there.skipped)
