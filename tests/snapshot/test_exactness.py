"""What is snapshotted equals what `git add --all` records, case by case."""

from __future__ import annotations

import os
import shutil
import socket
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsession.snapshot.take import Limits
from tests.snapshot.scene import Scene, scene

Step = Callable[[Scene], None]


def plain(made: Scene) -> None:
    made.write("readme", "hello\n")
    made.write("src/a.py", "a = 1\n")
    made.write("src/deep/er/b.py", "b = 1\n")
    made.commit()


def ignored(made: Scene) -> None:
    plain(made)
    made.write(".gitignore", "*.log\n/build/\n!keep.log\n")
    made.write("forced.log", "1")
    made.git("add", "-f", "forced.log")
    made.write("forced.log", "2")
    made.write("keep.log", "kept")
    made.write("other.log", "out")
    made.write("build/x", "out")


def excluded(made: Scene) -> None:
    plain(made)
    (made.work / ".git/info/exclude").write_text("secret*\n")
    made.write("secret.txt", "s")
    made.write("src/secret.txt", "s")


def globally_ignored(made: Scene) -> None:
    plain(made)
    made.write("../ignore-mine", "*.mine\n")
    made.git("config", "core.excludesFile", str(made.root / "ignore-mine"))
    made.write("x.mine", "out")


def line_ends(made: Scene) -> None:
    plain(made)
    made.write(".gitattributes", "* text=auto\n*.bat text eol=crlf\n*.bin -text\n")
    made.write("dos.txt", "a\r\nb\r\n")
    made.write("run.bat", "echo\r\n")
    made.write("raw.bin", b"\0\r\n\1")
    made.write("lone.txt", "a\rb\r\n")


def autocrlf(made: Scene) -> None:
    made.git("config", "core.autocrlf", "true")
    made.write("dos.txt", "a\r\nb\r\n")
    plain(made)
    made.write("new.txt", "x\r\ny\r\n")


def ident(made: Scene) -> None:
    plain(made)
    made.write(".gitattributes", "*.c ident\n")
    made.write("main.c", "/* $Id: 1234 $ */\n")


def encoding(made: Scene) -> None:
    plain(made)
    made.write(".gitattributes", "*.txt working-tree-encoding=UTF-16LE eol=lf\n")
    made.write("wide.txt", "grüße\n".encode("utf-16-le"))


def filtered(made: Scene) -> None:
    made.git("config", "--global", "filter.upper.clean", "tr a-z A-Z")
    plain(made)
    made.write(".gitattributes", "*.up filter=upper\n")
    made.write("x.up", "shout\n")
    made.write("sub/y.up", "shout again\n")


def modes_and_links(made: Scene) -> None:
    plain(made)
    made.write("run.sh", "#!/bin/sh\n").chmod(0o755)
    (made.work / "src/a.py").chmod(0o755)
    (made.work / "dangling").symlink_to("nowhere/at/all")
    (made.work / "loop").symlink_to("loop")
    (made.work / "to-dir").symlink_to("src")
    (made.work / "absolute").symlink_to("/etc")


def mode_ignored(made: Scene) -> None:
    made.git("config", "core.fileMode", "false")
    plain(made)
    (made.work / "src/a.py").chmod(0o755)
    made.write("new.sh", "x").chmod(0o755)


def replaced_kinds(made: Scene) -> None:
    plain(made)
    made.write("dir/x", "1")
    made.write("file", "1")
    made.commit()
    (made.work / "dir/x").unlink()
    (made.work / "dir").rmdir()
    made.write("dir", "now a file")
    (made.work / "file").unlink()
    made.write("file/y", "now a directory")
    (made.work / "readme").unlink()
    (made.work / "readme").symlink_to("file/y")


def odd_names(made: Scene) -> None:
    plain(made)
    for name in (
        "-rf",
        "a b",
        'q"uote',
        "new\nline",
        "tab\tbed",
        "ünïcödé",
        "#x#",
        ":(top)y",
        "*",
        "[a]",
        "\\b",
    ):
        made.write(f"odd/{name}", name)
    made.write(os.fsdecode(b"raw/\xff\xfe"), "bytes")
    made.write("case", "lower")
    made.write("CASE", "upper")
    made.write("a", "1")
    made.write("a.b", "2")
    made.write("a0", "3")
    made.write("A/x", "4")


