"""What can go wrong around a session, each told in its own words: see `tests/errors_met.json`."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner

from gitsession import cli, credentials, errors
from gitsession.address import parse_address
from gitsession.agent import allowing, control, fetching, keeper, launching, token
from gitsession.agent.configuration import Secrets
from gitsession.agent.control import Request
from gitsession.agent.jobs import Jobs
from gitsession.agent.operations import MAX_RAN, Operations
from gitsession.agent.places import Places
from gitsession.agent.updating import Updating
from gitsession.commands import demo, restore, target, wait
from gitsession.commands import list as listing
from gitsession.commands import open as opening
from gitsession.errors import GitError, GitsessionError, LeaseLost, NotFoundError
from gitsession.git import commits, transfer
from gitsession.hub.door import Door
from gitsession.hub.hub import Hub
from gitsession.model import SessionName
from gitsession.notebook import magics
from gitsession.proposal import bases, pushing, round
from gitsession.proposal.values import Wish
from gitsession.replicas import own_commits
from gitsession.replicas.guard import Finding
from gitsession.replicas.remote_refs import RemoteRefs
from gitsession.resume import account, adopting, beginning, beside, bring, going_on, ground, room, running
from gitsession.resume.given import Given, without_token
from gitsession.resume.leaving import Leaving
from gitsession.resume.opening import owner
from gitsession.resume.options import Options
from gitsession.runtime import Local, colab
from gitsession.session import Session
from tests.agent.conftest import Running, prepared

__all__ = ["prepared"]  # pytest finds it here

ADDRESS = parse_address("ada/digits")
ADA = SessionName("ada", "lesson")
HERE = Path("/nowhere")
DENIED = "fatal: Authentication failed for 'https://github.com/ada/digits/'"
NOTHING: Any = None


def like(**fields: Any) -> Any:
    """Something with these fields."""
    return SimpleNamespace(**fields)


def raised(error: Exception) -> None:
    raise error


def raises(error: Exception) -> Callable[..., Any]:
    def fail(*_words: object, **_fields: object) -> None:
        raise error

    return fail


def review_ground(**fields: Any) -> Any:
    """A review's ground whose remote has nothing."""
    given = {"address": ADDRESS, "home": ADDRESS, "session": ADA, "hub": None, "pulls": None}
    return like(**{**given, "refs": lambda _at=None: like(listed=lambda *_refs: {}), **fields})


