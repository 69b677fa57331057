"""`gitsession open`: put a repository on this machine as it was left, and keep saving it."""

from __future__ import annotations

import dataclasses
import os
import sys
from contextlib import nullcontext
from typing import Any

import click

from gitsession.agent.configuration import load
from gitsession.commands.env import variables
from gitsession.commands.output import Bars, inert, note, print_json, say
from gitsession.commands.status import headline
from gitsession.commands.target import json_option
from gitsession.errors import TokenMissing, UsageError
from gitsession.notebook import shell
from gitsession.resume.account import is_github
from gitsession.resume.options import Options
from gitsession.resume.person import Person
from gitsession.resume.start import start
from gitsession.resume.told import remember, untold
from gitsession.session import Session
from gitsession.status import Status


def open_session(options: Options) -> Session:
    """Open as the options say, with bars on a terminal and questions where somebody can answer them.

    In a notebook's kernel the card is shown below the cell, and git in its cells is given the token.

    Raises:
        GitsessionError: See `gitsession.open`.
    """
    kernel = shell()
    try:
        with Bars() if options.progress else nullcontext() as listen:
            session = start(options, Person(listen, _consent, tell=_tell))
    except TokenMissing as error:
        if kernel is not None:
            _ask_in(kernel, options, error)
        raise
    address = load(session.places).address
    session.notes = untold(session.notes, address)
    if kernel is None:
        for line in session.notes:
            _tell(line)
    else:
        _show_in(kernel, session, options)
    remember(session.notes, address)
    return session


def _ask_in(kernel: Any, options: Options, error: TokenMissing) -> None:
    from gitsession.notebook.attach import ask_for_token

    ask_for_token(kernel, str(options.repo), error)


def _show_in(kernel: Any, session: Session, options: Options) -> None:
    from gitsession.notebook.attach import attach
    from gitsession.notebook.magics import register

    os.environ.update(variables(load(session.places), os.environ))
    register(kernel)
    attach(kernel, session, options.notebook, wants_token=_wants_token(session, options))


def _tell(line: str) -> None:
    note(f"gitsession: {inert(line)}")


def _wants_token(session: Session, options: Options) -> bool:
    """Whether nothing is pushed only because nobody has given a token, or the one that was is refused."""
    if session.status().extra.get("token_refused"):
        return True
    configuration = load(session.places)
    if configuration.publish or not options.publish or not is_github(configuration.address, os.environ):
        return False
    return not session.holds_token()


def _consent(question: str) -> bool:
    """Nobody there means no."""
    return bool(
        sys.stdin and sys.stdin.isatty() and sys.stderr.isatty() and click.confirm(inert(question), err=True)
    )


def document(session: Session, status: Status) -> dict[str, Any]:
    """What `--json` prints, as the interface contract has it."""
    return {
        "session": status.session,
        "repo": status.repo,
        "branch": status.branch,
        "worktree": str(status.worktree),
        "editor": status.editor and {"url": session.url or status.editor.url},
        "resumed": session.resumed,
        "snapshot": status.snapshot.number if status.snapshot else 0,
    }


def show(session: Session, status: Status) -> None:
    """Print for people what runs now and how to go on."""
    say(f"{'Resumed' if session.resumed else 'Opened'} {inert(status.repo)}, session {inert(status.session)}")
    say(f"  {headline(status)}")
    if status.editor is not None:
        say(f"  editor: {session.url or status.editor.url}")
    say(f"  cd {inert(status.worktree)}")
    say("  gitsession status · log · restore · flush · close")


def _choice(*words: str) -> click.Choice[str]:
    return click.Choice(words)


