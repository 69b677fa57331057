"""A mount that behaves like Google Drive's.

Stands for the FUSE mount at `/content/drive`: every metadata request takes 20 ms, data flows at 50 MB/s,
modes are forced, there are no links, `user.drive.id` begins with `local` until a file is uploaded. It can be
told to stall, to fail, to be full, to unmount, and to lose the tail of what was written last. Every request
is counted, as libfuse's high-level interface sees them: a look-up is a `getattr`.
Does not imitate: the trash, folders shared with others, eventual listings, or an upload that never ends.

Run as `python -m tests.rig.drive <mountpoint> <backing folder> <control folder> <seconds>`, which
`Drive` does.
"""

# ruff: noqa: PTH102, PTH104, PTH106, PTH108, PTH110, PTH112, PTH208 - requests are passed on as they are

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

METADATA_SECONDS = 0.02
BYTES_A_SECOND = 50_000_000
DATA = ("read", "write")
REQUESTS = frozenset(
    (
        "getattr",
        "readdir",
        "mkdir",
        "rmdir",
        "unlink",
        "rename",
        "symlink",
        "link",
        "chmod",
        "chown",
        "utimens",
        "create",
        "open",
        "truncate",
        "read",
        "write",
        "flush",
        "fsync",
        "release",
        "getxattr",
        "statfs",
    )
)
START_LIMIT = 10.0


