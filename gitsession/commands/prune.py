"""`gitsession prune`: remove the sessions that are finished and merged, after showing them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from gitsession.commands.output import inert, note, print_json, say, table
from gitsession.commands.target import json_option
from gitsession.resume.access import access
from gitsession.resume.beginning import runtime_id
from gitsession.resume.opening import owner
from gitsession.resume.prune import Over, Pruned, Pruning, pruning
from gitsession.resume.repository import visit

NOTHING = Pruned((), (), ())


@click.command(epilog="Example: gitsession prune ada/engine")
@click.argument("repo", default=".")
@click.option("--storage", metavar="PLACE", help="The vault: drive, a folder, or none.")
@click.option("--yes", is_flag=True, help="Remove what the table shows without asking.")
@json_option
def command(repo: str, storage: str | None, yes: bool, as_json: bool) -> None:
    """Remove your sessions of REPO that are finished and merged; by default of the clone you stand in.

    They are shown first. From the remote go the session branch, its state and its merged review branch; from
    the vault what no other session needs, in two steps: marked now, removed by `prune` in a later runtime.
    Plots in comments stay, and so does whatever is not merged.
    """
    there = visit(repo, storage)
    with access(there.ground.address, there.ground.fork, there.token) as variables:
        look = pruning(there.ground, there.running, there.pull, runtime=runtime_id(), variables=variables)
        with look as found:
            _report(found)
            over = found.over(owner(there.login, found.seen, None))
            going = [each for each in over if each.goes]
            if not as_json:
                _show(over)
            agreed = bool(going) and (yes or (not as_json and _agreed(len(going))))
            done = found.remove(going) if agreed else NOTHING
    if as_json:
        print_json(_document(over, done))
    else:
        _tell(going, done, agreed)


def _report(found: Pruning) -> None:
    for name, error in found.seen.failures.items():
        note(f"gitsession: the {name} could not be asked. {inert(error.what)}")


def _show(over: Sequence[Over]) -> None:
    if not over:
        return
    rows = [
        ("goes" if each.goes else "stays", each.session, " + ".join(each.where), each.why) for each in over
    ]
    table(("", "session", "held by", "why"), rows, whole=("session",))


def _agreed(count: int) -> bool:
    if not sys.stdin.isatty():
        return False
    return click.confirm(f"Remove {count} of them for good?")


def _tell(going: Sequence[Over], done: Pruned, agreed: bool) -> None:
    for line in done.notes:
        note(f"gitsession: {inert(line)}")
    if not going:
        say("Nothing to remove.")
    elif not agreed:
        say("Nothing was removed. To remove what is marked `goes`: gitsession prune --yes")
    if done.removed:
        say(f"Removed: {', '.join(inert(session) for session in done.removed)}.")
    if done.marked:
        names = ", ".join(inert(session) for session in done.marked)
        say(f"Marked in the vault: {names}. `gitsession prune` in a later runtime frees the space.")


def _document(over: Sequence[Over], done: Pruned) -> dict[str, Any]:
    return {
        "sessions": [
            {
                "session": str(each.session),
                "goes": each.goes,
                "why": each.why,
                "where": list(each.where),
                "refs": dict(each.refs),
            }
            for each in over
        ],
        "removed": [str(session) for session in done.removed],
        "marked": [str(session) for session in done.marked],
        "notes": list(done.notes),
    }
