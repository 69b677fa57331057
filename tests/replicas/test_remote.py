"""The remote replica against bare repositories and against the git server that speaks GitHub's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitsession.address import Address, parse_address
from gitsession.errors import AuthorisationError, GitError, LeaseLost, RefusedError
from gitsession.git.command import Repository
from gitsession.model import Level, SessionName
from gitsession.replicas.remote import Remote
from tests.replicas.conftest import SESSION, Chain
from tests.rig import faults
from tests.rig.forge import ADA_TOKEN, GRACE_TOKEN, Token
from tests.rig.git_server import GitServer
from tests.rig.push_rules import (
    FileSizeLimit,
    PrivateEmail,
    ProtectedBranch,
    PushProtection,
    PushRule,
    Quota,
)
from tests.rig.repositories import git
from tests.rig.rulesets import Ruleset

NO_KEYS = Ruleset(("refs/*",), ("file_path_restriction",), {"file_path_restriction": "*.pem"})


@pytest.fixture
def remote(chain: Chain, address: Address) -> Remote:
    return Remote(chain.repository, address, SESSION)


def with_token(server: GitServer, chain: Chain, token: str, **options: object) -> Remote:
    """A remote behind the server, which is told the token as a test may, in the URL."""
    address = Address(server.authorised_url(token), "127.0.0.1", "ada", "digits")
    return Remote(chain.repository, address, SESSION, **options)  # type: ignore[arg-type]


def refs(bare: Path) -> dict[str, str]:
    lines = git(bare, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return {line.split(" ")[0]: line.split(" ")[1] for line in lines}


def test_a_shipment_arrives_with_branch_and_state(
    remote: Remote, chain: Chain, sample_repository: Path
) -> None:
    shipment = chain.save({"a.txt": "one\n"})
    done = remote.ship(shipment)
    there = refs(sample_repository)
    assert done.level is Level.SAFE and done.number == 1
    assert there[SESSION.branch_ref] == shipment.snapshot
    assert there[SESSION.state_ref] == shipment.state
    assert remote.acknowledged() == done


def test_a_hidden_session_pushes_no_branch(chain: Chain, address: Address, sample_repository: Path) -> None:
    shipment = chain.save({"a.txt": "one\n"})
    Remote(chain.repository, address, SESSION, visible=False).ship(shipment)
    assert refs(sample_repository)[SESSION.state_ref] == shipment.state
    assert SESSION.branch_ref not in refs(sample_repository)


def test_the_same_shipment_again_pushes_nothing(chain: Chain, git_server: GitServer) -> None:
    remote = with_token(git_server, chain, ADA_TOKEN)
    shipment = chain.save({"a.txt": "one\n"})
    first = remote.ship(shipment)
    requests = len(git_server.requests)
    assert remote.ship(shipment) == first
    assert len(git_server.requests) == requests


def test_another_process_of_the_runtime_goes_on(remote: Remote, chain: Chain, address: Address) -> None:
    remote.ship(chain.save({"a.txt": "one\n"}))
    again = Remote(chain.repository, address, SESSION)
    assert again.ship(chain.save({"a.txt": "two\n"})).number == 2


@pytest.mark.parametrize("ref", [SESSION.branch_ref, SESSION.state_ref])
def test_one_stale_lease_rejects_both_refs(
    remote: Remote, chain: Chain, sample_repository: Path, ref: str
) -> None:
    remote.ship(chain.save({"a.txt": "one\n"}))
    main = git(sample_repository, "rev-parse", "main")
    git(sample_repository, "update-ref", ref, main)
    before = refs(sample_repository)
    with pytest.raises(LeaseLost) as lost:
        remote.ship(chain.save({"a.txt": "two\n"}))
    assert (lost.value.ref, lost.value.found) == (ref, main)
    assert refs(sample_repository) == before


@pytest.mark.parametrize("ref", [SESSION.branch_ref, SESSION.state_ref])
def test_what_was_deleted_is_not_resurrected(
    remote: Remote, chain: Chain, sample_repository: Path, ref: str
) -> None:
    remote.ship(chain.save({"a.txt": "one\n"}))
    git(sample_repository, "update-ref", "-d", ref)
    with pytest.raises(LeaseLost) as lost:
        remote.ship(chain.save({"a.txt": "two\n"}))
    assert (lost.value.ref, lost.value.found) == (ref, None)
    assert ref not in refs(sample_repository)


def test_a_session_that_somebody_began_under_the_same_name_is_left_alone(
    remote: Remote, chain: Chain, sample_repository: Path
) -> None:
    git(sample_repository, "update-ref", SESSION.state_ref, "main")
    with pytest.raises(LeaseLost):
        remote.ship(chain.save({"a.txt": "one\n"}))


def test_a_lost_reply_is_found_out_by_reading(chain: Chain, git_server: GitServer) -> None:
    remote = with_token(git_server, chain, ADA_TOKEN)
    remote.ship(chain.save({"a.txt": "one\n"}))
    git_server.faults.add(faults.lost_reply("git-receive-pack"))
    shipment = chain.save({"a.txt": "two\n"})
    assert remote.ship(shipment).state == shipment.state
    assert git_server.forge.repository().refs()[SESSION.state_ref] == shipment.state
    assert git_server.faults.pending() == []
    assert remote.ship(chain.save({"a.txt": "three\n"})).number == 3


def test_a_push_that_never_arrived_is_an_error_and_is_made_up_for(
    chain: Chain, git_server: GitServer
) -> None:
    remote = with_token(git_server, chain, ADA_TOKEN)
    remote.ship(chain.save({"a.txt": "one\n"}))
    git_server.faults.add(faults.down("git-receive-pack*"))
    shipment = chain.save({"a.txt": "two\n"})
    with pytest.raises(GitError):
        remote.ship(shipment)
    git_server.faults.clear()
    assert remote.ship(shipment).state == shipment.state


def test_a_push_known_to_nobody_is_recognised_as_ones_own(chain: Chain, git_server: GitServer) -> None:
    remote = with_token(git_server, chain, ADA_TOKEN)
    remote.ship(chain.save({"a.txt": "one\n"}))
    git_server.faults.add(
        faults.lost_reply("git-receive-pack"), *[faults.down("git-upload-pack*", times=1)] * 3
    )
    lost = chain.save({"a.txt": "two\n"})
    with pytest.raises(GitError):
        remote.ship(lost)
    assert git_server.forge.repository().refs()[SESSION.state_ref] == lost.state
    git_server.faults.clear()
    again = Remote(chain.repository, remote.address, SESSION)
    pushes = len(git_server.pushes())
    assert again.ship(chain.save({"a.txt": "three\n"})).number == 3
    assert len(git_server.pushes()) == pushes + 1


@pytest.mark.parametrize(
    ("rule", "files", "kind", "paths"),
    [
        (FileSizeLimit(limit=1000, warn=500), {"data/big.bin": "x" * 2000}, "file-size", ("data/big.bin",)),
        (PushProtection(), {"src/key.py": f"KEY = '{'ghp_' + 'a1B2' * 9}'\n"}, "secret", ("src/key.py",)),
        (NO_KEYS, {"my key.pem": "k"}, "path", ("my key.pem",)),
        (PrivateEmail(), {"a.txt": "1"}, "email", ()),
        (Quota(), {"a.txt": "1"}, "quota", ()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_refusal_names_what_is_refused(
    chain: Chain,
    git_server: GitServer,
    rule: PushRule,
    files: dict[str, str],
    kind: str,
    paths: tuple[str, ...],
) -> None:
    git_server.rules.append(rule)
    with pytest.raises(RefusedError) as refused:
        with_token(git_server, chain, ADA_TOKEN).ship(chain.save({**files}))
    assert (refused.value.refusal.kind, refused.value.refusal.paths) == (kind, paths)
    assert not refused.value.refusal.branch
    assert ADA_TOKEN not in f"{refused.value}{refused.value.stderr}"
    assert SESSION.state_ref not in git_server.forge.repository().refs()


@pytest.mark.parametrize(
    "rule",
    [
        Ruleset(types=("creation",)),
        Ruleset(types=("required_signatures",)),
        Ruleset(types=("branch_name_pattern",), parameters={"branch_name_pattern": "^feature/"}),
        ProtectedBranch("session/*"),
    ],
    ids=lambda rule: getattr(rule, "types", ("protected",))[0],
)
def test_where_the_branch_is_refused_the_state_ref_goes_alone(
    chain: Chain, git_server: GitServer, rule: PushRule
) -> None:
    git_server.rules.append(rule)
    remote = with_token(git_server, chain, ADA_TOKEN)
    for text in ("one", "two"):
        shipment = chain.save({"a.txt": text})
        done = remote.ship(shipment)
        assert done.level is Level.SAFE and "state ref only" in done.note
        assert git_server.forge.repository().refs()[SESSION.state_ref] == shipment.state
    assert SESSION.branch_ref not in git_server.forge.repository().refs()


def test_a_push_over_the_limit_is_told(chain: Chain, git_server: GitServer) -> None:
    git_server.push_limit = 10_000
    with pytest.raises(RefusedError) as refused:
        with_token(git_server, chain, ADA_TOKEN).ship(
            chain.save({"noise": bytes(range(256)) * 7 + _noise(50_000)})
        )
    assert refused.value.refusal.kind == "push-size"


def _noise(size: int) -> bytes:
    import random

    return random.Random(7).randbytes(size)


def test_a_workflow_without_the_scope_is_told(chain: Chain, git_server: GitServer) -> None:
    git_server.forge.add_token(Token(ADA_TOKEN, "ada", scopes=frozenset({"repo"})))
    with pytest.raises(RefusedError) as refused:
        with_token(git_server, chain, ADA_TOKEN).ship(chain.save({".github/workflows/ci.yml": "on: push\n"}))
    assert refused.value.refusal.kind == "workflow"
    assert refused.value.refusal.paths == (".github/workflows/ci.yml",)


@pytest.mark.parametrize("token", ["ghp_" + "wrong" * 8, GRACE_TOKEN])
def test_a_token_that_may_not_is_an_authorisation_error(
    chain: Chain, git_server: GitServer, token: str
) -> None:
    with pytest.raises(AuthorisationError) as refused:
        with_token(git_server, chain, token).ship(chain.save({"a.txt": "1"}))
    assert refused.value.hint and token not in str(refused.value)


def test_an_archived_repository_is_an_authorisation_error(chain: Chain, git_server: GitServer) -> None:
    git_server.forge.repository().archived = True
    with pytest.raises(AuthorisationError, match="archived"):
        with_token(git_server, chain, ADA_TOKEN).ship(chain.save({"a.txt": "1"}))


def test_a_renamed_repository_is_followed(chain: Chain, git_server: GitServer) -> None:
    git_server.forge.rename("ada/digits", "ada/numbers")
    shipment = chain.save({"a.txt": "1"})
    assert with_token(git_server, chain, ADA_TOKEN).ship(shipment).level is Level.SAFE
    assert git_server.forge.repository("ada/numbers").refs()[SESSION.state_ref] == shipment.state


def test_a_server_that_is_gone_is_a_plain_git_error(chain: Chain, sealed: Path) -> None:
    remote = Remote(chain.repository, parse_address(str(sealed / "nowhere.git")), SESSION)
    with pytest.raises(GitError) as failed:
        remote.ship(chain.save({"a.txt": "1"}))
    assert not isinstance(failed.value, (RefusedError, LeaseLost))


def test_a_session_is_found_fetched_and_led_by_another_runtime(
    remote: Remote, chain: Chain, address: Address, fresh: Repository
) -> None:
    shipment = chain.save({"a.txt": "one\n"}, counter=4)
    remote.ship(shipment)
    there = Remote(fresh, address, SESSION)
    (plain,) = there.find()
    (found,) = there.find(details=True)
    assert (plain.session, plain.state, plain.number) == (SESSION, shipment.state, None)
    assert (found.snapshot, found.number, found.counter) == (shipment.snapshot, 1, 4)
    assert there.fetch(SESSION) == shipment.state
    git(fresh.git_dir, "fsck", "--strict", "--no-dangling")
    second = Chain(fresh.git_dir, shipment.snapshot).save({"a.txt": "one\n"}, counter=5)
    there.take_lease(shipment.state, second.state)
    with pytest.raises(LeaseLost) as lost:
        remote.ship(chain.save({"a.txt": "two\n"}))
    assert lost.value.found == second.state
    assert there.ship(second).state == second.state


def test_of_two_that_take_the_lease_one_gets_it(
    remote: Remote, chain: Chain, address: Address, fresh: Repository
) -> None:
    shipment = chain.save({"a.txt": "one\n"})
    remote.ship(shipment)
    there = Remote(fresh, address, SESSION)
    there.fetch(SESSION)
    other = Chain(fresh.git_dir, shipment.snapshot).save({"a.txt": "b"}, counter=2)
    remote.take_lease(shipment.state, chain.save({"a.txt": "a"}, counter=2).state)
    with pytest.raises(LeaseLost):
        there.take_lease(shipment.state, other.state)


@pytest.mark.parametrize("moved_to", ["main", None])
def test_a_branch_that_a_person_moved_is_seen_when_the_lease_is_taken(
    remote: Remote, chain: Chain, sample_repository: Path, moved_to: str | None
) -> None:
    shipment = chain.save({"a.txt": "one\n"})
    remote.ship(shipment)
    arguments = [SESSION.branch_ref, moved_to] if moved_to else ["-d", SESSION.branch_ref]
    git(sample_repository, "update-ref", *arguments)
    with pytest.raises(LeaseLost) as lost:
        remote.take_lease(shipment.state, chain.save({"a.txt": "b"}, counter=2).state)
    assert lost.value.ref == SESSION.branch_ref


@pytest.mark.parametrize("parted", ["state", "branch", "only branch"])
def test_a_remote_that_was_killed_between_its_two_refs_is_gone_on_with(
    remote: Remote, chain: Chain, sample_repository: Path, fresh: Repository, address: Address, parted: str
) -> None:
    first = chain.save({"a.txt": "one\n"})
    remote.ship(first)
    second = chain.save({"a.txt": "two\n"})
    remote.ship(second)
    newest = chain.save({"a.txt": "three\n"})
    left = {"state": (second.state, first.snapshot), "branch": (first.state, second.snapshot)}
    state, branch = left.get(parted, (None, second.snapshot))
    git(sample_repository, "update-ref", SESSION.branch_ref, branch)
    git(
        sample_repository, "update-ref", *([SESSION.state_ref, state] if state else ["-d", SESSION.state_ref])
    )
    git(fresh.git_dir, "fetch", "--quiet", str(chain.directory), newest.state)
    there, after = Remote(fresh, address, SESSION), Chain(fresh.git_dir, newest.snapshot)
    if state is not None:
        taken = Chain(fresh.git_dir, first.snapshot if parted == "branch" else second.snapshot)
        assert there.fetch(SESSION) == state
        there.take_lease(state, taken.state(counter=2), onto=newest.snapshot)
        assert refs(sample_repository)[SESSION.branch_ref] == second.snapshot
    shipped = after.save({"a.txt": "four\n"}, counter=2)
    there.ship(shipped)
    assert refs(sample_repository)[SESSION.branch_ref] == shipped.snapshot
    assert refs(sample_repository)[SESSION.state_ref] == shipped.state


def test_a_session_without_a_branch_is_taken_when_it_never_had_one(chain: Chain, address: Address) -> None:
    shipment = chain.save({"a.txt": "one\n"}, published="state")
    Remote(chain.repository, address, SESSION, visible=False).ship(shipment)
    visible = Remote(chain.repository, address, SESSION)
    visible.take_lease(shipment.state, chain.save({"a.txt": "b"}, counter=2).state)
    assert visible.ship(chain.save({"a.txt": "c"}, counter=2)).note == ""


def test_a_finished_session_is_found_as_finished(
    remote: Remote, chain: Chain, sample_repository: Path
) -> None:
    shipment = chain.save({"a.txt": "one\n"})
    remote.ship(shipment)
    remote.finish()
    (found,) = remote.find(details=True)
    assert found.finished and found.state == shipment.state
    assert SESSION.state_ref not in refs(sample_repository)
    remote.remove({SESSION.done_ref: shipment.state, SESSION.branch_ref: shipment.snapshot})
    assert remote.find() == ()


def test_what_moved_since_it_was_shown_is_not_removed(remote: Remote, chain: Chain) -> None:
    first = chain.save({"a.txt": "one\n"})
    remote.ship(first)
    second = chain.save({"a.txt": "two\n"})
    remote.ship(second)
    with pytest.raises(LeaseLost):
        remote.remove({SESSION.state_ref: second.state, SESSION.branch_ref: first.snapshot})
    assert [found.session for found in remote.find()] == [SESSION]


def test_a_session_that_is_not_there_cannot_be_fetched(remote: Remote) -> None:
    with pytest.raises(LeaseLost):
        remote.fetch(SessionName("ada", "other"))


def test_malformed_objects_are_not_taken(
    remote: Remote, chain: Chain, sample_repository: Path, fresh: Repository, address: Address
) -> None:
    git(sample_repository, "config", "receive.fsckObjects", "false")
    entry = f"100644 blob {chain.blob('x')}\t.git\n"
    tree = chain.repository.output("mktree", stdin=entry.encode()).decode().strip()
    evil = chain.commit(tree, [], "evil")
    git(chain.directory, "push", "--quiet", str(sample_repository), f"{evil}:{SESSION.state_ref}")
    with pytest.raises(GitError):
        Remote(fresh, address, SESSION).fetch(SESSION)
