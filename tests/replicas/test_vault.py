"""The vault in a plain folder: what it acknowledges is restorable from its files alone."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitsession.address import Address
from gitsession.errors import FormatError, SessionError, StorageError
from gitsession.git.command import Repository
from gitsession.model import Level, SessionName
from gitsession.replicas import chain as chains
from gitsession.replicas.clearance import Clearance
from gitsession.replicas.recovery import no_flaw
from gitsession.replicas.vault import Vault
from gitsession.resume.find import from_vault, measured, search
from tests.replicas.conftest import SESSION, Chain
from tests.rig.repositories import git


class Vaults:
    """Opens vaults on one storage folder, and closes them in the end."""

    def __init__(self, storage: Path, address: Address) -> None:
        self.storage = storage
        self.address = address
        self.opened: list[Vault] = []

    def open(self, repository: Repository, runtime: str = "r1", session: SessionName = SESSION) -> Vault:
        self.opened.append(Vault(self.storage, self.address, runtime, repository, session))
        return self.opened[-1]

    @property
    def folder(self) -> Path:
        return self.storage / "gitsession-v1" / self.address.key

    def files(self, pattern: str = "**/*") -> list[Path]:
        return sorted(path for path in self.folder.glob(pattern) if path.is_file())


@pytest.fixture
def vaults(sealed: Path, address: Address) -> Iterator[Vaults]:
    opened = Vaults(sealed / "drive", address)
    yield opened
    for vault in opened.opened:
        vault.close()


def is_sound(repository: Repository, *commits: str) -> bool:
    git(repository.git_dir, "fsck", "--strict", "--no-dangling")
    return all(git(repository.git_dir, "rev-list", "--objects", commit) for commit in commits)


def test_a_shipment_is_stored_and_comes_back_from_the_files_alone(
    vaults: Vaults, chain: Chain, fresh: Repository
) -> None:
    vault = vaults.open(chain.repository)
    for text in ("one", "two", "three"):
        shipment = chain.save({"a.txt": text, "b/c.txt": "same"}, counter=2)
        done = vault.ship(shipment)
        assert (done.level, done.note) == (Level.STORED, "")
        assert vault.acknowledged() == done
    there = vaults.open(fresh, "r2")
    (found,) = there.find(details=True)
    assert (found.session, found.snapshot, found.number, found.counter) == (SESSION, shipment.snapshot, 3, 2)
    assert found.runtime == "r1"
    assert there.fetch(SESSION) == shipment.state
    assert is_sound(fresh, shipment.state) and there.skipped == ()
    assert git(fresh.git_dir, "show", f"{shipment.snapshot}:a.txt") == "three"


def test_what_went_since_it_was_listed_is_looked_for_again(
    vaults: Vaults, chain: Chain, fresh: Repository
) -> None:
    for text in ("one", "two"):
        vaults.open(chain.repository).ship(chain.save({"a.txt": text}))
    reader = vaults.open(fresh, "r2")
    seen = reader.folder.listing()
    assert from_vault(reader, SESSION, seen, no_flaw)[1] is seen
    newest = chain.save({"a.txt": "three"})
    vaults.open(chain.repository, "r3").ship(newest)
    vaults.files("sessions/*/*/r1/2-*")[0].unlink()
    assert from_vault(vaults.open(fresh, "r4"), SESSION, seen, no_flaw)[0] == newest.state


def test_who_wrote_last_and_when_is_known_of_several(vaults: Vaults, chain: Chain, fresh: Repository) -> None:
    for runtime, counter, written in (("r1", 1, 3000), ("r2", 2, 1000), ("r2", 2, 2000)):
        vaults.open(chain.repository, runtime).ship(chain.save({"a.txt": str(written)}, counter=counter))
        newest = max(vaults.files(f"sessions/*/*/{runtime}/*"), key=lambda path: path.name)
        os.utime(newest, (written, written))
    there = vaults.open(fresh, "r3")
    (found,) = measured(search([there]), [there]).found
    assert (found.runtime, found.at) == ("r2", 2000.0)
    assert found.size == sum(path.stat().st_size for path in vaults.files("sessions/*/*/*/*"))


def test_the_layout_is_the_documented_one(vaults: Vaults, chain: Chain) -> None:
    vault = vaults.open(chain.repository)
    first, second = chain.save({"a.txt": "one"}), chain.save({"a.txt": "two"})
    vault.ship(first)
    vault.ship(second)
    names = [str(path.relative_to(vaults.folder)) for path in vaults.files()]
    assert [name.split(".")[0] for name in names] == [
        f"base/{git(chain.directory, 'rev-parse', 'main')}",
        f"sessions/ada/lesson/r1/1-{first.state}",
        f"sessions/ada/lesson/r1/2-{second.state}",
    ]
    assert vaults.files("sessions/*/*/r1/2-*")[0].stat().st_size < 1500


def test_git_itself_reads_the_bundles(vaults: Vaults, chain: Chain, fresh: Repository) -> None:
    vault = vaults.open(chain.repository)
    shipments = [chain.save({"a.txt": text}) for text in ("one", "two")]
    for shipment in shipments:
        vault.ship(shipment)
    (base,) = vaults.files("base/*")
    git(fresh.git_dir, "fetch", "--quiet", str(base), "+refs/*:refs/base/*")
    for path in vaults.files("sessions/*/*/r1/*"):
        git(fresh.git_dir, "bundle", "verify", "--quiet", str(path))
        git(fresh.git_dir, "fetch", "--quiet", str(path), "+refs/*:refs/taken/*")
    assert is_sound(fresh, shipments[-1].state)


def test_the_same_shipment_again_writes_nothing(vaults: Vaults, chain: Chain) -> None:
    vault = vaults.open(chain.repository)
    shipment = chain.save({"a.txt": "one"})
    vault.ship(shipment)
    before = vaults.files()
    assert vault.ship(shipment).state == shipment.state
    assert vaults.files() == before


def test_another_process_of_the_runtime_goes_on_thinly(vaults: Vaults, chain: Chain) -> None:
    noise = {"noise": bytes(range(256)) * 4}
    vaults.open(chain.repository).ship(chain.save({**noise, "a.txt": "one"}))
    vaults.open(chain.repository).ship(chain.save({**noise, "a.txt": "two"}))
    first, second = vaults.files("sessions/*/*/r1/*")
    assert second.stat().st_size < first.stat().st_size


def test_a_second_runtime_builds_on_no_file_of_the_first(
    vaults: Vaults, chain: Chain, fresh: Repository, sealed: Path
) -> None:
    vaults.open(chain.repository).ship(chain.save({"a.txt": "one"}))
    second = vaults.open(fresh, "r2")
    state = second.fetch(SESSION)
    other = Chain(fresh.git_dir, git(fresh.git_dir, "rev-parse", f"{state}^"))
    other.number = 1
    shipment = other.save({"a.txt": "two"}, counter=2)
    second.ship(shipment)
    for path in vaults.files("sessions/*/*/r1/*"):
        path.unlink()
    git(sealed, "init", "--quiet", "--bare", "third.git")
    third = Repository(sealed / "third.git")
    assert vaults.open(third, "r3").fetch(SESSION) == shipment.state
    assert is_sound(third, shipment.state)


def test_the_copy_with_the_highest_counter_is_taken(vaults: Vaults, chain: Chain, fresh: Repository) -> None:
    leader = chain.save({"a.txt": "led"}, counter=3)
    vaults.open(chain.repository, "r2").ship(leader)
    for text in ("late", "later"):
        vaults.open(chain.repository, "r1").ship(chain.save({"a.txt": text}, counter=2))
    assert vaults.open(fresh, "r3").fetch(SESSION) == leader.state


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def missing(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("harm", [torn, emptied, flipped, missing])
def test_a_harmed_newest_file_costs_only_itself(
    vaults: Vaults, chain: Chain, fresh: Repository, harm: object
) -> None:
    vault = vaults.open(chain.repository)
    shipments = [chain.save({"a.txt": text}) for text in ("one", "two", "three")]
    for shipment in shipments:
        vault.ship(shipment)
    assert callable(harm)
    harm(vaults.files("sessions/*/*/r1/3-*")[0])
    there = vaults.open(fresh, "r2")
    assert there.fetch(SESSION) == shipments[1].state
    assert is_sound(fresh, shipments[1].state)
    assert [one.path.split("/")[-1][0] for one in there.skipped] == ([] if harm is missing else ["3"])


def test_foreign_and_duplicated_files_do_not_disturb(vaults: Vaults, chain: Chain, fresh: Repository) -> None:
    shipment = chain.save({"a.txt": "one"})
    vaults.open(chain.repository).ship(shipment)
    (original,) = vaults.files("sessions/*/*/r1/*")
    original.rename(original.with_name(f"{original.name} (1)"))
    (vaults.folder / "desktop.ini").write_text("x")
    (vaults.folder / "sessions" / "ada" / "lesson" / "r1" / "notes.txt").write_text("x")
    there = vaults.open(fresh, "r2")
    assert there.fetch(SESSION) == shipment.state
    assert sorted(one.path.split("/")[-1] for one in there.skipped) == ["desktop.ini", "notes.txt"]


def test_one_content_under_two_numbers_comes_back(vaults: Vaults, chain: Chain, fresh: Repository) -> None:
    shipment = chain.save({"a.txt": "one"})
    vaults.open(chain.repository).ship(shipment)
    (bundle,) = vaults.files("sessions/**/*.bundle")
    number, _, rest = bundle.name.partition("-")
    bundle.with_name(f"{int(number) + 1}-{rest}").write_bytes(bundle.read_bytes())
    assert vaults.open(fresh, "r2").fetch(SESSION) == shipment.state
    assert is_sound(fresh, shipment.state)


def test_what_is_torn_while_nobody_looks_is_written_anew(
    vaults: Vaults, chain: Chain, fresh: Repository
) -> None:
    vaults.open(chain.repository).ship(chain.save({"a.txt": "one"}))
    torn(vaults.files("sessions/*/*/r1/*")[0])
    shipment = chain.save({"a.txt": "two"})
    vaults.open(chain.repository).ship(shipment)
    assert vaults.open(fresh, "r2").fetch(SESSION) == shipment.state


def test_a_chain_whose_first_bundle_is_gone_starts_anew(
    vaults: Vaults, chain: Chain, fresh: Repository
) -> None:
    vault = vaults.open(chain.repository)
    vault.ship(chain.save({"a.txt": "one"}))
    vaults.files("sessions/*/*/r1/*")[0].unlink()
    shipment = chain.save({"a.txt": "two"})
    assert vault.ship(shipment).level is Level.STORED
    assert vaults.open(fresh, "r2").fetch(SESSION) == shipment.state


def test_many_increments_are_folded_after_being_read_back(
    vaults: Vaults, chain: Chain, fresh: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chains, "MOST_LIVE", 4)
    monkeypatch.setattr(chains, "FEWEST_BETWEEN_FOLDS", 2)
    vault = vaults.open(chain.repository)
    shipments = [chain.save({"a.txt": str(number)}) for number in range(11)]
    for shipment in shipments:
        assert vault.ship(shipment).level is Level.STORED
        assert len(vaults.files("sessions/*/*/r1/*")) <= 4
    assert vaults.open(fresh, "r2").fetch(SESSION) == shipments[-1].state
    assert is_sound(fresh, *(shipment.snapshot for shipment in shipments))


def test_folding_removes_an_idle_runtimes_bundles_and_spares_what_it_does_not_hold(
    vaults: Vaults, chain: Chain, fresh: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chains, "MOST_LIVE", 4)
    monkeypatch.setattr(chains, "FEWEST_BETWEEN_FOLDS", 2)
    monkeypatch.setattr(chains, "IDLE", 0.0)
    vaults.open(chain.repository, "r1").ship(chain.save({"a.txt": "held by all"}))
    behind = chain.snapshot
    vaults.open(chain.repository, "r2").ship(chain.save({"a.txt": "a fork of its own"}))
    chain.snapshot = behind
    vault = vaults.open(chain.repository, "r3")
    for number in range(6):
        vault.ship(chain.save({"a.txt": str(number)}, counter=2))
    assert vaults.files("sessions/*/*/r1/*") == []
    assert len(vaults.files("sessions/*/*/r2/*")) == 1


def test_a_storage_of_a_newer_gitsession_is_refused(vaults: Vaults, chain: Chain) -> None:
    (vaults.storage / "gitsession-v2").mkdir(parents=True)
    vault = vaults.open(chain.repository)
    with pytest.raises(FormatError, match="newer"):
        vault.ship(chain.save({"a.txt": "one"}))
    assert vaults.files() == []


def test_a_read_only_storage_is_an_error_and_is_made_up_for(
    vaults: Vaults, chain: Chain, fresh: Repository
) -> None:
    vaults.storage.write_text("a file is in the way")
    vault = vaults.open(chain.repository)
    with pytest.raises(StorageError) as refused:
        vault.ship(chain.save({"a.txt": "one"}))
    assert refused.value.hint and vault.acknowledged() is None
    vaults.storage.unlink()
    shipment = chain.save({"a.txt": "two"})
    assert vault.ship(shipment).level is Level.STORED
    assert vaults.open(fresh, "r2").fetch(SESSION) == shipment.state


def test_a_session_that_is_not_there_cannot_be_fetched(vaults: Vaults, chain: Chain) -> None:
    vault = vaults.open(chain.repository)
    assert vault.find() == ()
    with pytest.raises(SessionError):
        vault.fetch(SessionName("ada", "other"))


def test_a_partial_clone_needs_the_remote(
    vaults: Vaults, sample_repository: Path, sealed: Path, fresh: Repository
) -> None:
    git(
        sealed,
        "clone",
        "--quiet",
        "--bare",
        "--filter=blob:none",
        f"file://{sample_repository}",
        "partial.git",
    )
    partial = Chain(sealed / "partial.git", git(sample_repository, "rev-parse", "main"))
    shipment = partial.save({"a.txt": "one"})
    done = vaults.open(partial.repository).ship(shipment)
    assert (done.level, done.note) == (Level.LOCAL, "needs the remote")
    there = vaults.open(fresh, "r2")
    with pytest.raises(StorageError, match="needs the remote"):
        there.fetch(SESSION)
    git(fresh.git_dir, "fetch", "--quiet", str(sample_repository), "main:refs/heads/main")
    assert there.fetch(SESSION) == shipment.state


def test_an_empty_repository_needs_no_history(vaults: Vaults, fresh: Repository, sealed: Path) -> None:
    git(sealed, "init", "--quiet", "--bare", "empty.git")
    shipment = Chain(sealed / "empty.git").save({"a.txt": "one"})
    done = vaults.open(Repository(sealed / "empty.git")).ship(shipment)
    assert done.level is Level.STORED and vaults.files("base/*") == []
    assert vaults.open(fresh, "r2").fetch(SESSION) == shipment.state


def test_objects_that_no_commit_reaches_come_along(vaults: Vaults, chain: Chain, fresh: Repository) -> None:
    from dataclasses import replace

    loose = chain.blob("reached by nothing")
    vaults.open(chain.repository).ship(replace(chain.save({"a.txt": "one"}), extra=(loose,)))
    vaults.open(fresh, "r2").fetch(SESSION)
    assert git(fresh.git_dir, "cat-file", "blob", loose) == "reached by nothing"


def test_a_finished_session_is_told_and_a_removed_one_is_gone(
    vaults: Vaults, chain: Chain, fresh: Repository
) -> None:
    vault = vaults.open(chain.repository)
    vault.ship(chain.save({"a.txt": "one"}))
    vault.finish()
    (found,) = vaults.open(fresh, "r2").find(details=True)
    assert found.finished
    Clearance.of(vaults.open(fresh, "r2")).remove(SESSION, ())
    assert vault.find() == () and len(vaults.files("base/*")) == 1
    Clearance.of(vaults.open(fresh, "r2")).remove_history()
    assert vaults.files("*/*") == []


def test_held_content_is_kept_continued_and_given_back(vaults: Vaults, chain: Chain, sealed: Path) -> None:
    large = sealed / "checkpoint.bin"
    large.write_bytes(bytes(range(256)) * 20_000)
    name = hashlib.sha256(large.read_bytes()).hexdigest()
    vault = vaults.open(chain.repository)
    place = vaults.folder / "held" / name
    place.parent.mkdir(parents=True)
    place.write_bytes(large.read_bytes()[:3_000_000])
    (wrong,) = vault.held.fetch([(name, sealed / "back.bin")])
    assert wrong is not None and "torn" in wrong.what
    assert vault.held.levels({name: 5_120_000}) == {name: Level.NONE}
    with large.open("ab") as grown:
        grown.write(b"written since")
    assert vault.held.keep(large, name, size=5_120_000) is Level.STORED
    assert vault.held.levels({name: 5_120_000}) == {name: Level.STORED}
    assert vault.held.fetch([(name, sealed / "back.bin")]) == (None,)
    large.write_bytes(large.read_bytes()[:5_120_000])
    assert (sealed / "back.bin").read_bytes() == large.read_bytes()


def test_content_that_is_needed_again_while_it_is_removed_stays(
    vaults: Vaults, chain: Chain, fresh: Repository, sealed: Path
) -> None:
    weights = sealed / "weights"
    weights.write_bytes(b"the same on both machines")
    name = hashlib.sha256(weights.read_bytes()).hexdigest()
    held, place = vaults.open(chain.repository).held, vaults.folder / "held" / name
    vaults.open(chain.repository).ship(chain.save({"a.txt": "one"}))
    held.keep(weights, name)
    inode = place.stat().st_ino
    Clearance.of(vaults.open(fresh, "r2")).mark(SESSION, {name})
    assert held.levels({name: 25}) == {name: Level.NONE}
    assert held.fetch([(name, sealed / "back")]) == (None,), "a session that is resumed meanwhile has it"

    removing = Clearance.of(vaults.open(fresh, "r3"))
    assert removing.is_condemned({name})
    assert held.keep(weights, name) is Level.STORED
    removing.remove(SESSION, {name})
    assert place.stat().st_ino == inode, "it was given back, not stored again"
    assert held.fetch([(name, sealed / "back")]) == (None,)

    held.condemn([name])
    held.remove([name])
    assert vaults.files("held/*") == []
    (missing,) = held.fetch([(name, sealed / "back")])
    assert missing is not None
    assert held.keep(weights, name) is Level.STORED
    assert held.levels({name: 25}) == {name: Level.STORED}


def test_a_vault_without_a_session_of_its_own_or_with_an_empty_one(
    vaults: Vaults, chain: Chain, sealed: Path, address: Address
) -> None:
    with pytest.raises(SessionError, match=f"Nothing of {SESSION} is in the vault"):
        vaults.open(chain.repository).finish()
    reader = Vault(sealed / "drive", address, "r2", chain.repository)
    with pytest.raises(SessionError, match="opened to read"):
        reader.finish()
    reader.close()


def test_a_state_whose_contents_are_not_all_there_is_skipped_with_its_reason(
    vaults: Vaults, chain: Chain, fresh: Repository
) -> None:
    """Git looks one step beyond what a bundle holds; what an older folder lacks shows only by walking."""
    first, second = (chain.save({"a.txt": text, "lib/deep.txt": "in both"}) for text in ("one", "two"))
    vault = vaults.open(chain.repository)
    for shipment in (first, second):
        vault.ship(shipment)
    vaults.files("sessions/*/*/r1/1-*")[0].unlink()
    deep, listing = chain.blob("in both"), ("--objects", "--no-object-names", first.state)
    listed = chain.repository.text("rev-list", *listing).replace(f"{deep}\n", "")
    pack = chain.repository.output("pack-objects", "--stdout", "-q", stdin=listed.encode())
    fresh.output("unpack-objects", "-q", stdin=pack)
    there = vaults.open(fresh, "r2")
    with pytest.raises(StorageError, match="needs the remote"):
        there.fetch(SESSION)
    (skipped,) = there.skipped
    assert skipped.path.endswith(vaults.files("sessions/*/*/r1/2-*")[0].name)
    assert skipped.reason == "it names contents that are not there"
    assert Chain(fresh.git_dir).blob("in both") == deep
    assert there.fetch(SESSION) == second.state
