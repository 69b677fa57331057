"""What the agent's socket answers."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from gitsession.agent import fetching, timeline
from gitsession.agent.allowing import allow
from gitsession.agent.cells import Cell
from gitsession.agent.committing import commit
from gitsession.agent.control import Operation, Request
from gitsession.agent.editing import Editing
from gitsession.agent.editor import SessionEditor
from gitsession.agent.recovery import go_on_with_token
from gitsession.agent.service import Agent
from gitsession.agent.updating import Updating
from gitsession.agent.view import status
from gitsession.errors import UsageError
from gitsession.git import history
from gitsession.model import Level
from gitsession.replicas.spoken import redacted, redacted_record
from gitsession.snapshot import restore, trailers
from gitsession.snapshot.values import Tip

JOB_TIMEOUT = 300.0
FLUSH_TIMEOUT = 60.0
CLOSE_TIMEOUT = 60.0
MAX_RAN = 4_096
MAX_HASH = 64


class Operations:
    """The operations of one agent; each runs on the thread of the client that asks."""

    def __init__(self, agent: Agent, editor: SessionEditor) -> None:
        self._agent = agent
        self._editor = editor
        self._editing = Editing(agent, self._chain)

    def table(self) -> Mapping[str, Operation]:
        """Each operation by its name."""
        return {
            "ping": lambda _: {"pid": os.getpid()},
            "status": lambda _: {"status": status(self._agent, self._editing.unsaved, self._editor)},
            "flush": self._flush,
            "save": self._save,
            "nudge": self._nudge,
            "changed": self._changed,
            "note-ran": self._note_ran,
            "activity": self._activity,
            "resumed": self._resumed,
            "log": self._log,
            "restore": self._restore,
            "commit": self._commit,
            "fetch": self._fetch,
            "allow": self._allow,
            "token-given": self._token_given,
            "close": self._close,
            **self._editor.table(),
            **self._editing.table(),
            **Updating(self._agent).table(),
        }

    def _flush(self, request: Request) -> Mapping[str, Any]:
        level = request.optional_text("level")
        seconds = request.number("seconds", FLUSH_TIMEOUT)
        return {"missing": self._agent.flush(seconds, None if level is None else Level.parse(level))}

    def _save(self, request: Request) -> Mapping[str, Any]:
        """A snapshot of everything now, under a name of the person's own."""
        subject = request.text("subject")
        taken = self._agent.jobs.call(lambda: self._agent.save_now(subject), JOB_TIMEOUT)
        newest = self._agent.newest
        if taken is None or newest is None:
            return {"snapshot": None}
        return {"snapshot": {"number": taken.number, "commit": taken.commit, "at": newest.at}}

    def _nudge(self, _request: Request) -> Mapping[str, Any]:
        self._agent.parts.marks.mark_git()
        return {}

    def _changed(self, request: Request) -> Mapping[str, Any]:
        """Paths that somebody knows to have changed, such as an editor that just saved them."""
        paths = request.texts("paths")
        self._agent.parts.marks.mark([path for path in paths if _is_inside(path)])
        return {}

    def _note_ran(self, request: Request) -> Mapping[str, Any]:
        ran = redacted_record(" ".join(request.text("ran").split()))
        if len(ran) > MAX_RAN:
            raise UsageError(
                f"What ran is described in more than {MAX_RAN} characters.",
                hint="Give `gitsession run` a shorter command line.",
            )
        self._agent.note_ran(self._agent.parts.cells.placed(ran, _kernel(request)))
        told = _told_of(ran)
        if told:
            self._agent.parts.events.add("ran", told)
        return {}

    def _activity(self, request: Request) -> Mapping[str, Any]:
        """A notebook's cell began or ended: what the platform counts as activity."""
        cells, newest = self._agent.parts.cells, self._agent.newest
        if request.flag("running", False):
            number, source = int(request.number("cell", 0, most=1e9)), redacted(request.text("hash"))
            cells.begin(_kernel(request), Cell(number, source[:MAX_HASH], newest.number if newest else 0))
        else:
            cells.end(_kernel(request))
        self._agent.wake()
        return {}

    def _resumed(self, _request: Request) -> Mapping[str, Any]:
        """`open` went on with this session."""
        self._agent.parts.events.add("resumed", "The session was resumed.")
        return {}

    def _log(self, request: Request) -> Mapping[str, Any]:
        limit = int(request.number("limit", 100, most=100_000))
        found = self._agent.jobs.call(lambda: self._chain(f"--max-count={limit}"), JOB_TIMEOUT)
        return {"snapshots": timeline.told(self._agent.parts.saver.shadow.repository, found)}

    def _restore(self, request: Request) -> Mapping[str, Any]:
        path = request.optional_text("path")
        if path is not None and not _is_inside(path):
            raise UsageError(
                f"{path!r} is no path inside the work tree.", hint="Write it relative to the work tree."
            )
        paths = None if path is None else [path]
        if request.flag("preview", False):
            tip, chosen = self._agent.jobs.call(lambda: self._meant(request), JOB_TIMEOUT)
            shadow = self._agent.parts.saver.shadow.repository
            return {"patch": history.patch(shadow, tip.commit, chosen, paths or ())}
        before, restored = self._agent.jobs.call(lambda: self._bring_back(request, paths), JOB_TIMEOUT)
        reasons = [f"{entry.path}: {entry.reason}" for entry in restored.skipped]
        return {"changed": (*restored.written, *restored.removed), "skipped": reasons, "before": before}

    def _meant(self, request: Request) -> tuple[Tip, str]:
        """A snapshot of how it is now, and the one that is meant."""
        cell = int(request.number("before_cell", 0, most=1e9)) or None
        self._agent.save_now()
        commit = timeline.chosen(self._chain(), request.fields.get("at"), cell, time.time())
        return self._agent.parts.saver.shadow.newest(), commit

    def _bring_back(self, request: Request, paths: list[str] | None) -> tuple[int, restore.Restored]:
        tip, chosen = self._meant(request)
        parts = self._agent.parts
        restored = restore.restore(
            parts.saver.shadow.repository,
            chosen,
            self._agent.configuration.worktree,
            paths,
            base=tip.commit,
            settings=parts.saver.shadow.settings,
        )
        parts.marks.mark((*restored.written, *restored.removed))
        return tip.number, restored

    def _chain(self, *options: str, paths: Sequence[str] = ()) -> list[tuple[int, history.Logged]]:
        """The session's snapshots, newest first, with their numbers; on the main thread."""
        shadow = self._agent.parts.saver.shadow
        shadow.settle()
        tip = shadow.tip()
        if tip is None:
            return []
        found = []
        for entry in history.chain(shadow.repository, tip.commit, *options, paths=paths):
            if not trailers.is_snapshot(entry.message):
                break
            found.append((trailers.parse(entry.message).number, entry))
        return found

    def _commit(self, request: Request) -> Mapping[str, Any]:
        """The user's own commit, with their hooks and settings, on this client's thread."""
        message, push = request.text("message"), request.flag("push", False)
        return {"commit": commit(self._agent, message, push=push)}

    def _fetch(self, request: Request) -> Mapping[str, Any]:
        """Files that were left in the vault, on this client's thread."""
        parts, root = self._agent.parts, self._agent.configuration.worktree
        vault = parts.vault()
        try:
            fetched = fetching.fetch(parts.saver.contents, vault, root, request.text("pattern"))
        finally:
            if vault is not None:
                vault.close()
        parts.marks.mark(fetched.paths)
        parts.holding.ask(urgent=False)
        return {"paths": fetched.paths, "beside": fetched.beside, "missing": fetched.missing}

    def _allow(self, request: Request) -> Mapping[str, Any]:
        what, once = request.text("what"), request.flag("once", False)
        parts = self._agent.parts
        released = self._agent.jobs.call(
            lambda: allow(parts.saver, parts.shipments, what, once=once), JOB_TIMEOUT
        )
        parts.marks.mark(released)
        return {"released": released}

    def _token_given(self, request: Request) -> Mapping[str, Any]:
        """The keeper has another token now."""
        workflows = request.flag("workflows", self._agent.configuration.workflows)
        self._agent.jobs.call(lambda: go_on_with_token(self._agent, workflows=workflows), JOB_TIMEOUT)
        return {}

    def _close(self, request: Request) -> Mapping[str, Any]:
        seconds = request.number("seconds", CLOSE_TIMEOUT, most=600.0)
        return {"missing": self._agent.close(seconds, flush=request.flag("flush", True))}


def _kernel(request: Request) -> int:
    return int(request.number("kernel", 0, most=1e9))


def _told_of(ran: str) -> str:
    """What is told of a command that ended; nothing for a cell."""
    try:
        record = json.loads(ran)
        return f"`{record['command']}` ended with exit code {record['exit']} after {record['seconds']:.0f} s."
    except (ValueError, TypeError, KeyError):
        return ""


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and parts[0] != "/" and "\0" not in path and not {"..", ".git"}.intersection(parts)