def submodule(made: Scene) -> None:
    plain(made)
    inner = made.root / "inner"
    inner.mkdir()
    made.git("init", "-q", cwd=inner)
    (inner / "f").write_text("1")
    made.git("add", "f", cwd=inner)
    made.git("commit", "-qm", "1", cwd=inner)
    made.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "sub")
    made.commit()
    (made.work / "sub/f").write_text("2")
    made.git("commit", "-qam", "2", cwd=made.work / "sub")


def nested(made: Scene) -> None:
    plain(made)
    inner = made.work / "clone"
    inner.mkdir()
    made.git("init", "-q", cwd=inner)
    (inner / "f").write_text("1")
    made.git("add", "f", cwd=inner)
    made.git("commit", "-qm", "1", cwd=inner)


def conflict(made: Scene) -> None:
    plain(made)
    made.git("checkout", "-q", "-b", "side")
    made.write("readme", "side\n")
    made.commit()
    made.git("checkout", "-q", "main")
    made.write("readme", "main\n")
    made.commit()
    with pytest.raises(Exception, match="merge"):
        made.git("merge", "side")


def flagged(made: Scene) -> None:
    plain(made)
    made.git("update-index", "--assume-unchanged", "readme")
    made.git("update-index", "--skip-worktree", "src/a.py")
    made.write("readme", "changed")
    made.write("src/a.py", "changed")


def intent_to_add(made: Scene) -> None:
    plain(made)
    made.write("meant", "to be added")
    made.git("add", "-N", "meant")
    made.write("gone", "x")
    made.git("add", "-N", "gone")
    (made.work / "gone").unlink()


def taken_out(made: Scene) -> None:
    plain(made)
    made.write(".gitignore", "*.cfg\n")
    made.write("a.cfg", "1")
    made.git("add", "-f", "a.cfg")
    made.commit()
    made.git("rm", "-q", "--cached", "a.cfg")


def staged(made: Scene) -> None:
    plain(made)
    made.write("staged", "staged")
    made.git("add", "staged")
    made.write("both", "staged")
    made.git("add", "both")
    made.write("both", "and changed")
    made.git("mv", "src/a.py", "src/moved.py")


def split_index(made: Scene) -> None:
    plain(made)
    made.git("update-index", "--split-index")
    made.write("more", "x")
    made.git("add", "more")
    made.write("more", "y")


def unborn(made: Scene) -> None:
    made.write("first", "1")


def empty(made: Scene) -> None:
    return None


def detached(made: Scene) -> None:
    plain(made)
    made.git("checkout", "-q", "--detach")
    made.write("readme", "on no branch\n")


def bisecting(made: Scene) -> None:
    plain(made)
    for number in range(5):
        made.write("readme", f"{number}\n")
        made.commit()
    made.git("bisect", "start", "HEAD", "HEAD~5")
    made.write("note", "seen\n")


def locked(made: Scene) -> None:
    plain(made)
    made.write("readme", "while git is busy\n")
    (made.work / ".git/index.lock").touch()


def sparse(made: Scene) -> None:
    plain(made)
    made.write("in/a", "1")
    made.commit()
    made.git("sparse-checkout", "set", "in")
    made.write("in/a", "2")
    made.write("in/b", "3")


CASES: list[Step] = [
    plain,
    ignored,
    excluded,
    globally_ignored,
    line_ends,
    autocrlf,
    ident,
    encoding,
    filtered,
    modes_and_links,
    mode_ignored,
    replaced_kinds,
    odd_names,
    submodule,
    nested,
    conflict,
    flagged,
    intent_to_add,
    taken_out,
    staged,
    split_index,
    unborn,
    empty,
    detached,
    bisecting,
    sparse,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.__name__))
def test_a_sweep_records_what_git_would(sealed: Path, case: Step) -> None:
    with scene(sealed / "s", case) as made:
        made.take()
        assert made.tree == made.by_git()
        assert made.take() is None
        assert made.fsck() == ""


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.__name__))
def test_a_session_begun_before_the_changes_records_them_too(sealed: Path, case: Step) -> None:
    with scene(sealed / "s") as made:
        made.take()
        case(made)
        made.take()
        assert made.tree == made.by_git()
        assert made.fsck() == ""


def test_a_save_while_the_index_is_locked(sealed: Path) -> None:
    with scene(sealed / "s", locked) as made:
        made.take()
        assert made.content("readme") == "while git is busy"
        assert (made.work / ".git/index.lock").exists()


