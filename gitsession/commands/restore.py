"""`gitsession restore`: files as they were in a snapshot; what is there now is saved first."""

from __future__ import annotations

import sys

import click

from gitsession.commands.output import inert, print_json, say
from gitsession.commands.target import find, json_option, session_option
from gitsession.errors import UsageError

_COLOURS = (("+++", None), ("---", None), ("+", "green"), ("-", "red"), ("@@", "cyan"))


def show_patch(patch: str) -> None:
    """Print what would change; in colours only on a terminal."""
    for line in patch.splitlines():
        colour = next((colour for mark, colour in _COLOURS if line.startswith(mark)), None)
        click.secho(inert(line), fg=colour)


@click.command(
    epilog='Example: gitsession restore train.py --at "10 minutes ago" · '
    "gitsession restore --all --before-cell 12 --diff"
)
@click.argument("path", required=False)
@session_option
@click.option("--at", metavar="TIME", help='When, such as "10 minutes ago" or 2026-11-22T21:30.')
@click.option("--snapshot", type=click.IntRange(1), help="The snapshot's number, from `gitsession log`.")
@click.option("--before-cell", type=click.IntRange(1), help="From before this cell of a notebook ran.")
@click.option("--all", "everything", is_flag=True, help="The whole work tree instead of one PATH.")
@click.option("--diff", "only_diff", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask; on a terminal the changes are shown first.")
@json_option
def command(
    path: str | None,
    session: str | None,
    at: str | None,
    snapshot: int | None,
    before_cell: int | None,
    everything: bool,
    only_diff: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Bring back PATH, relative to the work tree, as it was; by default from the snapshot before the last.

    What is there now becomes a snapshot first, so that a restore can be undone by another one.
    """
    if (path is None) is not everything:
        raise UsageError(
            "Name one PATH, or --all for the whole work tree.", hint="See `gitsession restore --help`."
        )
    if sum(given is not None for given in (at, snapshot, before_cell)) > 1:
        raise UsageError(
            "--at, --snapshot and --before-cell exclude each other.",
            hint="See `gitsession log` for the numbers.",
        )
    handle, when = find(session), at if snapshot is None else snapshot
    asks = not (yes or as_json) and sys.stdin.isatty() and sys.stdout.isatty()
    if only_diff or asks:
        patch = handle.compare(path, when, before_cell=before_cell)
        if as_json:
            print_json({"patch": patch})
        else:
            show_patch(patch or "Nothing differs from that snapshot.")
        if only_diff or not patch or not click.confirm("Restore this?"):
            return
    _tell(handle.restore(path, when, before_cell=before_cell), as_json)


def _tell(changed: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        print_json({"changed": list(changed)})
        return
    for name in changed:
        say(inert(name))
    say(f"{len(changed)} restored" if changed else "Nothing differs from that snapshot.")
