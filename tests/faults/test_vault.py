"""The mount under the vault fails, stalls and lies, request by request: nothing acknowledged is lost."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitsession.address import Address
from gitsession.errors import GitsessionError, StorageError
from gitsession.git.command import Repository
from gitsession.model import Level
from gitsession.replicas.vault import Vault
from tests.faults.conftest import replica, sampled
from tests.replicas.conftest import SESSION, Chain
from tests.replicas.test_drive import pytestmark as needs_fuse
from tests.rig.drive import Drive
from tests.rig.patience import eventually
from tests.rig.repositories import bare_repository, git
from tests.rig.runtime import Runtime
from tests.spine import Machine

pytestmark = [*needs_fuse, pytest.mark.timeout(3600)]

STALL = 1.0
REQUESTS = (
    *("getattr", "readdir", "mkdir", "create", "open", "truncate", "read", "write"),
    *("flush", "fsync", "release", "unlink", "getxattr", "statfs", "*"),
)
ERRORS = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOTCONN)


@dataclass(frozen=True)
class Case:
    """One kind of request, and its errno; None where it is not answered at all."""

    request: str
    errno: int | None


EVERY = [Case(*case) for case in itertools.product(REQUESTS, (*ERRORS, None))]
ALWAYS = [
    *(Case(request, errno.EIO) for request in ("create", "write", "fsync", "flush", "read")),
    Case("write", errno.ENOSPC),
    Case("write", errno.EDQUOT),
    Case("open", errno.EROFS),
    Case("*", errno.ENOTCONN),
    Case("write", None),
]


@pytest.fixture
def drive(sealed: Path) -> Iterator[Drive]:
    with Drive(sealed, seconds=0.0) as mounted:
        yield mounted


@pytest.fixture
def open_vault(drive: Drive, address: Address) -> Iterator[Callable[..., Vault]]:
    opened: list[Vault] = []

    def open_one(repository: Repository, runtime: str) -> Vault:
        place = {"mountpoint": drive.mountpoint, "stall": STALL}
        opened.append(Vault(drive.storage, address, runtime, repository, SESSION, **place))  # type: ignore[arg-type]
        return opened[-1]

    yield open_one
    drive.recover()
    for vault in opened:
        vault.close()


def begin(case: Case, drive: Drive) -> None:
    if case.errno is None:
        drive.stall(case.request)
    else:
        drive.fail(case.errno, case.request)


def test_whatever_request_fails_what_was_acknowledged_comes_back(
    drive: Drive, open_vault: Callable[..., Vault], chain: Chain, sealed: Path
) -> None:
    for number, case in enumerate(sampled(EVERY, ALWAYS)):
        writer = open_vault(chain.repository, f"w{number}")
        known = chain.save({"a.txt": f"before {case}"})
        assert writer.ship(known).level is Level.STORED, case
        missed = chain.save({"a.txt": f"during {case}"})
        begin(case, drive)
        try:
            assert writer.ship(missed).level is Level.STORED
            known = missed
        except StorageError as failed:
            assert failed.what and failed.safe and failed.hint, case
        assert known.number == getattr(writer.acknowledged(), "number", None), case
        fresh = Repository(bare_repository(sealed / f"{number}.git"))
        try:
            found = open_vault(fresh, f"r{number}").fetch(SESSION)
            assert found in (known.state, missed.state), case
        except GitsessionError as failed:
            assert failed.what and failed.hint, case
        drive.recover()
        assert open_vault(fresh, f"s{number}").fetch(SESSION) in (known.state, missed.state), case
        after = chain.save({"a.txt": f"after {case}"})
        assert writer.ship(after).level is Level.STORED, case
        assert open_vault(fresh, f"t{number}").fetch(SESSION) == after.state, case
        git(fresh.git_dir, "fsck", "--strict", "--no-dangling")
        writer.close()


def test_a_write_that_is_a_lie_is_not_acknowledged(
    drive: Drive, open_vault: Callable[..., Vault], chain: Chain, fresh: Repository
) -> None:
    writer = open_vault(chain.repository, "w")
    known = chain.save({"a.txt": "before"})
    writer.ship(known)
    drive.lie()
    with pytest.raises(StorageError, match="reads back differently"):
        writer.ship(chain.save({"a.txt": "during"}))
    drive.recover()
    assert open_vault(fresh, "r").fetch(SESSION) == known.state
    after = chain.save({"a.txt": "after"})
    assert writer.ship(after).level is Level.STORED
    assert open_vault(fresh, "s").fetch(SESSION) == after.state


@pytest.mark.long
def test_the_remote_goes_on_and_the_vault_comes_back_by_itself(
    drive: Drive, runtime: Runtime, sample_repository: Path
) -> None:
    machine = Machine(runtime, str(sample_repository), ("--storage", str(drive.storage)))
    machine.open()
    for case in (Case("*", errno.EIO), Case("write", errno.ENOSPC), Case("*", None)):
        begin(case, drive)
        (machine.worktree / "new.txt").write_text(f"{case}\n")
        machine.gitsession("flush", "--timeout", "60", "--level", "safe")
        assert eventually(lambda: bool(replica(machine, "vault")["error"])), case
        drive.recover()
        assert eventually(
            lambda: replica(machine, "vault")["level"] == "stored" and not replica(machine, "vault")["error"]
        ), case
    machine.gitsession("close")
