"""How git is run: without hooks, secrets or the caller's settings, and never for ever."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gitsession.errors import GitError, GitTimeout
from gitsession.git.command import Repository, plain, redact

MADE = "git init -q -b main .\ngit commit -q --allow-empty -m one"


@pytest.fixture
def made(transcript: Callable[[str], Path]) -> Path:
    return transcript(MADE)


def test_answers(made: Path) -> None:
    repository = Repository(made / ".git", made)
    assert repository.text("symbolic-ref", "HEAD") == "refs/heads/main"
    assert repository.run("rev-parse", "--verify", "--quiet", "missing", accept=(0, 1)).code == 1


def test_a_failure_has_gits_reason(made: Path) -> None:
    with pytest.raises(GitError, match=r"git cat-file failed: fatal: .*missing"):
        Repository(made / ".git").run("cat-file", "-t", "missing")
    with pytest.raises(GitError, match=r"failed: fatal: 'nowhere' does not appear to be a git repository\n"):
        Repository(made / ".git").run("fetch", "nowhere")


def test_our_calls_run_no_hook_and_the_users_own_do(made: Path) -> None:
    hook = made / ".git/hooks/post-commit"
    hook.write_text(f"#!/bin/sh\ntouch {made}/fired\n")
    hook.chmod(0o755)
    Repository(made / ".git", made).run("commit", "--allow-empty", "-m", "two")
    assert not (made / "fired").exists()
    Repository(made / ".git", made, as_user=True).run("commit", "--allow-empty", "-m", "three")
    assert (made / "fired").exists()


def test_the_callers_git_variables_do_not_reach_us(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "mallory")
    assert Repository(made / ".git").text("config", "user.name") != "mallory"


def test_a_call_that_hangs_is_ended(made: Path) -> None:
    repository = Repository(made / ".git", made, config={"alias.hang": "!sleep 300"})
    with pytest.raises(GitTimeout, match="within 1 s"):
        repository.run("hang", timeout=1.0)


def test_a_remote_helper_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GitError):
        plain("ls-remote", "--", f"ext::touch {tmp_path}/fired", cwd=tmp_path)
    assert not (tmp_path / "fired").exists()


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("fatal: https://u:p@host/x", "fatal: https://host/x"),
        (f"token ghp_{'a' * 36}.", "token <redacted>."),
        (f"github_pat_{'b' * 30}", "<redacted>"),
        ("Authorization: Basic eDpzZWNyZXQ=", "Authorization: <redacted>"),
    ],
)
def test_what_is_said_holds_no_secret(text: str, clean: str) -> None:
    assert redact(text) == clean
