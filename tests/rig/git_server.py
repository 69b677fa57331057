"""GitHub's git over HTTPS: real git behind real TLS, with GitHub's ways to say no.

Serves `<root>/<owner>/<name>.git` of a `Forge` at `https://127.0.0.1:<port>/<owner>/<name>` (`.git` optional)
through `git http-backend`: protocol v2, partial clones, gzipped and chunked bodies, streamed both ways.
Tokens come as Basic passwords; as at GitHub the user name is ignored. The words of refusals are in `access`,
`push_rules` and `rulesets`. Objects of a refused push stay in git's quarantine and are gone; only those of a
push that is refused in part, which was not atomic, remain as unreachable objects.
Does not imitate: HTTP/2, ssh, or the lag between GitHub's replicas.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.rig import http_backend, lfs_store, push_rules
from tests.rig.access import Denied, authenticate, authorise, token_in
from tests.rig.certificates import Certificates
from tests.rig.forge import Forge, Hosted, Token
from tests.rig.http_backend import Answer
from tests.rig.hub import Hub
from tests.rig.loopback import Handler, Loopback
from tests.rig.pkt_lines import reworded
from tests.rig.push_rules import PushRule, WorkflowScope
from tests.rig.pushes import Pusher
from tests.rig.repositories import PROJECT

SERVICES = ("git-upload-pack", "git-receive-pack")
PASSED_HEADERS = {
    "GIT_PROTOCOL": "Git-Protocol",
    "CONTENT_TYPE": "Content-Type",
    "CONTENT_LENGTH": "Content-Length",
    "HTTP_CONTENT_ENCODING": "Content-Encoding",
}
PUSH_LIMIT = 2 * 1024**3
HEAD = 1000
PROBE = "4"
HOOKS = {
    "pre-receive": f'PYTHONPATH="{PROJECT}" exec "{sys.executable}" -B -S -m tests.rig.push_hook',
    "update": '! grep --quiet --line-regexp --fixed-strings -e "$1" "$GITSESSION_RIG_REFUSED"',
}


@dataclass(frozen=True)
class Request:
    """One request as it was received.

    Attributes:
        operation: `git-upload-pack`, `git-receive-pack`, the same with `:advertise` for `info/refs`,
            `lfs` and its method, or `other`.
        at: When it came, on the monotonic clock, in seconds.
        status: What was answered; 0 when nothing was.
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


class GitServer(Loopback):
    """A git server in front of a forge.

    Attributes:
        requests: Everything that was asked, in order, with the Authorization headers.
        rules: What pushes to any repository are checked against, beside the repository's own rules.
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
        self.hub: Hub | None = None
        self._lock = threading.Lock()
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

    def mount(self, hub: Hub) -> Hub:
        """Serve GitHub's API at `/api/v3` too, as GitHub Enterprise does on its one host."""
        self.hub, hub.site = hub, self.site
        return hub

    def pushes(self, full_name: str | None = None) -> list[Request]:
        """The pushes that were sent, to one repository or to all; not git's probes before a large one."""
        wanted = f"/{full_name}" if full_name else "/"
        asked = [r for r in self.requests if r.operation == "git-receive-pack" and r.path.startswith(wanted)]
        return [request for request in asked if request.headers.get("Content-Length") != PROBE]

    def close(self) -> None:
        """Stop for good and remove the hooks."""
        try:
            self.stop()
        finally:
            self._folder.cleanup()

    def __exit__(self, *error: object) -> None:
        self.close()

    def rules_for(self, hosted: Hosted, token: Token | None) -> list[PushRule]:
        """What a push to a repository with a token is checked against."""
        scope = [] if token is None or token.allows_workflows() else [WorkflowScope()]
        return [*self.rules, *hosted.rules, *scope]

    def question(
        self, hosted: Hosted, token: Token | None, rules: list[PushRule], verdict: Path
    ) -> dict[str, object]:
        """What the hook is asked about a push."""
        pusher = Pusher(token.login, token.allows_workflows(), token.kind) if token else Pusher()
        return {
            "full_name": hosted.full_name,
            "site": self.site,
            "pusher": asdict(pusher),
            "rules": push_rules.to_json(rules),
            "verdict": str(verdict),
        }

    def heard(self, handler: Handler, operation: str) -> int:
        """Note a request; answers with its place in `requests`."""
        authorization, headers = handler.headers.get("Authorization"), dict(handler.headers)
        request = Request(handler.command, handler.path, operation, authorization, headers, time.monotonic())
        with self._lock:
            self.requests.append(request)
            return len(self.requests) - 1

    def answered(self, place: int, status: int) -> None:
        """Note the status of an answer."""
        with self._lock:
            self.requests[place] = replace(self.requests[place], status=status)


