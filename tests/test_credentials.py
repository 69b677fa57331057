"""The git-credential protocol, the settings that make git ask us, and where tokens come from."""

from __future__ import annotations

import copy
import os
import pickle
import shlex
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gitsession import credentials
from gitsession.address import Address, parse_address
from gitsession.commands.env import export_lines
from gitsession.credentials import Request, Token
from gitsession.errors import AuthorisationError

CANARY = "ghp_canary0123456789canary0123456789ab"
TOKEN = Token(CANARY, "a test")
OPENED = parse_address("https://github.com/ada/digits")
FORK = parse_address("https://github.com/grace/digits")


def ask(**fields: str) -> bytes:
    return "".join(f"{name}={value}\n" for name, value in fields.items()).encode()


def answered(text: bytes, opened: Address = OPENED, fork: Address | None = None) -> bool:
    given = credentials.answer(credentials.parse(text), opened, fork, TOKEN)
    assert given in (None, {"username": "x-access-token", "password": CANARY})
    return given is not None


class TestProtocol:
    def test_reads_gits_fields(self) -> None:
        text = (
            b"protocol=https\nhost=github.com\npath=ada/digits.git\nusername=ada\ncapability[]=authtype\n\n"
        )
        assert credentials.parse(text) == Request("https", "github.com", "ada/digits.git", "ada")

    @pytest.mark.parametrize(
        "path",
        [
            "ada/digits",
            "ada/digits.git",
            "ada/digits.git/info/lfs",
            "ada/digits/info/lfs",
            "ada/digits.git/info/lfs/locks/verify",
        ],
    )
    def test_answers_for_the_opened_repository(self, path: str) -> None:
        assert answered(ask(protocol="https", host="github.com", path=path))

    def test_answers_for_the_fork_only_where_there_is_one(self) -> None:
        text = ask(protocol="https", host="github.com", path="grace/digits.git")
        assert answered(text, fork=FORK)
        assert not answered(text)

    def test_a_server_with_a_port(self) -> None:
        opened = parse_address("https://127.0.0.1:8443/ada/digits.git")
        assert answered(ask(protocol="https", host="127.0.0.1:8443", path="ada/digits.git"), opened)
        assert not answered(ask(protocol="https", host="127.0.0.1", path="ada/digits.git"), opened)
        assert not answered(ask(protocol="https", host="127.0.0.1:443", path="ada/digits.git"), opened)

    def test_a_repository_below_groups(self) -> None:
        opened = parse_address("https://git.example.org/group/below/digits.git")
        assert answered(ask(protocol="https", host="git.example.org", path="group/below/digits.git"), opened)
        assert not answered(ask(protocol="https", host="git.example.org", path="below/digits.git"), opened)

    def test_a_host_is_the_same_in_capitals(self) -> None:
        assert answered(ask(protocol="https", host="GitHub.com", path="ada/digits"))

    @pytest.mark.parametrize(
        "url", ["git@github.com:ada/digits.git", "ssh://git@github.com/ada/digits", "/srv/ada/digits"]
    )
    def test_nothing_for_repositories_that_need_no_token(self, url: str) -> None:
        assert not answered(ask(protocol="https", host="github.com", path="ada/digits"), parse_address(url))

    def test_without_a_token_there_is_no_answer(self) -> None:
        request = credentials.parse(ask(protocol="https", host="github.com", path="ada/digits"))
        assert request is not None
        assert credentials.answer(request, OPENED, None, None) is None

    @pytest.mark.parametrize(
        "extra",
        [b"", b"unknown=1\nunknown=2\n", b"wwwauth[]=Basic realm=x\nwwwauth[]=Bearer\n", b"state[]=a=b\n"],
    )
    def test_unknown_fields_are_ignored(self, extra: bytes) -> None:
        assert answered(ask(protocol="https", host="github.com", path="ada/digits") + extra + b"\n")


