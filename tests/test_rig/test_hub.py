from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
from github import Auth, Github

from tests.rig.certificates import Certificates
from tests.rig.forge import ADA_TOKEN, GRACE_TOKEN, Forge, Hosted, Token
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.hub_outcomes import OUTCOMES, outcome
from tests.rig.openapi import Description
from tests.rig.repositories import git
from tests.rig.rulesets import Ruleset

Ask = Callable[..., requests.Response]
READY = (
    "mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { clientMutationId } }"
)


@pytest.fixture
def ask(hub: Hub) -> Ask:
    """Send one request as Ada, or with another token, or with None."""

    def send(method: str, path: str, body: Any = None, token: str | None = ADA_TOKEN) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.request(method, hub.api_url + path, json=body, headers=headers, timeout=20)

    return send


@pytest.fixture
def digits(forge: Forge) -> Hosted:
    """`ada/digits` with a branch `review/ada/one` that is one commit ahead of `main`."""
    hosted = forge.repository()
    commit(hosted, "review/ada/one")
    return hosted


def commit(hosted: Hosted, branch: str, message: str = "Try something") -> str:
    """Put a commit on a branch, which starts at `main`."""
    ref = f"refs/heads/{branch}"
    parent = hosted.refs(ref).get(ref) or hosted.git("rev-parse", "main")
    new = hosted.git("commit-tree", f"{parent}^{{tree}}", "-p", parent, "-m", message)
    hosted.git("update-ref", ref, new)
    return new


def open_pull(ask: Ask, **fields: Any) -> Any:
    given = {"title": "One", "head": "review/ada/one", "base": "main", "draft": True, **fields}
    answer = ask("POST", "/repos/ada/digits/pulls", given)
    assert answer.status_code == 201, answer.text
    return answer.json()


class TestAccounts:
    def test_a_token_shows_its_person_scopes_and_end(self, forge: Forge, ask: Ask) -> None:
        end = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
        forge.add_token(Token("ghp_ending", "ada", scopes=frozenset({"repo"}), expires=end))
        answer = ask("GET", "/user", token="ghp_ending")
        assert (answer.json()["login"], answer.json()["name"]) == ("ada", "Ada Lovelace")
        assert answer.headers["X-OAuth-Scopes"] == "repo"
        assert answer.headers["GitHub-Authentication-Token-Expiration"] == "2030-01-02 03:04:05 UTC"
        assert answer.headers["X-RateLimit-Remaining"] == "5000"

    def test_a_fine_grained_token_has_no_scopes(self, forge: Forge, ask: Ask) -> None:
        forge.add_token(Token("github_pat_1", "ada", "fine-grained"))
        assert "X-OAuth-Scopes" not in ask("GET", "/user", token="github_pat_1").headers

    @pytest.mark.parametrize(
        ("token", "message"), [("ghp_wrong", "Bad credentials"), (None, "Requires authentication")]
    )
    def test_401(self, ask: Ask, token: str | None, message: str) -> None:
        answer = ask("GET", "/user", token=token)
        assert (answer.status_code, answer.json()["message"]) == (401, message)

    def test_the_rate_limit_can_run_out(self, hub: Hub, ask: Ask) -> None:
        hub.remaining = 1
        assert ask("GET", "/user").status_code == 200
        answer = ask("GET", "/user")
        assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (403, "0")


