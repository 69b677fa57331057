"""Several runtimes on one session: who loses the lease forks, and nothing acknowledged is lost."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from gitsession.address import Address
from gitsession.errors import LeaseLost
from gitsession.git.command import Repository
from gitsession.model import SessionName
from gitsession.replicas.lease import fork_name, next_counter
from gitsession.replicas.remote import Remote
from tests.replicas.conftest import SESSION, Chain
from tests.rig.repositories import git


class Player(threading.Thread):
    """One runtime after another on one machine: takes over, saves a few times, forks when it lost."""

    def __init__(self, repository: Path, address: Address, seed: int, rounds: int) -> None:
        super().__init__()
        self.repository = Repository(repository)
        self.address = address
        self.random = random.Random(seed)
        self.rounds = rounds
        self.acknowledged: list[str] = []
        self.forks = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            for number in range(self.rounds):
                self.round(number)
        except BaseException as failed:
            self.failure = failed

    def round(self, number: int) -> None:
        remote = Remote(self.repository, self.address, SESSION)
        found = remote.find(details=True)
        old = remote.fetch(SESSION)
        counter = next_counter(found, SESSION)
        chain = Chain(self.repository.git_dir, git(self.repository.git_dir, "rev-parse", f"{old}^1"))
        chain.number = int(
            git(
                self.repository.git_dir,
                "log",
                "-1",
                "--format=%(trailers:key=Gitsession-Snapshot,valueonly)",
                f"{old}^1",
            )
        )
        try:
            remote.take_lease(old, chain.save({"a.txt": self.words(number)}, counter=counter).state)
        except LeaseLost:
            remote = self.fork(remote)
        for _ in range(self.random.randint(1, 3)):
            remote = self.save(remote, chain, counter, number)

    def save(self, remote: Remote, chain: Chain, counter: int, number: int) -> Remote:
        shipment = chain.save({"a.txt": self.words(number)}, counter=counter)
        while True:
            try:
                remote.ship(shipment)
            except LeaseLost:
                remote = self.fork(remote)
            else:
                self.acknowledged.append(shipment.snapshot)
                return remote

    def fork(self, remote: Remote) -> Remote:
        self.forks += 1
        taken: list[SessionName] = [found.session for found in remote.find()]
        return Remote(self.repository, self.address, fork_name(remote.session, taken))

    def words(self, number: int) -> str:
        return f"{self.name} {number} {self.random.random()}"


@pytest.mark.slow
def test_every_acknowledged_snapshot_stays_reachable_under_a_listed_branch(
    chain: Chain, address: Address, sealed: Path, sample_repository: Path
) -> None:
    Remote(chain.repository, address, SESSION).ship(chain.save({"a.txt": "begun"}))
    players = []
    for seed in range(4):
        git(sealed, "clone", "--quiet", "--bare", str(chain.directory), f"m{seed}.git")
        players.append(Player(sealed / f"m{seed}.git", address, seed, rounds=4))
    for player in players:
        player.start()
    for player in players:
        player.join()
    assert [player.failure for player in players if player.failure is not None] == []
    listed = Remote(chain.repository, address, SESSION).find()
    branches = [found.session.branch_ref for found in listed]
    reachable = set(git(sample_repository, "rev-list", *branches).split())
    acknowledged = [snapshot for player in players for snapshot in player.acknowledged]
    assert set(acknowledged) <= reachable
    assert len(acknowledged) >= 16 and sum(player.forks for player in players) >= 1
    git(sample_repository, "fsck", "--strict", "--no-dangling")