@pytest.mark.parametrize("path", ["deep/.gitignore", "deep/a.txt"])
@pytest.mark.parametrize("between", ["", "deep/a.txt/b.txt"])
def test_a_file_that_went_and_comes_back_as_the_index_has_it_is_recorded(
    sealed: Path, path: str, between: str
) -> None:
    with scene(sealed / "scene") as made:
        made.write(path, "*.log\n")
        made.commit()
        made.take()
        shutil.rmtree(made.work / "deep")
        made.take("deep")
        if between:
            made.write(between, "a directory stands there for a while")
        made.write("other.txt", "so that a sweep starts from the user's index again")
        made.git("add", "other.txt")
        made.take()
        shutil.rmtree(made.work / "deep", ignore_errors=True)
        made.write(path, "*.log\n")
        made.take()
        assert made.tree == made.by_git()


def test_a_work_tree_of_git_worktree(sealed: Path) -> None:
    def prepare(made: Scene) -> None:
        made.git("commit", "-q", "--allow-empty", "-m", "0")
        plain(made)
        made.git("worktree", "add", "-q", str(made.root / "linked"))
        made.work = made.root / "linked"
        made.write("only-here", "x")

    with scene(sealed / "s", prepare) as made:
        made.take()
        assert made.tree == made.by_git()


def test_look_alikes_of_git_directories_are_skipped_with_a_reason(sealed: Path) -> None:
    with scene(sealed / "s", plain) as made:
        names = [".GIT/config", "sub/git~1", "sub/.git ", "sub/.git::$INDEX_ALLOCATION", "x/.g\u200cit"]
        for name in names:
            made.write(name, "trap")
        (made.work / "y").mkdir()
        (made.work / "y/.gitmodules").symlink_to("/etc/passwd")
        made.take()
        assert {skipped.path for skipped in made.snapshots.skipped} == {*names, "y/.gitmodules"}
        assert made.fsck() == ""
        assert made.take(*names) is None


def test_what_is_no_file_is_skipped_with_a_reason(sealed: Path) -> None:
    with scene(sealed / "s", plain) as made:
        made.take()
        os.mkfifo(made.work / "pipe")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(made.work / "door"))
            assert made.take("pipe", "door") is None
        reasons = {skipped.path: skipped.reason for skipped in made.snapshots.skipped}
        assert "FIFO" in reasons["pipe"]
        assert "socket" in reasons["door"]


def test_a_sweep_lists_what_is_no_file_until_it_is_gone(sealed: Path) -> None:
    def odd(made: Scene) -> None:
        plain(made)
        made.write(".gitignore", "ignored/\n*.sock\n")
        for directory in ("src", "new/deep", "ignored", "inner/.git"):
            (made.work / directory).mkdir(parents=True, exist_ok=True)
            os.mkfifo(made.work / directory / "pipe")
        os.mkfifo(made.work / "x.sock")

    with scene(sealed / "s", odd) as made:
        made.take()
        assert {skipped.path for skipped in made.snapshots.skipped} == {"src/pipe", "new/deep/pipe"}
        made.write("readme", "changed")
        made.take()  # continued from the first
        assert {skipped.path for skipped in made.snapshots.skipped} == {"src/pipe", "new/deep/pipe"}
        for gone in ("src/pipe", "new/deep/pipe", "x.sock"):
            (made.work / gone).unlink()
        made.write("new/deep/pipe", "a file now")
        made.write("x.sock", "still ignored")
        made.take()
        assert made.snapshots.skipped == ()
        assert made.tree == made.by_git()


def test_what_was_skipped_and_is_ignored_now_stays_out(sealed: Path) -> None:
    with scene(sealed / "s", plain) as made:
        os.mkfifo(made.work / "pipe")
        made.take()
        made.write(".gitignore", "pipe\n")
        (made.work / "pipe").unlink()
        made.write("pipe", "a file, but ignored")
        made.take()
        assert made.tree == made.by_git()
        assert made.snapshots.skipped == ()


def test_a_file_over_the_limit_is_held_and_keeps_its_last_version(sealed: Path) -> None:
    with scene(sealed / "s", plain, limits=Limits(1000)) as made:
        made.write("log", b"x" * 1000)
        made.take()
        made.write("log", b"x" * 1001)
        made.write("new", b"y" * 5000)
        made.write("other", "z")
        taken = made.take()
        assert taken is not None
        assert {(held.path, held.size) for held in taken.held} == {("log", 1001), ("new", 5000)}
        assert len(made.content("log")) == 1000
        assert "new" not in made.listed()
        made.write("log", "small again")
        again = made.take("log")
        assert again is not None
        assert [held.path for held in again.held] == ["new"]