class TestRepositories:
    def test_permissions_are_the_person_s(self, ask: Ask) -> None:
        owner, reader = (
            ask("GET", "/repos/ada/digits", token=token).json() for token in (ADA_TOKEN, GRACE_TOKEN)
        )
        assert owner["permissions"] == {"admin": True, "push": True, "pull": True}
        assert reader["permissions"] == {"admin": False, "push": False, "pull": True}
        assert owner["private"] and owner["default_branch"] == "main"

    def test_what_a_token_cannot_see_is_404(self, forge: Forge, ask: Ask) -> None:
        forge.repository().roles.clear()
        assert ask("GET", "/repos/ada/digits", token=GRACE_TOKEN).status_code == 404
        assert ask("GET", "/repos/ada/digits", token=None).status_code == 404
        assert ask("GET", "/repos/ada/none").status_code == 404

    def test_a_token_that_awaits_approval_sees_nothing(self, forge: Forge, ask: Ask) -> None:
        forge.add_token(Token("github_pat_1", "ada", "fine-grained", approved=False))
        assert ask("GET", "/repos/ada/digits", token="github_pat_1").status_code == 404

    def test_single_sign_on_names_its_link(self, forge: Forge, ask: Ask) -> None:
        forge.add_token(Token("ghp_sso", "ada", single_sign_on=frozenset({"ada"})))
        answer = ask("GET", "/repos/ada/digits", token="ghp_sso")
        assert answer.status_code == 403
        assert answer.headers["X-GitHub-SSO"].startswith("required; url=https://github.com/orgs/ada/sso?")

    def test_a_private_one_is_created_once(self, forge: Forge, ask: Ask) -> None:
        body = {"name": "fresh", "private": True}
        assert ask("POST", "/user/repos", body).status_code == 201
        assert forge.repository("ada/fresh").private
        again = ask("POST", "/user/repos", body)
        assert again.status_code == 422
        assert again.json()["errors"][0]["message"] == "name already exists on this account"

    def test_a_fork_is_made_once_and_is_ready_later(self, hub: Hub, forge: Forge, ask: Ask) -> None:
        hub.lag = 2
        first, second = (ask("POST", "/repos/ada/digits/forks", {}, GRACE_TOKEN) for _ in range(2))
        assert first.status_code == second.status_code == 202
        assert first.json()["full_name"] == second.json()["full_name"] == "grace/digits"
        assert first.json()["parent"]["full_name"] == "ada/digits"
        statuses = [
            ask("GET", "/repos/grace/digits/branches/main", token=GRACE_TOKEN).status_code for _ in range(3)
        ]
        assert statuses == [404, 404, 200]

    def test_a_template_becomes_a_repository_without_history(self, forge: Forge, ask: Ask) -> None:
        forge.repository().template = True
        body = {"owner": "grace", "name": "mine", "private": True}
        made = ask("POST", "/repos/ada/digits/generate", body, GRACE_TOKEN)
        assert made.json()["template_repository"]["full_name"] == "ada/digits"
        mine = forge.repository("grace/mine")
        assert mine.git("rev-list", "--count", "main") == "1"
        assert mine.git("rev-parse", "main^{tree}") == forge.repository().git("rev-parse", "main^{tree}")
        assert ask("POST", "/repos/ada/digits/generate", body, GRACE_TOKEN).status_code == 422

    def test_an_old_name_redirects(self, hub: Hub, forge: Forge, ask: Ask) -> None:
        forge.rename("ada/digits", "ada/numbers")
        answer = ask("GET", "/repos/ada/digits")
        assert [step.status_code for step in answer.history] == [301]
        assert answer.json()["full_name"] == "ada/numbers"

    def test_branches_and_refs_are_those_of_git(self, digits: Hosted, ask: Ask) -> None:
        tip = digits.git("rev-parse", "review/ada/one")
        names = [branch["name"] for branch in ask("GET", "/repos/ada/digits/branches").json()]
        assert names == ["ideas", "main", "review/ada/one"]
        one = ask("GET", "/repos/ada/digits/branches/review%2Fada%2Fone").json()
        assert one["commit"]["sha"] == tip
        matching = ask("GET", "/repos/ada/digits/git/matching-refs/heads/review/").json()
        assert [(ref["ref"], ref["object"]["sha"]) for ref in matching] == [
            ("refs/heads/review/ada/one", tip)
        ]
        assert ask("DELETE", "/repos/ada/digits/git/refs/heads/review/ada/one").status_code == 204
        assert "refs/heads/review/ada/one" not in digits.refs()

    def test_rules_are_those_that_pushes_meet(self, forge: Forge, ask: Ask) -> None:
        forge.repository().rules.append(
            Ruleset(
                include=("refs/heads/session/*",),
                types=("creation", "commit_message_pattern"),
                parameters={"commit_message_pattern": "^feat"},
            )
        )
        rules = ask("GET", "/repos/ada/digits/rules/branches/session%2Fada%2Fone").json()
        assert [rule["type"] for rule in rules] == ["creation", "commit_message_pattern"]
        assert rules[1]["parameters"]["pattern"] == "^feat"
        assert ask("GET", "/repos/ada/digits/rules/branches/main").json() == []

    def test_lists_come_in_pages(self, forge: Forge, ask: Ask) -> None:
        for number in range(5):
            forge.add_repository("ada", f"extra-{number}")
        first = ask("GET", "/user/repos?per_page=4")
        rest = requests.get(
            first.links["next"]["url"], headers={"Authorization": f"token {ADA_TOKEN}"}, timeout=20
        )
        assert (len(first.json()), len(rest.json())) == (4, 2)
        assert "next" not in rest.links


