"""Removing what is finished and merged: the command line, a real git server, GitHub's stand-in, a vault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.rig.forge import ADA_TOKEN, Forge
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.repositories import git
from tests.rig.runtime import Runtime
from tests.spine import Machine

pytestmark = pytest.mark.slow


@pytest.fixture
def online(runtime: Runtime, git_server: GitServer, hub: Hub) -> Machine:
    runtime.extra |= {"GITHUB_TOKEN": ADA_TOKEN, "GITHUB_SERVER_URL": git_server.site}
    return Machine(runtime, "ada/digits", ("--storage", str(runtime.drive), "--keep", "kept/**"))


def prune(machine: Machine, *more: str) -> Any:
    return machine.json("prune", "ada/digits", "--storage", str(machine.runtime.drive), *more)


def work(machine: Machine, name: str, kept: str) -> None:
    machine.open("--session", name)
    (machine.worktree / ".gitignore").write_text("kept/\n")
    (machine.worktree / "kept").mkdir(exist_ok=True)
    (machine.worktree / "kept" / "own").write_text(kept)
    (machine.worktree / "kept" / "shared").write_text("what both keep")
    (machine.worktree / f"{name}.txt").write_text(f"{name}\n")
    machine.gitsession("flush", "--timeout", "60", "--level", "stored")


def contents(storage: Path) -> set[str]:
    return {path.read_text() for path in held(storage)}


def held(storage: Path) -> list[Path]:
    return list(storage.glob("gitsession-v1/*/*/*/held/*"))


def test_only_what_is_merged_goes_and_the_vault_part_in_a_later_runtime(
    online: Machine, forge: Forge
) -> None:
    hosted, storage = forge.repository(), online.runtime.drive
    work(online, "merged", "of the merged one")
    forge.merge(hosted, online.json("review")["number"])
    online.gitsession("finish")
    plots = "refs/gitsession-pr/1"
    hosted.git("update-ref", plots, "main")
    online.lose()
    work(online, "open", "of the open one")
    online.gitsession("close")

    shown = prune(online)
    assert [(each["session"], each["goes"]) for each in shown["sessions"]] == [("ada/merged", True)]
    assert shown["removed"] == shown["marked"] == []
    assert hosted.refs("refs/heads/session/ada/merged"), "it only shows unless told yes"
    asked = online.gitsession("prune", "ada/digits", "--storage", str(storage)).stdout
    assert "ada/merged" in asked and "Nothing was removed" in asked

    assert prune(online, "--yes")["marked"] == ["ada/merged"]
    left = hosted.refs("refs/")
    assert not [ref for ref in left if ref.endswith("ada/merged")]
    assert plots in left and "refs/heads/session/ada/open" in left
    assert prune(online, "--yes")["removed"] == [], "the runtime that marked it does not remove it"
    kept = {"of the merged one", "of the open one", "what both keep"}
    assert contents(storage) == kept
    assert [path.read_text() for path in held(storage) if path.suffix] == ["of the merged one"]
    assert list(storage.glob("**/sessions/ada/merged/*/*.bundle"))

    (shared,) = (path for path in held(storage) if path.read_text() == "what both keep")
    shared.rename(f"{shared}.condemned")  # as if it had been marked while the open one was about to name it
    online.lose()
    assert prune(online, "--yes")["removed"] == ["ada/merged"]
    assert contents(storage) == {"of the open one", "what both keep"} and shared in held(storage)
    assert not list(storage.glob("**/sessions/ada/merged/*/*"))
    again = online.open()
    assert again["session"] == "open" and (online.worktree / "open.txt").exists()
    assert (online.worktree / "kept" / "own").read_text() == "of the open one"
    assert list(storage.glob("**/base/*.bundle")), "the other session's bundles build on it"


def test_what_is_not_merged_or_was_moved_meanwhile_stays(
    runtime: Runtime, git_server: GitServer, hub: Hub, forge: Forge
) -> None:
    runtime.extra |= {"GITHUB_TOKEN": ADA_TOKEN, "GITHUB_SERVER_URL": git_server.site}
    machine, hosted = Machine(runtime, "ada/digits", ("--storage", "none")), forge.repository()
    machine.open("--session", "lesson")
    (machine.worktree / "a.txt").write_text("one\n")
    machine.gitsession("finish")
    command = ("prune", "ada/digits", "--storage", "none", "--yes")
    (stays,) = machine.json(*command)["sessions"]
    assert (stays["goes"], stays["why"]) == (False, "it is not merged")

    squashed = git(hosted.path, "commit-tree", "-p", "main", "-m", "Squash", "session/ada/lesson^{tree}")
    hosted.git("update-ref", "refs/heads/main", squashed.strip())
    hosted.git("update-ref", "refs/heads/session/ada/lesson", "main")
    done = machine.json(*command)
    assert (
        done["removed"] == ["ada/lesson"]
        and done["sessions"][0]["why"] == "its files are on the default branch"
    )
    assert "refs/heads/session/ada/lesson" in hosted.refs("refs/"), "somebody moved that branch"
    assert not [ref for ref in hosted.refs("refs/") if ref.startswith("refs/gitsession")]
