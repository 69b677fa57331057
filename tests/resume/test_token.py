"""What is told of a token at `open`, by kind, scopes and end."""

from __future__ import annotations

import pytest

from gitsession.hub import Repository, TokenFacts
from gitsession.resume.token import SOON, notes

NOW = 1_900_000_000.0


def told(
    kind: str = "classic",
    scopes: str | None = "repo workflow",
    expires: float | None = None,
    sso: str | None = None,
    *,
    private: bool = True,
) -> str:
    named = None if scopes is None else frozenset(scopes.split())
    repository = Repository("ada/digits", "main", private, False, False, True, True, 0)
    return " ".join(notes(TokenFacts("ada", kind, named, expires, sso), repository, NOW))


def test_nothing_is_told_of_a_token_that_does_everything() -> None:
    assert (
        told() == told("oauth", expires=NOW + SOON + 1) == told(scopes="public_repo workflow", private=False)
    )
    assert told() == told("fine-grained", None) == ""


@pytest.mark.parametrize(
    ("scopes", "private", "words"),
    [
        ("repo", True, "push: yes; pull requests: yes; workflow files: no (the scope `workflow`"),
        ("workflow", True, "push: no (the scope `repo`); pull requests: no (the scope `repo`)"),
        ("public_repo workflow", True, "push: no (the scope `repo`)"),
        ("", False, "push: no (the scope `public_repo`)"),
    ],
)
def test_what_a_classic_token_lacks_is_in_one_table(scopes: str, private: bool, words: str) -> None:
    assert told(scopes=scopes, private=private).startswith("You use a classic token. ")
    assert words in told(scopes=scopes, private=private)


def test_an_apps_token_is_told_to_be_one() -> None:
    words = told("installation", None)
    assert "GitHub App's installation, as in Actions" in words and "of the app ada" in words


def test_its_end_is_told_a_week_ahead() -> None:
    assert "The token ends on 2030-03-2" in told(expires=NOW + SOON - 1)
    assert told("fine-grained", None, NOW + SOON - 1).startswith("The token ends")


def test_the_link_for_single_sign_on_is_told() -> None:
    assert "open https://github.com/orgs/lab/sso?x=1." in told(sso="https://github.com/orgs/lab/sso?x=1")
