"""The words of a pull request: what changed, how it was run, and how to try it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from gitsession.review.branch import ConflictedFile
from gitsession.review.changes import Changes
from gitsession.review.escape import inline
from gitsession.review.markdown import summary

OPENING = "<!-- gitsession:body -->"
CLOSING = "<!-- /gitsession:body -->"
MOST_FILES = 40
MOST_PACKAGES = 30
TEMPLATES = (
    ".github/pull_request_template.md",
    ".github/PULL_REQUEST_TEMPLATE.md",
    "pull_request_template.md",
    "PULL_REQUEST_TEMPLATE.md",
    "docs/pull_request_template.md",
    "docs/PULL_REQUEST_TEMPLATE.md",
)


@dataclass(frozen=True)
class Circumstances:
    """How the work was run, as far as it is known; what is empty is not mentioned."""

    runtime: str = ""
    gpu: str = ""
    python: str = ""
    packages: tuple[str, ...] = ()
    """Such as `seaborn 0.13.2`, `numpy 2.0.1 (was 1.26.4)`, `old (removed)`."""
    runs: int = 0
    failures: int = 0
    seconds: float = 0.0


def from_trailers(trailers: Iterable[str], *, runtime: str = "") -> Circumstances:
    """Read what the `Gitsession-Ran` trailers of snapshots say; what is malformed is passed over."""
    runs = [run for run in map(_parsed, trailers) if run and not run.get("running")]
    return Circumstances(
        runtime=runtime,
        gpu=_last(runs, "gpu"),
        python=_last(runs, "python"),
        packages=package_changes(runs),
        runs=len(runs),
        failures=sum(bool(run.get("error") or run.get("exit")) for run in runs),
        seconds=sum(float(run["seconds"]) for run in runs if isinstance(run.get("seconds"), (int, float))),
    )


def _parsed(trailer: str) -> dict[str, Any] | None:
    try:
        run = json.loads(trailer)
    except (ValueError, RecursionError):
        return None
    return run if isinstance(run, dict) else None


def changed_packages(runs: Iterable[Mapping[str, Any]]) -> dict[str, tuple[Any, Any]]:
    """What pip changed over all runs, oldest run first: the first version that was seen, and the last."""
    over: dict[str, tuple[Any, Any]] = {}
    for run in runs:
        changed = run.get("changed")
        for name, versions in changed.items() if isinstance(changed, dict) else ():
            if isinstance(versions, list) and len(versions) == 2:
                over[name] = (over.get(name, versions)[0], versions[1])
    return over


def package_changes(runs: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The same in words, of what differs at last."""
    over = sorted(changed_packages(runs).items())
    return tuple(_package(name, *versions) for name, versions in over if len({*map(str, versions)}) > 1)


def _package(name: str, before: Any, now: Any) -> str:
    if now is None:
        return f"{name} (removed)"
    return f"{name} {now}" + (f" (was {before})" if before is not None else "")


def _last(runs: Sequence[dict[str, Any]], key: str) -> str:
    return next((str(run[key]) for run in reversed(runs) if run.get(key)), "")


def sentence(how: Circumstances) -> str:
    """How it was run, in one plain sentence; empty when nothing is known."""
    machine = ", ".join(
        part for part in (how.runtime, how.gpu, f"Python {how.python}" if how.python else "") if part
    )
    failed = f", {how.failures} failed" if how.failures else ""
    runs = (
        f"{how.runs} run{'s' if how.runs != 1 else ''} in {duration(how.seconds)}{failed}" if how.runs else ""
    )
    said = "; ".join(part for part in (machine, runs) if part)
    return f"{said[0].upper()}{said[1:]}." if said else ""


def duration(seconds: float) -> str:
    """Seconds as people say them: `42 s`, `3 min 12 s`, `1 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def colab_link(owner_and_name: str, branch: str, notebook: str) -> str:
    """Where Colab opens a notebook of a branch, in a session of whoever clicks."""
    place = f"{quote(owner_and_name)}/blob/{quote(branch)}/{quote(os.fsencode(notebook))}"
    return f"https://colab.research.google.com/github/{place}"


def body(
    changes: Changes,
    how: Circumstances,
    *,
    repository: str,
    branch: str,
    words: str = "",
    conflicts: Sequence[ConflictedFile] = (),
    template: str = "",
) -> str:
    """The pull request's description.

    Args:
        changes: What changed.
        how: How it was run.
        repository: `owner/name` that holds the branch.
        branch: The review branch.
        words: What the user wrote, as Markdown of theirs.
        conflicts: What will not merge by itself.
        template: The repository's own template, kept below as it is.
    """
    parts = ["### What changed", *_changed(changes)]
    if conflicts:
        parts += ["### In conflict with the base", "\n".join(f"- {conflict_line(one)}" for one in conflicts)]
    if said := sentence(how):
        parts += ["### How it was run", inline(said, 400)]
    if how.packages:
        more = len(how.packages) - MOST_PACKAGES
        named = [inline(package, 120) for package in how.packages[:MOST_PACKAGES]]
        parts.append(
            "Packages changed: " + ", ".join([*named, *([f"… and {more} more"] if more > 0 else [])])
        )
    parts += ["### Try it", _try_it(changes, repository, branch)]
    ours = "\n\n".join([OPENING, *parts, CLOSING])
    return "\n\n".join(part for part in (words.strip(), ours, template.strip()) if part)


def renewed(existing: str, fresh: str) -> str:
    """A description with our part replaced by that of `fresh`; what people wrote around it stays."""
    start, end = existing.find(OPENING), existing.find(CLOSING)
    if start < 0 or end < start:
        return existing
    ours = fresh[fresh.index(OPENING) : fresh.index(CLOSING) + len(CLOSING)]
    return existing[:start] + ours + existing[end + len(CLOSING) :]


def _changed(changes: Changes) -> list[str]:
    books = [f"- **{inline(review.path)}**: {summary(review)}" for review in changes.notebooks]
    files = [f"- {inline(path)}: {what}" for path, what in changes.others]
    lines = [*books, *files]
    more = len(lines) - MOST_FILES
    return ["\n".join([*lines[:MOST_FILES], *([f"- … and {more} more files"] if more > 0 else [])])]


def conflict_line(conflict: ConflictedFile) -> str:
    """A conflict as one line of Markdown for people."""
    cells = ", ".join(map(str, conflict.cells))
    where = f": cell{'s' if len(conflict.cells) > 1 else ''} {cells}" if cells else ""
    return f"{inline(conflict.path)}{where}"


def _try_it(changes: Changes, repository: str, branch: str) -> str:
    command = f'`gitsession.open("{repository}", base="{branch}")`'
    book = next((review.path for review in changes.notebooks if review.status != "removed"), None)
    link = f"[Open in Colab]({colab_link(repository, branch, book)}), or " if book else ""
    return f"{link}{command} opens a new session of your own at this state."
