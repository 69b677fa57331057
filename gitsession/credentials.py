"""Who gets the token: git's credential protocol, the settings that make git ask us, and the token's sources.

The protocol and its fields are those of git-credential(1). The one rule: https, the opened repository's own
host and path, or silence. Silence lets git go on to ask nobody, and gives an attacker nothing to learn from.
"""

from __future__ import annotations

import getpass
import hmac
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from gitsession import run
from gitsession.address import GITHUB, Address, github_server
from gitsession.errors import AuthorisationError

USERNAME = "x-access-token"  # what GitHub documents for every kind of token
MAX_REQUEST = 65_536
MAX_LINE = 8_192
COMMAND_TIMEOUT = 30.0
_HOST = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(?::[0-9]{1,5})?")
_LFS = re.compile(r"info/lfs(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+)*")
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
_HOW = "Give one as GITHUB_TOKEN, token=, --token-command, or log in with `gh auth login`."


@dataclass(frozen=True, eq=False)
class Token:
    """A token that no message, log or traceback shows by accident.

    Args:
        value: The token itself; `reveal` gives it to the one call that sends it.
        source: Where it came from, for people, such as `GITHUB_TOKEN`.

    Example:
        >>> print(Token("ghp_secret", "token="))
        <token>
    """

    value: str = field(repr=False)
    source: str = ""

    @classmethod
    def parse(cls, text: str, source: str) -> Token:
        """Check that it is one word of printable ASCII, which is all that fits in a header and a line.

        Raises:
            AuthorisationError: It is not; the message does not hold it.
        """
        word = text.strip()
        if not _TOKEN.fullmatch(word):
            raise AuthorisationError(f"What {source} gave is no token.", hint="A token is one word of ASCII.")
        return cls(word, source)

    def reveal(self) -> str:
        """The token itself."""
        return self.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token) and hmac.compare_digest(self.value, other.value)

    def __hash__(self) -> int:
        return hash((Token, self.value))

    def __repr__(self) -> str:
        return "<token>"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return "<token>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token is not written down")


@dataclass(frozen=True)
class Request:
    """What git asks a credential for."""

    protocol: str
    host: str
    path: str = ""
    username: str = ""


def parse(text: bytes) -> Request | None:
    """Read the fields that git writes to a helper; None for what git itself would never write.

    Fields that we do not know are ignored, as the protocol demands. Carriage returns, NUL, a repeated field,
    an over-long line, a whole `url`, or anything after the end make it no request at all.
    """
    if len(text) > MAX_REQUEST or b"\r" in text or b"\0" in text:
        return None
    body, _, rest = text.partition(b"\n\n") if not text.startswith(b"\n") else (b"", b"", text)
    if rest.strip(b"\n"):
        return None
    try:
        lines = body.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        return None
    return _from_lines([line for line in lines if line])


def _from_lines(lines: Sequence[str]) -> Request | None:
    fields: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        known = name in ("protocol", "host", "path", "username", "url")
        if not equals or not name or len(line) > MAX_LINE or (known and name in fields) or name == "url":
            return None
        fields[name] = value
    if not fields.get("protocol") or not _HOST.fullmatch(fields.get("host", "")):
        return None
    return Request(fields["protocol"], fields["host"], fields.get("path", ""), fields.get("username", ""))


def answer(
    request: Request | None, opened: Address, fork: Address | None, token: Token | None
) -> dict[str, str] | None:
    """The user name and password for git, or None: then git is told nothing.

    Args:
        request: What git asks; None when it was malformed.
        opened: The repository that the session has opened.
        fork: The user's fork of it where the session lives there.
        token: What we hold, if anything.
    """
    if request is None or token is None or request.protocol != "https":
        return None
    if not any(_is_for(request, place) for place in (opened, fork) if place is not None):
        return None
    return {"username": USERNAME, "password": token.reveal()}


def _is_for(request: Request, place: Address) -> bool:
    host, path = _host_and_path(place)
    if not place.is_https or not path or request.host.lower() != host:
        return False
    return any(
        request.path == own
        or (request.path.startswith(f"{own}/") and _LFS.fullmatch(request.path, len(own) + 1) is not None)
        for own in (path, f"{path}.git")
    )


def _host_and_path(place: Address) -> tuple[str, str]:
    url = urlsplit(place.url)
    return url.netloc.lower(), unquote(url.path).strip("/").removesuffix(".git")


