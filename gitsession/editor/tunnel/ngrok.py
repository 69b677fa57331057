"""ngrok: an authtoken in, a public address out; only our own tunnel is ever closed."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gitsession import run
from gitsession.editor.tunnel.base import Address
from gitsession.errors import AuthorisationError, EditorError, GitsessionError
from gitsession.files import make_directory, write_atomically

OPEN_TIMEOUT = 60.0
DOWNLOAD_TIMEOUT = 180.0
TOKEN_PAGE = "https://dashboard.ngrok.com/get-started/your-authtoken"
CONFIG = b'version: "3"\nagent:\n  update_check: false\n  crl_noverify: false\n'
_CODE = re.compile(r"ERR_NGROK_(\d+)")
_WRONG_TOKEN = frozenset({"105", "106", "107", "4018"})
TROUBLES = {
    "108": (
        "Your ngrok account runs as many agents as its plan allows.",
        "Close the other one, on another runtime perhaps: https://dashboard.ngrok.com/agents.",
    ),
    "319": ("That ngrok domain is not yours.", "Reserve it first: https://dashboard.ngrok.com/domains."),
    "334": ("That ngrok domain is in use already.", "Close the other tunnel, or leave the domain out."),
    "8012": ("ngrok reached this machine, but not the editor.", "Try again."),
}


@dataclass(frozen=True)
class Options:
    """What ngrok may do beyond forwarding.

    Args:
        domain: A domain reserved at ngrok; a random one where empty.
        basic_auth: `user:password` pairs asked for at ngrok's edge, before anything reaches this machine.
        oauth: An OAuth provider such as `google`, asked at ngrok's edge.
    """

    domain: str = ""
    basic_auth: tuple[str, ...] = ()
    oauth: str = ""

    def fields(self) -> dict[str, object]:
        """What the agent is asked for."""
        actions: list[dict[str, object]] = []
        if self.basic_auth:
            actions.append({"type": "basic-auth", "config": {"credentials": list(self.basic_auth)}})
        if self.oauth:
            actions.append({"type": "oauth", "config": {"provider": self.oauth}})
        asked: dict[str, object] = {"url": f"https://{self.domain}"} if self.domain else {}
        if actions:
            asked["traffic_policy"] = json.dumps({"on_http_request": [{"actions": actions}]})
        return asked


@dataclass(frozen=True)
class OpenedNgrok:
    """One tunnel, held by one process."""

    address: Address
    _process: run.Process = field(repr=False)

    def alive(self) -> bool:
        """Whether the agent runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End our agent, and with it our tunnel."""
        _end(self._process)


@dataclass(frozen=True)
class Ngrok:
    """Opens tunnels with one authtoken.

    Args:
        token: The authtoken; only in memory and in the environment of the agent.
        directory: A private folder of ours, for a configuration without the token and for the agent's binary.
        options: A domain, or authentication at ngrok's edge.
        binary: The agent; by default the one on PATH, else pyngrok fetches it.
        timeout: Seconds after which it is given up; by default more where the agent must be fetched first.
    """

    token: str = field(repr=False)
    directory: Path
    options: Options = field(default_factory=Options, repr=False)
    binary: Path | None = None
    timeout: float | None = None
    name: str = field(default="ngrok", init=False)

    def open(self, port: int) -> OpenedNgrok:
        """Open a tunnel to the port.

        Raises:
            AuthorisationError: The authtoken is missing or wrong.
            EditorError: ngrok refused or did not answer in time; says what to do.
        """
        if not self.token:
            raise AuthorisationError(
                "ngrok needs an authtoken.", hint=f"Get one at {TOKEN_PAGE} and set NGROK_AUTHTOKEN."
            )
        make_directory(self.directory)
        write_atomically(self.directory / "ngrok.yml", CONFIG)
        process = self._spawn()
        try:
            answer = self._first_answer(process, port)
        except BaseException:
            _end(process)
            raise
        if "url" not in answer:
            _end(process)
            raise translated(answer.get("error", ""))
        return OpenedNgrok(Address(answer["url"]), process)

    def _binary(self) -> Path:
        found = shutil.which("ngrok", path=run.search_path())
        return self.binary or (Path(found) if found else self.directory / "ngrok")

    def _spawn(self) -> run.Process:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        return run.start(
            (sys.executable, "-m", "gitsession.editor.tunnel.ngrok_process"),
            env=run.clean_environment({"NGROK_AUTHTOKEN": self.token, "PYTHONPATH": path}),
            stdin=run.PIPE,
            stdout=run.PIPE,
        )

    def _first_answer(self, process: run.Process, port: int) -> dict[str, str]:
        binary = self._binary()
        limit = self.timeout or (OPEN_TIMEOUT if binary.exists() else DOWNLOAD_TIMEOUT)
        asked = {
            "port": port,
            "binary": str(binary),
            "config": str(self.directory / "ngrok.yml"),
            "options": self.options.fields(),
        }
        if process.stdin is not None:
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.flush()
        line = _line_within(process, limit)
        if line is None:
            raise EditorError(
                f"ngrok did not answer within {limit:.0f} s.",
                hint="This network may block it; try again, or use tunnel='none'.",
            )
        return dict(json.loads(line or b"{}"))


def _line_within(process: run.Process, limit: float) -> bytes | None:
    """The first line that a process writes, empty when it ends without one, None when time is up."""
    if process.stdout is None:
        return b""
    descriptor, line, deadline = process.stdout.fileno(), b"", time.monotonic() + limit
    while not line.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            return None
        part = os.read(descriptor, 4096)
        if not part:
            return line
        line += part
    return line


def _end(process: run.Process) -> None:
    """Ask by closing its standard input, then end the whole group: the agent is in it."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(run.KILL_GRACE)
    except run.Late:
        run.end_group(process)
    run.signal_group(process.pid, 9)
    if process.stdout is not None:
        process.stdout.close()


def translated(error: str) -> GitsessionError:
    """ngrok's words as an error that says what to do; the code is `ERR_NGROK_<n>` in its log."""
    match = _CODE.search(error)
    code = match[1] if match else ""
    if code in _WRONG_TOKEN:
        return AuthorisationError(
            f"ngrok refused the authtoken (ERR_NGROK_{code}).", hint=f"Copy it again from {TOKEN_PAGE}."
        )
    if code in TROUBLES:
        what, hint = TROUBLES[code]
        return EditorError(f"{what} (ERR_NGROK_{code})", hint=hint)
    if code:
        return EditorError(
            f"ngrok refused (ERR_NGROK_{code}).", hint=f"See https://ngrok.com/docs/errors/err_ngrok_{code}."
        )
    return EditorError(
        f"ngrok could not be started: {_short(error)}", hint="Try again, or use tunnel='none' with ssh."
    )


def _short(error: str) -> str:
    text = " ".join(error.split())
    return text[:200] or "it ended without a word"


def find_token(explicit: str | None, environ: Mapping[str, str]) -> str:
    """The authtoken: the argument, else `NGROK_AUTHTOKEN`; empty where there is none."""
    return explicit or environ.get("NGROK_AUTHTOKEN", "")
