"""Somebody plants a state whose small files do not read in the vault: the newest that reads well is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitsession.git import Repository
from gitsession.model import SessionName
from tests.rig.runtime import Runtime
from tests.security.forging import plant_increment
from tests.spine import Machine


def plant(vault: Path, shadow: Repository, planter: str) -> None:
    """An increment of the highest rank: the newest state, but that its branches are not told in JSON."""
    (folder,) = vault.glob("**/sessions/*/*")
    session = SessionName(folder.parent.name, folder.name)
    newest = max(folder.glob("*/*.bundle"), key=lambda file: int(file.name.split("-")[0]))
    honest = newest.name.partition("-")[2].partition(".")[0]
    parents = shadow.text("rev-list", "--parents", "-1", honest).split()[1:]
    torn = shadow.output("hash-object", "-w", "--stdin", stdin=b"{").decode().strip()
    listed = shadow.text("ls-tree", honest).replace(shadow.text("rev-parse", f"{honest}:refs.json"), torn)
    tree = shadow.output("mktree", stdin=f"{listed}\n".encode()).decode().strip()
    state = shadow.text(
        "commit-tree", tree, *(word for parent in parents for word in ("-p", parent)), "-m", "."
    )
    plant_increment(folder / planter, shadow, session, parents[0], state)


@pytest.mark.parametrize("in_its_own_folder", [True, False])
def test_a_state_that_does_not_read_hides_none_that_does(
    runtime: Runtime, sample_repository: Path, in_its_own_folder: bool
) -> None:
    machine = Machine(runtime, str(sample_repository), ("--storage", str(runtime.drive), "--no-publish"))
    machine.open()
    (machine.worktree / "mine.txt").write_text("a night's work\n")
    machine.gitsession("flush", "--timeout", "30")
    (shadow,) = runtime.root.rglob("shadow.git")
    (own,) = runtime.drive.glob("**/sessions/*/*/*")
    plant(runtime.drive, Repository(shadow), "evil" if in_its_own_folder else own.name)
    machine.lose()
    again = machine.gitsession(
        "open", machine.repo, "--workdir", str(machine.worktree), "--editor", "none", *machine.options
    )
    assert (machine.worktree / "mine.txt").read_text() == "a night's work\n"
    assert "was passed over: The saved state is damaged" in again.stderr
