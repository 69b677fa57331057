"""Clone, fetch, push with leases, and bundles, between real repositories."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gitsession.errors import FormatError, GitError, GitTimeout
from gitsession.git import bundle, transfer
from gitsession.git.command import Repository
from gitsession.git.progress import Progress, parse_progress
from gitsession.git.transfer import Outcome, Update
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.repositories import bare_repository, git


@pytest.fixture
def work(sealed: Path, sample_repository: Path) -> Repository:
    return transfer.clone(str(sample_repository), sealed / "work")


def commit(work: Repository, name: str, content: str) -> str:
    assert work.work_tree is not None
    (work.work_tree / name).write_text(content)
    git(work.work_tree, "add", name)
    git(work.work_tree, "commit", "--quiet", "-m", name)
    return work.text("rev-parse", "HEAD")


def test_a_full_clone_is_checked_out_and_reports_its_phases(sealed: Path, sample_repository: Path) -> None:
    heard: list[Progress] = []
    clone = transfer.clone(f"file://{sample_repository}", sealed / "clone", listen=heard.append)
    assert clone.work_tree is not None and (clone.work_tree / "train.py").exists()
    receiving = [progress for progress in heard if progress.phase == "Receiving objects"]
    assert receiving and receiving[-1].done == receiving[-1].total


def test_a_clone_keeps_none_of_our_settings(work: Repository) -> None:
    listed = work.text("config", "--local", "--list")
    assert "hookspath" not in listed.lower() and "gc.auto" not in listed


def test_a_clone_without_blobs_fetches_them_when_needed(sealed: Path, sample_repository: Path) -> None:
    clone = transfer.clone(
        f"file://{sample_repository}", sealed / "clone", blobs=False, checkout=False, bare=True
    )
    assert list((clone.git_dir / "objects" / "pack").glob("*.promisor"))
    assert not transfer.is_complete(clone, "main")
    assert transfer.is_complete(Repository(sample_repository), "main")


def test_depth_and_branch_are_honoured(sealed: Path, sample_repository: Path) -> None:
    clone = transfer.clone(f"file://{sample_repository}", sealed / "clone", depth=1, branch="ideas")
    assert clone.text("rev-list", "--count", "HEAD") == "1"
    assert clone.text("symbolic-ref", "HEAD") == "refs/heads/ideas"


def test_a_failed_clone_leaves_nothing(sealed: Path) -> None:
    with pytest.raises(GitError):
        transfer.clone(str(sealed / "none.git"), sealed / "clone")
    assert not (sealed / "clone").exists()


def test_an_operand_like_an_option_is_no_option(sealed: Path, work: Repository) -> None:
    with pytest.raises(GitError):
        transfer.clone("--upload-pack=touch hacked", sealed / "clone")
    with pytest.raises(GitError):
        transfer.ls_remote(work, "--upload-pack=touch hacked")
    assert not list(sealed.rglob("hacked"))


def test_ls_remote_answers_with_full_refs(work: Repository, sample_repository: Path) -> None:
    main = git(sample_repository, "rev-parse", "main")
    assert transfer.ls_remote(work, str(sample_repository), "refs/heads/ma*") == {"refs/heads/main": main}
    assert set(transfer.ls_remote(work, str(sample_repository))) == {"refs/heads/ideas", "refs/heads/main"}


def test_a_push_moves_all_refs_from_where_their_leases_say(work: Repository, sample_repository: Path) -> None:
    old = work.text("rev-parse", "HEAD")
    new = commit(work, "a.txt", "one")
    pushed = transfer.push(
        work, str(sample_repository), [Update("refs/heads/main", new, old), Update("refs/x/new", new, None)]
    )
    assert pushed.code == 0
    assert {(outcome.ref, outcome.flag) for outcome in pushed.outcomes} == {
        ("refs/heads/main", " "),
        ("refs/x/new", "*"),
    }
    assert git(sample_repository, "rev-parse", "refs/x/new") == new


@pytest.mark.parametrize(
    "stale",
    [
        Update("refs/heads/ideas", "HEAD", None),
        Update("refs/heads/ideas", "HEAD", "main"),
        Update("refs/x/none", "HEAD", "main"),
        Update("refs/heads/ideas", None, "main"),
    ],
    ids=["exists", "moved", "gone", "deletion"],
)
def test_one_stale_lease_stops_all(work: Repository, sample_repository: Path, stale: Update) -> None:
    new = commit(work, "a.txt", "one")
    main = git(sample_repository, "rev-parse", "main")
    resolved = replace(stale, new=stale.new and new, old=stale.old and main)
    before = git(sample_repository, "for-each-ref")
    pushed = transfer.push(work, str(sample_repository), [Update("refs/heads/main", new, main), resolved])
    assert pushed.code != 0
    assert any("stale info" in outcome.summary for outcome in pushed.outcomes)
    assert git(sample_repository, "for-each-ref") == before


def test_a_ref_is_deleted_by_its_lease(work: Repository, sample_repository: Path) -> None:
    ideas = git(sample_repository, "rev-parse", "ideas")
    transfer.push(work, str(sample_repository), [Update("refs/heads/ideas", None, ideas)])
    assert "refs/heads/ideas" not in transfer.ls_remote(work, str(sample_repository))


def test_the_users_push_settings_push_nothing_else(work: Repository, sample_repository: Path) -> None:
    assert work.work_tree is not None
    git(work.work_tree, "config", "push.followTags", "true")
    git(work.work_tree, "tag", "-a", "-m", "t", "v1")
    old, new = work.text("rev-parse", "HEAD"), commit(work, "a.txt", "one")
    git(work.work_tree, "tag", "-a", "-m", "t", "v2")
    transfer.push(work, str(sample_repository), [Update("refs/heads/main", new, old)])
    assert git(sample_repository, "tag") == ""


def test_outcomes_are_parsed() -> None:
    lines = ["To /x", "=\tHEAD:refs/a\t[up to date]", "!\t1:refs/b\t[remote rejected] (no: really)"]
    said = "\n".join([*lines, "-\t:refs/c\t[deleted]", "Done", ""])
    assert transfer.parse_outcomes(said) == (
        Outcome("refs/a", "=", "[up to date]"),
        Outcome("refs/b", "!", "[remote rejected] (no: really)"),
        Outcome("refs/c", "-", "[deleted]"),
    )


def test_credentials_come_by_variables_only(work: Repository, git_server: GitServer, sealed: Path) -> None:
    helper = sealed / "helper"
    helper.write_text(f"#!/bin/sh\necho username=x\necho password={ADA_TOKEN}\n")
    helper.chmod(0o700)
    variables = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"credential.{git_server.site}.helper",
        "GIT_CONFIG_VALUE_0": str(helper),
    }
    with pytest.raises(GitError):
        transfer.ls_remote(work, git_server.url())
    assert "refs/heads/main" in transfer.ls_remote(work, git_server.url(), variables=variables)


def test_a_server_that_hangs_ends_by_the_time_limit(work: Repository, git_server: GitServer) -> None:
    from tests.rig.faults import Fault

    git_server.faults.add(Fault("stall", seconds=20.0))
    with pytest.raises(GitTimeout):
        transfer.ls_remote(work, git_server.authorised_url(ADA_TOKEN), timeout=0.5)


def test_checked_fetches_refuse_what_could_harm(work: Repository, sealed: Path) -> None:
    evil = Repository(bare_repository(sealed / "evil.git"))
    blob = evil.output("hash-object", "-w", "--stdin", stdin=b"x").decode().strip()
    tree = evil.output("mktree", stdin=f"100644 blob {blob}\t.git\n".encode()).decode().strip()
    git(evil.git_dir, "update-ref", "refs/heads/main", evil.text("commit-tree", "-m", "evil", tree))
    with pytest.raises(GitError):
        transfer.fetch(work, str(evil.git_dir), ["+refs/heads/main:refs/evil/main"], checked=True)
    assert work.run("rev-parse", "--verify", "refs/evil/main", accept=(0, 128)).code == 128


def test_checked_fetches_take_what_is_only_old_fashioned(work: Repository, sealed: Path) -> None:
    old = Repository(bare_repository(sealed / "old.git"))
    tree = old.output("mktree", stdin=b"").decode().strip()
    words = f"tree {tree}\nauthor A <a@x> 1 +051800\ncommitter A <a@x> 1 +051800\n\nold\n"
    oid = old.output("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=words.encode())
    git(old.git_dir, "update-ref", "refs/heads/main", oid.decode().strip())
    transfer.fetch(work, str(old.git_dir), ["+refs/heads/main:refs/old/main"], checked=True)


def test_a_bundle_carries_what_is_new_and_names_what_it_needs(work: Repository, sealed: Path) -> None:
    old, new = work.text("rev-parse", "HEAD"), commit(work, "a.txt", "one")
    loose = work.output("hash-object", "-w", "--stdin", stdin=b"reached by nothing").decode().strip()
    path = sealed / "one.bundle"
    bundle.write(work, path, {"refs/x/one": new}, without=[old], also=[loose])
    assert bundle.read_header(path).prerequisites == (old,)
    work.run("bundle", "verify", "--quiet", str(path))
    empty = Repository(bare_repository(sealed / "empty.git"))
    assert empty.run("bundle", "verify", "--quiet", str(path), accept=(1,)).code == 1
    with pytest.raises(GitError):
        bundle.read(empty, path, checked=True)
    transfer.fetch(empty, str(work.git_dir), [f"{old}:refs/heads/main"])
    assert bundle.read(empty, path, checked=True).refs == {"refs/x/one": new}
    assert transfer.is_complete(empty, new, beyond_refs=True)
    assert empty.text("cat-file", "-t", loose) == "blob"


def test_git_clones_from_a_whole_bundle(work: Repository, sealed: Path) -> None:
    head = work.text("rev-parse", "HEAD")
    bundle.write(work, sealed / "all.bundle", {"HEAD": head, "refs/heads/main": head})
    clone = transfer.clone(str(sealed / "all.bundle"), sealed / "clone")
    assert clone.text("rev-parse", "HEAD") == head and (sealed / "clone" / "train.py").exists()


def test_a_damaged_bundle_is_refused(work: Repository, sealed: Path) -> None:
    head, path = work.text("rev-parse", "HEAD"), sealed / "all.bundle"
    bundle.write(work, path, {"HEAD": head})
    path.write_bytes(path.read_bytes()[:-30])
    empty = Repository(bare_repository(sealed / "empty.git"))
    with pytest.raises(GitError):
        bundle.read(empty, path, checked=False)
    path.write_bytes(b"not a bundle")
    with pytest.raises(FormatError):
        bundle.read(empty, path, checked=False)


def test_ancestry_is_told(work: Repository) -> None:
    old, new = work.text("rev-parse", "HEAD"), commit(work, "a.txt", "one")
    assert transfer.is_ancestor(work, old, new) and transfer.is_ancestor(work, new, new)
    assert not transfer.is_ancestor(work, new, old)
    assert not transfer.is_ancestor(work, "0" * 40, new)


@pytest.mark.parametrize(
    ("line", "progress"),
    [
        (
            b"Receiving objects:  50% (1/2), 1.50 MiB | 5.00 MiB/s",
            Progress("Receiving objects", 1, 2, 1_572_864),
        ),
        (
            b"Receiving objects: 100% (2/2), 900 bytes | 900.00 KiB/s, done.",
            Progress("Receiving objects", 2, 2, 900),
        ),
        (b"remote: Counting objects: 100% (17/17), done.", Progress("Counting objects", 17, 17)),
        (b"remote: Enumerating objects: 42, done.", Progress("Enumerating objects", 42)),
        (b"Updating files:  33% (1/3)", Progress("Updating files", 1, 3)),
        (b"Cloning into 'x'...", None),
        (b"fatal: Receiving objects: no", None),
        (b"", None),
    ],
)
def test_meters_are_read(line: bytes, progress: Progress | None) -> None:
    assert parse_progress(line) == progress
