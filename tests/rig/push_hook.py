"""The pre-receive hook of the stand-in: judges a push and says so in GitHub's words.

What it is asked comes in `GITSESSION_RIG_PUSH`. The refused refs and their reasons go into the file that is
named there, and the refs alone, one a line, into a second one: the update hook refuses those.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.rig import rulesets  # noqa: F401  its rules are known by being imported
from tests.rig.push_rules import from_json, judge
from tests.rig.pushes import Push, Pusher, Update


def main() -> int:
    """1 when nothing of the push may go in, else 0."""
    asked: dict[str, Any] = json.loads(os.environ["GITSESSION_RIG_PUSH"])
    updates = tuple(Update(*line.split()) for line in sys.stdin.read().splitlines())
    push = Push(Path.cwd(), asked["full_name"], asked["site"], Pusher(**asked["pusher"]), updates)
    reasons, words = judge(push, from_json(asked["rules"]))
    sys.stderr.buffer.write("".join(f"{line}\n" for line in words).encode())
    Path(asked["verdict"]).write_text(json.dumps(reasons))
    Path(os.environ["GITSESSION_RIG_REFUSED"]).write_text("".join(f"{ref}\n" for ref in reasons))
    return int(len(reasons) == len(updates) or (bool(reasons) and asked["atomic"]))


if __name__ == "__main__":
    sys.exit(main())
