"""Finding what differs between an index and a work tree, and asking git about single paths."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from gitsession import run
from gitsession.errors import GitError
from gitsession.git.command import Repository
from gitsession.git.filters import despite_filters
from gitsession.git.objects import Change, parse_raw

ATTRIBUTES = ("filter", "text", "eol", "crlf", "ident", "working-tree-encoding")
_SPECIAL = re.compile(
    rb"(?:(?<=\0)|\A)(?:[a-zS] \d+ [0-9a-f]+ \d|\w 160000 [0-9a-f]+ \d|\w \d+ [0-9a-f]+ [123])\t[^\0]+"
)


@dataclass(frozen=True)
class Special:
    """An index entry that is not plain.

    Args:
        path: Its path.
        mode: Its mode as git writes it.
        oid: Its object id.
        stage: 0, or 1 to 3 in a conflict.
        frozen: Flagged assume-unchanged or skip-worktree, so that git leaves it alone.
    """

    path: bytes
    mode: bytes
    oid: str
    stage: int
    frozen: bool


def settings_in_force(repository: Repository) -> dict[str, str]:
    """The repository's settings as git sees them, the last value of each; keys as git prints them."""
    listed = repository.output("config", "--list", "--null", "--includes")
    pairs = (item.partition(b"\n") for item in listed.split(b"\0") if item)
    decoded = ((key, value if has_value else b"true") for key, has_value, value in pairs)
    return {os.fsdecode(key): os.fsdecode(value) for key, value in decoded}


def worth_a_look(repository: Repository, paths: Sequence[bytes] = ()) -> list[bytes]:
    """Every path whose file differs from the index, is gone, or is neither known nor ignored.

    A nested repository that is unknown comes with a slash at its end. Stat data that cannot be trusted makes
    git read the file. Limited to what lies at or below `paths` where any are given.
    """
    chosen: tuple[str | bytes, ...] = ("--", *(b":(literal)" + path for path in paths)) if paths else ()
    asked = ("-z", "--modified", "--deleted", "--others", "--exclude-standard", *chosen)
    listed = despite_filters(repository, lambda door: door.output("ls-files", *asked))
    return list(dict.fromkeys(path for path in listed.split(b"\0") if path))


def directories(repository: Repository) -> set[bytes]:
    """The directories that hold entries, at any depth, without the root."""
    parents = {path.rpartition(b"/")[0] for path in repository.output("ls-files", "-z").split(b"\0")}
    found = set(parents)
    while parents := {path.rpartition(b"/")[0] for path in parents} - found:
        found |= parents
    return found - {b""}


def special(repository: Repository) -> list[Special]:
    """The entries that are flagged, in conflict, or submodules."""
    listed = repository.output("ls-files", "-z", "-s", "-v")
    return [_special(match[0]) for match in _SPECIAL.finditer(listed)]


def _special(line: bytes) -> Special:
    head, path = line.split(b"\t", 1)
    tag, mode, oid, stage = head.split(b" ")
    return Special(path, mode, oid.decode(), int(stage), tag.islower() or tag == b"S")


def against(repository: Repository, tree: str) -> tuple[Change, ...]:
    """The paths at which the index differs from a tree; files are not looked at."""
    return tuple(
        parse_raw(
            repository.output(
                "diff-index",
                "--cached",
                "-z",
                "--raw",
                "--no-renames",
                "--abbrev=40",
                "--ignore-submodules=none",
                tree,
            )
        )
    )


def put(repository: Repository, entries: Iterable[tuple[bytes, bytes, str]]) -> None:
    """Put (path, mode, object id) entries into the index; a mode of zero takes the path out."""
    lines = b"".join(b"%s %s 0\t%s\0" % (mode, oid.encode(), path) for path, mode, oid in entries)
    repository.output("update-index", "-z", "--index-info", stdin=lines)


def refresh(repository: Repository) -> None:
    """Note the stat data of the files that equal their entries, so that the next look is quick."""
    despite_filters(repository, lambda door: door.run("update-index", "-q", "--refresh", accept=(0, 1)))


class Questions:
    """A long-lived git process that answers one question per path; it does not see edited rule files.

    Args:
        repository: The repository, with its work tree.
        command: `check-ignore` or `check-attr`, with its options.
        fields: How many NUL-ended fields an answer has.
    """

    def __init__(self, repository: Repository, command: Sequence[str], fields: int) -> None:
        self._repository = repository
        self._command = tuple(command)
        self._fields = fields
        self._process: run.Process | None = None
        self._rest = b""

    def ask(self, path: bytes) -> list[bytes]:
        """The answer for one path.

        Raises:
            GitError: The process ended.
        """
        if self._process is None:
            self._process = self._repository.converse(*self._command)
        given = self._process.stdin
        assert given is not None
        assert self._process.stdout is not None
        try:
            given.write(path + b"\0")
            given.flush()
        except BrokenPipeError:
            raise self._ended() from None
        return self._answer(self._process.stdout.fileno())

    def _answer(self, fd: int) -> list[bytes]:
        while self._rest.count(b"\0") < self._fields:
            piece = os.read(fd, 1 << 16)
            if not piece:
                raise self._ended()
            self._rest += piece
        *answer, self._rest = self._rest.split(b"\0", self._fields)
        return answer

    def _ended(self) -> GitError:
        self.close()
        return GitError(
            f"git {self._command[0]} ended unexpectedly.",
            hint="It is started again at the next save; `gitsession status` says what is safe.",
        )

    def close(self) -> None:
        """End the process; the next question starts a new one, which reads the rules anew."""
        if self._process is not None:
            run.end_group(self._process)
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):
                        pipe.close()
        self._process, self._rest = None, b""


def ignore_questions(repository: Repository) -> Questions:
    """Asks which rule decides whether an unknown path is ignored; read the answer with `is_ignored`."""
    return Questions(
        repository, ("check-ignore", "-z", "--stdin", "--verbose", "--non-matching", "--no-index"), 4
    )


def is_ignored(answer: Sequence[bytes]) -> bool:
    """Whether an answer of `ignore_questions` (source, line, pattern, path) means ignored."""
    pattern = answer[2]
    return bool(pattern) and not pattern.startswith(b"!")


def attribute_questions(repository: Repository) -> Questions:
    """Asks for `ATTRIBUTES`; read the answer with `attributes`."""
    return Questions(repository, ("check-attr", "-z", "--stdin", *ATTRIBUTES), 3 * len(ATTRIBUTES))


def attributes(answer: Sequence[bytes]) -> dict[str, str]:
    """The attributes in an answer of `attribute_questions` (path, attribute, value, and so on)."""
    return {
        os.fsdecode(name): os.fsdecode(value) for name, value in zip(answer[1::3], answer[2::3], strict=True)
    }
