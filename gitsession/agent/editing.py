"""What the editor's extension asks for: files as they were, and keeping what is open and not yet saved."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gitsession.agent.control import ASKER, Operation, Request
from gitsession.agent.service import Agent
from gitsession.errors import SessionError, UsageError
from gitsession.files import write_atomically
from gitsession.git import blobs, history, lookup, objects
from gitsession.snapshot.trees import EMPTY_TREE
from gitsession.wording import human_size

OPEN_EDITORS = "open-editors.json"
MAX_SHOWN = 5_000_000
MAX_CHANGES = 500
MAX_ENTRIES = 500
MAX_NAME = 4_096
JOB_TIMEOUT = 60.0

Chain = Callable[..., list[tuple[int, history.Logged]]]


class Editing:
    """The operations of the extension.

    Args:
        agent: Whose session it is.
        chain: Answers on the main thread with the session's snapshots, as options of git-log choose them.
    """

    def __init__(self, agent: Agent, chain: Chain) -> None:
        self._agent = agent
        self._chain = chain
        self._place = agent.parts.places.directory / OPEN_EDITORS
        known = read(self._place)
        self._earlier = known if known.get("runtime") != agent.configuration.runtime else None
        self.unsaved = () if self._earlier is not None else _unsaved(known)

    def table(self) -> Mapping[str, Operation]:
        """Each operation by its name."""
        return {
            "show": self._show,
            "timeline": self._timeline,
            "changes": self._changes,
            "opened": self._opened,
            "buffers": self._buffers,
        }

    def _show(self, request: Request) -> Mapping[str, Any]:
        """A file as a snapshot recorded it, in base64; null where that snapshot has no such file."""
        path, number = inside(request, "path"), int(request.number("snapshot", 0))
        content = self._agent.jobs.call(lambda: self._content(path, number), JOB_TIMEOUT)
        return {"content": None if content is None else base64.b64encode(content).decode()}

    def _content(self, path: str, number: int) -> bytes | None:
        repository, commit = self._agent.parts.saver.shadow.repository, self._commit(number)
        found = objects.differences(repository, EMPTY_TREE.hex(), commit, [path])
        oid = next((change.new for change in found if os.fsdecode(change.path) == path), None)
        if oid is None:
            return None
        size = blobs.sizes(repository, [oid]).get(oid, 0)
        if size > MAX_SHOWN:
            raise SessionError(
                f"{path} has {human_size(size)} in snapshot {number}: too much to show.",
                hint="Restore it to look at it; a restore can be undone.",
            )
        return lookup.contents(repository, [oid])[0]

    def _timeline(self, request: Request) -> Mapping[str, Any]:
        """The newest snapshots first; with a path, those in which it changed."""
        limit = int(request.number("limit", 100, most=10_000))
        paths = () if request.optional_text("path") is None else (inside(request, "path"),)
        wanted = f"--max-count={limit}"
        found = self._agent.jobs.call(lambda: self._chain(wanted, paths=paths), JOB_TIMEOUT)
        return {
            "snapshots": [
                {"number": number, "at": entry.at, "subject": entry.subject} for number, entry in found
            ]
        }

    def _changes(self, request: Request) -> Mapping[str, Any]:
        """The paths in which a snapshot differs from the one before it."""
        number = int(request.number("snapshot", 0))
        changes = self._agent.jobs.call(lambda: self._changed(number), JOB_TIMEOUT)
        listed = [{"path": os.fsdecode(change.path), "kind": _kind(change)} for change in changes]
        return {"changes": listed[:MAX_CHANGES], "more": max(0, len(listed) - MAX_CHANGES)}

    def _changed(self, number: int) -> tuple[objects.Change, ...]:
        repository = self._agent.parts.saver.shadow.repository
        both = [entry.commit for entry in history.chain(repository, self._commit(number), "--max-count=2")]
        return objects.differences(repository, (*both, EMPTY_TREE.hex())[1], both[0])

    def _commit(self, number: int) -> str:
        for known, entry in self._chain():
            if known == number:
                return entry.commit
        raise SessionError(f"There is no snapshot {number}.", hint="See `gitsession log`.")

    def _opened(self, _request: Request) -> Mapping[str, Any]:
        """What another machine's editor had open, until this one reports, and where the log is."""
        return {"earlier": self._earlier, "log": str(self._agent.parts.places.log)}

    def _buffers(self, request: Request) -> Mapping[str, Any]:
        """What is open, and what has been typed and is in no file yet."""
        unsaved = [_buffer(entry) for entry in _entries(request, "unsaved")]
        told = {"runtime": self._agent.configuration.runtime, "tabs": _tabs(request), "unsaved": unsaved}
        write_atomically(self._place, json.dumps(told).encode())
        self._earlier, self.unsaved = None, _unsaved(told)
        return {}


def read(place: Path) -> dict[str, Any]:
    """What was reported last, empty where nothing was; a damaged report counts as none."""
    with suppress(OSError, ValueError):
        known = json.loads(place.read_bytes())
        if isinstance(known, dict) and isinstance(known.get("unsaved"), list):
            return known
    return {}


def inside(request: Request, name: str) -> str:
    """A field that names a path in the work tree.

    Raises:
        UsageError: It leads elsewhere, or into `.git`.
    """
    path = request.text(name)
    parts = path.split("/")
    if "\0" in path or {"", ".", "..", ".git"}.intersection(parts):
        raise UsageError(f"{path!r} is no path inside the work tree.", hint="Write it relative to it.")
    return path


def _entries(request: Request, name: str) -> list[dict[str, Any]]:
    found = request.fields.get(name, [])
    if not isinstance(found, list) or len(found) > MAX_ENTRIES:
        raise UsageError(f"{request.op}: {name!r} must be a list of at most {MAX_ENTRIES}.", hint=ASKER)
    if not all(isinstance(entry, dict) for entry in found):
        raise UsageError(f"{request.op}: each of {name!r} must be an object.", hint=ASKER)
    return found


def _tabs(request: Request) -> list[str]:
    tabs = request.texts("tabs")
    return [path for path in tabs[:MAX_ENTRIES] if len(path) <= MAX_NAME]


def _buffer(entry: Mapping[str, Any]) -> dict[str, str | None]:
    """One unsaved buffer: its path or title, its text where it is short enough, and what its file held."""
    found = {name: entry.get(name) for name in ("path", "content", "base", "language")}
    if not isinstance(found["path"], str) or len(found["path"]) > MAX_NAME:
        raise UsageError("buffers: each unsaved one needs a path.", hint=ASKER)
    if not all(value is None or isinstance(value, str) for value in found.values()):
        raise UsageError("buffers: content, base and language must be strings.", hint=ASKER)
    return found


def _unsaved(told: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(entry["path"] for entry in told.get("unsaved", ()) if isinstance(entry, dict))


def _kind(change: objects.Change) -> str:
    absent = b"000000"
    if change.old_mode == absent:
        return "added"
    return "removed" if change.new_mode == absent else "changed"
