"""Sessions that live in the person's fork, asked for by the name of what was forked."""

from __future__ import annotations

import time

import pytest

from tests.rig.forge import ADA_TOKEN, GRACE_TOKEN, Forge
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.runtime import Runtime
from tests.spine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def machine_of(runtime: Runtime, server: GitServer, token: str) -> Machine:
    runtime.extra |= {"GITHUB_TOKEN": token, "GITHUB_SERVER_URL": server.site}
    return Machine(runtime, "ada/digits", ("--storage", str(runtime.drive)))


def test_they_are_listed_with_everybodys_and_pruned_once_merged(
    runtime: Runtime, git_server: GitServer, hub: Hub, forge: Forge
) -> None:
    grace = machine_of(runtime, git_server, GRACE_TOKEN)
    ada = machine_of(Runtime(runtime.root.parent / "a"), git_server, ADA_TOKEN)
    try:
        ada.open("--session", "hers")
        ada.gitsession("flush", "--timeout", "60", "--level", "safe")
    finally:
        ada.runtime.kill()
    grace.open("--session", "lesson")
    (grace.worktree / "a.txt").write_text("one\n")
    grace.gitsession("flush", "--timeout", "60")
    number = grace.json("review")["number"]
    assert "refs/heads/session/grace/lesson" in forge.repository("grace/digits").refs()

    command = ("list", "ada/digits", "--storage", str(runtime.drive))
    rows = {row["name"]: row for row in grace.json(*command)}
    hers, own = rows["hers"], rows["lesson"]
    assert (hers["owner"], hers["base"], hers["where"]) == ("ada", "main", ["remote"])
    assert (hers["running"], hers["leader"]) == (None, "elsewhere") and hers["saved"] <= time.time()
    assert (own["owner"], own["base"], own["running"], own["leader"]) == ("grace", "main", True, "here")
    assert own["where"] == ["remote", "vault"] and own["size"] > 0 and hers["size"] is None
    assert own["pull"] == f"#{number} draft"
    grace.runtime.extra["COLUMNS"] = "200"
    shown = grace.gitsession(*command).stdout
    said = ("remote + vault", "running here", "led elsewhere, saved", f"#{number} draft")
    assert all(word in shown for word in said), shown

    grace.gitsession("finish")
    prune = ("prune", "ada/digits", "--storage", str(runtime.drive), "--yes")
    (stays,) = grace.json(*prune)["sessions"]
    assert (stays["goes"], stays["why"]) == (False, f"#{number} is not merged")
    forge.merge(forge.repository(), number)
    assert grace.json(*prune)["marked"] == ["grace/lesson"]
    left = forge.repository("grace/digits").refs("refs/")
    assert not [ref for ref in left if ref.endswith("grace/lesson")]
    assert "refs/heads/session/ada/hers" in forge.repository().refs("refs/")
