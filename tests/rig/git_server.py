"""GitHub's git over HTTPS: real git behind real TLS, with GitHub's ways to say no.

Serves `<root>/<owner>/<name>.git` of a `Forge` at `https://127.0.0.1:<port>/<owner>/<name>` (`.git` optional)
through `git http-backend`: protocol v2, partial clones, gzipped and chunked bodies, streamed both ways.
Tokens come as Basic passwords; as at GitHub the user name is ignored. The words of a refusal at the door:

- 401: wimpysworld/umpc-ubuntu#55; 403 without write access: zero-to-mastery/ZtM-Job-Board#2531; 404 of a
  repository that the token cannot see: tmhedberg/SimpylFold#135; archived: nextcloud/docker-ci#859 (over ssh);
  single sign-on: desktop/desktop#9055. Those of refused pushes are in `push_rules`.

Does not imitate: HTTP/2, ssh, LFS, replication lag, `refs/pull/*` that clients may fetch, pushes that leave
refused objects behind (those of a push that is refused in part stay here, as unreachable objects).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from subprocess import PIPE, Popen
from urllib.parse import unquote, urlsplit

from gitsession import run
from tests.rig import push_rules
from tests.rig.certificates import Certificates
from tests.rig.faults import Fault
from tests.rig.forge import Forge, Hosted, Token, at_least
from tests.rig.loopback import CHUNK, Handler, Loopback
from tests.rig.push_rules import Pusher, PushRule, WorkflowScope

SERVICES = ("git-upload-pack", "git-receive-pack")
REALM = {"WWW-Authenticate": 'Basic realm="GitHub"'}
INVALID = "Invalid username or token. Password authentication is not supported for Git operations.\n"
PUSH_LIMIT = 2 * 1024**3
HOOKS = {
    "pre-receive": f'exec "{sys.executable}" -I -S "{push_rules.__file__}"',
    "update": '! grep --quiet --line-regexp --fixed-strings -e "$1" "$GITSESSION_RIG_REFUSED"',
}


@dataclass(frozen=True)
class Request:
    """One request as it was received.

    Attributes:
        operation: `git-upload-pack`, `git-receive-pack`, each with `:advertise` for its `info/refs`; else `other`.
        at: When it came, on the monotonic clock, in seconds.
    """

    method: str
    path: str
    operation: str
    authorization: str | None
    headers: Mapping[str, str]
    at: float
    status: int = 0

    @property
    def token(self) -> str | None:
        """The token in the Authorization header."""
        return token_in(self.authorization)


@dataclass(frozen=True)
class Denied(Exception):
    """A request that is refused at the door."""

    status: int
    body: str
    headers: Mapping[str, str]


def token_in(authorization: str | None) -> str | None:
    """The token that a Basic header carries: its password, or its user name when the password is a filler."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return user if password in ("", "x-oauth-basic") else password


class GitServer(Loopback):
    """A git server in front of a forge.

    Attributes:
        requests: Everything that was asked, in order, with the Authorization headers.
        push_limit: Bytes that one push may have (GitHub: 2 GB).

    Example:
        >>> with GitServer(forge, certificates) as server:
        ...     server.rules.append(ProtectedBranch("main"))
        ...     server.faults.add(faults.down(times=2))
        ...     git(tmp_path, "clone", server.url("ada/digits"))
    """

    def __init__(self, forge: Forge, certificates: Certificates | None = None) -> None:
        super().__init__(_GitHandler, certificates)
        self.forge = forge
        self.requests: list[Request] = []
        self.rules: list[PushRule] = []
        self.push_limit = PUSH_LIMIT
        self._folder = tempfile.TemporaryDirectory(prefix="gs-hooks-", dir="/tmp")
        self.hooks = Path(self._folder.name)
        for name, command in HOOKS.items():
            (self.hooks / name).write_text(f"#!/bin/sh\n{command}\n")
            (self.hooks / name).chmod(0o755)

    def url(self, full_name: str = "ada/digits", *, suffix: str = ".git") -> str:
        """The repository's address, without credentials."""
        return f"{self.site}/{full_name}{suffix}"

    def authorised_url(self, token: str, full_name: str = "ada/digits") -> str:
        """The address with a token in it, for a test's own git; never a thing that the product does."""
        return self.url(full_name).replace("://", f"://x-access-token:{token}@")

    def pushes(self, full_name: str | None = None) -> list[Request]:
        """The pushes that were sent, to one repository or to all."""
        wanted = f"/{full_name}" if full_name else "/"
        return [r for r in self.requests if r.operation == "git-receive-pack" and r.path.startswith(wanted)]

    def stop(self) -> None:
        """Stop; see `Loopback.stop`. The server can be started again."""
        super().stop()

    def close(self) -> None:
        """Stop for good and remove the hooks."""
        self.stop()
        self._folder.cleanup()

    def __exit__(self, *error: object) -> None:
        self.close()

    def rules_for(self, hosted: Hosted, token: Token | None) -> list[PushRule]:
        """What a push to a repository with a token is checked against."""
        scope = [] if token is None or token.allows_workflows() else [WorkflowScope()]
        return [*self.rules, *hosted.rules, *scope]


