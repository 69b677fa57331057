"""The session's editor: started beside the saving, never in its way, and ended with the session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gitsession.agent import control
from gitsession.agent.configuration import save
from gitsession.agent.control import Operation, Request
from gitsession.agent.editor_keeping import EditorKeeping, archive_in, keep_archive
from gitsession.agent.editor_plan import link_sockets, plan_of, secrets_of
from gitsession.agent.editor_way import Way
from gitsession.agent.places import editor_folder
from gitsession.agent.service import Agent
from gitsession.editor import lab, own_extension
from gitsession.editor.gate_process import GateProcess
from gitsession.editor.install import Installed
from gitsession.editor.invocation import Begun
from gitsession.editor.server import Layout
from gitsession.editor.supervise import Editor, code_server
from gitsession.editor.tunnel.base import Address, Opened
from gitsession.editor.wanted import Wanted
from gitsession.editor.working import Worker, editor_cache
from gitsession.errors import EditorError, GitsessionError
from gitsession.replicas.editor_files import EditorFiles
from gitsession.status import EditorStatus

TEND_INTERVAL = 1.0
KEEP_EVERY = 10  # times that it is tended
STOP_TIMEOUT = 30.0
SETTLE_TIMEOUT = 600.0


class SessionEditor:
    """What the agent holds of its editor; without one it says so to whoever asks.

    Args:
        agent: Whose editor it is.
        begun: Its server, where `open` had it started already.
    """

    def __init__(self, agent: Agent, begun: Begun | None = None) -> None:
        self._agent = agent
        self._begun = begun
        self._log = agent.parts.log
        self._wanted = Wanted.from_json(agent.configuration.editor)
        self._worker = Worker()
        self._editor: Editor | None = None
        self._way: Way | None = None
        self._second: dict[int, Opened] = {}
        self._failure: GitsessionError | None = None
        self._recent = ""
        self._settled = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        if self._wanted is None:
            self._settled.set()
            return
        wanted = self._wanted
        self._thread = threading.Thread(target=lambda: self._run(wanted), name="session-editor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Keep its settings a last time and end it with all that was started in it."""
        self._stopping.set()
        self._worker.stop()
        if self._editor is not None and not self._settled.is_set():
            self._editor.stop()
        if self._thread is not None:
            self._thread.join(STOP_TIMEOUT)

    def table(self) -> Mapping[str, Operation]:
        """What the agent's socket answers of it."""
        return {"ticket": self._ticket, "editor": self._answer, "expose": self._expose}

    def status(self) -> EditorStatus | None:
        """For `status`: None where there is none, without an address while no tunnel is open."""
        if self._wanted is None or self._failure is not None:
            return None
        editor, way = self._editor, self._way
        if editor is None or way is None or not self._settled.is_set():
            return EditorStatus(None, False)
        return EditorStatus(editor.url() if way.is_open else None, editor.healthy())

    def notes(self) -> list[str]:
        """What the person should know of it."""
        if self._failure is not None:
            return [f"There is no editor: {self._failure}".replace("\n", " ")]
        way = self._way if self._settled.is_set() else None
        recent = self._recent if way is not None and not self._healthy() else ""
        return [line for line in (way.note() if way else "", recent) if line]

    def _healthy(self) -> bool:
        return self._editor is not None and self._editor.healthy()

    def _run(self, wanted: Wanted) -> None:
        try:
            keeping = self._begin(wanted)
        except (GitsessionError, OSError) as error:
            self._fail(error)
            return
        finally:
            self._settled.set()
        try:
            self._tend(keeping)
        finally:
            self._end(keeping)

    def _begin(self, wanted: Wanted) -> EditorKeeping:
        parts, configuration = self._agent.parts, self._agent.configuration
        secrets = secrets_of(parts.places)
        for secret in (secrets.password, secrets.tunnel_token, secrets.tunnel_auth, secrets.key):
            self._log.hide(secret)
        files = self._files()
        is_lab = wanted.kind == "lab"
        layout = Layout(editor_folder(configuration.worktree, parts.places.root))
        layout.create()
        own = () if is_lab else own_extension.place(layout)
        link_sockets(layout, parts.places)
        plan = plan_of(configuration, layout, wanted, secrets, own)
        editor = Editor(
            plan,
            lab.installed if is_lab else lambda: self._installed(files),
            serve=lab.server if is_lab else code_server,
            report=self._told,
            begun=self._begun,
        )
        keeping = EditorKeeping(
            files, layout, parts.places.open_editors, str(configuration.session), self._log
        )
        self._editor = editor
        editor.start()
        self._way = Way(wanted, editor, secrets, plan.state / "tunnel", self._told)
        self._way.tend()
        return keeping

    def _installed(self, files: EditorFiles | None) -> Installed:
        cache = editor_cache()
        installed = self._worker.install(cache, lambda folder: archive_in(files, folder))
        if files is not None and self._wanted is not None and not self._wanted.own_machine:
            self._in_background(lambda: keep_archive(files, installed, self._worker, cache))
        return installed

    def _files(self) -> EditorFiles | None:
        vault = self._agent.parts.vault()
        return None if vault is None else EditorFiles(vault.held.mount, vault.held.folder)

    def _tend(self, keeping: EditorKeeping) -> None:
        rounds = 0
        while not self._stopping.wait(TEND_INTERVAL):
            rounds += 1
            if self._way is not None:
                self._way.tend()
            if rounds % KEEP_EVERY == 0:
                keeping.keep()

    def _end(self, keeping: EditorKeeping) -> None:
        for opened in (*self._second.values(), *((self._way,) if self._way else ())):
            opened.close()
        if self._editor is not None:
            self._editor.stop()
        keeping.keep()

    def _fail(self, error: GitsessionError | OSError) -> None:
        known = (
            error
            if isinstance(error, GitsessionError)
            else EditorError(
                f"It did not start: {error}.",
                hint="`gitsession doctor` looks at the editor; everything else goes on.",
            )
        )
        self._failure = known
        if not self._stopping.is_set():
            self._log.failure("editor failed", error)

    def _told(self, sentence: str) -> None:
        self._recent = sentence
        self._log.write("editor", said=sentence)

    def _in_background(self, work: Callable[[], object]) -> None:
        def carry_out() -> None:
            try:
                work()
            except (GitsessionError, OSError) as error:
                self._log.failure("editor archive not kept", error)

        threading.Thread(target=carry_out, name="editor-archive", daemon=True).start()

    def _ticket(self, _request: Request) -> Mapping[str, Any]:
        status = self.status()
        ready = self._editor is not None and status is not None and status.url is not None
        return {"url": self._editor.link() if self._editor is not None and ready else None}

    def _answer(self, request: Request) -> Mapping[str, Any]:
        """Wait until it answers or has failed; open a tunnel, or take over one that the notebook opened."""
        self._settled.wait(request.number("seconds", 0.0, most=SETTLE_TIMEOUT))
        self._change(request)
        status, failure, way = self.status(), self._failure, self._way
        return {
            "editor": status and {"url": status.url, "healthy": status.healthy},
            "failure": failure and str(failure),
            "settled": self._settled.is_set(),
            "local": self._editor.local_url() if self._editor else None,
            "tunnel": way.choice.tunnel if way else None,
            "offers": way.choice.offers if way and not way.is_open else "",
            "terms": way.choice.terms if way and not way.is_open else "",
        }

    def _change(self, request: Request) -> None:
        """What a later `open` or a click asks for; it is remembered for an agent that is started again."""
        tunnel, url = request.optional_text("tunnel"), request.optional_text("url")
        extensions = request.texts("extensions")
        if tunnel is None and url is None and not extensions:
            return
        if self._way is None or self._editor is None or self._wanted is None:
            raise self._missing()
        if tunnel is not None:
            self._way.open(tunnel, self._given_token(request))
            self._wanted = replace(self._wanted, tunnel=tunnel)
        if url is not None:
            address = Address(url, request.optional_text("host"))
            self._way.publish(address)
            self._wanted = replace(self._wanted, address=address.url, host=address.host)
        self._editor.add_extensions(extensions)
        known = tuple(dict.fromkeys((*self._wanted.extensions, *extensions)))
        self._wanted = replace(self._wanted, extensions=known)
        save(replace(self._agent.configuration, editor=self._wanted.to_json()))

    def _given_token(self, request: Request) -> str:
        token = request.optional_text("token") or ""
        self._log.hide(token)
        if token:
            control.ask(self._agent.parts.places.keeper_socket, "set-tunnel-token", token=token)
        return token

    def _expose(self, request: Request) -> Mapping[str, Any]:
        """A link to a port of the person's own program, through a gate on an origin of its own."""
        port = int(request.number("port", 0, most=65_535))
        if port < 1:
            raise EditorError(f"{port} is no port.", hint="Name the port that your program listens on.")
        if self._editor is None or self._way is None:
            raise self._missing()
        gate = self._editor.expose(port)
        url = None if self._way.is_remote else gate.url
        if port not in self._second and (opened := self._way.second(gate.port)):
            gate.allow(opened.address.url, opened.address.host)
            self._second[port] = opened
        if port in self._second:
            url = self._second[port].address.url
        if given := request.optional_text("url"):
            gate.allow(given, request.optional_text("host"))
            url = given
        only_the_notebook = url is None and self._way.is_open and self._way.choice.tunnel == "colab"
        return {"url": _link(url, gate), "behind": gate.port, "through_colab": only_the_notebook}

    def _missing(self) -> GitsessionError:
        if self._failure is not None:
            return self._failure
        if self._wanted is None:
            return EditorError("This session has no editor.", hint="Open it without `--editor none`.")
        return EditorError("The editor is not up yet.", hint="Try again in a moment.")


def _link(url: str | None, gate: GateProcess) -> str | None:
    return None if url is None else f"{url.rstrip('/')}/#ticket={gate.mint()}"
