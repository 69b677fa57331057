"""GitHub's API against the stand-in that GitHub's own description checks: its answers and its bad days."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

import pytest

from gitsession import hub as github
from gitsession.errors import (
    AuthorisationError,
    GitsessionError,
    HubError,
    NoAnswer,
    NotFoundError,
    RateLimited,
)
from gitsession.hub import Hub, Pull, Pulls, api_url
from gitsession.hub.answers import TokenFacts
from gitsession.hub.refusals import refusal
from tests.rig import hub as rig
from tests.rig.forge import ADA_TOKEN, GRACE_TOKEN, Forge
from tests.rig.git_server import GitServer
from tests.rig.hub_outcomes import OUTCOMES, outcome
from tests.rig.tokens import Token

QUICK = tuple(name for name in OUTCOMES if name not in ("200", "timeout"))
MOMENTS = ("before", "after")


@dataclass
class Side:
    """One person's view of the forge; `waits` are the pauses that it asked for."""

    hub: Hub
    waits: list[float]


def side(server: rig.Hub, token: str | None, timeout: float = 15.0) -> Side:
    waits: list[float] = []
    made = Hub(lambda: token, server.api_url, timeout, between_writes=0.0, sleep=waits.append)
    return Side(made, waits)


@pytest.fixture
def ada(hub: rig.Hub) -> Side:
    return side(hub, ADA_TOKEN)


@pytest.fixture
def grace(hub: rig.Hub) -> Side:
    return side(hub, GRACE_TOKEN)


@pytest.fixture
def branches(forge: Forge) -> Iterator[str]:
    """Fresh branches of `ada/digits`, each one commit ahead of `main`."""

    def make() -> Iterator[str]:
        hosted = forge.repository()
        for number in range(1000):
            commit = hosted.git("commit-tree", "main^{tree}", "-p", "main", "-m", f"change {number}")
            hosted.git("update-ref", f"refs/heads/review-{number}", commit)
            yield f"review-{number}"

    return make()


def opened(ada: Side, branch: str) -> Pull:
    return ada.hub.pulls("ada/digits").open(f"ada:{branch}", "main", "A change", "What changed.")