class _GitHandler(Handler):
    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    @property
    def owner(self) -> GitServer:
        owner = self.server.owner
        if not isinstance(owner, GitServer):
            raise TypeError("this handler serves a GitServer")
        return owner

    def _serve(self) -> None:
        name, rest = _split(urlsplit(self.path).path)
        operation = _operation(rest, urlsplit(self.path).query)
        self._note(operation)
        if self.spoiled(operation, "before", self._answer_fault):
            return
        try:
            self._dispatch(name, rest, operation)
        except Denied as denied:
            self.close_connection = self.command == "POST"
            self.answer(denied.status, denied.body, denied.headers)

    def _note(self, operation: str) -> None:
        authorization = self.headers.get("Authorization")
        heard = Request(
            self.command, self.path, operation, authorization, dict(self.headers), time.monotonic()
        )
        self.place = len(self.owner.requests)
        self.owner.requests.append(heard)

    def send_response(self, code: int, message: str | None = None) -> None:
        self.owner.requests[self.place] = replace(self.owner.requests[self.place], status=code)
        super().send_response(code, message)

    def _answer_fault(self, fault: Fault) -> None:
        self.close_connection = True
        self.answer(fault.status, fault.body, fault.headers)

    def _dispatch(self, name: str, rest: str, operation: str) -> None:
        forge = self.owner.forge
        token = _authenticate(forge, self.headers.get("Authorization"))
        if name.casefold() in forge.renamed:
            location = self.owner.url(forge.renamed[name.casefold()]) + rest
            query = urlsplit(self.path).query
            raise Denied(301, "", {"Location": f"{location}?{query}" if query else location})
        hosted = _authorise(forge, token, name, operation)
        if operation == "other":
            raise Denied(404, "Not Found\n", {})
        self._run(hosted, token, rest, operation)

    def _run(self, hosted: Hosted, token: Token | None, rest: str, operation: str) -> None:
        with tempfile.TemporaryDirectory(prefix="gs-push-", dir="/tmp") as folder:
            verdict = Path(folder) / "verdict"
            rules = self.owner.rules_for(hosted, token) if operation == "git-receive-pack" else []
            body = self.body()
            first = next(body, b"")
            env = self._environment(hosted, token, rest, checked=bool(rules))
            if rules:
                env |= self._hook_environment(
                    hosted, token, rules, verdict, atomic=b" atomic" in first[:1000]
                )
            with _backend(env) as backend:
                self._converse(backend, _chain(first, body), operation, verdict if rules else None)

    def _converse(
        self, backend: Popen[bytes], body: Iterator[bytes], operation: str, verdict: Path | None
    ) -> None:
        feeder = threading.Thread(target=_feed, args=(backend, body))
        feeder.start()
        try:
            self._relay(backend, operation, verdict)
        finally:
            if not self.close_connection or self.owner.stopping.is_set():
                feeder.join()

    def _relay(self, backend: Popen[bytes], operation: str, verdict: Path | None) -> None:
        output = backend.stdout
        if output is None:
            raise ValueError("the backend's output is a pipe")
        status, headers = _cgi_head(output)
        pieces: Iterator[bytes] = iter(lambda: output.read1(CHUNK), b"")  # type: ignore[attr-defined]
        if verdict is not None or self.owner.faults.pending():
            whole = b"".join(pieces)
            backend.wait()
            if self.spoiled(operation, "after", self._answer_fault):
                return
            pieces = iter([reworded(whole, _read_verdict(verdict))])
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _environment(
        self, hosted: Hosted, token: Token | None, rest: str, *, checked: bool
    ) -> dict[str, str]:
        hooks = self.owner.hooks if checked else "/dev/null"
        settings = {"receive.maxInputSize": str(self.owner.push_limit), "core.hooksPath": str(hooks)}
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.owner.hooks),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": str(len(settings)),
            "GIT_PROJECT_ROOT": str(self.owner.forge.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "PATH_INFO": f"/{hosted.path.relative_to(self.owner.forge.root)}{rest}",
            "QUERY_STRING": urlsplit(self.path).query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_USER": token.login if token else "",
            "REMOTE_ADDR": "127.0.0.1",
        }
        for number, (name, value) in enumerate(settings.items()):
            env |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        if length := self.headers.get("Content-Length"):
            env["CONTENT_LENGTH"] = length
        return env

    def _hook_environment(
        self, hosted: Hosted, token: Token | None, rules: list[PushRule], verdict: Path, *, atomic: bool
    ) -> dict[str, str]:
        pusher = Pusher(token.login, token.allows_workflows(), token.kind) if token else Pusher()
        asked = {
            "full_name": hosted.full_name,
            "site": self.owner.site,
            "pusher": asdict(pusher),
            "rules": json.loads(push_rules.to_json(rules)),
            "verdict": str(verdict),
            "atomic": atomic,
        }
        return {"GITSESSION_RIG_PUSH": json.dumps(asked), "GITSESSION_RIG_REFUSED": f"{verdict}.refs"}