class TestPullRequests:
    def test_its_head_follows_pushes(
        self, git_server: GitServer, digits: Hosted, ask: Ask, sealed: Path
    ) -> None:
        pull = open_pull(ask)
        assert pull["head"]["sha"] == digits.git("rev-parse", "review/ada/one") and pull["draft"]
        git(sealed, "clone", "--quiet", "-b", "review/ada/one", git_server.authorised_url(ADA_TOKEN), "w")
        git(sealed / "w", "commit", "--quiet", "--allow-empty", "-m", "Second round")
        git(sealed / "w", "push", "--quiet")
        tip = git(sealed / "w", "rev-parse", "HEAD")
        assert ask("GET", "/repos/ada/digits/pulls/1").json()["head"]["sha"] == tip
        assert tip in git(sealed / "w", "ls-remote", "origin", "refs/pull/1/head")

    def test_it_is_found_by_its_head(self, digits: Hosted, ask: Ask) -> None:
        open_pull(ask)
        found = ask("GET", "/repos/ada/digits/pulls?head=ada:review/ada/one&state=open").json()
        assert [pull["number"] for pull in found] == [1]
        assert ask("GET", "/repos/ada/digits/pulls?head=ada:ideas").json() == []

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({}, {"code": "custom", "message": "A pull request already exists for ada:review/ada/one."}),
            ({"head": "main"}, {"code": "custom", "message": "No commits between main and main"}),
            ({"head": "nowhere"}, {"code": "invalid", "field": "head"}),
            ({"base": "nowhere"}, {"code": "invalid", "field": "base"}),
        ],
    )
    def test_422(self, digits: Hosted, ask: Ask, fields: dict[str, str], error: dict[str, str]) -> None:
        open_pull(ask)
        given = {"title": "One", "head": "review/ada/one", "base": "main", **fields}
        answer = ask("POST", "/repos/ada/digits/pulls", given)
        assert (answer.status_code, answer.json()["message"]) == (422, "Validation Failed")
        assert answer.json()["errors"] == [{"resource": "PullRequest", **error}]
        assert len(digits.pulls) == 1

    def test_where_drafts_are_refused(self, digits: Hosted, ask: Ask) -> None:
        digits.refuses_drafts = True
        given = {"title": "One", "head": "review/ada/one", "base": "main", "draft": True}
        answer = ask("POST", "/repos/ada/digits/pulls", given)
        message = "Draft pull requests are not supported in this repository."
        assert (answer.status_code, answer.json()["message"]) == (422, message)

    def test_it_crosses_from_a_fork(self, forge: Forge, ask: Ask) -> None:
        ask("POST", "/repos/ada/digits/forks", {}, GRACE_TOKEN)
        tip = commit(forge.repository("grace/digits"), "review/grace/one")
        given = {"title": "Mine", "head": "grace:review/grace/one", "base": "main"}
        made = ask("POST", "/repos/ada/digits/pulls", given, GRACE_TOKEN).json()
        assert made["head"]["repo"]["full_name"] == "grace/digits"
        assert forge.repository().refs("refs/pull")["refs/pull/1/head"] == tip

    def test_a_draft_becomes_ready_by_graphql(self, hub: Hub, digits: Hosted, ask: Ask) -> None:
        pull = open_pull(ask)
        url = f"{hub.site}/api/graphql"
        body: dict[str, Any] = {"query": READY, "variables": {"id": pull["node_id"]}}
        answer = requests.post(url, json=body, headers={"Authorization": f"bearer {ADA_TOKEN}"}, timeout=20)
        assert answer.json()["data"]["markPullRequestReadyForReview"] == {"clientMutationId": None}
        assert ask("GET", "/repos/ada/digits/pulls/1").json()["draft"] is False

    def test_comments_are_made_listed_and_edited(self, digits: Hosted, ask: Ask) -> None:
        open_pull(ask)
        made = ask("POST", "/repos/ada/digits/issues/1/comments", {"body": "First"}).json()
        ask("PATCH", f"/repos/ada/digits/issues/comments/{made['id']}", {"body": "Second"})
        listed = ask("GET", "/repos/ada/digits/issues/1/comments").json()
        assert [(comment["id"], comment["body"]) for comment in listed] == [(made["id"], "Second")]

    def test_a_comment_has_a_limit(self, digits: Hosted, ask: Ask) -> None:
        open_pull(ask)
        answer = ask("POST", "/repos/ada/digits/issues/1/comments", {"body": "x" * 65537})
        assert "body is too long (maximum is 65536 characters)" in answer.text and answer.status_code == 422

    def test_labels_reviewers_reviews_and_line_comments(self, forge: Forge, digits: Hosted, ask: Ask) -> None:
        open_pull(ask)
        ask("POST", "/repos/ada/digits/issues/1/labels", {"labels": ["bug", "new"]})
        ask("POST", "/repos/ada/digits/pulls/1/requested_reviewers", {"reviewers": ["grace"]})
        forge.add_review(digits, 1, "grace", "CHANGES_REQUESTED", "Nearly")
        forge.add_line_comment(digits, 1, "grace", "Why?", "train.py", 12)
        pull = ask("GET", "/repos/ada/digits/pulls/1").json()
        assert [label["name"] for label in pull["labels"]] == ["bug", "new"]
        assert [person["login"] for person in pull["requested_reviewers"]] == ["grace"]
        reviews = ask("GET", "/repos/ada/digits/pulls/1/reviews").json()
        assert [(review["user"]["login"], review["state"]) for review in reviews] == [
            ("grace", "CHANGES_REQUESTED")
        ]
        remarks = ask("GET", "/repos/ada/digits/pulls/1/comments").json()
        assert [(remark["path"], remark["line"], remark["body"]) for remark in remarks] == [
            ("train.py", 12, "Why?")
        ]

    def test_a_stranger_is_no_reviewer(self, digits: Hosted, ask: Ask) -> None:
        open_pull(ask)
        path = "/repos/ada/digits/pulls/1/requested_reviewers"
        assert ask("POST", path, {"reviewers": ["nobody"]}).status_code == 422

    def test_merged_it_is_closed_and_its_head_stays(self, forge: Forge, digits: Hosted, ask: Ask) -> None:
        pull = open_pull(ask)
        forge.merge(digits, 1)
        commit(digits, "review/ada/one", "Too late")
        merged = ask("GET", "/repos/ada/digits/pulls/1").json()
        assert (merged["state"], merged["merged"], merged["head"]["sha"]) == (
            "closed",
            True,
            pull["head"]["sha"],
        )
        digits.git("merge-base", "--is-ancestor", pull["head"]["sha"], "main")

    def test_a_token_without_the_permission(self, forge: Forge, digits: Hosted, ask: Ask) -> None:
        forge.add_token(Token("github_pat_1", "ada", "fine-grained", permissions={"contents": "write"}))
        given = {"title": "One", "head": "review/ada/one", "base": "main"}
        answer = ask("POST", "/repos/ada/digits/pulls", given, "github_pat_1")
        assert answer.status_code == 403
        assert answer.headers["X-Accepted-GitHub-Permissions"] == "pull_requests=write"

    def test_an_archived_repository_is_read_only(self, digits: Hosted, ask: Ask) -> None:
        digits.archived = True
        given = {"title": "One", "head": "review/ada/one", "base": "main"}
        assert ask("POST", "/repos/ada/digits/pulls", given).status_code == 403
        assert ask("GET", "/repos/ada/digits/pulls").status_code == 200