class _GitHandler(Handler):
    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    @property
    def owner(self) -> GitServer:
        owner = self.server.owner
        if not isinstance(owner, GitServer):
            raise TypeError("this handler serves a GitServer")
        return owner

    def send_response(self, code: int, message: str | None = None) -> None:
        if self.place is not None:
            self.owner.answered(self.place, code)
        super().send_response(code, message)

    def _serve(self) -> None:
        self.place: int | None = None
        split = urlsplit(self.path)
        if self.owner.hub and split.path.startswith("/api/"):
            self.owner.hub.serve(self)
            return
        name, rest = _split(split.path)
        operation = _operation(rest, split.query)
        if rest.startswith("/info/lfs/objects"):
            operation = f"lfs {self.command}"
        self.place = self.owner.heard(self, operation)
        if self.spoiled(operation, "before"):
            return
        try:
            token = authenticate(self.owner.forge, self.headers.get("Authorization"))
            self._redirect(name, rest)
            hosted = authorise(self.owner.forge, token, name, operation)
            if operation.startswith("lfs"):
                lfs_store.serve(self, hosted, rest, self.owner.site)
                return
        except Denied as denied:
            self.drain()
            self.answer(denied.status, denied.body, denied.headers)
        else:
            self._run(hosted, token, rest, operation)

    def _redirect(self, name: str, rest: str) -> None:
        if new := self.owner.forge.renamed.get(name.casefold()):
            query = urlsplit(self.path).query
            raise Denied(301, "", {"Location": self.owner.url(new) + rest + (f"?{query}" if query else "")})

    def _run(self, hosted: Hosted, token: Token | None, rest: str, operation: str) -> None:
        rules = self.owner.rules_for(hosted, token) if operation == "git-receive-pack" else []
        body = self.body()
        first = next(body, b"")
        with tempfile.TemporaryDirectory(prefix="gs-push-", dir="/tmp") as folder:
            verdict = Path(folder) / "verdict"
            env = self._environment(
                hosted, token, rest, hooks=self.owner.hooks if rules else Path("/dev/null")
            )
            if rules:
                question = self.owner.question(hosted, token, rules, verdict)
                env |= _asked({**question, "atomic": b" atomic" in first[:HEAD]}, verdict)
            with http_backend.serve(env, itertools.chain([first], body)) as answer:
                self._relay(answer, operation, verdict)

    def _relay(self, answer: Answer, operation: str, verdict: Path) -> None:
        body = answer.body
        if operation == "git-receive-pack" or self.owner.faults.waits(operation, "after"):
            whole = b"".join(body)
            if self.spoiled(operation, "after"):
                return
            body = iter([reworded(whole, _reasons(verdict))])
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in filter(None, body):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _environment(self, hosted: Hosted, token: Token | None, rest: str, *, hooks: Path) -> dict[str, str]:
        settings = {"receive.maxInputSize": str(self.owner.push_limit), "core.hooksPath": str(hooks)}
        request = {
            "PATH_INFO": f"/{hosted.path.relative_to(self.owner.forge.root)}{rest}",
            "QUERY_STRING": urlsplit(self.path).query,
            "REQUEST_METHOD": self.command,
            "REMOTE_USER": token.login if token else "",
            **{variable: self.headers.get(header, "") for variable, header in PASSED_HEADERS.items()},
        }
        return http_backend.environment(self.owner.forge.root, self.owner.hooks, settings, request)


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


def _reasons(verdict: Path) -> dict[str, str]:
    reasons: dict[str, str] = json.loads(verdict.read_text()) if verdict.exists() else {}
    return reasons


def _asked(question: Mapping[str, object], verdict: Path) -> dict[str, str]:
    return {"GITSESSION_RIG_PUSH": json.dumps(question), "GITSESSION_RIG_REFUSED": f"{verdict}.refs"}
