"""What is small and unpacks to what is huge or deep: refused in bounded memory and time."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsession.errors import GitsessionError
from gitsession.git import bundle
from gitsession.git.command import Repository
from gitsession.replicas.peek import peek
from gitsession.snapshot.restore import restore
from tests.replicas.conftest import SESSION, Chain
from tests.replicas.conftest import address as address
from tests.replicas.conftest import chain as chain
from tests.replicas.conftest import fresh as fresh
from tests.replicas.test_vault import Vaults
from tests.replicas.test_vault import vaults as vaults
from tests.rig.runtime import Runtime
from tests.security.test_hostile_places import forge, plant, raw_tree

MB = 1 << 20
MOST = 900 * MB  # bytes that reading may take, here and in git
DEEP = 3000
READ = """
import json, resource, sys
from pathlib import Path
from gitsession.errors import GitsessionError
from gitsession.git import bundle
from gitsession.git.command import Repository
try:
    bundle.read(Repository(Path(sys.argv[1])), Path(sys.argv[2]), checked=True)
    said = ""
except GitsessionError as error:
    said = str(error)
used = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({"said": said, "used": used}))
"""


def varint(number: int) -> bytes:
    """As deltas write sizes: seven bits a byte, the lowest first."""
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


def entry(kind: int, size: int, content: bytes) -> bytes:
    """A pack's entry, see gitformat-pack(5)."""
    rest, first = size >> 4, kind << 4 | size & 15
    head = bytes([first | 0x80]) + varint(rest) if rest else bytes([first])
    return head + content


def repeating(base: int, result: int) -> bytes:
    """A delta that copies the whole of its base again and again."""
    copy = bytes([0x80 | 0x10 | 0x20 | 0x40]) + base.to_bytes(3, "little")
    return varint(base) + varint(result) + copy * (result // base)


def delta_bomb(result: int) -> bytes:
    """A pack of some kilobytes in which one object is `result` bytes long."""
    base = 8 * MB
    blob = bytes(base)
    oid = hashlib.sha1(b"blob %d\0" % base + blob).digest()
    delta = repeating(base, result)
    body = entry(3, base, zlib.compress(blob, 9)) + entry(7, len(delta), oid + zlib.compress(delta, 9))
    pack = b"PACK" + (2).to_bytes(4, "big") + (2).to_bytes(4, "big") + body
    return pack + hashlib.sha1(pack).digest()


def read(runtime: Runtime, repository: Repository, pack: bytes) -> tuple[str, int]:
    """What reading a bundle of this pack says, and the most bytes that it took."""
    place = runtime.work / "bomb.bundle"
    place.write_bytes(bundle.header({"refs/heads/x": "a" * 40}, []) + pack)
    assert place.stat().st_size < MB
    done = json.loads(runtime.python(READ, str(repository.git_dir), str(place), timeout=300).stdout)
    return done["said"], max(done["used"]) * 1024


@pytest.mark.parametrize("size", [1024, 3072])
def test_a_delta_that_unpacks_to_gigabytes_is_refused(runtime: Runtime, fresh: Repository, size: int) -> None:
    said, used = read(runtime, fresh, delta_bomb(size * MB))
    assert "over limit" in said
    assert used < MOST


def test_a_delta_of_a_usual_size_is_read(runtime: Runtime, fresh: Repository) -> None:
    assert read(runtime, fresh, delta_bomb(64 * MB))[0] == ""


def test_a_state_whose_small_files_are_huge_says_nothing(chain: Chain, fresh: Repository) -> None:
    huge = json.dumps({"number": 7, "filling": "x" * (20 * MB)})
    sound = chain.save({"a.txt": "one"})
    tree = chain.tree({"version": "1\n", "session.json": huge, "lease.json": json.dumps({"counter": 3})})
    seen = peek(chain.repository, chain.commit(tree, [sound.snapshot], "state"))
    assert (seen.snapshot, seen.number, seen.counter) == (sound.snapshot, None, 3)


def deep(chain: Chain) -> str:
    tree = raw_tree(chain.repository, ("100644", "bottom", chain.blob("here")))
    for _ in range(DEEP):
        tree = raw_tree(chain.repository, ("40000", "d", tree))
    return tree


def doubling(chain: Chain, mode: str = "40000") -> str:
    """Thirty trees, each twice the one below: a billion files."""
    tree = raw_tree(chain.repository, ("100644", "f", chain.blob("one")))
    for _ in range(30):
        tree = raw_tree(chain.repository, (mode, "a", tree), (mode, "b", tree))
    return tree


@pytest.mark.timeout(40)
@pytest.mark.parametrize("make", [deep, doubling])
def test_a_tree_that_never_ends_is_refused(
    vaults: Vaults, chain: Chain, fresh: Repository, sealed: Path, make: Callable[[Chain], str]
) -> None:
    honest = chain.save({"a.txt": "mine"}, counter=2)
    vaults.open(chain.repository).ship(honest)
    forged = forge(chain, make(chain))
    plant(chain, vaults, forged, sealed)
    vault = vaults.open(fresh, "r2")
    found = vault.fetch(SESSION)
    work = sealed / "work"
    work.mkdir()
    (work / ".git").mkdir()
    if found == honest.state:
        assert vault.skipped
        return
    try:
        skipped = restore(fresh, forged.snapshot, work).skipped
    except GitsessionError as refused:
        assert refused.what and refused.hint
    else:
        assert [one.reason for one in skipped] == ["more than 256 folders deep"]
    assert list(work.iterdir()) == [work / ".git"]


@pytest.mark.timeout(40)
@pytest.mark.parametrize("mode", ["40000", "040000"])
def test_a_tree_that_never_ends_is_refused_where_all_beside_it_is_as_it_was(
    chain: Chain, sealed: Path, mode: str
) -> None:
    blob = ("100644", "f", chain.blob("one"))
    before = raw_tree(chain.repository, (mode, "d", raw_tree(chain.repository, blob)))
    after = raw_tree(
        chain.repository, (mode, "d", raw_tree(chain.repository, (mode, "a", doubling(chain, mode))))
    )
    work = sealed / "work"
    work.mkdir()
    with pytest.raises(GitsessionError, match="more files than a disk"):
        restore(chain.repository, after, work, base=before)
    assert list(work.iterdir()) == []