def test_frozen_and_dirty_submodule_content_is_at_risk(sealed: Path) -> None:
    with scene(sealed / "s", flagged) as made:
        made.take()
        assert made.snapshots.at_risk == ("readme", "src/a.py")
    with scene(sealed / "t", submodule) as made:
        made.write("sub/f", "uncommitted")
        made.take()
        assert made.snapshots.at_risk == ("sub",)


def test_a_filter_that_only_the_repository_names_does_not_run(sealed: Path) -> None:
    def prepare(made: Scene) -> None:
        made.git("config", "filter.evil.clean", f"touch {made.root}/ran; cat")
        made.write(".gitattributes", "* filter=evil\n")
        made.write("x", "x")

    with scene(sealed / "s", prepare) as made:
        made.take()
        made.write("x", "y")
        made.take("x")
        assert made.content("x") == "y"
        assert not (made.root / "ran").exists()


def test_nothing_leads_out_of_the_work_tree(sealed: Path) -> None:
    with scene(sealed / "s", plain) as made:
        made.take()
        outside = made.root / "outside"
        outside.mkdir()
        (outside / "a.py").write_text("not yours")
        for name in ("deep/er/b.py", "a.py"):
            (made.work / "src" / name).unlink()
        os.removedirs(made.work / "src/deep/er")
        (made.work / "src").symlink_to(outside)
        made.take("src/a.py")
        assert made.listed()["src"].startswith("120000")
        assert made.tree == made.by_git()


def test_new_files_outside_a_sparse_checkout_are_recorded_for_losing_them_is_worse(sealed: Path) -> None:
    with scene(sealed / "s", sparse) as made:
        made.write("src/new", "not checked out, but here")
        made.take()
        assert {"src/new", "src/a.py", "readme"} <= set(made.listed())


def test_names_are_the_disks_even_where_the_setting_of_another_system_came_along(sealed: Path) -> None:
    def prepare(made: Scene) -> None:
        made.git("config", "core.ignorecase", "true")
        made.write("readme.txt", "1")
        made.write("Dir/x", "1")
        made.commit()
        (made.work / "readme.txt").rename(made.work / "README.txt")
        made.write("dir/y", "2")

    with scene(sealed / "s", prepare) as made:
        made.take()
        assert set(made.listed()) == {"Dir/x", "README.txt", "dir/y"}


NAUGHTY = (
    "undefined",
    "NULL",
    "../up",
    "$HOME",
    "`id`",
    "$(id)",
    "; ls",
    "| cat",
    "> out",
    "&& true",
    "--help",
    "-",
    "~",
    "!",
    "%s%n",
    "{0}",
    "\u202eltr",
    "\ufeffbom",
    "\u00e9",
    "e\u0301",
    "Ω≈ç√∫µ≤≥÷",
    "田中さんにあげて下さい",
    "👾 🙇 💁",
    "\x01\x02\x7f",
    "a\rb",
    "a\nb",
    " lead",
    "trail ",
    "trail.",
    "CON",
    "COM1.txt",
    "<script>alert(1)</script>",
    "'; DROP TABLE users; --",
    "x" * 255,
    ".git\u200c",
    ".GIT",
    "GIT~1",
    ".gitmodules",
    ".git.",
)


def test_naughty_names_are_equal_or_refused_with_a_reason(sealed: Path) -> None:
    with scene(sealed / "s") as made:
        made.take()
        names = [name for name in NAUGHTY if "/" not in name]
        for name in names:
            made.write(name, name)
        made.take(*names)
        refused = {skipped.path for skipped in made.snapshots.skipped}
        assert refused == {".git\u200c", ".GIT", "GIT~1", ".git."}
        assert made.tree == made.by_git(*refused)
        assert made.take() is None


def test_a_large_file_costs_no_memory(sealed: Path) -> None:
    with scene(sealed / "s", limits=Limits(1_000_000_000)) as made:
        made.take()
        with made.write("big").open("r+b") as file:
            file.truncate(80_000_000)
        tracemalloc.start()
        made.take("big")
        made.shadow.settle()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 40_000_000
        assert made.fsck() == ""
