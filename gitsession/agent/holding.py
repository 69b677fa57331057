"""Bringing held and kept contents to the vault: on a thread and a helper process of its own.

So a file of many gigabytes delays no snapshot, and a storage that hangs delays nobody.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from gitsession.agent.churn import HUGE, HUGE_INTERVAL, LARGE_INTERVAL, VAULT_ONLY
from gitsession.agent.contents import Contents
from gitsession.agent.decide import back_off
from gitsession.errors import GitsessionError
from gitsession.git import ignore
from gitsession.git.command import Repository
from gitsession.model import Held, Level
from gitsession.replicas.vault import Vault
from gitsession.snapshot.patterns import pathspecs
from gitsession.wording import human_size

LOOK_INTERVAL = 10.0
LOOK_SHARE = 0.005  # of a core: what looking for kept files may use
FIRST_CONFIRMATION = 15.0  # seconds until it is asked whether all is uploaded, then twice as long each time
CONFIRMATIONS = 8
SETTLED = 2.0  # seconds since a file was written until it is taken for whole
REPORT_INTERVAL = 5.0


class Holding:
    """Looks for kept files and stores what is new of them and of held files.

    Args:
        contents: What is known of them.
        repository: The user's repository.
        vault: Where to; one that nobody else uses. None where there is none.
        held: What is held now.
        done: Called, on this thread, when something changed.

    Attributes:
        error: Why it does not go on; empty when it does.
        progress: What is under way, for people.
    """

    def __init__(
        self,
        contents: Contents,
        repository: Repository,
        vault: Vault | None,
        held: Callable[[], Sequence[Held]],
        done: Callable[[], None],
    ) -> None:
        self.error = ""
        self.progress = ""
        self._contents = contents
        self._repository = repository
        self._vault = vault
        self._held = held
        self._done = done
        self._wake = threading.Event()
        self._asked = self._settled = 0
        self._urgent = self._ending = False
        self._proved = 0
        self._proved_at: float | None = None
        self._failures = 0
        self._look_cost = 0.0
        self._reported = 0.0
        self._tried: dict[str, float] = {}
        self._thread = threading.Thread(target=self._run, name="hold", daemon=True)

    def start(self) -> None:
        """Begin; until then requests are only noted."""
        self._thread.start()

    def ask(self, *, urgent: bool) -> int:
        """Have it look and store at once; answers with what to ask `is_settled` for."""
        self._asked += 1
        self._urgent = self._urgent or urgent
        self._wake.set()
        return self._asked

    def is_settled(self, asked: int) -> bool:
        """Whether a round that began after the request has ended, well or not."""
        return self._settled >= asked

    def stop(self, patience: float) -> None:
        """End the thread after the file under way; one that hangs dies with the process."""
        self._ending = True
        self._wake.set()
        self._thread.join(patience)
        self._contents.save()

    def _run(self) -> None:
        while not self._ending:
            self._wake.wait(self._patience())
            self._wake.clear()
            if self._ending:
                break
            asked, urgent, self._urgent = self._asked, self._urgent, False
            before = (self._contents.version, self.error)
            self._try(urgent=urgent)
            self._settled = asked
            if before != (self._contents.version, self.error):
                self._contents.save()
            self._done()
        if self._vault is not None:
            self._vault.close()

    def _patience(self) -> float | None:
        """Seconds until the next round by itself."""
        waits = [back_off(self._failures, random.random())] if self._failures else []
        if self._contents.keep:
            waits.append(max(LOOK_INTERVAL, self._look_cost / LOOK_SHARE))
        if self._vault is not None and any(item.level < Level.STORED for item in self._held()):
            waits.append(LOOK_INTERVAL)
        if self._vault is not None and self._proved_at is not None and (at := self._confirm_at()) is not None:
            waits.append(max(0.0, at - time.monotonic()))
        return min(waits, default=None)

    def _confirm_at(self) -> float | None:
        """When to ask the vault next what it has; None when there is nothing to learn."""
        if self._proved_at is None:
            return 0.0
        if not self._contents.uploading() or self._proved >= CONFIRMATIONS:
            return None
        return self._proved_at + FIRST_CONFIRMATION * 2.0**self._proved

    def _try(self, *, urgent: bool) -> None:
        try:
            self._round(urgent=urgent)
        except (GitsessionError, OSError) as error:
            self._failures += 1
            self.error = error.what if isinstance(error, GitsessionError) else str(error)
        else:
            self._failures, self.error = 0, ""
        self.progress = ""

    def _round(self, *, urgent: bool) -> None:
        held = [item for item in self._held() if urgent or self._is_due(item)]
        self._look()
        if self._vault is None:
            return
        self._prove(self._vault)
        kept = [file.path for file in self._contents.kept() if urgent or _is_settled(file.mtime)]
        for path in (*(item.path for item in held), *kept):
            if self._ending:
                return
            with suppress(FileNotFoundError):
                if self._contents.store(path, self._vault.held, self._listener(path)):
                    self._proved, self._proved_at = 0, time.monotonic()
            self._report()

    def _prove(self, vault: Vault) -> None:
        at, version = self._confirm_at(), self._contents.version
        if at is not None and at <= time.monotonic():
            self._contents.prove(vault.held)
            self._proved = self._proved + 1 if version == self._contents.version else 0
            self._proved_at = time.monotonic()

    def _look(self) -> None:
        began = time.thread_time()
        specs = [spec for pattern in self._contents.keep for spec in pathspecs(pattern)]
        found = ignore.ignored_files(self._repository, specs) if specs else []
        self._contents.look(found, {item.path for item in self._held()})
        self._look_cost = time.thread_time() - began

    def _is_due(self, item: Held) -> bool:
        """Churn that goes out by itself is not kept at once, nor what changes all the time all the time."""
        if not item.reason.startswith("churn"):
            return True
        now, last = time.monotonic(), self._tried.get(item.path)
        interval = HUGE_INTERVAL if item.size > HUGE or item.reason == VAULT_ONLY else LARGE_INTERVAL
        if last is None and item.reason != VAULT_ONLY:
            self._tried[item.path] = now  # it went out when it began to wait
            return False
        if last is not None and now - last < interval:
            return False
        self._tried[item.path] = now
        return True

    def _listener(self, path: str) -> Callable[[int], None]:
        moved = 0

        def listen(more: int) -> None:
            nonlocal moved
            moved += more
            self.progress = f"Storing {path}: {human_size(moved)} so far." if moved else f"Reading {path}."

        return listen

    def _report(self) -> None:
        """Let long rounds show what they have done."""
        if time.monotonic() - self._reported >= REPORT_INTERVAL:
            self._reported = time.monotonic()
            self._done()


def _is_settled(mtime: int) -> bool:
    return not 0 <= time.time() - mtime / 1e9 < SETTLED