class TestAnswers:
    def test_the_user(self, ada: Side) -> None:
        user = ada.hub.user()
        assert (user.login, user.name) == ("ada", "Ada Lovelace")
        assert user.identity.email == f"{user.id}+ada@users.noreply.{ada.hub._server}"

    def test_a_repository_and_what_one_may_do(self, ada: Side, grace: Side) -> None:
        mine, theirs = ada.hub.repository("ada/digits"), grace.hub.repository("ada/digits")
        assert (mine.full_name, mine.private, mine.archived, mine.is_fork) == (
            "ada/digits",
            True,
            False,
            False,
        )
        assert (mine.can_push, mine.can_administer, theirs.can_push) == (True, True, False)
        assert mine.default_branch == "main"

    def test_a_renamed_repository_tells_its_name(self, ada: Side, forge: Forge) -> None:
        forge.rename("ada/digits", "ada/numbers")
        assert ada.hub.repository("ada/digits").full_name == "ada/numbers"

    def test_a_missing_one_names_the_ways_out(self, ada: Side) -> None:
        with pytest.raises(NotFoundError) as caught:
            ada.hub.repository("ada/nothing")
        assert "create=True" in caught.value.hint
        assert "'repo'" in caught.value.hint
        assert ada.hub.find_repository("ada/nothing") is None

    def test_created_private_and_only_once(self, ada: Side) -> None:
        made = ada.hub.create("ada/fresh")
        assert (made.full_name, made.private) == ("ada/fresh", True)
        assert ada.hub.create("ada/fresh") == made

    def test_those_of_an_account_by_pattern(self, ada: Side) -> None:
        for name in ("hw1-eve", "hw1-mallory", "hw2-eve"):
            ada.hub.create(f"ada/{name}")
        assert {each.full_name for each in ada.hub.repositories("ada", "hw1-*")} == {
            "ada/hw1-eve",
            "ada/hw1-mallory",
        }

    def test_a_fork_is_made_once_and_waited_for(self, hub: rig.Hub, grace: Side) -> None:
        hub.lag = 3
        fork = grace.hub.fork("ada/digits")
        assert (fork.full_name, fork.parent, fork.can_push) == ("grace/digits", "ada/digits", True)
        assert len(grace.waits) == 3
        assert grace.hub.fork("ada/digits").full_name == "grace/digits"
        assert grace.hub.own_fork("ada/digits") == fork

    def test_a_template_is_copied_once(self, hub: rig.Hub, forge: Forge, grace: Side) -> None:
        forge.repository().template = True
        hub.lag = 1
        made = grace.hub.generate("ada/digits", "homework")
        assert (made.full_name, made.made_from, made.private, made.is_fork) == (
            "grace/homework", "ada/digits", True, False,
        )  # fmt: skip
        assert grace.hub.generate("ada/digits", "homework").full_name == "grace/homework"
        assert grace.hub.own_copy("ada/digits", "homework") == made
        assert grace.hub.own_copy("ada/other", "homework") is None

    def test_another_repository_has_the_name(self, forge: Forge, grace: Side) -> None:
        forge.repository().template = True
        grace.hub.create("grace/homework")
        with pytest.raises(HubError, match="exists"):
            grace.hub.generate("ada/digits", "homework")

    def test_what_is_known_of_a_token(self, hub: rig.Hub, forge: Forge) -> None:
        expires = datetime(2031, 5, 6, 7, 8, 9, tzinfo=timezone.utc)
        token = forge.add_token(Token("ghp_" + "e" * 36, "ada", scopes=frozenset({"repo"}), expires=expires))
        facts = side(hub, token.value).hub.token_facts()
        assert (facts.login, facts.kind, facts.scopes) == ("ada", "classic", frozenset({"repo"}))
        assert facts.expires == expires.timestamp()
        assert facts.may_change_workflows is False

    def test_an_installation_is_the_app(self, hub: rig.Hub, forge: Forge) -> None:
        account = forge.add_account("github-actions[bot]")
        token = forge.add_token(Token("ghs_" + "a" * 36, account.login, "app"))
        user, facts = side(hub, token.value).hub.introduction()
        assert (user.login, user.name) == ("github-actions", "github-actions[bot]")
        assert user.email.startswith(f"{account.identity}+github-actions[bot]@users.noreply.")
        assert (facts.kind, facts.scopes, facts.may_change_workflows) == ("installation", None, False)

    @pytest.mark.parametrize(
        ("token", "kind"),
        [("ghp_x", "classic"), ("github_pat_x", "fine-grained"), ("gho_x", "oauth"), ("ghu_x", "app user"),
         ("ghs_x", "installation"), ("0123456789abcdef", "unknown")],
    )  # fmt: skip
    def test_kinds_of_tokens(self, token: str, kind: str) -> None:
        facts = TokenFacts.from_headers("ada", token, {})
        assert (facts.kind, facts.scopes, facts.expires, facts.sso) == (kind, None, None, None)
        assert facts.may_change_workflows is None

    def test_rules(self, ada: Side) -> None:
        assert ada.hub.rules("ada/digits", "session/ada/x") == ()

    @pytest.mark.parametrize(
        ("host", "environ", "url"),
        [
            ("github.com", {}, "https://api.github.com"),
            ("git.example.org", {}, "https://git.example.org/api/v3"),
            ("corp.ghe.com", {}, "https://api.corp.ghe.com"),
            ("github.com", {"GITHUB_API_URL": "https://api.example.org/"}, "https://api.example.org"),
            (
                "git.example.org",
                {"GITHUB_API_URL": "https://api.example.org"},
                "https://git.example.org/api/v3",
            ),
        ],
    )
    def test_where_the_api_is(self, host: str, environ: dict[str, str], url: str) -> None:
        assert api_url(host, environ) == url


