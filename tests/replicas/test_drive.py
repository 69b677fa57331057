"""The vault on a mount that behaves like Google Drive, with everything that such a mount does to people."""

from __future__ import annotations

import errno
import importlib.util
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitsession.address import Address
from gitsession.errors import StorageError
from gitsession.git.command import Repository
from gitsession.model import Level
from gitsession.replicas.mount import STALL, Mount
from gitsession.replicas.vault import Vault
from tests.replicas.conftest import SESSION, Chain
from tests.rig.drive import DATA, Drive
from tests.rig.repositories import git

FUSE = Path("/dev/fuse").exists() and shutil.which("fusermount3") and importlib.util.find_spec("mfusepy")
pytestmark = [
    pytest.mark.fuse,
    pytest.mark.slow,
    pytest.mark.skipif(not FUSE, reason="needs /dev/fuse, fusermount3 and mfusepy"),
]
MOST_REQUESTS = 16


@pytest.fixture
def drive(sealed: Path) -> Iterator[Drive]:
    with Drive(sealed) as mounted:
        yield mounted


@pytest.fixture
def open_vault(drive: Drive, address: Address) -> Iterator[Callable[..., Vault]]:
    opened: list[Vault] = []

    def open_one(repository: Repository, runtime: str = "r1") -> Vault:
        opened.append(
            Vault(drive.storage, address, runtime, repository, SESSION, mountpoint=drive.mountpoint)
        )
        return opened[-1]

    yield open_one
    drive.recover()
    for vault in opened:
        vault.close()


def test_a_session_is_saved_and_comes_back(
    drive: Drive, open_vault: Callable[..., Vault], chain: Chain, fresh: Repository
) -> None:
    vault = open_vault(chain.repository)
    for text in ("one", "two", "three"):
        shipment = chain.save({"a.txt": text})
        assert vault.ship(shipment).level is Level.STORED
    vault.close()
    drive.unmount()
    drive.mount()
    assert open_vault(fresh, "r2").fetch(SESSION) == shipment.state
    git(fresh.git_dir, "fsck", "--strict", "--no-dangling")


def test_one_save_costs_few_requests(
    drive: Drive, open_vault: Callable[..., Vault], chain: Chain, sealed: Path
) -> None:
    vault = open_vault(chain.repository)
    vault.ship(chain.save({"a.txt": "one"}))
    vault.ship(chain.save({"a.txt": "two"}))
    for pause in (False, True):
        if pause:  # longer than the kernel remembers a name of such a mount
            with Drive(sealed / "another"):  # what comes and goes elsewhere on the machine costs nothing
                time.sleep(1.2)
        drive.forget()
        vault.ship(chain.save({"a.txt": f"three {pause}"}))
        counted = {name: count for name, count in drive.requests().items() if name not in DATA}
        assert sum(counted.values()) <= MOST_REQUESTS, counted


def test_what_was_uploaded_is_safe(drive: Drive, open_vault: Callable[..., Vault], chain: Chain) -> None:
    vault = open_vault(chain.repository)
    assert vault.ship(chain.save({"a.txt": "one"})).level is Level.STORED
    confirmed = vault.confirm()
    assert confirmed is not None and confirmed.level is Level.STORED
    drive.upload()
    confirmed = vault.confirm()
    assert confirmed is not None and confirmed.level is Level.SAFE
    assert vault.ship(chain.save({"a.txt": "two"})).level is Level.SAFE


@pytest.mark.parametrize("harm", ["stall", "eio", "enotconn", "full", "unmount", "crash"])
def test_trouble_is_an_error_with_a_hint_and_then_it_goes_on(
    drive: Drive, open_vault: Callable[..., Vault], chain: Chain, fresh: Repository, harm: str
) -> None:
    vault = open_vault(chain.repository)
    vault.ship(chain.save({"a.txt": "one"}))
    {
        "stall": drive.stall,
        "eio": lambda: drive.fail(errno.EIO),
        "enotconn": lambda: drive.fail(errno.ENOTCONN),
        "full": drive.fill_up,
        "unmount": drive.unmount,
        "crash": drive.crash,
    }[harm]()
    if harm == "stall":
        vault.folder.mount.stall = 2.0
    missed = chain.save({"a.txt": "two"})
    with pytest.raises(StorageError) as trouble:
        vault.ship(missed)
    assert trouble.value.hint and trouble.value.safe
    acknowledged = vault.acknowledged()
    assert acknowledged is not None and acknowledged.number == 1
    drive.recover()
    vault.folder.mount.stall = STALL
    if harm in ("unmount", "crash"):
        drive.unmount()
        assert list(drive.mountpoint.iterdir()) == []
        drive.mount()
    shipment = chain.save({"a.txt": "three"})
    assert vault.ship(shipment).level is Level.STORED
    assert open_vault(fresh, "r2").fetch(SESSION) == shipment.state


def test_leaving_waits_for_no_request_that_hangs(drive: Drive) -> None:
    mount, answers = Mount(drive.storage, stall=600.0), []

    def ask() -> None:
        try:
            mount.probe()
        except StorageError as error:
            answers.append(error)

    drive.stall()
    drive.forget()
    asking = threading.Thread(target=ask)
    asking.start()
    while not drive.requests():
        assert asking.is_alive()
        time.sleep(0.05)
    leaving = threading.Thread(target=mount.close)
    leaving.start()
    leaving.join(60.0)
    left = not leaving.is_alive()
    drive.recover()
    asking.join(60.0)
    leaving.join(60.0)
    assert left and answers
    mount.close()


def test_lost_tails_cost_only_themselves(
    drive: Drive, open_vault: Callable[..., Vault], chain: Chain, fresh: Repository
) -> None:
    vault = open_vault(chain.repository)
    shipments = [chain.save({"a.txt": text}) for text in ("one", "two", "three")]
    for shipment in shipments:
        vault.ship(shipment)
    vault.close()
    drive.unmount()
    (lost,) = drive.lose_tails(1)
    assert lost.name.startswith("3-")
    drive.mount()
    reader = open_vault(fresh, "r2")
    assert reader.fetch(SESSION) == shipments[1].state
    assert [one.reason for one in reader.skipped] == ["torn: its content does not match its name"]
    again = chain.save({"a.txt": "four"})
    assert open_vault(chain.repository).ship(again).level is Level.STORED
    assert open_vault(fresh, "r3").fetch(SESSION) == again.state


def test_many_increments_come_back(
    drive: Drive, open_vault: Callable[..., Vault], chain: Chain, fresh: Repository
) -> None:
    vault = open_vault(chain.repository)
    for number in range(20):
        shipment = chain.save({"a.txt": str(number)})
        vault.ship(shipment)
    assert open_vault(fresh, "r2").fetch(SESSION) == shipment.state
