"""Acknowledged means restorable: whatever happens between two shipments, and from the vault's files alone."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsession.address import Address
from gitsession.errors import GitsessionError, StorageError
from gitsession.git.command import Repository
from gitsession.model import Level
from gitsession.replicas import chain as chains
from gitsession.replicas.base import Shipment
from gitsession.replicas.vault import Vault
from tests.replicas.conftest import SESSION, Chain
from tests.rig import processes
from tests.rig.repositories import PROJECT, git

SHIPPER = """
import sys
from pathlib import Path
from gitsession.address import parse_address
from gitsession.git.command import Repository
from gitsession.replicas.vault import Vault
from tests.replicas.conftest import SESSION, Chain

directory, storage, address, base, start = sys.argv[1:]
chain = Chain(Path(directory), base)
chain.number = int(start)
vault = Vault(Path(storage), parse_address(address), "r1", chain.repository, SESSION)
print("begun", flush=True)
while True:
    shipment = chain.save({"a.txt": str(chain.number), "noise.bin": chain.number.to_bytes(4, "big") * 50_000})
    vault.ship(shipment)
    print(shipment.number, shipment.snapshot, flush=True)
"""


def fresh_repository(sealed: Path, name: str) -> Repository:
    git(sealed, "init", "--quiet", "--bare", name)
    return Repository(sealed / name)


def assert_restorable(storage: Path, address: Address, repository: Repository, snapshots: list[str]) -> None:
    """A new machine, fed only from the vault, has every one of these snapshots, and nothing broken."""
    vault = Vault(storage, address, "another", repository)
    try:
        newest = vault.fetch(SESSION)
    finally:
        vault.close()
    git(repository.git_dir, "fsck", "--strict", "--no-dangling")
    reached = set(git(repository.git_dir, "rev-list", newest).split())
    assert set(snapshots) <= reached


class Faults:
    """What happens to a vault between and during shipments; each leaves what was acknowledged alone."""

    def __init__(self, chain: Chain, storage: Path, address: Address, seed: int) -> None:
        self.chain, self.storage, self.address = chain, storage, address
        self.random = random.Random(seed)
        self.vault = self.open()
        self.acknowledged: list[str] = []
        self.killer: threading.Timer | None = None

    def open(self) -> Vault:
        return Vault(self.storage, self.address, "r1", self.chain.repository, SESSION)

    def restart(self) -> None:
        self.vault.close()
        self.vault = self.open()

    def litter(self) -> None:
        for path in list(self.storage.rglob("*.bundle"))[:1]:
            path.with_name("1-" + "0" * 40 + "." + "1" * 64 + ".bundle").write_bytes(b"torn")
            path.with_name(f"{path.name} (1)").write_bytes(path.read_bytes()[:50])

    def forget(self) -> None:
        """The shadow's notes are a cache: they may be lost."""
        self.restart()
        listed = git(self.chain.directory, "for-each-ref", "--format=%(refname)", "refs/gitsession-replica")
        for ref in listed.split():
            git(self.chain.directory, "update-ref", "-d", ref)

    def kill_helper(self) -> None:
        """SIGKILL at a random moment of the next shipment, and of no later one."""
        self.killer = threading.Timer(self.random.uniform(0.0, 0.05), self._kill)
        self.killer.start()

    def _kill(self) -> None:
        helpers = [seen.pid for seen in processes.carrying(f"mount_worker.py\0{self.storage}")]
        processes.send(signal.SIGKILL, helpers)

    def step(self, shipment: Shipment) -> None:
        choices: list[Callable[[], None]] = [
            self.restart,
            self.litter,
            self.forget,
            self.kill_helper,
            lambda: None,
        ]
        self.random.choice(choices)()
        try:
            done = self.vault.ship(shipment)
        except StorageError:
            return
        finally:
            if self.killer is not None:
                self.killer.join()
        assert done.level is Level.STORED
        self.acknowledged.append(shipment.snapshot)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_was_acknowledged_is_restorable(
    chain: Chain, address: Address, sealed: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chains, "MOST_LIVE", 5)
    monkeypatch.setattr(chains, "FEWEST_BETWEEN_FOLDS", 3)
    faults = Faults(chain, sealed / "drive", address, seed)
    for number in range(12):
        size = faults.random.choice([10, 1000, 300_000])
        faults.step(chain.save({"a.txt": str(number), "noise.bin": faults.random.randbytes(size)}))
    faults.vault.close()
    assert len(faults.acknowledged) >= 4
    assert_restorable(faults.storage, address, fresh_repository(sealed, "new.git"), faults.acknowledged)


@pytest.mark.slow
def test_sigkill_in_the_middle_of_a_bundle_loses_nothing_acknowledged(
    chain: Chain, address: Address, sealed: Path
) -> None:
    moments = random.Random(5)
    base, number = str(chain.snapshot), 0
    acknowledged: list[str] = []
    for _ in range(6):
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                SHIPPER,
                str(chain.directory),
                str(sealed / "drive"),
                address.url,
                base,
                str(number),
            ],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        first = process.stdout.readline()
        time.sleep(moments.uniform(0.0, 0.4))
        process.kill()
        lines = [line.split() for line in (first, *process.stdout.read().splitlines())]
        process.stdout.close()
        process.wait()
        acknowledged += [snapshot for _, snapshot in lines]
        number, base = int(lines[-1][0]), lines[-1][1]
    assert_restorable(sealed / "drive", address, fresh_repository(sealed, "new.git"), acknowledged)


@pytest.mark.slow
def test_eight_writers_on_one_vault_keep_what_each_was_acknowledged(
    chain: Chain, address: Address, sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chains, "MOST_LIVE", 4)
    monkeypatch.setattr(chains, "FEWEST_BETWEEN_FOLDS", 3)
    monkeypatch.setattr(chains, "IDLE", 0.3)
    acknowledged: dict[str, list[str]] = {f"r{n}": [] for n in range(8)}
    failures: list[BaseException] = []

    def write(runtime: str) -> None:
        git(sealed, "clone", "--quiet", "--bare", str(chain.directory), f"{runtime}.git")
        own = Chain(sealed / f"{runtime}.git", chain.snapshot)
        vault = Vault(sealed / "drive", address, runtime, own.repository, SESSION)
        try:
            for number in range(8):
                shipment = own.save({"a.txt": f"{runtime} {number}"})
                vault.ship(shipment)
                acknowledged[runtime].append(shipment.snapshot)
        except (GitsessionError, AssertionError) as failed:
            failures.append(failed)
        finally:
            vault.close()

    threads = [threading.Thread(target=write, args=(runtime,)) for runtime in acknowledged]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    target = fresh_repository(sealed, "new.git")
    reader = Vault(sealed / "drive", address, "another", target)
    for runtime, snapshots in acknowledged.items():
        state = reader.fetch(SESSION, runtime=runtime)
        assert set(snapshots) <= set(git(target.git_dir, "rev-list", state).split())
        assert len(snapshots) == 8
    reader.close()
    git(target.git_dir, "fsck", "--strict", "--no-dangling")