class TestPulls:
    def test_one_for_each_branch(self, ada: Side, branches: Iterator[str]) -> None:
        branch = next(branches)
        pull = opened(ada, branch)
        assert (pull.head, pull.base, pull.draft, pull.state) == (branch, "main", True, "open")
        assert opened(ada, branch).number == pull.number
        assert ada.hub.pulls("ada/digits").find(f"ada:{branch}") == pull
        assert ada.hub.pulls("ada/digits").find("ada:main") is None

    def test_ready_where_drafts_are_refused(self, ada: Side, forge: Forge, branches: Iterator[str]) -> None:
        forge.repository().refuses_drafts = True
        assert not opened(ada, next(branches)).draft

    def test_nothing_to_review_is_said(self, ada: Side) -> None:
        with pytest.raises(HubError, match="No commits between"):
            opened(ada, "main")

    def test_across_a_fork(self, grace: Side, forge: Forge) -> None:
        grace.hub.fork("ada/digits")
        fork = forge.repository("grace/digits")
        commit = fork.git("commit-tree", "main^{tree}", "-p", "main", "-m", "change")
        fork.git("update-ref", "refs/heads/mine", commit)
        pull = grace.hub.pulls("ada/digits").open("grace:mine", "main", "t", "b")
        assert pull.head_repository == "grace/digits"

    def test_changed_marked_and_talked_about(self, ada: Side, forge: Forge, branches: Iterator[str]) -> None:
        pulls, number = ada.hub.pulls("ada/digits"), opened(ada, next(branches)).number
        assert pulls.update(number, title="Better").title == "Better"
        assert not pulls.mark_ready(number).draft
        assert not pulls.mark_ready(number).draft
        comment = pulls.comment(number, "report")
        assert pulls.edit_comment(comment.id, "round 2").id == comment.id
        assert [each.body for each in pulls.comments(number)] == ["round 2"]
        pulls.request_reviewers(number, ["grace"])
        pulls.add_labels(number, ["notebook"])
        hosted = forge.repository()
        forge.add_line_comment(hosted, number, "grace", "why?", "train.py", 3)
        forge.add_review(hosted, number, "grace", "APPROVED")
        assert [(each.path, each.line, each.body) for each in pulls.review_comments(number)] == [
            ("train.py", 3, "why?")
        ]
        assert [(each.author, each.state) for each in pulls.reviews(number)] == [("grace", "APPROVED")]


SSO = "https://github.com/orgs/x/sso?a=b"