class TestConfiguration:
    def settings(self, environ: Mapping[str, str], *addresses: Address) -> dict[str, str]:
        places = addresses or (OPENED,)
        return credentials.configuration(places, Path("/run/k.sock"), ["/bin/gs"], environ=environ)

    def test_is_for_one_repository_and_puts_ours_alone(self) -> None:
        found = self.settings({})
        pairs = [(found[f"GIT_CONFIG_KEY_{n}"], found[f"GIT_CONFIG_VALUE_{n}"]) for n in range(10)]
        helper = "!/bin/gs credential --socket /run/k.sock"
        assert found["GIT_CONFIG_COUNT"] == "10"
        assert pairs == [
            (f"{section}.https://github.com/ada/digits{suffix}.{name}", value)
            for suffix in ("", ".git")
            for section, name, value in (
                ("credential", "helper", ""),
                ("credential", "helper", helper),
                ("credential", "useHttpPath", "true"),
                ("http", "sslVerify", "true"),
                ("http", "followRedirects", "initial"),
            )
        ]

    def test_holds_the_fork_too(self) -> None:
        found = self.settings({}, OPENED, FORK)
        assert found["GIT_CONFIG_COUNT"] == "20"
        assert found["GIT_CONFIG_KEY_10"] == "credential.https://github.com/grace/digits.helper"

    def test_follows_what_stands_there_and_does_not_repeat_it(self) -> None:
        standing = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": "Authorization: secret",
        }
        found = self.settings(standing)
        assert found["GIT_CONFIG_COUNT"] == "11"
        assert "secret" not in str(found)
        assert not found.keys() & {"GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0"}

    def test_twice_is_once(self) -> None:
        environ = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c"}
        for address in (OPENED, FORK, OPENED, FORK):
            environ |= self.settings(environ, address)
        assert environ["GIT_CONFIG_COUNT"] == "21"

    @pytest.mark.parametrize("count", ["", "-1", "x", "1e3", "99999999", "٣"])
    def test_a_bogus_count_is_no_obstacle(self, count: str) -> None:
        assert self.settings({"GIT_CONFIG_COUNT": count})["GIT_CONFIG_COUNT"] == "10"

    @pytest.mark.parametrize("text", ["git@github.com:a/b.git", "http://example.org/a/b", "/srv/a"])
    def test_nothing_where_no_token_is_sent(self, text: str) -> None:
        assert self.settings({}, parse_address(text)) == {}

    @pytest.mark.parametrize(
        "place", ["a b", "it's", 'say "hi"', "$(touch fired)", "`touch fired`", "a;touch fired", "-x", "ü"]
    )
    def test_git_runs_the_helper_whatever_its_path(self, sealed: Path, place: str) -> None:
        """git hands the helper to a shell: no name of a folder may mean anything to it."""
        folder = sealed / place
        folder.mkdir()
        program = folder / "helper"
        program.write_text(
            '#!/bin/sh\necho "$@" > "$(dirname "$0")/asked"; echo username=u; echo password=p\n'
        )
        program.chmod(0o755)
        settings = credentials.configuration([OPENED], folder / "k.sock", [str(program)], environ={})
        done = fill({**os.environ, **settings}, sealed)
        assert "password=p" in done.stdout
        assert (folder / "asked").read_text() == f"credential --socket {folder}/k.sock get\n"
        assert not list(sealed.rglob("fired"))

    def test_evaluated_export_lines_are_the_settings(self, sealed: Path) -> None:
        settings = credentials.configuration(
            [OPENED], sealed / "it's $(touch fired)" / "k", ["/bin/g s"], environ={}
        )
        dump = shlex.join([sys.executable, "-c", "import os; print(ascii(dict(os.environ)))"])
        script = f"{export_lines(settings)}\nexec {dump}"
        done = subprocess.run(
            ["sh", "-c", script], cwd=sealed, capture_output=True, text=True, check=True, timeout=60
        )
        seen = eval(done.stdout)
        assert {name: seen[name] for name in settings} == settings
        assert not (sealed / "fired").exists()


def fill(
    env: Mapping[str, str], cwd: Path, url: str = "https://github.com/ada/digits"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "credential", "fill"],
        input=f"url={url}\n\n",
        env={**env, "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": ""},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class TestToken:
    def test_never_shows(self) -> None:
        shown = [
            repr(TOKEN),
            str(TOKEN),
            f"{TOKEN}",
            f"{TOKEN!r:>20}",
            ascii(TOKEN),
            repr([TOKEN]),
        ]
        assert not any(CANARY in text for text in shown)
        assert TOKEN.reveal() == CANARY

    @pytest.mark.parametrize("write", [pickle.dumps, copy.deepcopy])
    def test_is_never_written_down(self, write: Callable[[object], object]) -> None:
        with pytest.raises(TypeError):
            write(TOKEN)

    def test_equals_by_value(self) -> None:
        assert Token(CANARY, "x") == TOKEN
        assert Token("other") != TOKEN
        assert len({TOKEN, Token(CANARY)}) == 1

    @pytest.mark.parametrize(
        "text", ["", " ", "two words", "line\nbreak", "nul\0", "é", "x" * 5000, "tab\there"]
    )
    def test_refuses_what_fits_in_no_header_without_showing_it(self, text: str) -> None:
        with pytest.raises(AuthorisationError) as caught:
            Token.parse(text, "token=")
        if len(text.strip()) > 2:
            assert text not in "".join(traceback.format_exception(caught.value))

    def test_trims(self) -> None:
        assert Token.parse(f" {CANARY}\n", "x") == TOKEN


HOST = "git.example.org:8443"
SERVER = {"GITHUB_SERVER_URL": f"https://{HOST}"}
PLAIN = {"GITHUB_SERVER_URL": "http://git.example.org"}


