"""A vault or a session branch that somebody else can write to: what they forge is refused."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitsession.errors import GitsessionError
from gitsession.git import bundle
from gitsession.git.command import Repository
from gitsession.git.transfer import fetch
from gitsession.replicas.base import Shipment
from gitsession.replicas.bundles import increment_name, refs_for
from gitsession.replicas.mount import Mount
from gitsession.snapshot.restore import restore
from tests.replicas.conftest import SESSION, Chain
from tests.replicas.conftest import address as address
from tests.replicas.conftest import chain as chain
from tests.replicas.conftest import fresh as fresh
from tests.replicas.test_vault import Vaults
from tests.replicas.test_vault import vaults as vaults
from tests.rig.repositories import git

EVIL_NAMES = (".git", ".GIT", "git~1", ".git ", ".git.", ".git\u200c", "..", ".", ".git::$INDEX_ALLOCATION")


def raw_tree(repository: Repository, *entries: tuple[str, str, str]) -> str:
    """A tree of (mode, name, object id) that no git would write."""
    content = b"".join(f"{mode} {name}".encode() + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries)
    return raw_object(repository, "tree", content)


def raw_object(repository: Repository, kind: str, content: bytes) -> str:
    """A loose object, written without any of git's checks."""
    whole = f"{kind} {len(content)}".encode() + b"\0" + content
    oid = hashlib.sha1(whole).hexdigest()
    place = repository.git_dir / "objects" / oid[:2] / oid[2:]
    place.parent.mkdir(exist_ok=True)
    if not place.exists():
        place.write_bytes(zlib.compress(whole))
    return oid


def forge(chain: Chain, tree: str) -> Shipment:
    """A state over a snapshot of this tree: its outline is sound, so that only the tree is at fault."""
    sound = chain.save({"ok.txt": "ok"})
    message = chain.repository.text("log", "-1", "--format=%B", sound.snapshot)
    parent = chain.repository.text("rev-parse", f"{sound.snapshot}^")
    snapshot = chain.commit(tree, [parent], message)
    state = chain.commit(chain.repository.text("rev-parse", f"{sound.state}^{{tree}}"), [snapshot], "state")
    return Shipment(snapshot, sound.number + 1, state, counter=9)


def plant(chain: Chain, vaults: Vaults, forged: Shipment, place: Path) -> None:
    """Put a bundle of it into the vault, named and hashed as one of ours."""
    refs = refs_for(SESSION, forged.snapshot, forged.number, forged.state, 9)
    have = chain.repository.text("rev-parse", "main")
    listed = ("cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)")
    pack = chain.repository.output("pack-objects", "--stdout", "-q", stdin=chain.repository.output(*listed))
    content = bundle.header(refs, [have]) + pack
    name = increment_name(99, forged.state, hashlib.sha256(content).hexdigest())
    folder = vaults.folder / "sessions" / SESSION.login / SESSION.name / "evil"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content)


def evil_name(name: str) -> Callable[[Chain], str]:
    return lambda chain: raw_tree(chain.repository, ("100644", name, chain.blob("evil")))


def evil_folder(chain: Chain) -> str:
    inner = raw_tree(chain.repository, ("100755", "post-checkout", chain.blob("#!/bin/sh\n")))
    return raw_tree(
        chain.repository, ("40000", ".git", raw_tree(chain.repository, ("40000", "hooks", inner)))
    )


def slash(chain: Chain) -> str:
    return raw_tree(chain.repository, ("100644", "../../outside.txt", chain.blob("evil")))


def twice(chain: Chain) -> str:
    """A link and a folder of one name: what is below the folder would be written through the link."""
    inner = raw_tree(chain.repository, ("100644", "outside.txt", chain.blob("evil")))
    link = chain.blob("../..")
    return raw_tree(chain.repository, ("120000", "a", link), ("40000", "a", inner))


def linked_settings(chain: Chain) -> str:
    return raw_tree(chain.repository, ("120000", ".gitmodules", chain.blob("../../outside.txt")))


def no_tree(chain: Chain) -> str:
    return raw_object(chain.repository, "tree", b"100644 torn\0short")


FORGED: dict[str, Callable[[Chain], str]] = {
    **{f"name {name!r}": evil_name(name) for name in EVIL_NAMES},
    "a .git folder with hooks": evil_folder,
    "a name with slashes": slash,
    "a link and a folder of one name": twice,
    ".gitmodules is a link": linked_settings,
    "a torn tree": no_tree,
}