@click.command(epilog='Example: gitsession open ada/engine --storage drive --keep "checkpoints/**"')
@click.argument("repo")
@click.option("--session", metavar="NAME", help="The session; by default your newest unfinished one.")
@click.option("--base", metavar="REV", help="The branch, tag or commit that a new session starts from.")
@click.option("--storage", metavar="PLACE", help="The vault: drive, a folder, or none.")
@click.option("--workdir", metavar="DIR", help="The work tree; ./<repo> by default.")
@click.option("--token-command", metavar="CMD", help="A command that prints a GitHub token.")
@click.option(
    "--editor",
    type=_choice("auto", "lab", "none"),
    default="auto",
    show_default=True,
    help="code-server where it can run, JupyterLab, or none.",
)
@click.option(
    "--tunnel",
    type=_choice("auto", "ngrok", "colab", "none"),
    default="auto",
    show_default=True,
    help="How a browser elsewhere reaches the editor.",
)
@click.option("--tunnel-domain", metavar="DOMAIN", help="A domain that you reserved at ngrok.")
@click.option("--tunnel-oauth", metavar="PROVIDER", help="Whom to sign in with at ngrok, such as google.")
@click.option("--port", type=click.IntRange(1, 65535), help="A port for the editor.")
@click.option("--extensions", multiple=True, metavar="ID", help="A VS Code extension to install; repeatable.")
@click.option("--notebook", metavar="PATH", help="The open notebook's path in the repository.")
@click.option(
    "--keep", multiple=True, metavar="PATTERN", help="Ignored files that the vault shall hold; repeatable."
)
@click.option(
    "--lazy", multiple=True, metavar="PATTERN", help="Kept files to leave in the vault; repeatable."
)
@click.option(
    "--max-file-size", default="50MB", show_default=True, help="Larger new content goes to the vault only."
)
@click.option(
    "--max-remote-size", default="500MB", show_default=True, help="How much large content may be pushed."
)
@click.option(
    "--publish/--no-publish", default=True, show_default=True, help="Push, or keep all in the vault."
)
@click.option(
    "--branch",
    type=_choice("visible", "hidden"),
    default="visible",
    show_default=True,
    help="Push the session branch too, or only the ref that resuming needs.",
)
@click.option(
    "--branches",
    type=_choice("head", "all"),
    default="head",
    show_default=True,
    help="Which of your branches the remote holds; the vault holds all.",
)
@click.option(
    "--fork",
    type=_choice("auto", "always", "never"),
    default="auto",
    show_default=True,
    help="Whether the session lives in your fork or copy of a template: if you may not push, always, never.",
)
@click.option("--take-over", is_flag=True, help="Take the lease of another person's session.")
@click.option("--create", is_flag=True, help="Make a private repository where there is none.")
@click.option("--lifetime", metavar="TIME", help="How long this machine lasts, such as 12h.")
@click.option("--notify", metavar="URL", help="Told in one line when work is at risk.")
@click.option("--progress/--no-progress", default=True, help="Whether bars are shown on a terminal.")
@json_option
def command(repo: str, as_json: bool, **given: Any) -> None:
    """Open REPO, or resume your session on it, and keep saving it in the background.

    REPO is user/repo, a GitHub, pull request, blob or Colab URL, any git URL, or a path; "." adopts the
    clone you stand in. A token comes from --token-command, GITHUB_TOKEN, GH_TOKEN, `gh auth token`, or is
    asked for. GITSESSION_TUNNEL_AUTH=user:password is asked for by ngrok before anything comes here.
    """
    editor, tunnel = given.pop("editor"), given.pop("tunnel")
    options = Options(
        repo=repo, editor=None if editor == "none" else editor, tunnel=tunnel, **_without_nones(given)
    )
    session = open_session(options)
    status = session.status()
    if as_json:
        print_json(document(session, status))
    else:
        show(session, status)


def _without_nones(given: dict[str, Any]) -> dict[str, Any]:
    known = {field.name for field in dataclasses.fields(Options)}
    if unknown := given.keys() - known:
        raise UsageError(
            f"Unknown options: {', '.join(sorted(unknown))}.", hint="`gitsession open --help` lists them all."
        )
    return {name: value for name, value in given.items() if value is not None}
