"""`gitsession doctor`: what stands in the way on this machine, in one table, each line with its fix."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from gitsession.address import Address
from gitsession.agent.places import home
from gitsession.commands.output import console, inert, print_json, say
from gitsession.commands.target import json_option
from gitsession.doctor import Case, Finding, Verdict, examine
from gitsession.editor.working import editor_cache
from gitsession.errors import GitsessionError
from gitsession.resume.ahead import LOCAL, REMOTE_SHELL
from gitsession.resume.given import token_at_hand
from gitsession.resume.ground import is_clone, storage_of, survey_remote
from gitsession.resume.options import Options
from gitsession.runtime import Runtime, detect

_LOOKS = {
    Verdict.GOOD: ("ok", "green"),
    Verdict.WARN: ("note", "yellow"),
    Verdict.BAD: ("BAD", "bold red"),
    Verdict.SKIPPED: ("-", "dim"),
}


def gather(repo: str | None, storage: str | None, token_command: str | None) -> Case:
    """The case of this machine.

    Raises:
        AddressError, RepositoryError: `repo` is none.
        AuthorisationError: The token command gives none.
    """
    runtime = detect(os.environ)
    if repo is None and is_clone(Path.cwd()):
        repo = "."
    ground = None if repo is None else survey_remote(repo, False, runtime=runtime, environ=os.environ)
    address = None if ground is None else ground.address
    case = Case(
        runtime=runtime,
        environ=os.environ,
        worktree=Path.cwd() if address is None or repo == "." else runtime.default_worktree(address.name),
        home=home(),
        cache=editor_cache(),
        address=address,
        storage=_storage(storage, runtime),
        own_machine=runtime.name == LOCAL and not any(os.environ.get(name) for name in REMOTE_SHELL),
    )
    if case.github is not None:
        _give_token(case, case.github, token_command)
    return case


def _give_token(case: Case, address: Address, token_command: str | None) -> None:
    options = Options(repo=str(address), token_command=token_command)
    given = token_at_hand(options, address, case.runtime, case.environ)
    case.token, case.token_trouble = given.token, given.trouble


def _storage(named: str | None, runtime: Runtime) -> Path | GitsessionError | None:
    try:
        found = storage_of(named, runtime, os.environ)
    except GitsessionError as error:
        return error
    return None if found is None else Path(found)


def show(found: Sequence[Finding]) -> None:
    """One table for people; the fixes stand below it, unbroken, so that they can be copied."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in ("", "check", "what was seen"):
        drawn.add_column(column, overflow="fold")
    for finding in found:
        word, style = _LOOKS[finding.verdict]
        drawn.add_row(Text(word, style=style), finding.name, Text(inert(finding.words)))
    console().print(drawn)
    for finding in found:
        if finding.fix:
            say(f"{finding.name}: {inert(finding.fix)}")


@click.command(epilog="Example: gitsession doctor ada/engine --storage drive")
@click.argument("repo", required=False)
@click.option("--storage", metavar="PLACE", help="The vault: drive, a folder, or none.")
@click.option("--token-command", metavar="CMD", help="A command that prints a GitHub token.")
@json_option
def command(repo: str | None, storage: str | None, token_command: str | None, as_json: bool) -> int:
    """Look for what stands in the way of saving on this machine, and say how to mend it.

    REPO is as in `gitsession open`; by default the clone that you stand in. Nothing is changed; a sample is
    written to the storage, read back and removed. Ends with 1 where something is bad.
    """
    case = gather(repo, storage, token_command)
    with console(stderr=True).status("") as waiting:
        found = list(examine(case, begin=lambda name: waiting.update(f"{name} …")))
    bad = any(finding.verdict is Verdict.BAD for finding in found)
    if as_json:
        print_json({"healthy": not bad, "checks": [finding.to_json() for finding in found]})
    else:
        show(found)
    return int(bad)
