"""`gitsession review`: hand the work in as a pull request, and see what reviewers said."""

from __future__ import annotations

import shutil
import webbrowser
from pathlib import Path

import click

from gitsession.commands.output import inert, note, print_json, say
from gitsession.commands.target import find, json_option, session_option
from gitsession.proposal.values import OUTPUTS, Review, ReviewStatus


def show(result: Review) -> None:
    """Tell a person what came of a round."""
    done = "added a commit to" if result.made else "is as handed in:"
    say(f"review     {done} {inert(result.branch)}, into {inert(result.base)}")
    if result.url:
        say(f"pull       {inert(result.url)}")
    for line in result.conflicts:
        say(f"conflict   {inert(line)}")
    for line in result.notes:
        say(f"note       {inert(line)}")
    say(f"report     {result.report}")


def show_status(status: ReviewStatus) -> None:
    """Tell a person how the review stands."""
    if status.number is None:
        say("No pull request yet: `gitsession review` opens one.")
        return
    say(f"#{status.number} {status.state}  {inert(status.url)}")
    for login, verdict in status.reviewers:
        say(f"  {inert(login)}: {verdict}")
    for login, words in status.words:
        say(f"  {inert(login)} says: {inert(words)}")
    for remark in status.remarks:
        cell = f" cell {remark.cell}" if remark.cell else ""
        line = f" line {remark.line}" if remark.line else " (the line is gone since)"
        say(f"  {inert(remark.path)}{cell}{line}, {inert(remark.author)}: {inert(remark.text)}")


def export(report: Path, html: Path | None, *, opened: bool) -> None:
    """Copy the full report to where it was asked for, and show it in the browser."""
    if html is not None:
        shutil.copyfile(report, html)
    if opened and not webbrowser.open(report.resolve().as_uri()):
        note(f"gitsession: no browser could be started; open {report} yourself.")


@click.command(epilog='Example: gitsession review --title "Fit a second model" --reviewer grace')
@session_option
@click.option("--title", help="The pull request's title.")
@click.option("--body", help="What you want to say, as Markdown.")
@click.option("--base", metavar="BRANCH", help="The branch it goes into; the default branch by default.")
@click.option("--draft/--no-draft", default=True, show_default=True, help="Open it as a draft.")
@click.option("--reviewer", "reviewers", multiple=True, metavar="LOGIN", help="Ask for a review; repeatable.")
@click.option("--label", "labels", multiple=True, metavar="NAME", help="Add a label; repeatable.")
@click.option("--outputs", type=click.Choice(OUTPUTS), default="keep", help="Outputs of changed notebooks.")
@click.option("--status", "only_status", is_flag=True, help="Show what reviewers said, and change nothing.")
@click.option("--open", "opened", is_flag=True, help="Show the full report in the browser.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the full report there.")
@json_option
def command(
    session: str | None,
    only_status: bool,
    opened: bool,
    html: Path | None,
    as_json: bool,
    title: str | None,
    body: str | None,
    base: str | None,
    draft: bool,
    reviewers: tuple[str, ...],
    labels: tuple[str, ...],
    outputs: str,
) -> None:
    """Hand in the work tree as it is: a commit on the review branch, and a pull request that shows it.

    A later call adds a commit and edits the pull request's comment in place; nothing is ever forced.
    """
    handle = find(session)
    if only_status:
        status = handle.review_status()
        print_json(status.to_json()) if as_json else show_status(status)
        return
    result = handle.review(title, body, base, draft, reviewers, labels, outputs, note)
    export(result.report, html, opened=opened)
    print_json(result.to_json()) if as_json else show(result)