class Drive:
    """A mounted Drive and its switches.

    Attributes:
        mountpoint: Where it is mounted; `MyDrive` lies in it.
        backing: What Google has: it survives unmounting.

    Example:
        >>> with Drive(tmp_path) as drive:
        ...     drive.stall()
    """

    def __init__(self, root: Path, *, seconds: float = METADATA_SECONDS) -> None:
        self.mountpoint = root / "content-drive"
        self.backing = root / "google"
        self.control = root / "control"
        self.seconds = seconds
        for folder in (self.mountpoint, self.backing / "MyDrive", self.control):
            folder.mkdir(parents=True, exist_ok=True)
        self.log.touch()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def storage(self) -> Path:
        """Where a vault goes."""
        return self.mountpoint / "MyDrive" / "gitsession"

    @property
    def log(self) -> Path:
        """One line a request: its name."""
        return self.control / "requests.log"

    def mount(self) -> None:
        """Mount it, also again."""
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.rig.drive",
                self.mountpoint,
                self.backing,
                self.control,
                str(self.seconds),
            ],
            cwd=Path(__file__).parents[2],
        )
        deadline = time.monotonic() + START_LIMIT
        while not os.path.ismount(self.mountpoint):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise TimeoutError("the Drive could not be mounted")
            time.sleep(0.01)

    def unmount(self) -> None:
        """Take it away, as `drive.flush_and_unmount` does; whoever is on it loses it."""
        subprocess.run(["fusermount3", "-u", "-z", "-q", self.mountpoint], check=False, timeout=10)
        if self.process is not None:
            self.process.wait(10)
            self.process = None

    def crash(self) -> None:
        """Kill what serves it: `Transport endpoint is not connected` from then on."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
            self.process = None

    def stall(self, request: str = "*") -> None:
        """No request, or none of one kind, is answered from now on."""
        (self.control / "stall").write_text(request)

    def fail(self, number: int, request: str = "*") -> None:
        """Every request, or every one of one kind, fails with this errno from now on."""
        (self.control / "fail").write_text(f"{request} {number}")

    def lie(self) -> None:
        """Every write is said to be done, and its last byte is not."""
        (self.control / "lie").touch()

    def fill_up(self) -> None:
        """Every write fails for want of space from now on."""
        (self.control / "full").touch()

    def upload(self) -> None:
        """All files are uploaded."""
        (self.control / "uploaded").touch()

    def recover(self) -> None:
        """Everything works again."""
        for switch in ("stall", "fail", "full", "lie"):
            (self.control / switch).unlink(missing_ok=True)

    def lose_tails(self, files: int, size: int = 10) -> list[Path]:
        """The files written last lose their last bytes, as when a machine goes before an upload."""
        newest = sorted(
            (path for path in self.backing.rglob("*") if path.is_file()),
            key=lambda path: path.stat().st_mtime_ns,
        )[-files:]
        for path in newest:
            os.truncate(path, max(0, path.stat().st_size - size))
        return newest

    def requests(self) -> Counter[str]:
        """How often each request came since `forget`."""
        return Counter(self.log.read_text().split())

    def forget(self) -> None:
        """Count from zero."""
        self.log.write_text("")

    def __enter__(self) -> Drive:
        self.mount()
        return self

    def __exit__(self, *error: object) -> None:
        self.recover()
        self.unmount()


def serve(mountpoint: str, backing: str, control: str, seconds: float) -> None:
    """Serve a mount until it is taken away."""
    import mfusepy  # type: ignore[import-untyped]

    def told(switch: str) -> list[str]:
        try:
            return Path(f"{control}/{switch}").read_text().split()
        except FileNotFoundError:
            return []

    class Mounted(mfusepy.Operations):  # type: ignore[misc]
        """Requests on a backing folder, each counted, delayed, and perhaps failed."""

        use_ns = True
        log: int

        def __init__(self) -> None:
            self.log = os.open(f"{control}/requests.log", os.O_WRONLY | os.O_APPEND)

        def __getattribute__(self, name: str) -> Any:
            found = super().__getattribute__(name)
            return self.request(name, found) if name in REQUESTS else found

        def request(self, name: str, answer: Callable[..., Any]) -> Callable[..., Any]:
            def answered(*arguments: Any, **named: Any) -> Any:
                os.write(self.log, f"{name}\n".encode())
                while told("stall")[:1] in (["*"], [name]):
                    time.sleep(0.02)
                if (fail := told("fail"))[:1] in (["*"], [name]):
                    raise OSError(int(fail[1]), "told to fail")
                if name not in DATA:
                    time.sleep(seconds)
                return answer(*arguments, **named)

            return answered

        def place(self, path: str) -> str:
            return backing + path

        def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
            found = os.lstat(self.place(path)) if fh is None else os.fstat(fh)
            names = ("st_size", "st_nlink", "st_mtime_ns", "st_atime_ns", "st_ctime_ns", "st_mode")
            shown = {name.removesuffix("_ns"): getattr(found, name) for name in names}
            folder = os.path.isdir(self.place(path))
            return {
                **shown,
                "st_mode": 0o040700 if folder else 0o100600,
                "st_uid": os.getuid(),
                "st_gid": os.getgid(),
            }

        def readdir(self, path: str, fh: int) -> Iterator[str]:
            yield from (".", "..", *os.listdir(self.place(path)))

        def mkdir(self, path: str, mode: int) -> int:
            os.mkdir(self.place(path))
            return 0

        def rmdir(self, path: str) -> int:
            os.rmdir(self.place(path))
            return 0

        def unlink(self, path: str) -> int:
            os.unlink(self.place(path))
            return 0

        def rename(self, old: str, new: str, flags: int = 0) -> int:
            os.rename(self.place(old), self.place(new))
            return 0

        def symlink(self, target: str, source: str) -> int:
            raise OSError(errno.ENOSYS, "no links on Drive")

        link = symlink

        def chmod(self, path: str, mode: int) -> int:
            return 0

        def chown(self, path: str, uid: int, gid: int) -> int:
            return 0

        def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
            return 0

        def create(self, path: str, mode: int, flags: int = 0) -> int:
            return os.open(self.place(path), os.O_RDWR | os.O_CREAT, 0o600)

        def open(self, path: str, flags: int) -> int:
            return os.open(self.place(path), flags & (os.O_ACCMODE | os.O_TRUNC))

        def truncate(self, path: str, length: int, fh: int | None = None) -> int:
            os.truncate(self.place(path), length)
            return 0

        def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
            content = os.pread(fh, size, offset)
            time.sleep(len(content) / BYTES_A_SECOND)
            return content

        def write(self, path: str, content: bytes, offset: int, fh: int) -> int:
            if os.path.exists(f"{control}/full"):
                raise OSError(errno.ENOSPC, "the Drive is full")
            time.sleep(len(content) / BYTES_A_SECOND)
            if os.path.exists(f"{control}/lie"):
                os.pwrite(fh, content[:-1], offset)
                return len(content)
            return os.pwrite(fh, content, offset)

        def flush(self, path: str, fh: int) -> int:
            return 0

        def fsync(self, path: str, datasync: int, fh: int) -> int:
            return 0

        def release(self, path: str, fh: int) -> int:
            os.close(fh)
            return 0

        def getxattr(self, path: str, name: str, position: int = 0) -> bytes:
            if name != "user.drive.id":
                raise OSError(errno.ENODATA, "no such attribute")
            return b"1AbCdEf" if os.path.exists(f"{control}/uploaded") else b"local-17"

        def statfs(self, path: str) -> dict[str, int]:
            return {"f_bsize": 4096, "f_blocks": 1 << 20, "f_bavail": 1 << 19, "f_bfree": 1 << 19}

    mfusepy.FUSE(
        Mounted(),
        mountpoint,
        foreground=True,
        raw_fi=False,
        fsname="drive",
        subtype="drive",
        max_idle_threads=16,
    )


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
