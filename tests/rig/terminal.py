"""A person's terminal: a pseudo-terminal of so many columns in front of a command on a simulated machine.

Stands for: what a terminal emulator gives a program (a size, a controlling terminal, Ctrl+C as a typed
character) and takes from it. Does not imitate: drawing, since escapes are kept as they were written.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.rig import errors_met
from tests.rig.runtime import Runtime

CTRL_C = "\x03"
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
OWNED = """
import fcntl, os, runpy, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("gitsession", run_name="__main__", alter_sys=True)
"""


class Terminal:
    """What `gitsession` shows on a terminal.

    Args:
        master: The terminal's own end of the pair.
    """

    def __init__(self, master: int) -> None:
        self._master = master
        self._written = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def raw(self) -> str:
        """Everything that was written, escapes too."""
        return self._written.decode("utf-8", "replace").replace("\r\n", "\n")

    @property
    def text(self) -> str:
        """The same without escapes."""
        return ESCAPE.sub("", self.raw)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def read_to_end(self) -> str:
        """Everything, once nobody writes any more."""
        self._reader.join(30)
        errors_met.hear(self.text)
        return self.text

    def _read(self) -> None:
        try:
            while block := os.read(self._master, 65536):
                self._written += block
        except OSError:  # the last one that could write has gone (EIO)
            return


@contextmanager
def shown(
    runtime: Runtime, words: Sequence[str], *, columns: int = 80, cwd: Path | None = None
) -> Iterator[tuple[Terminal, subprocess.Popen[bytes]]]:
    """Run `gitsession` with these words on a terminal; what still runs at the end of the block is killed."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    argv = (sys.executable, "-c", OWNED, *words)
    env = {"TERM": "xterm-256color"}
    process = runtime.start(*argv, cwd=cwd, env=env, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    terminal = Terminal(master)
    try:
        yield terminal, process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        terminal.read_to_end()
        os.close(master)