def _split(path: str) -> tuple[str, str]:
    """`/owner/name.git/info/refs` -> `owner/name`, `/info/refs`; the rest is empty for other shapes."""
    parts = unquote(path).lstrip("/").split("/", 2)
    if len(parts) < 2:
        return "/".join(parts), ""
    owner, name = parts[0], parts[1].removesuffix(".git")
    return f"{owner}/{name}", f"/{parts[2]}" if len(parts) > 2 else ""


def _operation(rest: str, query: str) -> str:
    for service in SERVICES:
        if rest == "/info/refs" and query == f"service={service}":
            return f"{service}:advertise"
        if rest == f"/{service}":
            return service
    return "other"


def _authenticate(forge: Forge, authorization: str | None) -> Token | None:
    if authorization is None:
        return None
    token = forge.tokens.get(token_in(authorization) or "")
    if token is None:
        raise Denied(401, INVALID, REALM)
    return token


def _authorise(forge: Forge, token: Token | None, name: str, operation: str) -> Hosted:
    hosted = forge.find(name)
    level = forge.level(token, hosted) if hosted else "none"
    writes = operation.startswith("git-receive-pack")
    if token is None and (writes or level == "none"):
        raise Denied(401, "No anonymous write access.\n" if level != "none" else INVALID, REALM)
    if hosted is None or level == "none":
        raise Denied(404, "Repository not found.\n", {})
    if token and hosted.owner in token.single_sign_on:
        raise Denied(403, _single_sign_on(hosted.owner), {})
    if writes and token:
        _authorise_writing(forge, token, hosted)
    return hosted


def _authorise_writing(forge: Forge, token: Token, hosted: Hosted) -> None:
    if hosted.archived:
        raise Denied(403, "This repository was archived so it is read-only.\n", {})
    if at_least(forge.level(token, hosted), "write"):
        return
    if not token.scoped and at_least(forge.role(token.login, hosted), "write"):
        raise Denied(403, "Write access to repository not granted.\n", {})
    raise Denied(403, f"Permission to {hosted.full_name}.git denied to {token.login}.\n", {})


def _single_sign_on(organisation: str) -> str:
    return (
        f"The `{organisation}' organization has enabled or enforced SAML SSO. To access\n"
        f"this repository, visit https://github.com/orgs/{organisation}/sso?authorization_request=A0\n"
        "and try your request again.\n"
    )


def _backend(env: Mapping[str, str]) -> Popen[bytes]:
    return run.start(["git", "http-backend"], env=env, stdin=PIPE, stdout=PIPE)


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _feed(backend: Popen[bytes], body: Iterator[bytes]) -> None:
    """Give the backend its input; when it closes early, read on, so that the client hears its answer."""
    wanted = backend.stdin
    if wanted is None:
        raise ValueError("the backend's input is a pipe")
    try:
        for piece in body:
            with suppress(BrokenPipeError):
                wanted.write(piece)
    except OSError:
        backend.kill()
    finally:
        with suppress(BrokenPipeError):
            wanted.close()


def _cgi_head(output: object) -> tuple[int, list[tuple[str, str]]]:
    status, headers = 200, []
    while line := output.readline().decode("latin-1").rstrip("\r\n"):  # type: ignore[attr-defined]
        name, _, value = line.partition(": ")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers.append((name, value))
    return status, headers


def _read_verdict(verdict: Path | None) -> dict[str, str]:
    if verdict is None or not verdict.exists():
        return {}
    found: dict[str, str] = json.loads(verdict.read_text())
    return found


def reworded(answer: bytes, reasons: Mapping[str, str]) -> bytes:
    """A push's answer with GitHub's reasons in place of git's "hook declined".

    A ref that was refused only because another one of its atomic push was, says so.
    """
    if not reasons:
        return answer
    told = [line for line in pkt_lines(answer) if line[:1] != b"\x01"]
    report = b"".join(line[1:] for line in pkt_lines(answer) if line[:1] == b"\x01")
    lines = [_reworded_line(line, reasons) for line in pkt_lines(report)]
    inner = b"".join(map(pkt_line, lines)) + b"0000"
    return b"".join(map(pkt_line, told)) + pkt_line(b"\x01" + inner) + b"0000"


def _reworded_line(line: bytes, reasons: Mapping[str, str]) -> bytes:
    if not line.startswith(b"ng ") or b"hook declined" not in line:
        return line
    ref = line.split(b" ")[1].decode()
    return f"ng {ref} {reasons.get(ref, 'atomic transaction failed')}\n".encode()


def pkt_lines(stream: bytes) -> Iterator[bytes]:
    """The payloads of a pkt-line stream, up to its first flush; see gitprotocol-common(5)."""
    while (size := int(stream[:4] or b"0", 16)) >= 4:
        yield stream[4:size]
        stream = stream[size:]


def pkt_line(payload: bytes) -> bytes:
    """One pkt-line."""
    return b"%04x%b" % (len(payload) + 4, payload)
