"""`gitsession close`: the last flush, then nothing of ours runs on."""

from __future__ import annotations

import click

from gitsession.commands.output import inert, note, print_json, say
from gitsession.commands.target import find, json_option, session_option


@click.command(epilog="Example: gitsession close --session 20261122-qkzt")
@session_option
@click.option("--flush/--no-flush", default=True, show_default=True, help="Save and ship everything first.")
@json_option
def command(session: str | None, flush: bool, as_json: bool) -> None:
    """Save everything, end the background processes and remove our hooks. Your files stay where they are.

    The session itself lives on: `gitsession open` resumes it here or on another machine.
    """
    handle = find(session)
    worktree = handle.worktree
    missing = handle.close(flush=flush)
    if as_json:
        print_json({"closed": True, "worktree": str(worktree), "missing": list(missing)})
        return
    for line in missing:
        note(f"gitsession: only on this machine: {inert(line)}")
    say(f"Closed. Your files stay in {inert(worktree)}.")