class TestOutcomes:
    @pytest.mark.parametrize("name", [name for name in OUTCOMES if name not in ("200", "timeout", "lost")])
    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_a_refusal_comes_once_before_or_after_the_effect(
        self, hub: Hub, digits: Hosted, ask: Ask, name: str, moment: Any
    ) -> None:
        hub.faults.add(outcome(name, "pulls/create", moment))
        given = {"title": "One", "head": "review/ada/one", "base": "main"}
        assert ask("POST", "/repos/ada/digits/pulls", given).status_code == int(name[:3])
        assert len(digits.pulls) == (1 if moment == "after" else 0)
        assert ask("GET", "/repos/ada/digits/pulls").status_code == 200
        assert hub.faults.pending() == []

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_a_lost_answer(self, hub: Hub, digits: Hosted, ask: Ask, moment: Any) -> None:
        open_pull(ask)
        hub.faults.add(outcome("lost", "issues/create-comment", moment))
        with pytest.raises(requests.ConnectionError):
            ask("POST", "/repos/ada/digits/issues/1/comments", {"body": "Hello"})
        assert len(digits.pulls[1].comments) == (1 if moment == "after" else 0)

    def test_no_answer_in_time(self, hub: Hub) -> None:
        hub.faults.add(outcome("timeout", "users/get-authenticated"))
        with pytest.raises(requests.Timeout):
            requests.get(f"{hub.api_url}/user", timeout=0.2)