class TestSources:
    @pytest.mark.parametrize(
        ("host", "environ", "source"),
        [
            ("github.com", {"GITHUB_TOKEN": CANARY}, "GITHUB_TOKEN"),
            ("github.com", {"GH_TOKEN": CANARY, "GITHUB_TOKEN": "other"}, "GH_TOKEN"),
            ("github.com", {"GH_TOKEN": " ", "GITHUB_TOKEN": CANARY}, "GITHUB_TOKEN"),
            ("github.com", {}, None),
            ("github.com", {"GH_ENTERPRISE_TOKEN": CANARY}, None),
            ("gitlab.com", {"GITHUB_TOKEN": CANARY}, None),
            ("github.com.example.org", {"GITHUB_TOKEN": CANARY}, None),
            (HOST, {**SERVER, "GITHUB_TOKEN": CANARY}, "GITHUB_TOKEN"),
            (HOST, {**SERVER, "GITHUB_TOKEN": "o", "GH_ENTERPRISE_TOKEN": CANARY}, "GH_ENTERPRISE_TOKEN"),
            (HOST, {**SERVER, "GITHUB_ENTERPRISE_TOKEN": CANARY}, "GITHUB_ENTERPRISE_TOKEN"),
            ("git.example.org", {**SERVER, "GITHUB_TOKEN": CANARY}, None),
            ("github.com", {**SERVER, "GITHUB_TOKEN": CANARY}, None),
            ("other.example.org", {**SERVER, "GH_ENTERPRISE_TOKEN": CANARY}, None),
            ("git.example.org", {**PLAIN, "GITHUB_TOKEN": CANARY}, None),
        ],
    )  # fmt: skip
    def test_the_environment_is_for_its_server_only(
        self, host: str, environ: dict[str, str], source: str | None
    ) -> None:
        found = credentials.from_environment(host, environ)
        assert (found and found.source) == source
        assert found is None or found.reveal() == CANARY

    def test_the_argument_wins_then_the_command_then_the_environment(self) -> None:
        environ = {"GITHUB_TOKEN": "from-environment"}
        command = f"{shlex.quote(sys.executable)} -c \"print('from-command')\""

        def find(explicit: str | None, token_command: str | None) -> str | None:
            found = credentials.find_token(explicit, token_command, "github.com", environ)
            return found.reveal() if found else None

        assert find("from-argument", command) == "from-argument"
        assert find(None, command) == "from-command"
        assert find(None, None) == "from-environment"

    def test_no_token_is_none(self, sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(sealed))
        assert credentials.find_token(None, None, "github.com", {}) is None

    @pytest.mark.parametrize(
        ("command", "said"),
        [
            ("/nowhere/at/all", "FileNotFoundError"),
            ("'unclosed", "ValueError"),
            ([sys.executable, "-c", f"print({CANARY!r}); raise SystemExit(3)"], "exit code 3"),
            ([sys.executable, "-c", f"print('two', {CANARY!r})"], "is no token"),
            ([sys.executable, "-c", ""], "is no token"),
        ],
    )
    def test_a_command_that_fails_says_so_and_shows_nothing(
        self, command: str | list[str], said: str
    ) -> None:
        with pytest.raises(AuthorisationError, match=said) as caught:
            credentials.from_command(command)
        assert CANARY not in "".join(traceback.format_exception(caught.value))

    def test_a_command_is_not_given_to_a_shell_and_sees_no_token(
        self, sealed: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GITHUB_TOKEN", CANARY)
        probe = "import os, sys; print(''.join(sys.argv[1:]) + str('GITHUB_TOKEN' in os.environ))"
        command = f"{shlex.quote(sys.executable)} -c {shlex.quote(probe)} $HOME;touch {sealed}/fired"
        found = credentials.from_command(command)
        assert found is not None
        assert found.reveal().startswith("$HOME;touch")
        assert found.reveal().endswith("False")
        assert not (sealed / "fired").exists()

    def test_asks_gh_for_this_host(self, sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        gh = sealed / "gh"
        gh.write_text(
            f'#!/bin/sh\n[ "$*" = "auth token --hostname github.com" ] && echo {CANARY} || exit 1\n'
        )
        gh.chmod(0o755)
        monkeypatch.setenv("PATH", f"{sealed}:{os.environ['PATH']}")
        assert credentials.from_gh("github.com") == TOKEN
        assert credentials.from_gh("other.example.org") is None
        assert credentials.from_gh("--help") is None

    def test_asks_nobody_where_nobody_is(self) -> None:
        assert credentials.ask_token("github.com") is None

    def test_a_hidden_prompt_on_a_terminal(self) -> None:
        """A pseudo-terminal stands for the person's; what they type is not echoed."""
        pty = pytest.importorskip("pty", reason="needs a Unix pseudo-terminal")
        script = (
            "from gitsession.credentials import ask_token\n"
            "token = ask_token('github.com'); print('got', len(token.reveal()), token)"
        )
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(sys.executable, [sys.executable, "-c", script])
        seen = read_until(terminal, b"Token for github.com")
        os.write(terminal, f"{CANARY}\n".encode())
        seen += read_until(terminal, b"<token>")
        os.waitpid(pid, 0)
        os.close(terminal)
        assert f"got {len(CANARY)} <token>".encode() in seen
        assert CANARY.encode() not in seen


def read_until(terminal: int, text: bytes) -> bytes:
    seen = b""
    while text not in seen:
        seen += os.read(terminal, 4096)
    return seen
