"""Every kind of refusal, alone and mixed with good changes: the good arrive, the bad is held."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from gitsession.model import Level
from gitsession.snapshot import lfs
from tests.agent.conftest import wait_for
from tests.agent.published import SESSION, Session, launch
from tests.rig.forge import ADA_TOKEN, Token
from tests.rig.git_server import GitServer
from tests.rig.push_rules import (
    FileSizeLimit,
    PrivateEmail,
    ProtectedBranch,
    PushProtection,
    PushRule,
    Quota,
    UnknownLargeFiles,
    WorkflowScope,
)
from tests.rig.repositories import git
from tests.rig.rulesets import Ruleset

__all__ = ["launch"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
SECRET = "acme_" + "k" * 30  # a kind that only the server knows
PROTECTION = PushProtection({"Acme Key": r"acme_[a-z]{30}"})


def ruleset(kind: str, parameter: str = "", include: tuple[str, ...] = ("~ALL",)) -> Ruleset:
    return Ruleset(include, (kind,), {kind: parameter} if parameter else {})


@dataclass(frozen=True)
class Offence:
    """Files that the server refuses by a rule, and what they may be instead."""

    rules: tuple[PushRule, ...]
    bad: dict[str, str]
    token: Token = field(default_factory=lambda: Token(ADA_TOKEN, "ada"))


LARGE = (FileSizeLimit(limit=3000, warn=2000),)
NO_KEYS = (ruleset("file_path_restriction", "*.pem", ("refs/*",)),)
WORKFLOW = {".github/workflows/ci.yml": "on: push\n"}
OFFENCES = {
    "GH001": Offence(LARGE, {"data/big.bin": "x" * 4000}),
    "GH001, several files": Offence(LARGE, {"a.bin": "a" * 4000, "deep/b c.bin": "b" * 5000}),
    "GH001, a name beyond ASCII": Offence(LARGE, {"données/gros.bin": "x" * 4000}),
    "GH013, a secret": Offence((PROTECTION,), {"config.py": f"key = '{SECRET}'\n"}),
    "GH013, secrets in several files": Offence((PROTECTION,), {"a.py": SECRET, "deep/b.py": SECRET + "\n"}),
    "GH013, a restricted path": Offence(NO_KEYS, {"certs/own.pem": "a certificate\n"}),
    "GH013, several restricted paths": Offence(NO_KEYS, {"a.pem": "one\n", "b.pem": "two\n"}),
    "workflow, classic token": Offence((), WORKFLOW, Token(ADA_TOKEN, "ada", scopes=frozenset({"repo"}))),
    "workflow, App": Offence(
        (), WORKFLOW, Token(ADA_TOKEN, "ada", kind="app", permissions={"contents": "write"})
    ),
    "large and secret": Offence((*LARGE, PROTECTION), {"big.bin": "x" * 4000, "k.py": SECRET}),
}


@pytest.mark.parametrize("kind", OFFENCES)
def test_the_offender_is_held_and_the_good_arrive(
    launch: Callable[..., Session], git_server: GitServer, kind: str
) -> None:
    offence = OFFENCES[kind]
    session = launch()
    assert session.flush(Level.SAFE) == ""
    git_server.forge.add_token(offence.token)
    git_server.rules.extend(offence.rules)
    session.write(offence.bad)
    missing = session.flush(Level.SAFE)
    assert all(path in missing for path in offence.bad)
    assert session.held == set(offence.bad)
    session.write({**{path: text + "\n" for path, text in offence.bad.items()}, "good.txt": kind})
    missing = session.flush(Level.SAFE)
    assert all(path in missing for path in offence.bad)
    assert session.there()["good.txt"] == kind
    assert not set(offence.bad) & set(session.there())
    assert session.held == set(offence.bad)
    assert session.errors == []


OLD, NEW = ".github/workflows/ci.yml", ".github/workflows/checks.yml"


WAYS = list(itertools.product((True, False), repeat=3))
OFTEN = ((True, True, True), (False, True, False), (False, False, True))


@pytest.mark.parametrize(
    ("told_before", "renamed", "refuses_deletions"),
    [pytest.param(*way, marks=() if way in OFTEN else pytest.mark.long) for way in WAYS],
)
def test_a_workflow_that_is_renamed_or_deleted_stops_nothing_else(
    launch: Callable[..., Session],
    git_server: GitServer,
    told_before: bool,
    renamed: bool,
    refuses_deletions: bool,
) -> None:
    """Whether or not the token is known to lack the scope, and whether or not a deletion passes."""
    session = launch(workflows=True)
    session.write({OLD: "on: push\n"})
    assert session.flush(Level.SAFE) == ""
    git_server.forge.add_token(Token(ADA_TOKEN, "ada", scopes=frozenset({"repo"})))
    session.agent.parts.shipments.guard.workflows = not told_before
    git_server.rules.extend([WorkflowScope(deletions=True)] * refuses_deletions)
    place = session.tree / OLD
    if renamed:
        place.rename(session.tree / NEW)
    else:
        place.unlink()
    session.write({"good.txt": "good"})
    session.flush(Level.SAFE)
    session.write({"later.txt": "later"})
    session.flush(Level.SAFE)
    there = session.there()
    assert (there["good.txt"], there["later.txt"]) == ("good", "later")
    assert (OLD in there, NEW in there) == (refuses_deletions, False)
    assert session.held == ({NEW} if renamed else set())
    skipped = [item["path"] for item in session.ask("status")["status"]["skipped"]]
    assert skipped == ([OLD] if refuses_deletions else [])
    assert session.errors == []

    git_server.rules.clear()
    git_server.forge.add_token(Token(ADA_TOKEN, "ada"))
    session.ask("token-given", workflows=True)
    session.write({"last.txt": "last"})
    assert session.flush(Level.SAFE) == ""
    assert (OLD in session.there(), NEW in session.there()) == (False, renamed)


BRANCH_RULES: dict[str, PushRule] = {
    "GH006": ProtectedBranch("session/*/*"),
    "GH013, creation": ruleset("creation"),
    "GH013, pull request only": ruleset("pull_request"),
    "GH013, update": ruleset("update"),
    "GH013, signatures": ruleset("required_signatures"),
    "GH013, names of branches": ruleset("branch_name_pattern", "^(feature|main)"),
    "GH013, commit messages": ruleset("commit_message_pattern", "^JIRA-"),
    "GH013, e-mail of the committer": ruleset("committer_email_pattern", "@corp$"),
    "GH013, e-mail of the author": ruleset("commit_author_email_pattern", "@corp$"),
}


@pytest.mark.parametrize("kind", BRANCH_RULES)
def test_where_the_branch_is_refused_the_state_holds_the_session(
    launch: Callable[..., Session], git_server: GitServer, kind: str
) -> None:
    git_server.rules.append(BRANCH_RULES[kind])
    session = launch()
    session.flush()
    session.write({"good.txt": kind})
    assert session.flush(Level.SAFE) == ""
    assert session.there(SESSION.state_ref)["good.txt"] == kind
    acknowledged = session.remote.acknowledged
    assert acknowledged is not None and acknowledged.level is Level.SAFE
    assert "state ref only" in acknowledged.note
    git_server.rules.clear()
    session.write({"later.txt": "allowed"})
    assert session.flush(Level.SAFE) == ""
    assert session.there()["later.txt"] == "allowed"
    lifted = session.remote.acknowledged
    assert lifted is not None and lifted.note == ""


def archive(server: GitServer) -> None:
    server.forge.repository().archived = True


def revoke(server: GitServer) -> None:
    del server.forge.tokens[ADA_TOKEN]


def require_single_sign_on(server: GitServer) -> None:
    server.forge.add_token(Token(ADA_TOKEN, "ada", single_sign_on=frozenset({"ada"})))


def take_rights(server: GitServer) -> None:
    server.forge.add_token(Token(ADA_TOKEN, "grace"))


def take_all_access(server: GitServer) -> None:
    """GitHub says so too where the repository was deleted."""
    server.forge.add_token(Token(ADA_TOKEN, "nobody"))


NOTHING_PASSES: dict[str, tuple[Callable[[GitServer], object], str]] = {
    "GH007": (lambda server: server.rules.append(PrivateEmail()), "private email"),
    "quota": (lambda server: server.rules.append(Quota()), "quota"),
    "GH013, every ref": (lambda server: server.rules.append(ruleset("update", "", ("refs/*",))), "protected"),
    "archived": (archive, "archived"),
    "a revoked token": (revoke, "token"),
    "single sign-on": (require_single_sign_on, "SAML"),
    "no write access": (take_rights, "denied"),
    "no access, or gone": (take_all_access, "not found"),
}


IN_CI = ("GH007", "a revoked token", "no access, or gone")  # each takes half a minute


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=() if kind in IN_CI else pytest.mark.long) for kind in NOTHING_PASSES],
)
def test_where_nothing_passes_the_vault_holds_it_and_later_it_leaves(
    launch: Callable[..., Session], git_server: GitServer, kind: str
) -> None:
    forbid, words = NOTHING_PASSES[kind]
    session = launch()
    assert session.flush(Level.SAFE) == ""
    forbid(git_server)
    session.write({"good.txt": "good " * 2000 + kind, "noise.bin": random.Random(1).randbytes(9000).hex()})
    assert session.flush(Level.STORED) == ""
    assert words in session.flush(Level.SAFE)
    assert session.held == set()
    assert "good.txt" not in session.there()
    status = session.ask("status")["status"]
    (told,) = (event["text"] for event in status["events"])
    assert status["notes"] == [told]
    assert words in told and "all else is saved as before" in told.casefold()
    git_server.rules.clear()
    git_server.forge.add_token(Token(ADA_TOKEN, "ada"))
    git_server.forge.repository().archived = False
    assert session.flush(Level.SAFE) == ""
    assert session.there(SESSION.state_ref)["good.txt"].endswith(kind)  # a try may fall between two rules
    session.write({"later.txt": "allowed"})
    assert session.flush(Level.SAFE) == ""
    assert session.there()["good.txt"].endswith(kind)
    assert session.ask("status")["status"]["notes"] == []


def test_a_private_address_gives_way_to_the_one_that_github_gives_out(
    launch: Callable[..., Session], git_server: GitServer
) -> None:
    noreply = "1000+ada@users.noreply.github.com"
    session = launch(noreply=noreply)
    assert session.flush(Level.SAFE) == ""
    git_server.rules.append(PrivateEmail())
    session.write({"good.txt": "good"})
    git(session.tree, "-c", "user.email=ada@example.org", "commit", "--quiet", "--allow-empty", "-m", "Own")
    assert session.flush(Level.SAFE) == ""
    assert session.there()["good.txt"] == "good"
    bare = git_server.forge.repository().path
    assert git(bare, "log", "-1", "--format=%ae", SESSION.branch) == noreply
    assert "Own" not in git(bare, "log", "--all", "--format=%s")
    assert any(noreply in note for note in session.ask("status")["status"]["notes"])
    session.write({"later.txt": "later"})
    assert session.flush(Level.SAFE) == ""
    assert session.there()["later.txt"] == "later"


def test_commits_whose_lfs_contents_the_store_lacks_wait_and_the_rest_goes_on(
    launch: Callable[..., Session], git_server: GitServer
) -> None:
    session = launch()
    assert session.flush(Level.SAFE) == ""
    git_server.rules.append(UnknownLargeFiles())
    for number in range(5):
        content = f"weights {number}".encode()
        pointer = session.tree / ".git" / "pointer"
        pointer.write_bytes(lfs.pointer(hashlib.sha256(content).hexdigest(), len(content)))
        blob = git(session.tree, "hash-object", "-w", str(pointer))
        git(session.tree, "update-index", "--add", "--cacheinfo", f"100644,{blob},{number}.bin")
    git(session.tree, "commit", "--quiet", "-m", "The weights")
    session.write({"good.txt": "good"})
    assert session.flush(Level.SAFE) == ""
    assert session.there()["good.txt"] == "good"
    hosted = git_server.forge.repository()
    assert "The weights" not in hosted.git("log", "--all", "--format=%s")
    assert any("refs/heads/main" in note for note in session.ask("status")["status"]["notes"])
    hosted.git("fetch", "--quiet", str(session.tree), "HEAD:refs/heads/pushed")
    git(session.tree, "update-ref", "refs/remotes/origin/pushed", "HEAD")
    session.write({"later.txt": "later"})
    assert session.flush(Level.SAFE) == ""
    assert session.there()["later.txt"] == "later"


def test_more_than_one_push_may_carry_goes_in_parts(
    launch: Callable[..., Session], git_server: GitServer
) -> None:
    session = launch()
    assert session.flush(Level.SAFE) == ""
    git_server.push_limit = 8000
    files = {f"data/{n}.bin": random.Random(n).randbytes(1000).hex() for n in range(20)}
    session.write({**files, "good.txt": "good"})
    assert session.flush(Level.SAFE, 90.0) == ""
    assert session.held == set()
    assert files.items() <= session.there().items() and session.there()["good.txt"] == "good"


def test_a_commit_of_the_users_own_that_is_too_much_for_one_push_arrives_in_the_end(
    launch: Callable[..., Session], git_server: GitServer
) -> None:
    session = launch()
    assert session.flush(Level.SAFE) == ""
    git_server.push_limit = 8000
    session.write({f"data/{n}.bin": random.Random(n).randbytes(1000).hex() for n in range(20)})
    git(session.tree, "add", "data")
    git(session.tree, "commit", "--quiet", "-m", "The data")
    assert session.flush(Level.SAFE, 90.0) == ""
    own = git(session.tree, "rev-parse", "HEAD")
    wait_for(lambda: own in git(git_server.forge.repository().path, "rev-list", "--all"), "the commit")


def test_a_renamed_repository_is_followed(launch: Callable[..., Session], git_server: GitServer) -> None:
    session = launch()
    assert session.flush(Level.SAFE) == ""
    git_server.forge.rename("ada/digits", "ada/numbers")
    session.write({"good.txt": "after"})
    assert session.flush(Level.SAFE) == ""


def test_a_secret_in_a_commit_of_the_users_own_leaves_the_state_out_and_nothing_else(
    launch: Callable[..., Session], git_server: GitServer
) -> None:
    session = launch()
    assert session.flush(Level.SAFE) == ""
    git_server.rules.append(PROTECTION)
    session.write({"config.py": SECRET})
    git(session.tree, "add", "config.py")
    git(session.tree, "commit", "--quiet", "-m", "With a key")
    session.write({"good.txt": "good", "config.py": "clean\n"})
    session.flush()
    assert session.flush() == ""
    assert session.there()["good.txt"] == "good"
    assert session.there()["config.py"] == "clean"
    assert session.held == set()
    assert SECRET not in session.everything()