class TestTheContract:
    """A request that GitHub would not take as it is, or an operation that is not served, fails its test."""

    @pytest.mark.parametrize(
        ("method", "path", "body", "said"),
        [
            ("GET", "/repos/ada/digits/pulls?stat=open", None, "unknown query parameter 'stat'"),
            ("GET", "/repos/ada/digits/pulls?state=merged", None, "'merged' is not one of"),
            (
                "POST",
                "/repos/ada/digits/pulls",
                {"title": "x", "head": "ideas"},
                "'base' is a required property",
            ),
            ("POST", "/user/repos", {"name": "x", "privat": True}, "unknown field 'privat'"),
            ("GET", "/repos/ada/digits/stargazers", None, "does not serve"),
        ],
    )
    def test_a_wrong_request(
        self,
        forge: Forge,
        certificates: Certificates,
        github_description: Description,
        monkeypatch: pytest.MonkeyPatch,
        *,
        method: str,
        path: str,
        body: Any,
        said: str,
    ) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.authority))
        server = GitServer(forge, certificates)
        server.start()
        hub = server.mount(Hub(forge, github_description))
        headers = {"Authorization": f"Bearer {ADA_TOKEN}"}
        requests.request(method, hub.api_url + path, json=body, headers=headers, timeout=20)
        with pytest.raises(AssertionError, match="the stand-in failed") as failed:
            server.close()
        assert said in str(failed.value)

    def test_pygithub_understands_it(self, hub: Hub, digits: Hosted) -> None:
        with Github(base_url=hub.api_url, auth=Auth.Token(ADA_TOKEN), retry=None) as github:
            repository = github.get_repo("ada/digits")
            pull = repository.create_pull(
                title="One", body="", head="review/ada/one", base="main", draft=True
            )
            pull.create_issue_comment("Hello")
            assert [comment.body for comment in repository.get_pull(1).get_issue_comments()] == ["Hello"]
            assert [call.operation for call in hub.calls][:2] == ["repos/get", "pulls/create"]