# scripts/test --all plays them all in a vault; on a branch git checks the same
SAMPLE = ("name '.git'", "a .git folder with hooks", "a link and a folder of one name", "a torn tree")
FORGED_IN_A_VAULT = [
    pytest.param(make, id=name, marks=() if name in SAMPLE else pytest.mark.long)
    for name, make in FORGED.items()
]


@pytest.fixture
def outside(sealed: Path) -> Iterator[Path]:
    """The folder around the work tree `tree/deep`: nothing that was forged comes to lie in it."""
    yield sealed
    written = [path for name in ("outside.txt", "post-checkout") for path in sealed.rglob(name)]
    assert [path for path in written if not path.is_relative_to(sealed / "tree/deep")] == []


@pytest.mark.parametrize("make", FORGED_IN_A_VAULT)
def test_a_forged_tree_in_the_vault_is_refused(
    outside: Path, vaults: Vaults, chain: Chain, fresh: Repository, make: Callable[[Chain], str]
) -> None:
    honest = chain.save({"a.txt": "mine"}, counter=2)
    vaults.open(chain.repository).ship(honest)
    forged = forge(chain, make(chain))
    plant(chain, vaults, forged, outside)
    vault = vaults.open(fresh, "r2")
    assert vault.fetch(SESSION) == honest.state
    assert any(skipped.path.startswith("sessions/ada/lesson/evil/") for skipped in vault.skipped)


@pytest.mark.parametrize("make", FORGED.values(), ids=list(FORGED))
def test_a_forged_tree_on_the_session_branch_is_refused(
    outside: Path, sample_repository: Path, chain: Chain, fresh: Repository, make: Callable[[Chain], str]
) -> None:
    forged = forge(chain, make(chain))
    git(chain.directory, "update-ref", SESSION.state_ref, forged.state)
    fetch(fresh, str(sample_repository), ["+refs/heads/main:refs/base"])
    with pytest.raises(GitsessionError):
        fetch(fresh, str(chain.directory), [f"+{SESSION.state_ref}:refs/evil"], checked=True)
    assert git(fresh.git_dir, "for-each-ref", "refs/evil") == ""


@pytest.mark.parametrize("make", FORGED.values(), ids=list(FORGED))
def test_even_unchecked_it_is_not_written_outside(
    outside: Path, chain: Chain, make: Callable[[Chain], str]
) -> None:
    work = outside / "tree/deep"
    work.mkdir(parents=True)
    (work / ".git").mkdir()
    try:
        restore(chain.repository, make(chain), work)
    except GitsessionError:
        pass
    found = {path.relative_to(outside / "tree") for path in (outside / "tree").rglob("*")}
    assert all(path.parts[0] == "deep" for path in found)
    assert list((work / ".git").iterdir()) == []


def test_a_sound_tree_passes_the_same_way(
    outside: Path, vaults: Vaults, chain: Chain, fresh: Repository
) -> None:
    vaults.open(chain.repository).ship(chain.save({"a.txt": "mine"}, counter=2))
    forged = forge(chain, raw_tree(chain.repository, ("100644", "fine.txt", chain.blob("fine"))))
    plant(chain, vaults, forged, outside)
    assert vaults.open(fresh, "r2").fetch(SESSION) == forged.state


def test_a_bundle_that_is_a_link_or_no_file_is_not_read(
    outside: Path, vaults: Vaults, chain: Chain, fresh: Repository
) -> None:
    honest = chain.save({"a.txt": "mine"})
    vaults.open(chain.repository).ship(honest)
    folder = vaults.folder / "sessions/ada/lesson/evil"
    folder.mkdir(parents=True)
    (folder / increment_name(98, "a" * 40, "b" * 64)).symlink_to("/dev/zero")
    os.mkfifo(folder / increment_name(99, "a" * 40, "c" * 64))
    assert vaults.open(fresh, "r2").fetch(SESSION) == honest.state


def test_a_pipe_and_a_link_in_the_vault_are_not_waited_for(sealed: Path) -> None:
    storage = sealed / "drive"
    storage.mkdir()
    os.mkfifo(storage / "pipe")
    (storage / "link").symlink_to("/dev/zero")
    mount = Mount(storage, stall=5.0)
    try:
        assert mount.heads(["pipe", "link"], 5) == (b"", None)
        assert mount.walk("") == ()
    finally:
        mount.close()
