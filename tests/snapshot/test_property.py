"""Random trees and random edits: our tree is git's after every step, by events and by sweeps."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.snapshot.scene import Scene, scene

NAMES = ("a", "b", "a.b", "a0", "A", "deep", "x y", "ü", "-q", "log.txt", "t\tn")
CONTENTS = (b"", b"1\n", b"2\n", b"\r\n", b"\0\r\n", b"x" * 5000)

names = st.sampled_from(NAMES)
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
rules = st.sampled_from(("*.txt\n", "/a\n", "deep/\n!deep/a\n", "b\n", ""))
attributes = st.sampled_from(("* text=auto\n", "*.txt text eol=crlf\n", "a ident\n", "* -text\n"))


@dataclass(frozen=True)
class Edit:
    """One thing that a person does to the work tree."""

    verb: str
    path: str
    other: str = ""
    content: bytes = b""

    def apply(self, made: Scene) -> list[str]:
        """Do it; the paths that an event would name come back, and those that a symlink led to."""
        with suppress(OSError):  # what a person could not do either
            named = self._apply(made, made.work / self.path)
            return [*named, *(self._led_to(made.work, path) for path in named)]
        return []

    def _led_to(self, work: Path, path: str) -> str:
        """Where the system sees the change: only a write goes on through a symlink at the path's end."""
        parent, name = os.path.split(work / path)
        real = os.path.realpath(work / path) if self.verb == "write" else f"{os.path.realpath(parent)}/{name}"
        return os.path.relpath(real, work)

    def _apply(self, made: Scene, place: Path) -> list[str]:
        if self.verb == "write":
            made.write(self.path, self.content)
        elif self.verb == "same-size":
            self._rewrite(place)
        elif self.verb == "remove":
            shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink()
        elif self.verb == "rename":
            (made.work / self.other).parent.mkdir(parents=True, exist_ok=True)
            place.rename(made.work / self.other)
            return [self.path, self.other]
        elif self.verb == "link":
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(self.other)
        elif self.verb == "chmod" and place.is_file() and not place.is_symlink():
            place.chmod(0o644 if os.access(place, os.X_OK) and place.stat().st_mode & 0o100 else 0o755)
        return [self.path]

    def _rewrite(self, place: Path) -> None:
        """Change the bytes and restore the time, as a careful tool might."""
        before = place.lstat()
        if place.is_file() and not place.is_symlink():
            place.write_bytes(place.read_bytes()[::-1].replace(b"1", b"3"))
            os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))


edits = st.one_of(
    st.builds(Edit, st.just("write"), paths, content=st.sampled_from(CONTENTS)),
    st.builds(Edit, st.sampled_from(("remove", "chmod", "same-size")), paths),
    st.builds(Edit, st.sampled_from(("rename", "link")), paths, paths),
    st.builds(
        Edit,
        st.just("write"),
        st.sampled_from((".gitignore", "deep/.gitignore")),
        content=rules.map(str.encode),
    ),
    st.builds(Edit, st.just("write"), st.just(".gitattributes"), content=attributes.map(str.encode)),
)
commands = st.sampled_from(
    (
        ("add", "-A"),
        ("add", "-f", "."),
        ("commit", "-qm", "c", "--allow-empty"),
        ("reset", "-q", "--hard"),
        ("stash", "-q", "-u"),
        ("checkout", "-q", "--detach"),
        ("rm", "-rq", "--cached", "a"),
        ("clean", "-qfd"),
        ("gc", "-q", "--prune=now"),
    )
)
steps = st.lists(st.one_of(st.lists(edits, min_size=1, max_size=4), commands), min_size=1, max_size=8)
quick = settings(
    max_examples=int(os.environ.get("TEST_EXAMPLES", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def by_step(made: Scene, step: list[Edit] | tuple[str, ...]) -> list[str] | None:
    """Carry out one step; the paths that events named, None for a git command."""
    note(str(step))
    if isinstance(step, tuple):
        with suppress(Exception):
            made.git(*step)
        return None
    return [path for edit in step for path in edit.apply(made)]


@pytest.mark.slow
@quick
@given(steps)
def test_the_tree_is_gits_after_every_step(sealed: Path, steps: list[list[Edit] | tuple[str, ...]]) -> None:
    root = Path(tempfile.mkdtemp(dir=sealed))
    with scene(root) as made:
        made.take()
        for step in steps:
            named = by_step(made, step)
            if named is None:
                made.take()
            elif named:
                made.take(*named)
            assert made.tree == made.by_git(), "by events"
            assert made.take() is None, "a sweep found more than the events"
        assert made.fsck() == ""
    shutil.rmtree(root)
