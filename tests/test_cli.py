"""The command line itself: help, exit codes, errors in three lines, and what an import may load."""

from __future__ import annotations

import json
import re
import sys

import pytest

import gitsession
from gitsession import cli, run
from gitsession.errors import AuthorisationError, GitsessionError, NotSafeYet, UsageError

HEAVY = ("git", "github", "pyngrok", "watchdog", "click", "rich", "asyncio", "requests")
SHOWN = [verb for verb in cli.VERBS if verb not in cli.HIDDEN]


def test_the_public_names_are_these() -> None:
    assert set(gitsession.__all__) >= {"open", "list", "Session", "GitsessionError"}
    assert all(getattr(gitsession, name).__doc__ for name in gitsession.__all__)


@pytest.mark.parametrize(
    "module", ["gitsession", "gitsession.commands.credential", "gitsession.commands.hook"]
)
def test_what_must_start_fast_loads_nothing_heavy(module: str) -> None:
    code = f"import sys; import {module}; print(*sorted(set(sys.modules) & set({HEAVY!r})))"
    done = run.run([sys.executable, "-c", code], timeout=30, env=run.clean_environment())
    assert done.stdout.decode().split() == []


@pytest.mark.parametrize("verb", SHOWN)
def test_every_verb_explains_itself_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([verb, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"gitsession {verb}" in shown
    assert "Example:" in shown


@pytest.mark.parametrize("verb", SHOWN)
def test_every_verb_takes_json(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main([verb, "--help"])
    assert "--json" in capsys.readouterr().out


def test_help_names_every_verb_but_git_s_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {verb} " in shown for verb in SHOWN)
    assert "credential" not in shown


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("re", {"restore", "review"}), ("open ada/x --st", {"--storage"}), ("open ada/x --editor n", {"none"})],
)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_verbs_options_and_choices(shell: str, typed: str, offered: set[str]) -> None:
    words = f"gitsession {typed}"
    asked = {
        "_GITSESSION_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": words.rpartition(" ")[0] if shell == "fish" else words,
        "COMP_CWORD": words.rpartition(" ")[2] if shell == "fish" else str(len(words.split()) - 1),
    }
    argv = [sys.executable, "-c", "from gitsession.cli import main; main()"]
    done = run.run(argv, timeout=60, env=run.clean_environment(asked))
    assert set(re.findall(r"[\w-]+", done.stdout.decode())) >= offered


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-verb"],
        ["status", "--no-such-option"],
        ["open"],
        ["flush", "--level", "perfect"],
        ["restore"],
    ],
)
def test_a_malformed_call_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_an_error_is_what_happened_what_is_safe_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_arguments: list[str]) -> int:
        raise NotSafeYet("Not yet.", safe="All is stored.", hint="Wait.")

    monkeypatch.setattr(cli, "_run", fail)
    assert cli.main(["flush"]) == 3
    assert capsys.readouterr().err.splitlines() == ["gitsession: Not yet.", "All is stored.", "Wait."]
    assert cli.main(["flush", "--json"]) == 3
    error = json.loads(capsys.readouterr().out)["error"]
    assert error == {"what": "Not yet.", "safe": "All is stored.", "hint": "Wait."}


@pytest.mark.parametrize(
    ("error", "code"), [(GitsessionError("x"), 1), (UsageError("x"), 2), (AuthorisationError("x"), 4)]
)
def test_exit_codes(error: GitsessionError, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_arguments: list[str]) -> int:
        raise error

    monkeypatch.setattr(cli, "_run", fail)
    assert cli.main(["status"]) == code


def test_a_mistake_of_ours_says_so_without_credentials(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_arguments: list[str]) -> int:
        raise RuntimeError("https://ada:ghp_" + "x" * 36 + "@github.com failed")

    monkeypatch.setattr(cli, "_run", fail)
    assert cli.main(["status"]) == 70
    said = capsys.readouterr().err
    assert "mistake of ours" in said
    assert cli.REPORT in said
    assert "ghp_x" not in said


def test_ctrl_c_says_that_the_session_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_run", interrupted)
    assert cli.main(["open", "ada/engine"]) == 130
    assert "goes on" in capsys.readouterr().err


def spoken(*arguments: str, shell: str = 'exec "$@"', **environ: str) -> run.Completed:
    """What a command says in a process of its own, its streams as a shell lays them."""
    argv = ["sh", "-c", shell, "sh", sys.executable, "-m", "gitsession", *arguments]
    return run.run(argv, timeout=60, env=run.clean_environment(environ))


@pytest.mark.parametrize(
    ("call", "told"),
    [("say('all safe · é')", b"all safe ? ?\n"), ("print_json('é')", b'"\\u00e9"\n')],
)
def test_a_terminal_that_lacks_a_letter_gets_the_others_and_a_program_all(call: str, told: bytes) -> None:
    code = f"from gitsession import cli; from gitsession.commands.output import *; cli.main(['-h']); {call}"
    env = run.clean_environment({"PYTHONIOENCODING": "ascii"})
    done = run.run([sys.executable, "-c", code], timeout=60, env=env)
    assert done.stderr == b""
    assert done.stdout.endswith(told)


@pytest.mark.parametrize("closed", ['"$@" >&-', '"$@" <&-', '"$@" 2>&-', '"$@" <&- >&- 2>&-'])
def test_a_closed_stream_is_nobody_s_mistake(closed: str) -> None:
    told = spoken("doctor", "--json", shell=closed)
    assert told.code in (0, 1)
    assert told.stderr == b""


def test_output_that_takes_no_more_is_said() -> None:
    told = spoken("doctor", shell='"$@" >/dev/full')
    assert told.code == 1
    what, *more = told.stderr.decode().splitlines()
    assert what == "gitsession: Nothing more can be written: No space left on device."
    assert len(more) == 2


def test_a_reader_that_has_enough_is_no_mistake() -> None:
    told = spoken("doctor", shell='{ "$@"; echo $? >&2; } | true')
    assert told.stderr.strip().isdigit()
