"""What a later `open` asks of the editor that runs already: it is changed, or it is said that it is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gitsession.agent import control
from gitsession.agent.configuration import load
from gitsession.agent.places import Places
from gitsession.editor.wanted import Wanted
from gitsession.errors import GitsessionError
from gitsession.resume.given import tunnel_token
from gitsession.resume.options import Options
from gitsession.resume.running import PING_TIMEOUT, await_editor
from gitsession.runtime import Runtime

OPEN_TIMEOUT = 90.0
AGAIN = "to change that, `gitsession close` it and open it again."


def editor_again(
    places: Places, options: Options, runtime: Runtime, environ: Mapping[str, str]
) -> tuple[str, ...]:
    """Wait for the editor and change of it what is asked for; answers with what the person should know."""
    wanted = Wanted.from_json(load(places).editor)
    if wanted is None:
        asked = options.editor is not None and runtime.interactive
        return (f"This session was opened without an editor; {AGAIN}",) if asked else ()
    if options.editor is None:
        return (f"The editor that this session was opened with goes on; {AGAIN}",)
    waited = await_editor(places)
    unchanged = tuple(f"The editor goes on {what}; {AGAIN}" for what in _unchanged(places, options, wanted))
    return (*waited, *unchanged, *_changed(places, options, wanted, runtime, environ))


def _unchanged(places: Places, options: Options, wanted: Wanted) -> Iterator[str]:
    """What cannot be changed while it runs; a default is no wish."""
    if options.editor == "lab" and wanted.kind != "lab":
        yield "as VS Code"
    if options.port not in (None, wanted.port):
        yield f"at its port and not at {options.port}"
    if options.tunnel_domain not in (None, wanted.domain) or options.tunnel_oauth not in (None, wanted.oauth):
        yield "with what its tunnel was given at first"
    if options.password is not None:
        held = control.ask(places.keeper_socket, "secrets", timeout=PING_TIMEOUT)["password"]
        if held != options.password:
            yield "with the password that it had" if held else "without a password"
    if wanted.kind == "lab" and options.extensions:
        yield "without extensions, which JupyterLab takes from its own environment"


def _changed(
    places: Places, options: Options, wanted: Wanted, runtime: Runtime, environ: Mapping[str, str]
) -> tuple[str, ...]:
    changes: dict[str, Any] = {}
    if wanted.kind != "lab":
        changes["extensions"] = [name for name in options.extensions if name not in wanted.extensions]
    if options.tunnel not in (None, "auto", wanted.tunnel):
        changes["tunnel"] = options.tunnel
    if not any(changes.values()):
        return ()
    try:
        token = tunnel_token(options, runtime, environ) if changes.get("tunnel") == "ngrok" else None
        control.ask(places.agent_socket, "editor", timeout=OPEN_TIMEOUT, token=token, **changes)
    except GitsessionError as error:
        return (f"The editor goes on as it was: {error}".replace("\n", " "),)
    return ()