def configuration(
    addresses: Sequence[Address], keeper: Path, executable: Sequence[str], *, environ: Mapping[str, str]
) -> dict[str, str]:
    """The variables with which git asks our helper for these repositories and no others; no secret in them.

    Args:
        addresses: The opened repository, and the fork where there is one; what is not https is left out.
        keeper: The keeper's socket, whose path follows from the session's key.
        executable: Our program and its first arguments, such as `run.program()`.
        environ: The environment they will be added to: settings in its `GIT_CONFIG_*` stay, and are not
            repeated in the answer. Empty for git calls of ours, which see nothing of the caller's.

    Example:
        >>> configuration([parse_address("ada/x")], Path("/s"), ["gs"], environ={})["GIT_CONFIG_KEY_0"]
        'credential.https://github.com/ada/x.helper'
    """
    helper = "!" + shlex.join([*executable, "credential", "--socket", str(keeper)])
    ours = [setting for place in addresses if place.is_https for setting in _settings(place.url, helper)]
    if not ours:
        return {}
    start, count = _room(environ, [name for name, _ in ours])
    variables = {"GIT_CONFIG_COUNT": str(count)}
    for number, (name, value) in enumerate(ours, start):
        variables |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def _settings(url: str, helper: str) -> list[tuple[str, str]]:
    plain = url.rstrip("/").removesuffix(".git")
    return [
        (f"{section}.{variant}.{name}", value)
        for variant in (plain, f"{plain}.git")
        for section, name, value in (
            ("credential", "helper", ""),
            ("credential", "helper", helper),
            ("credential", "useHttpPath", "true"),
            ("http", "sslVerify", "true"),  # else whoever answers for the host would get the token
            ("http", "followRedirects", "initial"),  # else git takes it to where a server's alternates lie
        )
    ]


def _room(environ: Mapping[str, str], names: Sequence[str]) -> tuple[int, int]:
    """Our first number and the count after us: behind what stands, or over what we set before."""
    text = environ.get("GIT_CONFIG_COUNT", "")
    count = int(text) if re.fullmatch(r"[0-9]{1,4}", text) else 0
    standing = [environ.get(f"GIT_CONFIG_KEY_{number}") for number in range(count)]
    places = range(count - len(names) + 1)
    start = next((at for at in places if standing[at : at + len(names)] == list(names)), count)
    return start, max(count, start + len(names))


def find_token(
    explicit: str | Token | None,
    token_command: str | Sequence[str] | None,
    host: str,
    environ: Mapping[str, str],
) -> Token | None:
    """The token for a host: the argument, the command, the environment, or what `gh` holds; None without any.

    What the caller names wins over what happens to lie about. `GH_TOKEN` and `GITHUB_TOKEN` are for the
    server of `GITHUB_SERVER_URL` (github.com by default), the `…_ENTERPRISE_TOKEN` ones for it when it is
    an enterprise server; no other host is ever given them.

    Raises:
        AuthorisationError: The argument is no token, or the command failed.
    """
    if explicit is not None:
        return explicit if isinstance(explicit, Token) else Token.parse(explicit, "token=")
    if token_command:
        return from_command(token_command)
    return from_environment(host, environ) or from_gh(host)


def from_environment(host: str, environ: Mapping[str, str]) -> Token | None:
    """The first variable that is set and meant for this host."""
    server = urlsplit(github_server(environ))
    if server.scheme != "https" or host.lower() != server.netloc.lower():
        return None
    names = ["GH_TOKEN", "GITHUB_TOKEN"]
    if host.lower() != GITHUB:
        names = ["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", *names]
    found = next((name for name in names if environ.get(name, "").strip()), None)
    return Token.parse(environ[found], found) if found else None


def from_gh(host: str) -> Token | None:
    """What GitHub's own command line holds for this host; None where it is not installed or not logged in."""
    program = shutil.which("gh", path=run.search_path())
    if program is None or not _HOST.fullmatch(host) or host.startswith("-"):
        return None
    try:
        done = run.run(
            [program, "auth", "token", "--hostname", host],
            timeout=COMMAND_TIMEOUT,
            env=run.clean_environment(),
        )
    except (run.TimedOut, OSError):
        return None
    word = done.stdout.decode("utf-8", "replace").strip()
    return Token.parse(word, "gh auth token") if done.code == 0 and word else None


def from_command(command: str | Sequence[str]) -> Token | None:
    """What a command prints. A string is split like a shell's words, but no shell runs it: for pipes and
    variables write `sh -c '…'`. The command sees neither our tokens nor the caller's `GIT_*`.

    Raises:
        AuthorisationError: It cannot be started, fails, takes over 30 s, or prints no token. What it printed
            is not repeated.
    """
    try:
        argv = shlex.split(command) if isinstance(command, str) else list(command)
        done = run.run(argv, timeout=COMMAND_TIMEOUT, env=run.clean_environment())
    except run.TimedOut:
        raise AuthorisationError("The token command did not end within 30 s.", hint=_HOW) from None
    except (OSError, ValueError, IndexError) as error:
        raise AuthorisationError(
            f"The token command cannot be started ({type(error).__name__}).", hint=_HOW
        ) from None
    if done.code != 0:
        raise AuthorisationError(f"The token command failed with exit code {done.code}.", hint=_HOW)
    return Token.parse(done.stdout.decode("utf-8", "replace"), "the token command")


def ask_token(host: str) -> Token | None:
    """Ask the person, without an echo; None where no terminal is there, or when they give nothing."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    text = getpass.getpass(f"Token for {host} (empty for none): ", stream=sys.stderr)
    return Token.parse(text, "the prompt") if text.strip() else None
