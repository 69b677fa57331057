"""`gitsession status`: what is saved where, what is at risk, and how long this machine lasts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import click

from gitsession.card import Card, verdict
from gitsession.commands.output import human_age, human_size, inert, note, print_json, say, table
from gitsession.commands.target import find, json_option, session_option
from gitsession.errors import AgentError
from gitsession.model import Level
from gitsession.session import Session
from gitsession.status import ReplicaStatus, Status

PAUSE = 2.0
COLUMNS = ("place", "level", "has", "", "")
_WORDS = {Level.NONE: "not yet", Level.LOCAL: "on this machine", Level.STORED: "stored", Level.SAFE: "safe"}


def headline(status: Status) -> str:
    """The durability meter as the card has it, and its age: `all safe · 12 s ago`, `2 files at risk`."""
    words = verdict(Card(time.time(), status)).words
    if status.snapshot is None or not words.startswith("all "):
        return words
    return f"{words} · {human_age(time.time() - status.snapshot.at)}"


def replica_row(replica: ReplicaStatus) -> tuple[str, ...]:
    """One line of the replica table."""
    waiting = f"{replica.pending} waiting" if replica.pending else ""
    return (
        replica.name,
        _WORDS[replica.level],
        f"snapshot {replica.acknowledged}" if replica.acknowledged else "nothing yet",
        waiting,
        replica.error,
    )


def kept_lines(kept: Mapping[str, Any]) -> list[str]:
    """What is told of kept files: how many there are, and which are only in the vault."""
    lines = []
    if kept.get("files"):
        waiting = f", {kept['waiting']} not stored yet" if kept["waiting"] else ""
        lines.append(f"kept       {kept['files']} files ({human_size(kept['size'])}){waiting}")
    for entry in kept.get("awaited", ()):
        path, size = inert(entry["path"]), human_size(entry["size"])
        lines.append(f"awaited    {path} ({size}) is in the vault: gitsession fetch {path}")
    return lines


def show(status: Status) -> None:
    """Print a status for people."""
    say(f"{inert(status.session)} on {inert(status.repo)}: {headline(status)}")
    say(f"work tree  {inert(status.worktree)}")
    if status.branch:
        say(f"branch     {inert(status.branch)}")
    if storage := status.extra.get("storage"):
        say(f"vault      {inert(storage)}")
    if status.replicas:
        table(COLUMNS, [replica_row(replica) for replica in status.replicas])
    if review := status.extra.get("review"):
        said = len(review["remarks"]) + len(review["words"])
        more = f", {said} said: gitsession review --status" if said else ""
        say(f"review     #{review['number']} {inert(review['state'])}{more}")
    for path in status.at_risk:
        say(f"at risk    {inert(path)}")
    for held in status.held:
        size = human_size(held.size)
        say(f"held       {inert(held.path)} ({size}): {inert(held.reason)}, {_WORDS[held.level]}")
        if held.finding:
            say(f"           gitsession allow {inert(held.finding.split()[0])}")
    for line in kept_lines(status.extra.get("kept", {})):
        say(line)
    if packages := status.extra.get("packages"):
        say(f"packages   pip install {inert(' '.join(packages))}")
    for skipped in status.skipped:
        say(f"skipped    {inert(skipped.path)}: {inert(skipped.reason)}")
    for line in status.notes:
        say(f"note       {inert(line)}")
    if status.deadline is not None:
        word = "about " if status.deadline.estimate else ""
        say(f"time left  {word}{max(0, status.deadline.at - time.time()) / 60:.0f} min")


def short(status: Status) -> str:
    """One line for a tmux status bar."""
    return f"{status.session}: {headline(status)}"


def print_line(status: Status) -> None:
    """Print a status in one line."""
    say(inert(short(status)))


def print_document(status: Status) -> None:
    """Print a status as one JSON document."""
    print_json(status.to_json())


@click.command(epilog="Example: gitsession status --watch")
@session_option
@click.option("--watch", is_flag=True, help="Keep showing it, every two seconds, until Ctrl+C.")
@click.option("--short", "as_line", is_flag=True, help="One line, for a tmux status bar.")
@json_option
def command(session: str | None, watch: bool, as_line: bool, as_json: bool) -> None:
    """Show what is saved where, what is at risk and why, and the estimated time left."""
    handle = find(session)
    print_one = print_document if as_json else print_line if as_line else show
    if not watch:
        print_one(handle.status())
        return
    with suppress(KeyboardInterrupt):
        keep_showing(handle, print_one, clears=print_one is show, tell=note if as_json else say)


def keep_showing(
    handle: Session, print_one: Callable[[Status], None], *, clears: bool, tell: Callable[[str], None]
) -> None:
    """Show it every two seconds until the session is closed; an agent that is restarted is waited for."""
    while True:
        try:
            status = handle.status()
        except AgentError as away:
            if not handle.places.is_running():
                tell("The session was closed.")
                return
            tell(f"{away.what} It is asked again.")
        else:
            if clears:
                click.clear()  # nothing where this is no terminal
            print_one(status)
        time.sleep(PAUSE)