class TestRefusals:
    def test_without_a_token_nothing_is_asked(self, hub: rig.Hub) -> None:
        with pytest.raises(AuthorisationError, match="needs a token"):
            side(hub, None).hub.user()
        assert hub.calls == []

    def test_a_token_never_goes_over_plain_http(self) -> None:
        with pytest.raises(HubError, match="plain http"):
            Hub(lambda: ADA_TOKEN, "http://127.0.0.1:9")

    def test_a_wrong_token(self, hub: rig.Hub) -> None:
        wrong = side(hub, "".join(("ghp_", "wrong0123456789")))
        with pytest.raises(AuthorisationError, match="does not accept") as caught:
            wrong.hub.user()
        assert "ghp_wrong0123456789" not in "".join(traceback.format_exception(caught.value))

    def test_a_long_wait_is_told_and_not_slept(self, hub: rig.Hub, ada: Side) -> None:
        hub.faults.add(outcome("403 secondary limit", "users/get-authenticated", retry_after=1800))
        with pytest.raises(RateLimited) as caught:
            ada.hub.user()
        assert (caught.value.retry_after, ada.waits) == (1800.0, [])

    def test_a_short_wait_is_waited(self, hub: rig.Hub, ada: Side) -> None:
        hub.faults.add(outcome("429", "users/get-authenticated", retry_after=7))
        assert ada.hub.user().login == "ada"
        assert ada.waits == [7.0]

    def test_a_server_that_is_down_is_given_up(self, hub: rig.Hub, ada: Side) -> None:
        hub.faults.add(outcome("502", "users/get-authenticated", times=None))
        with pytest.raises(NoAnswer):
            ada.hub.user()
        assert len(hub.named("users/get-authenticated")) == 3
        hub.faults.clear()

    def test_nobody_listens(self, git_server: GitServer) -> None:
        lonely = Hub(lambda: ADA_TOKEN, f"{git_server.site}/api/v3", sleep=lambda _seconds: None)
        git_server.stop()
        with pytest.raises(NoAnswer, match="cannot be reached"):
            lonely.user()
        git_server.start()

    def test_an_untrusted_certificate(self, hub: rig.Hub, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        with pytest.raises(HubError, match="certificate"):
            side(hub, ADA_TOKEN).hub.user()

    def test_an_own_authority_by_ssl_cert_file(
        self, hub: rig.Hub, git_server: GitServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert git_server.certificates is not None
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        monkeypatch.setenv("SSL_CERT_FILE", str(git_server.certificates.authority))
        assert side(hub, ADA_TOKEN).hub.user().login == "ada"

    @pytest.mark.parametrize(
        ("status", "headers", "body", "kind", "said"),
        [
            (403, {"x-github-sso": f"required; url={SSO}"}, "", AuthorisationError, f"Open {SSO}"),
            (403, {"x-accepted-github-permissions": "contents=write"}, "", AuthorisationError, "=write"),
            (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, "", RateLimited, "rate limit"),
            (404, {}, '{"message": "Not Found"}', NotFoundError, "approved it"),
            (409, {}, '{"message": "Git Repository is empty."}', HubError, "is empty"),
            (422, {}, '{"errors": [{"message": "in\\u001b[3m"}, "x"]}', HubError, "in[3m; x"),
            (422, {}, "[1]", HubError, "status 422"),
            (422, {}, '{"message": "bad token github_pat_secret1"}', HubError, "<token>"),
            (307, {}, "", HubError, "moved"),
            (503, {}, "<html>", NoAnswer, "503"),
        ],
    )  # fmt: skip
    def test_what_a_refusal_means(
        self, status: int, headers: dict[str, str], body: str, kind: type[GitsessionError], said: str
    ) -> None:
        error = refusal("trying", status, headers, body, "github_pat_secret1")
        assert type(error) is kind
        assert said in str(error)
        assert "github_pat_secret1" not in str(error)


Do = Callable[[Side, int], object]
LIKE_OTHERS = (
    "users/get-by-username",
    "repos/list-for-org",
    "repos/list-for-user",
    "repos/list-for-authenticated-user",
    "repos/get-branch",
)
STALLED_OFTEN = ("users/get-authenticated", "pulls/create", "issues/create-comment", "repos/create-fork")
PREPARED = "review-0"


OPERATIONS: dict[str, Do] = {
    "users/get-authenticated": lambda ada, _: ada.hub.user(),
    "users/get-by-username": lambda ada, _: ada.hub.is_organisation("lab"),
    "repos/list-for-org": lambda ada, _: ada.hub.repositories("lab"),
    "repos/list-for-user": lambda ada, _: ada.hub.repositories("grace"),
    "repos/list-for-authenticated-user": lambda ada, _: ada.hub.repositories("ada"),
    "repos/get": lambda ada, _: ada.hub.repository("ada/digits"),
    "repos/get-branch-rules": lambda ada, _: ada.hub.rules("ada/digits", "main"),
    "repos/create-for-authenticated-user": lambda ada, n: ada.hub.create(f"ada/fresh-{n}"),
    "repos/create-in-org": lambda ada, n: ada.hub.create(f"lab/fresh-{n}"),
    "repos/create-using-template": lambda ada, n: ada.hub.generate("ada/digits", f"copy-{n}"),
    "repos/create-fork": lambda ada, n: ada.hub.fork(f"lab/source-{n}"),
    "repos/get-branch": lambda ada, n: ada.hub.generate("ada/digits", f"copy-{n}"),
    "pulls/list": lambda ada, n: opened(ada, f"review-{n}"),
    "pulls/create": lambda ada, n: opened(ada, f"review-{n}"),
    "pulls/get": lambda ada, _: ada.hub.pulls("ada/digits").get(1),
    "pulls/update": lambda ada, n: ada.hub.pulls("ada/digits").update(1, title=f"title {n}"),
    "graphql": lambda ada, _: ada.hub.pulls("ada/digits").mark_ready(1),
    "issues/list-comments": lambda ada, _: ada.hub.pulls("ada/digits").comments(1),
    "issues/create-comment": lambda ada, n: ada.hub.pulls("ada/digits").comment(1, f"comment {n}"),
    "issues/update-comment": lambda ada, n: edit_first(ada, f"text {n}"),
    "issues/add-labels": lambda ada, n: ada.hub.pulls("ada/digits").add_labels(1, [f"label-{n}"]),
    "pulls/request-reviewers": lambda ada, _: ada.hub.pulls("ada/digits").request_reviewers(1, ["grace"]),
    "pulls/list-review-comments": lambda ada, _: ada.hub.pulls("ada/digits").review_comments(1),
    "pulls/list-reviews": lambda ada, _: ada.hub.pulls("ada/digits").reviews(1),
}  # fmt: skip


def edit_first(ada: Side, text: str) -> object:
    pulls = ada.hub.pulls("ada/digits")
    return pulls.edit_comment(pulls.comments(1)[0].id, text)


def nothing_twice(forge: Forge, repositories: int) -> None:
    """However a call ended and was asked for again: each thing is there once."""
    hosted = forge.repository()
    heads = [pull.head for pull in hosted.pulls.values() if pull.state == "open"]
    bodies = [comment.body for pull in hosted.pulls.values() for comment in pull.comments]
    assert len(set(heads)) == len(heads)
    assert len(set(bodies)) == len(bodies)
    assert len(forge.repositories) <= repositories


def prepare(ada: Side, forge: Forge, branches: Iterator[str], rounds: int) -> None:
    """What the operations need to be there, for so many rounds of them."""
    forge.repository().template = True
    forge.add_account("lab", organisation=True)
    for number in range(1, rounds + 1):
        next(branches)
        source = forge.add_repository("lab", f"source-{number}", source=forge.repository().path)
        source.roles["ada"] = "read"
    next(branches)
    opened(ada, PREPARED)
    ada.hub.pulls("ada/digits").comment(1, "first")


def play(
    hub: rig.Hub, ada: Side, forge: Forge, branches: Iterator[str], operation: str, outcomes: tuple[str, ...]
) -> None:
    """Each outcome before and after the effect: done, or a clear refusal that a second try mends."""
    rounds = [(name, moment) for name in outcomes for moment in MOMENTS]
    prepare(ada, forge, branches, len(rounds))
    before = len(forge.repositories)
    for number, (name, moment) in enumerate(rounds, 1):
        hub.faults.add(outcome(name, operation, "before" if moment == "before" else "after"))
        if operation == "graphql":
            forge.repository().pulls[1].draft = True
        try:
            OPERATIONS[operation](ada, number)
        except GitsessionError as error:
            assert error.hint or isinstance(error, HubError), (name, moment)
            assert ADA_TOKEN not in "".join(traceback.format_exception(error))
            assert not isinstance(error, NoAnswer), "one lost answer is never the end"
        assert hub.faults.pending() == [], (name, moment)
        if operation != "graphql" or forge.repository().pulls[1].draft:
            OPERATIONS[operation](ada, number)
    nothing_twice(forge, before + len(rounds))


@pytest.mark.slow
@pytest.mark.parametrize(
    "operation",
    [pytest.param(name, marks=pytest.mark.long if name in LIKE_OTHERS else ()) for name in OPERATIONS],
)
def test_every_outcome_loses_nothing_and_makes_nothing_twice(
    hub: rig.Hub, ada: Side, forge: Forge, branches: Iterator[str], operation: str
) -> None:
    """Eleven ways of not ending well, before and after the effect, of each operation that we use."""
    play(hub, ada, forge, branches, operation, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize(
    "operation",
    [pytest.param(name, marks=() if name in STALLED_OFTEN else pytest.mark.long) for name in OPERATIONS],
)
def test_a_stalled_answer_ends_and_makes_nothing_twice(
    hub: rig.Hub, forge: Forge, branches: Iterator[str], operation: str
) -> None:
    """The twelfth: no answer at all while the connection stays open."""
    play(hub, side(hub, ADA_TOKEN, timeout=1), forge, branches, operation, ("timeout",))


def test_the_operations_are_all_that_we_use(
    hub: rig.Hub, ada: Side, forge: Forge, branches: Iterator[str]
) -> None:
    """What a method of ours asks of GitHub besides is to be played too."""
    prepare(ada, forge, branches, 1)
    for do in OPERATIONS.values():
        do(ada, 1)
    assert {call.operation for call in hub.calls} == set(OPERATIONS)
    asked = inspect.getsource(sys.modules[__name__])
    methods = {name for kind in (Hub, Pulls) for name in vars(kind) if not name.startswith("_")}
    assert [name for name in sorted(methods) if f".{name}(" not in asked] == []


def test_a_fork_whose_answer_is_lost(hub: rig.Hub, grace: Side, forge: Forge) -> None:
    for moment in ("before", "after"):
        hub.faults.add(outcome("lost", "repos/create-fork", "before" if moment == "before" else "after"))
        assert grace.hub.fork("ada/digits").full_name == "grace/digits"
    assert len(forge.repositories) == 2


def test_everything_public_is_exported() -> None:
    assert sorted(github.__all__) == list(github.__all__)
