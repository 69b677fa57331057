"""Restoring: exact bytes, modes and links, and never a step outside the work tree."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gitsession.git import objects
from gitsession.snapshot.restore import WORTH_A_CHECKOUT, restore
from tests.snapshot.scene import Scene, scene
from tests.snapshot.test_exactness import line_ends, modes_and_links, odd_names


def everything(root: Path) -> dict[str, tuple[str, bytes]]:
    """Each path with its kind and content, the repository aside."""
    found = {}
    for place in sorted(root.rglob("*")):
        path = str(place.relative_to(root))
        if path.split("/")[0] == ".git":
            continue
        if place.is_symlink():
            found[path] = ("link", os.fsencode(place.readlink()))
        elif place.is_file():
            found[path] = ("exec" if place.stat().st_mode & 0o100 else "file", place.read_bytes())
    return found


def prepared(made: Scene) -> None:
    modes_and_links(made)
    odd_names(made)
    made.write("empty")


def crowded(made: Scene) -> None:
    """So many files that git is asked to write them, beside those that it is not."""
    prepared(made)
    line_ends(made)
    for number in range(WORTH_A_CHECKOUT):
        made.write(f"many/{number}.txt", f"{number}\n")
    made.write("many/.gitattributes", "7.txt text eol=crlf\n")


@pytest.mark.parametrize("stands", ["nothing", "one file, so that git writes no other"])
def test_many_files_come_back_into_a_new_work_tree(sealed: Path, stands: str) -> None:
    with scene(sealed / "s", crowded) as made:
        made.take()
        made.shadow.settle()
        target, other = sealed / "again", sealed / "one by one"
        (target / "many").mkdir(parents=True)
        other.mkdir()
        if stands != "nothing":
            (target / "many/3.txt").write_text("something else")
        done = restore(made.shadow.repository, made.tree, target, fresh=True)
        restore(made.shadow.repository, made.tree, other)
        assert everything(target) == everything(other)
        assert (target / "many/7.txt").read_bytes() == b"7\r\n"
        assert set(done.written) == set(everything(target))
        assert not list(made.shadow.directory.glob(".gitsession-tmp-*"))


@pytest.mark.parametrize("fresh", [False, True])
def test_a_fresh_work_tree_equals_the_lost_one(sealed: Path, fresh: bool) -> None:
    with scene(sealed / "s", prepared) as made:
        made.take()
        made.shadow.settle()
        target = sealed / "again"
        target.mkdir()
        done = restore(made.shadow.repository, made.tree, target, fresh=fresh)
        assert everything(target) == everything(made.work)
        assert len(done.written) == len(everything(target))
        assert restore(made.shadow.repository, made.tree, target).written == ()


def test_line_ends_come_back_as_a_checkout_gives_them(sealed: Path) -> None:
    with scene(sealed / "s", line_ends) as made:
        made.take()
        made.shadow.settle()
        target = sealed / "again"
        target.mkdir()
        restore(made.shadow.repository, made.tree, target)
        assert (target / "run.bat").read_bytes() == b"echo\r\n"
        assert (target / "raw.bin").read_bytes() == b"\0\r\n\1"
        assert (target / "dos.txt").read_bytes() == b"a\nb\n"


def test_only_what_differs_from_the_base_is_touched(sealed: Path) -> None:
    with scene(sealed / "s", prepared) as made:
        made.take()
        before, old = made.tree, everything(made.work)
        made.write("src/a.py", "changed")
        made.write("added/deep/new", "1")
        (made.work / "readme").unlink()
        made.write("readme/now", "a directory")
        made.take()
        made.shadow.settle()
        done = restore(made.shadow.repository, before, made.work, base=made.tree)
        assert everything(made.work) == old
        assert set(done.written) == {"src/a.py", "readme"}
        assert set(done.removed) == {"added/deep/new", "readme/now"}
        assert not (made.work / "added").exists()
        assert made.take() is not None
        assert made.tree == before


def test_single_paths(sealed: Path) -> None:
    with scene(sealed / "s", prepared) as made:
        made.take()
        before = made.tree
        made.write("src/a.py", "changed")
        made.write("readme", "changed")
        made.take()
        made.shadow.settle()
        done = restore(made.shadow.repository, before, made.work, ["src"], base=made.tree)
        assert done.written == ("src/a.py",)
        assert (made.work / "readme").read_text() == "changed"


def test_a_symlink_on_the_way_is_not_followed(sealed: Path) -> None:
    with scene(sealed / "s", prepared) as made:
        made.take()
        made.shadow.settle()
        target, outside = sealed / "again", sealed / "outside"
        target.mkdir()
        outside.mkdir()
        (target / "src").symlink_to(outside)
        done = restore(made.shadow.repository, made.tree, target)
        assert list(outside.iterdir()) == []
        assert {skipped.path for skipped in done.skipped} == {"src/a.py", "src/deep/er/b.py"}


def test_a_directory_with_files_of_its_own_stays(sealed: Path) -> None:
    with scene(sealed / "s", prepared) as made:
        made.take()
        made.shadow.settle()
        target = sealed / "again"
        (target / "readme").mkdir(parents=True)
        (target / "readme/mine").write_text("mine")
        done = restore(made.shadow.repository, made.tree, target)
        assert [skipped.path for skipped in done.skipped] == ["readme"]
        assert (target / "readme/mine").read_text() == "mine"


def test_a_hostile_tree_writes_nothing_into_a_repository(sealed: Path) -> None:
    with scene(sealed / "s", prepared) as made:
        blob = made.git("hash-object", "-w", "readme")
        evil = ["100644 blob %s\t.git", "100644 blob %s\tgit~1", "100644 blob %s\tgood"]
        done = subprocess.run(
            ["git", "mktree", "-z"],
            cwd=made.work,
            input="\0".join(line % blob for line in evil).encode(),
            capture_output=True,
            check=True,
        )
        target = sealed / "again"
        target.mkdir()
        answer = restore(made.user.repository, done.stdout.decode().strip(), target)
        assert {skipped.path for skipped in answer.skipped} == {".git", "git~1"}
        assert [path.name for path in target.iterdir()] == ["good"]


def test_many_files_in_one_go_some_of_them_converted(sealed: Path) -> None:
    def many(made: Scene) -> None:
        made.write(".gitattributes", "*.dos text eol=crlf\n")
        made.write("sub/.gitattributes", "*.txt text eol=crlf\n")
        for number in range(150):
            made.write(f"sub/{number}.{('bin', 'dos', 'txt')[number % 3]}", f"{number}\n" * 5000)

    with scene(sealed / "s", many) as made:
        made.take()
        made.shadow.settle()
        target = sealed / "again"
        target.mkdir()
        restore(made.shadow.repository, made.tree, target)
        for number in range(150):
            end = "\n" if number % 3 == 0 else "\r\n"
            place = target / f"sub/{number}.{('bin', 'dos', 'txt')[number % 3]}"
            assert place.read_bytes() == f"{number}{end}".encode() * 5000


def test_what_was_asked_ahead_and_passed_over_is_thrown_away(sealed: Path) -> None:
    with scene(sealed / "s", prepared) as made, objects.Reader(made.user.repository) as reader:
        files = [made.write(f"asked/{number}", f"content {number}") for number in range(3)]
        oids = made.git("hash-object", "-w", *map(str, files)).split()
        reader.ask_ahead([*oids, "0" * 40])
        assert reader.read(oids[1]) == b"content 1"
        assert reader.read(oids[0]) == b"content 0"
        assert reader.read("0" * 40) is None
