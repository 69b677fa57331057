"""A disk that loses power: system calls are recorded with strace, and images made of what may survive.

Stands for a journaled file system at its worst. Data that was not synced is lost, torn or kept; names that
were not synced with their directory are lost or kept in order, each directory for itself. Does not imitate a
disk that lies about a sync, nor one that damages sectors that are not being written.
"""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

TRACED = (
    "openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,"
    "link,linkat,unlink,unlinkat,mkdir,mkdirat,close"
)
_CALL = re.compile(r"(?:\d+ +)?(?P<name>\w+)\((?P<rest>.*)\) += (?P<result>-?\d+)")
_FILE = re.compile(r"(?P<fd>\d+|AT_FDCWD)<(?P<path>[^>]*)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True)
class Call:
    """One successful system call: its name, the files behind its descriptors, its strings and its numbers."""

    name: str
    files: tuple[str, ...]
    texts: tuple[bytes, ...]
    rest: str
    result: int


def command(log: Path, argv: list[str]) -> list[str]:
    """The command line that runs `argv` and records its calls in `log`."""
    return [
        "strace",
        "-f",
        "-qq",
        "-y",
        "-xx",
        "-s",
        "100000000",
        "-o",
        str(log),
        "-e",
        f"trace={TRACED}",
        *argv,
    ]


def parse(log: Path) -> Iterator[Call]:
    """The successful calls, in order; a call that another interrupted counts where it resumed."""
    unfinished: dict[str, str] = {}
    with log.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            whole = _joined(line.rstrip("\n"), unfinished)
            match = _CALL.match(whole) if whole else None
            if match and int(match["result"]) >= 0:
                yield Call(
                    match["name"],
                    tuple(_unescaped(found["path"]) for found in _FILE.finditer(match["rest"])),
                    tuple(map(_bytes, _TEXT.findall(match["rest"]))),
                    _TEXT.sub("", match["rest"]),
                    int(match["result"]),
                )


def _joined(line: str, unfinished: dict[str, str]) -> str | None:
    pid = line.split(" ", 1)[0]
    if line.endswith("<unfinished ...>"):
        unfinished[pid] = line.removesuffix("<unfinished ...>")
        return None
    resumed = re.match(r"\d+ +<\.\.\. \w+ resumed>(.*)", line)
    return unfinished.pop(pid, "") + resumed[1] if resumed else line


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _unescaped(path: str) -> str:
    return os.fsdecode(re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes.fromhex(m[1].decode()), path.encode()))


@dataclass
class File:
    """An inode: what is surely on the disk, and the writes since the last sync."""

    durable: bytes = b""
    pending: list[tuple[int, bytes]] = field(default_factory=list)

    def sync(self) -> None:
        self.durable, self.pending = self.survived(None), []

    def survived(self, chance: random.Random | None) -> bytes:
        """The content after a crash; with no chance everything was written."""
        content = bytearray(self.durable)
        for offset, piece in self.pending:
            kept = _torn(piece, chance) if chance else piece
            if offset == -1:
                del content[int.from_bytes(piece, "big") :]
                continue
            content.extend(bytes(max(0, offset + len(kept) - len(content))) if kept else b"")
            content[offset : offset + len(kept)] = kept
        return bytes(content)


def _torn(piece: bytes, chance: random.Random) -> bytes:
    return chance.choice((b"", piece[: chance.randrange(len(piece) + 1)], piece, piece))


class Disk:
    """What lies below one directory, as calls change it."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.names: dict[str, File | None] = {}
        self.durable_names: dict[str, File | None] = {}
        self.unsynced: dict[str, list[tuple[str, File | None, bool]]] = {}
        self._offsets: dict[tuple[str, ...], int] = {}

    def apply(self, call: Call) -> None:
        handler = getattr(self, f"_{call.name}", None)
        if handler is not None:
            handler(call)

    def image(self, target: Path, chance: random.Random) -> None:
        """Write one state that the disk may be in after a crash now."""
        names = dict(self.durable_names)
        for changes in self.unsynced.values():
            for path, file, exists in changes[: chance.randrange(len(changes) + 1)]:
                if exists:
                    names[path] = file
                else:
                    names.pop(path, None)
        shutil.rmtree(target, ignore_errors=True)
        for path, file in sorted(names.items()):
            place = target / path.removeprefix(f"{self.root}/")
            if file is None:
                place.mkdir(parents=True, exist_ok=True)
            elif place.parent.is_dir():
                place.write_bytes(file.survived(chance))

    def _inside(self, path: str) -> bool:
        return path.startswith(f"{self.root}/")

    def _name(self, path: str, file: File | None, *, exists: bool = True) -> None:
        if not self._inside(path):
            return
        if exists:
            self.names[path] = file
        else:
            self.names.pop(path, None)
        self.unsynced.setdefault(str(Path(path).parent), []).append((path, file, exists))

    def _path(self, call: Call, number: int) -> str:
        """The path that the call's string stands for, by the descriptor before it."""
        text = os.fsdecode(call.texts[number])
        if text.startswith("/"):
            return os.path.normpath(text)
        return os.path.normpath(f"{call.files[min(number, len(call.files) - 1)]}/{text}")

    def _openat(self, call: Call) -> None:
        path = self._path(call, 0)
        if not self._inside(path) or Path(path).is_dir():
            return
        if path not in self.names and "O_CREAT" in call.rest:
            self._name(path, File())
        file = self.names.get(path)
        if file is not None and "O_TRUNC" in call.rest:
            file.pending.append((-1, (0).to_bytes(8, "big")))
        self._offsets.pop((path,), None)

    def _write(self, call: Call) -> None:
        path = call.files[0]
        file = self.names.get(path)
        if file is not None:
            offset = self._offsets.get((path,), 0)
            file.pending.append((offset, call.texts[0][: call.result]))
            self._offsets[(path,)] = offset + call.result

    def _pwrite64(self, call: Call) -> None:
        file = self.names.get(call.files[0])
        if file is not None:
            offset = int(call.rest.rsplit(",", 1)[1])
            file.pending.append((offset, call.texts[0][: call.result]))

    def _ftruncate(self, call: Call) -> None:
        file = self.names.get(call.files[0])
        if file is not None:
            file.pending.append((-1, int(call.rest.rsplit(",", 1)[1]).to_bytes(8, "big")))

    def _fsync(self, call: Call) -> None:
        path = call.files[0]
        file = self.names.get(path)
        if file is not None:
            file.sync()
        for name, one, exists in self.unsynced.pop(path, []):
            if exists:
                self.durable_names[name] = one
            else:
                self.durable_names.pop(name, None)

    _fdatasync = _fsync

    def _rename(self, call: Call) -> None:
        old, new = self._path(call, 0), self._path(call, 1)
        file = self.names.get(old)
        if file is not None:
            self._name(new, file)
            self._name(old, file, exists=False)

    _renameat = _renameat2 = _rename

    def _link(self, call: Call) -> None:
        source, target = self._path(call, 0), self._path(call, 1)
        file = self.names.get(source)
        if file is None and Path(source).is_file():
            file = File(Path(source).read_bytes())
        if file is not None:
            self._name(target, file)

    _linkat = _link

    def _unlink(self, call: Call) -> None:
        path = self._path(call, 0)
        if path in self.names:
            self._name(path, None, exists=False)

    _unlinkat = _unlink

    def _mkdir(self, call: Call) -> None:
        self._name(self._path(call, 0), None)

    _mkdirat = _mkdir