CASES: dict[str, tuple[type[GitsessionError], Callable[[], object]]] = {
    "is no URL": (errors.AddressError, lambda: parse_address("https://[half/of/it")),
    "went away before it answered": (errors.AgentError, lambda: control._reply(None)),
    "No session is running here": (errors.SessionError, lambda: raised(target._unclear(None, []))),
    "cannot be read: No closing": (errors.UsageError, lambda: magics._words("log 'half")),
    "The session is busy": (errors.AgentError, lambda: Jobs(lambda: None).call(int, 0.0)),
    "needs a token": (
        errors.AuthorisationError,
        lambda: account._without_token(ADDRESS, Options("ada/digits", create=True)),
    ),
    "is no value of editor": (errors.UsageError, Options("ada/digits", editor=cast(Any, "emacs")).check),
    "The value of tunnel_auth is none": (
        errors.UsageError,
        Options("ada/digits", tunnel_auth="only-a-password").check,
    ),
    "names no branch": (errors.UsageError, lambda: bases.base_branch(review_ground(), "-x")),
    "names no owner": (errors.UsageError, lambda: list(listing._matching("hw*", None))),
    "is no branch": (
        errors.UsageError,
        lambda: Updating(NOTHING).table()["update"](Request("update", {"source": "-x"})),
    ),
    "Unknown options: colour": (errors.UsageError, lambda: opening._without_nones({"colour": "red"})),
    "outputs='some' is unknown": (errors.UsageError, lambda: Wish(outputs="some")),
    "is described in more than": (
        errors.UsageError,
        lambda: object.__new__(Operations)._note_ran(Request("note-ran", {"ran": "x " * MAX_RAN})),
    ),
    "is not latin-1": (
        errors.UsageError,
        lambda: token.credential_operation(ADDRESS, None, lambda: None)(
            Request("credential", {"request": "€"})
        ),
    ),
    "could not be read from anywhere": (errors.SessionError, lambda: raised(going_on._unreadable(ADA, ()))),
    "cannot be brought into": (
        errors.SessionError,
        lambda: raised(adopting._in_the_way(like(worktree=HERE), "lesson")),
    ),
    "sessions of several people": (
        errors.SessionError,
        lambda: owner(
            None, like(found=[like(session=SessionName(who, "x"), where="vault") for who in ("a", "b")]), None
        ),
    ),
    "Nothing of a.txt is held": (
        errors.SessionError,
        lambda: allowing._allow_once(NOTHING, NOTHING, "a.txt", (), ()),
    ),
    "No session named 'x'": (errors.SessionError, lambda: raised(target._unclear("x", []))),
    "Several sessions": (
        errors.SessionError,
        lambda: raised(target._unclear(None, [like(session=ADA), like(session=ADA)])),
    ),
    "is published": (
        errors.SessionError,
        lambda: round.review(like(configuration=like(publish=False)), Wish()),
    ),
    "is no folder": (
        errors.StorageError,
        lambda: ground.storage_of("s3://bucket", runtime=cast(Any, Local)(), environ={}),
    ),
    "has no vault": (
        errors.StorageError,
        lambda: fetching.fetch(like(awaited=[like(path="a.pt")]), None, HERE, "*.pt"),
    ),
    "without a token, and there is none": (
        errors.TokenMissing,
        lambda: raised(
            without_token(
                NotFoundError("No."),
                Given(trouble=errors.AuthorisationError("None.", hint="Give one.")),
                ADDRESS,
            )
        ),
    ),
    "cannot be reached: No way": (
        errors.GitError,
        lambda: raised(bring.explained(GitError("No way."), ADDRESS, "Plug it in.")),
    ),
    "ada/digits cannot be read: Auth": (
        errors.AuthorisationError,
        lambda: raised(bring.explained(GitError("No.", stderr=DENIED), ADDRESS, "Plug it in.")),
    ),
    "A commit of yours holds key.pem": (
        errors.RefusedError,
        lambda: raised(own_commits._held(Finding("key.pem", "0" * 40, "secret", "a private key", 1, ""))),
    ),
    "Nothing more can be written": (GitsessionError, lambda: raised(cli._full(OSError(28, "No space left")))),
    "has no branch main": (errors.NotFoundError, lambda: bases.fetch_base(review_ground(), "main")),
    "cannot be made": (errors.WorkTreeError, lambda: bring.in_one_step(Path("/proc/no/tree")).__enter__()),
}


@pytest.mark.parametrize("words", CASES)
def test_it_is_told(words: str) -> None:
    kind, call = CASES[words]
    with pytest.raises(kind) as met:
        call()
    assert words in met.value.what and met.value.hint


@pytest.mark.parametrize(
    ("command", "arguments", "words"),
    [
        (restore.command, ["a.txt", "--at", "1h ago", "--snapshot", "3"], "exclude each other"),
        (wait.command, [], "Say what to wait for"),
    ],
)
def test_a_command_that_says_two_things_or_nothing(command: Any, arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(command, arguments)
    assert isinstance(done.exception, errors.UsageError)
    assert words in done.exception.what


def test_a_token_command_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "COMMAND_TIMEOUT", 0.05)
    with pytest.raises(errors.AuthorisationError, match="did not end"):
        credentials.from_command("sleep 60")


def test_a_drive_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(colab, "PROBE_TIMEOUT", 0.0)
    with pytest.raises(errors.StorageError, match="does not answer"):
        colab._is_directory(HERE)


