"""The command line: finds the verb, runs it, and turns an error into three lines and an exit code."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from gitsession.errors import Bug, GitsessionError

if TYPE_CHECKING:
    import click

VERBS = {
    "open": "Open a repository, or resume your session on it.",
    "attach": "Open only where a session is already running here.",
    "status": "What is saved, and how safely.",
    "list": "The sessions of a repository.",
    "log": "The snapshots of a session.",
    "restore": "Bring back files as they were in a snapshot.",
    "flush": "Save and ship everything now.",
    "allow": "Let leave what is held.",
    "fetch": "Bring back files that were left in the vault.",
    "commit": "Make a commit of your own on your branch.",
    "expose": "A link to a program of your own.",
    "update": "Bring what is new on the base into your work tree.",
    "review": "Hand the work in as a pull request.",
    "finish": "Save everything and end the session for good.",
    "prune": "Remove your sessions that are finished and merged.",
    "env": "Print the environment with which `git push` works.",
    "run": "Run a command and record how it went.",
    "wait": "Stay busy until a process or a command ends.",
    "close": "Save everything and end the session here.",
    "doctor": "What stands in the way on this machine, and its fix.",
    "demo": "The whole story on this machine, without an account.",
    "credential": "git's credential helper (git calls it).",
    "hook": "git's hooks call it.",
}
HIDDEN = ("credential", "hook")
FAST = ("credential", "hook")  # git waits for these: no click, no rich
REPORT = "https://github.com/gitsession/gitsession/issues"
INTERRUPTED = 130
FULL = (errno.ENOSPC, errno.EDQUOT)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and answer with its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in FAST:
        return int(import_module(f"gitsession.commands.{arguments[0]}").main(arguments[1:]))
    _take_any_word()
    try:
        return _run(arguments)
    except GitsessionError as error:
        return _fail(error, as_json="--json" in arguments)
    except KeyboardInterrupt:
        sys.stderr.write(
            "\nStopped. What was saved stays saved; a running session goes on in the background.\n"
        )
        return INTERRUPTED
    except BrokenPipeError:
        _close_output()
        return INTERRUPTED
    except OSError as error:
        if error.errno not in FULL:
            return _report_bug(error)
        _close_output()
        return _fail(_full(error), as_json=False)
    except Exception as error:
        return _report_bug(error)


def _take_any_word() -> None:
    """Let output in an encoding that lacks a letter go on without it, and be closed from the beginning."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - as long as we live
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _close_output() -> None:
    """Have Python's last flush not fail where nobody, or nothing, takes the output any more."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _full(error: OSError) -> GitsessionError:
    return GitsessionError(
        f"Nothing more can be written: {error.strerror}.",
        safe="What was saved stays saved; a running session goes on in the background.",
        hint="Make room on this machine's disk, or where this command's output goes, and repeat it.",
    )


def _run(arguments: list[str]) -> int:
    import click

    try:
        code = group()(args=arguments, prog_name="gitsession", standalone_mode=False)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        error.show()
        return 2
    return code if isinstance(code, int) else 0


def _fail(error: GitsessionError, *, as_json: bool) -> int:
    if as_json:
        from gitsession.commands.output import print_json

        print_json({"error": {"what": error.what, "safe": error.safe, "hint": error.hint}})
    sys.stderr.write(f"gitsession: {error}\n")
    return error.exit_code


def _report_bug(error: Exception) -> int:
    import traceback

    from gitsession.git.command import redact
    from gitsession.wording import inert_lines

    sys.stderr.write(inert_lines(redact("".join(traceback.format_exception(error)))))
    sys.stderr.write(
        f"gitsession: this is a mistake of ours ({type(error).__name__}).\n"
        "What was saved stays saved; a running session goes on in the background.\n"
        f"Please report it with the lines above: {REPORT}\n"
    )
    return Bug.exit_code


def group() -> click.Group:
    """The command group; a verb's module is loaded when it is asked for, and not before."""
    import click

    class Verbs(click.Group):
        def list_commands(self, _context: click.Context) -> list[str]:
            return [verb for verb in VERBS if verb not in HIDDEN]

        def get_command(self, _context: click.Context, name: str) -> click.Command | None:
            if name not in VERBS or name in FAST:
                return None
            command = import_module(f"gitsession.commands.{name}").command
            assert isinstance(command, click.Command)
            return command

        def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
            with formatter.section("Commands"):
                formatter.write_dl([(verb, VERBS[verb]) for verb in VERBS if verb not in HIDDEN])

    return Verbs(
        "gitsession",
        help="Your repository, exactly as you left it, in an editor, on a machine that will disappear.",
        context_settings={"help_option_names": ["-h", "--help"]},
        params=[_version()],
    )


def _version() -> click.Option:
    import click

    def show(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
        if wanted and not context.resilient_parsing:
            from importlib.metadata import version

            click.echo(f"gitsession {version('gitsession')}")
            context.exit()

    return click.Option(
        ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=show, help="Its version."
    )
