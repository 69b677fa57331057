"""A notebook's front end as Colab is one, in front of a real kernel that runs on a simulated machine.

Stands for: the Colab page (secrets, `get_ipynb`, JavaScript in a cell, Drive's consent) and the part of the
`google.colab` package that asks it, `tests/rig/google_colab.py`, which this kernel alone imports. Both speak
Colab's own messages: a `colab_request` on iopub with `colab_request_type` and `colab_msg_id` in its
metadata, and an `input_reply` on stdin whose value is `{"type": "colab_reply", "colab_msg_id", "data"}`.
Does not imitate: Google's sign-in, the mount itself (a folder appears), JavaScript (values are given), and
the sandbox of outputs.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty
from types import TracebackType
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from tests.rig import errors_met
from tests.rig.runtime import Runtime

STARTUP = "from tests.rig import google_colab\ngoogle_colab.install()\ndel google_colab\n"
ANSWER = 60.0
SILENT = object()
FOREIGN = ({"type": "colab_reply", "colab_msg_id": "not-yours", "data": {"payload": "foreign"}}, "hello", 7)


@dataclass
class Front:
    """What the page answers.

    Args:
        secrets: The secrets, by name; None for one that this notebook may not read.
        notebook: What is in the tab.
        scripts: What JavaScript answers.
        consent: Whether Drive's dialogue is answered with yes.
        silent: Types of requests that are never answered.
        delay: Seconds before an answer.
        foreign: Whether other messages come before each answer.
    """

    secrets: dict[str, str | None] = field(default_factory=dict)
    notebook: dict[str, Any] = field(default_factory=lambda: {"cells": [], "metadata": {}, "nbformat": 4})
    scripts: Callable[[str], Any] = lambda _script: None
    consent: bool = True
    silent: set[str] = field(default_factory=set)
    delay: float = 0.0
    foreign: bool = False

    def answer(self, kind: str, request: Any) -> Any:
        """The `data` or `error` of a reply."""
        if kind in self.silent:
            return SILENT
        match kind:
            case "GetSecret":
                name = request["key"]
                if name not in self.secrets:
                    return {"data": {"exists": False, "access": False}}
                payload = self.secrets[name]
                return {"data": {"exists": True, "access": payload is not None, "payload": payload}}
            case "get_ipynb":
                return {"data": {"ipynb": self.notebook}}
            case "cell_javascript_eval":
                return {"data": {"status": "ok", "result": self.scripts(request["script"])}}
            case "request_auth":
                return {"data": {}} if self.consent else {"error": "credential propagation was unsuccessful"}
        return {"error": f"unknown request {kind}"}


@dataclass
class Ran:
    """How a cell went."""

    ok: bool
    stdout: str = ""
    stderr: str = ""
    error: str = ""
    displays: list[dict[str, Any]] = field(default_factory=list)

    @property
    def cards(self) -> list[str]:
        """The cards that it showed or updated, as HTML."""
        return [html for _, html in self._cards]

    @property
    def new_cards(self) -> list[str]:
        """Those that got a place of their own, and are no update of one."""
        return [html for kind, html in self._cards if kind != "update_display_data"]

    @property
    def _cards(self) -> list[tuple[str, str]]:
        found = [(shown["kind"], shown["data"].get("text/html", "")) for shown in self.displays]
        return [(kind, html) for kind, html in found if "data-gitsession-card" in html]


class Notebook:
    """A kernel on a machine, and the page in front of it.

    Args:
        runtime: The machine.
        front: What the page answers.
        colab: Whether the machine is Colab; else it is a plain Jupyter.
        env: More variables for the kernel.
        python: The interpreter of the kernel; this one by default.
    """

    def __init__(
        self,
        runtime: Runtime,
        front: Front | None = None,
        *,
        colab: bool = True,
        env: dict[str, str] | None = None,
        python: str = sys.executable,
    ) -> None:
        self.runtime = runtime
        self.python = python
        self.front = front or Front()
        self.requests: list[str] = []
        self.later: list[dict[str, Any]] = []
        self._pending: list[tuple[float, Any]] = []
        self._env = {**runtime.env, "IPYTHONDIR": str(runtime.home / ".ipython"), **(env or {})}
        if colab:
            self._env |= {"COLAB_RELEASE_TAG": "release", "GITSESSION_CONTENT": str(runtime.root / "content")}
            startup = runtime.home / ".ipython" / "profile_default" / "startup"
            startup.mkdir(parents=True, exist_ok=True)
            (startup / "00-colab.py").write_text(STARTUP)

    def __enter__(self) -> Notebook:
        self.manager = KernelManager(kernel_name="python3")
        spec = self.manager.kernel_spec
        assert spec is not None
        spec.argv[0] = self.python
        self.manager.start_kernel(env=self._env, cwd=str(self.runtime.work))
        self._connect()
        return self

    def _connect(self) -> None:
        client = self.manager.client()
        assert isinstance(client, BlockingKernelClient)
        self.client = client
        self.client.start_channels()
        self.client.wait_for_ready(timeout=ANSWER)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    @property
    def pid(self) -> int:
        """The kernel's process."""
        pid = self.manager.provisioner.pid  # type: ignore[union-attr]
        assert isinstance(pid, int)
        return pid

    def restart(self) -> None:
        """What "Restart" does: the kernel's process is another one, the machine is the same."""
        self.client.stop_channels()
        self.manager.restart_kernel(now=True)
        self._connect()

    def run(self, code: str, *, timeout: float = ANSWER, meanwhile: Callable[[], None] | None = None) -> Ran:
        """Run a cell and serve the page's part until the kernel is idle again.

        Args:
            code: The cell.
            timeout: Seconds.
            meanwhile: Called again and again while the cell runs.
        """
        message = self.client.execute(code, allow_stdin=True)
        ran = Ran(ok=True)
        until = time.monotonic() + timeout
        idle = replied = False
        while not (idle and replied):
            assert time.monotonic() < until, f"the cell did not end: {code}\n{ran}"
            if meanwhile is not None:
                meanwhile()
            for heard in self._heard():
                idle |= self._take(heard, message, ran)
            replied = replied or self._replied(message, ran)
        errors_met.hear("\n".join((ran.stdout, ran.stderr, ran.error)))
        return ran

    def serve(self, seconds: float) -> Ran:
        """Be a page in front of an idle kernel for a while; answers with what was displayed meanwhile."""
        ran, until = Ran(ok=True), time.monotonic() + seconds
        while time.monotonic() < until:
            for heard in self._heard():
                self._take(heard, "", ran)
        return ran

    def serve_until(self, holds: Callable[[], object], timeout: float = ANSWER) -> Ran:
        """Be a page until something holds.

        Raises:
            AssertionError: It does not within `timeout` seconds.
        """
        ran, until = Ran(ok=True), time.monotonic() + timeout
        while not holds():
            assert time.monotonic() < until, "it did not come to hold"
            ran.displays.extend(self.serve(0.1).displays)
        return ran

    def _heard(self) -> list[dict[str, Any]]:
        self._send_due()
        try:
            return [self.client.get_iopub_msg(timeout=0.05)]
        except Empty:
            return []

    def _replied(self, message: str, ran: Ran) -> bool:
        try:
            reply = self.client.get_shell_msg(timeout=0.01)
        except Empty:
            return False
        if reply["parent_header"].get("msg_id") != message:
            return False
        ran.ok = reply["content"]["status"] == "ok"
        return True

    def _take(self, heard: dict[str, Any], message: str, ran: Ran) -> bool:
        kind, content = heard["msg_type"], heard["content"]
        ours = heard["parent_header"].get("msg_id") == message
        if kind == "colab_request":
            self._answer(heard)
        elif kind == "stream" and content["name"] == "stdout":
            ran.stdout += content["text"]
        elif kind == "stream":
            ran.stderr += content["text"]
        elif kind in ("display_data", "update_display_data", "execute_result"):
            ran.displays.append({"kind": kind, **content})
        elif kind == "error" and ours:
            ran.error = "\n".join(content["traceback"])
        return bool(kind == "status" and ours and content["execution_state"] == "idle")

    def _answer(self, heard: dict[str, Any]) -> None:
        kind = heard["metadata"]["colab_request_type"]
        self.requests.append(kind)
        answer = self.front.answer(kind, heard["content"]["request"])
        if answer is SILENT:
            return
        reply = {"type": "colab_reply", "colab_msg_id": heard["metadata"]["colab_msg_id"], **answer}
        for value in (*(FOREIGN if self.front.foreign else ()), reply):
            self._pending.append((time.monotonic() + self.front.delay, value))
        self._send_due()

    def _send_due(self) -> None:
        now = time.monotonic()
        due = [value for at, value in self._pending if at <= now]
        self._pending = [(at, value) for at, value in self._pending if at > now]
        for value in due:
            message = self.client.session.msg("input_reply", {"value": value, "status": "ok"})
            self.client.stdin_channel.send(json.loads(json.dumps(message, default=str)))