def test_a_folder_that_is_no_demo_of_ours(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(errors.WorkTreeError, match="not a demo of ours"):
        demo._checked(tmp_path)


def test_a_keeper_or_an_agent_that_does_not_come_up(
    prepared: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beginning, "READY_TIMEOUT", 0.0)
    with pytest.raises(errors.AgentError, match="did not come up"):
        beginning._wait_until_ready(prepared.places)
    monkeypatch.setattr(launching, "LAUNCH_TIMEOUT", 0.0)
    with pytest.raises(errors.AgentError, match="did not start in time"):
        launching.launch(prepared.configuration, Secrets())


def test_another_keeper_that_ends_and_does_not_answer(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = Places("key", sealed / "s")
    places.create()
    monkeypatch.setattr(keeper, "LOCK_PATIENCE", 0.0)
    with places.lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(errors.AgentError, match="another keeper"):
            keeper._lock(places)


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LEAST", 1 << 60)
    with pytest.raises(errors.WorkTreeError, match="The disk of / is full"):
        room.check_room(HERE / "not" / "there")


def test_another_session_runs_in_the_work_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "known", lambda: [(None, like(worktree=HERE, session=ADA))])
    monkeypatch.setattr(running, "is_running", lambda _places: True)
    with pytest.raises(errors.SessionError, match="The session lesson is running in"):
        running.attachable(HERE, "other")


def test_a_fetch_that_brings_not_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(Places("key", HERE))
    monkeypatch.setattr(session, "_ask", lambda *_words, **_fields: {"missing": ["a.pt: torn"], "paths": []})
    with pytest.raises(errors.StorageError, match=r"a\.pt: torn"):
        session.fetch("*.pt")


def test_every_name_of_a_copy_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    stubs = {"_shipment": lambda *_line: None, "_next": lambda name: name}
    for name, value in stubs.items():
        monkeypatch.setattr(beside.Beside, name, staticmethod(value))
    monkeypatch.setattr(beside.Beside, "_lease", None)
    monkeypatch.setattr(Leaving, "published", lambda *_words: "")
    monkeypatch.setattr(beside, "replace", lambda *_o, **_f: like(ship=raises(LeaseLost("Taken."))))
    kept = beside.Beside(NOTHING, "r1", None, None, set(), 1)
    with pytest.raises(errors.LeaseLost, match="is taken on the remote"):
        kept._push(NOTHING, ADA, NOTHING)


class Answering:
    """PyGithub's requester with one answer."""

    def __init__(self, answer: Callable[[], tuple[int, dict[str, str], str]]) -> None:
        self.answer = answer

    def requestJson(self, *_request: object) -> tuple[int, dict[str, str], str]:
        return self.answer()


@pytest.mark.parametrize(
    ("answer", "words"),
    [(lambda: (200, {}, "<html>"), "unreadable while"), (raises(RuntimeError()), "points to another server")],
)
def test_an_answer_that_is_not_githubs(
    answer: Callable[[], tuple[int, dict[str, str], str]], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(lambda: "t", "https://api.example", 5.0)
    monkeypatch.setattr(door, "_requester", lambda _token: Answering(answer))
    with pytest.raises(errors.HubError, match=words):
        door.once("looking", "GET", "/user")


def test_a_fork_that_github_is_still_copying(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = object.__new__(Hub)
    hub._door = cast(Any, like(read=raises(NotFoundError("Not yet."))))
    hub._sleep = lambda _seconds: None
    with pytest.raises(errors.NoAnswer, match="still copying ada/digits"):
        hub._ready(like(full_name="ada/digits", default_branch="main"))


def test_a_review_whose_base_or_branch_is_not_ours_to_move(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "default_of_clone", lambda _repository: None)
    with pytest.raises(errors.RepositoryError, match="which branch a review goes into"):
        bases._default(review_ground(user=like(repository=None)))
    there = review_ground(
        refs=lambda: like(listed=lambda _ref: {f"refs/heads/{ADA.review_branch}": "1" * 40}),
        fetched=lambda *_r, **_w: "1" * 40,
    )
    monkeypatch.setattr(bases, "_foreign", lambda *_words: "a suggestion")
    with pytest.raises(errors.RepositoryError, match="somebody else: a suggestion"):
        bases.fetch_previous(there, "0" * 40, None)


def test_a_branch_that_somebody_else_moves_while_it_is_pushed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "is_ancestor", lambda _r, old, _new: old == "1" * 40)
    monkeypatch.setattr(transfer, "push", lambda *_w, **_f: None)
    monkeypatch.setattr(transfer, "ls_remote", lambda *_w, **_f: {"refs/heads/r": "3" * 40})
    ground_of = review_ground(repository=like(), refs=lambda: RemoteRefs(like(), "nowhere", {}))
    with pytest.raises(errors.LeaseLost, match="moved by somebody else"):
        pushing.push(ground_of, "refs/heads/r", "2" * 40, "1" * 40)
    with pytest.raises(errors.GitError, match="would not move forward"):
        pushing.push(ground_of, "refs/heads/r", "2" * 40, "4" * 40)


def test_what_may_not_leave_with_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Finding("key.pem", "0" * 40, "secret", "a private key", 1, "")
    copy = Leaving(NOTHING, like(where="vault", snapshot="1" * 40), 1)
    stubs: dict[str, Callable[..., Any]] = {
        "_known": list,
        "_found": lambda *_asked: (found,),
        "_guard": lambda: NOTHING,
    }
    for name, value in stubs.items():
        monkeypatch.setattr(Leaving, name, staticmethod(value))
    with pytest.raises(GitsessionError, match=r"may not leave this machine: key\.pem"):
        copy.published(NOTHING)


def test_a_review_before_the_first_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "ask", lambda *_words, **_fields: {"snapshots": []})
    with pytest.raises(errors.SessionError, match="There is no snapshot yet"):
        round._saved(like(places=like(agent_socket=HERE)))
