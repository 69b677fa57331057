from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gitsession.errors import RepositoryError
from gitsession.git import Repository, commits
from gitsession.model import Identity
from gitsession.review import plots
from gitsession.review.branch import ConflictedFile, ReviewBranch, Round, build
from gitsession.review.changes import between, strip_outputs, without_outputs
from tests.review import cases
from tests.rig.repositories import git

ADA = Identity("Ada", "ada@example.org")


class Project:
    """A repository on `work`, one commit ahead of nothing, with a notebook and a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.repository = Repository(path / ".git")
        self.write("digits.ipynb", cases.written(cases.digits()))
        self.write("train.py", b"epochs = 1\n\n\n\n\nrate = 1\n")
        self.base = self.commit("Start")
        git(path, "branch", "base")

    def write(self, name: str, content: bytes) -> None:
        (self.path / name).write_bytes(content)

    def commit(self, subject: str) -> str:
        git(self.path, "add", "--all")
        git(self.path, "commit", "--quiet", "-m", subject)
        return git(self.path, "rev-parse", "HEAD")

    def snapshot(self) -> str:
        """The tree of the work tree, as a snapshot has it."""
        git(self.path, "add", "--all")
        return git(self.path, "write-tree")

    def move_base(self, name: str, content: bytes) -> str:
        """A teammate's commit on the base; the work tree is as before afterwards."""
        blob = commits.write_blob(self.repository, content)
        tree = commits.with_files(self.repository, self.base, {name: (0o100644, blob)})
        return commits.commit(
            self.repository, tree, [self.base], "Theirs\n", Identity("Grace", "g@example.org")
        )

    def round(self, previous: str | None = None, base: str | None = None) -> Round:
        return Round(self.snapshot(), base or self.base, git(self.path, "rev-parse", "HEAD"), previous)

    def build(self, round_: Round) -> ReviewBranch:
        return build(self.repository, round_, "Review\n", ADA)

    def log(self, tip: str) -> list[str]:
        return git(self.path, "log", "--format=%s", f"{self.base}..{tip}").splitlines()


@pytest.fixture
def project(transcript: Callable[[str], Path]) -> Project:
    return Project(transcript("git init --quiet --initial-branch=work"))


def test_work_in_progress_is_one_tidy_commit_of_the_user(project: Project) -> None:
    project.write("train.py", b"epochs = 2\n")
    made = project.build(project.round())
    assert project.log(made.tip) == ["Review"] and made.made
    assert (
        git(project.path, "log", "-1", "--format=%an %ce %B", made.tip).strip()
        == "Ada ada@example.org Review"
    )


def test_own_commits_are_kept_as_they_are(project: Project) -> None:
    project.write("train.py", b"epochs = 2\n")
    own = project.commit("Train twice")
    made = project.build(project.round())
    assert (made.tip, made.made, made.own) == (own, False, ((own, "Train twice"),))
    project.write("train.py", b"epochs = 3\n")
    assert project.log(project.build(project.round()).tip) == ["Review", "Train twice"]


def test_rounds_only_ever_add(project: Project) -> None:
    tips = [project.base]
    for number in range(2, 6):
        project.write("train.py", b"epochs = %d\n" % number)
        if number == 4:
            project.commit("An own commit between rounds")
        round_ = project.round(previous=tips[-1] if number > 2 else None)
        tips.append(project.build(round_).tip)
        assert commits.is_ancestor(project.repository, tips[-2], tips[-1])
        assert commits.tree_of(project.repository, tips[-1]) == round_.tree
    again = project.build(project.round(previous=tips[-1]))
    assert (again.tip, again.made) == (tips[-1], False)
    assert commits.is_ancestor(project.repository, git(project.path, "rev-parse", "HEAD"), tips[-1])


def test_nothing_to_review_is_an_error_with_a_hint(project: Project) -> None:
    with pytest.raises(RepositoryError, match="nothing to review"):
        project.build(project.round())


def test_a_base_that_moved_elsewhere_merges(project: Project) -> None:
    base = project.move_base("README.md", b"Theirs\n")
    project.write("train.py", b"epochs = 2\n")
    made = project.build(project.round(base=base))
    assert made.conflicts == () and "the merge was tried and works" in made.notes[0]


def test_conflicts_are_told_file_by_file_and_cell_by_cell(project: Project) -> None:
    theirs = cases.digits()
    theirs["cells"][3]["source"][0] = "learning_rate = 0.1\n"
    theirs["cells"][0]["source"] = ["# Another title\n"]
    base = project.move_base("digits.ipynb", cases.written(theirs))
    project.write("digits.ipynb", cases.changed("parameter")[1])
    made = project.build(project.round(base=base))
    assert made.conflicts == (ConflictedFile("digits.ipynb", (4,)),)


@pytest.mark.parametrize(
    ("content", "conflicts"), [(b"epochs = 9\n\n\n\n\nrate = 1\n", 1), (b"epochs = 1\n\n\n\n\nrate = 2\n", 0)]
)
def test_an_old_git_finds_the_same_conflicts(project: Project, content: bytes, conflicts: int) -> None:
    base = project.move_base("train.py", content)
    project.write("train.py", b"epochs = 2\n\n\n\n\nrate = 1\n")
    tip = project.build(project.round()).tip
    new, old = (merge(project.repository, base, tip) for merge in (commits.merge, commits.merge_by_index))
    assert new == old and len(old.conflicts) == conflicts


def test_signing_that_fails_is_said_and_does_not_stop_the_review(project: Project) -> None:
    project.write("train.py", b"epochs = 2\n")
    signing = {"gpg.program": "false", "user.signingKey": "0"}
    made = build(project.repository, project.round(), "Review\n", ADA, signing=signing)
    assert made.made and made.notes[0].startswith("The commit is not signed")


def test_a_commit_is_signed_where_the_user_signs(project: Project, sealed: Path) -> None:
    program = sealed / "sign"
    program.write_text(
        "#!/bin/sh\ncat >/dev/null\n"
        "printf '\\n[GNUPG:] SIG_CREATED x\\n' >&2\nprintf -- '-----BEGIN PGP SIGNATURE-----\\n'\n"
    )
    program.chmod(0o755)
    project.write("train.py", b"epochs = 2\n")
    made = build(project.repository, project.round(), "Review\n", ADA, signing={"gpg.program": str(program)})
    assert "gpgsig" in git(project.path, "cat-file", "commit", made.tip)


def test_outputs_are_stripped_in_the_review_only(project: Project) -> None:
    project.write("digits.ipynb", cases.changed("parameter")[1])
    tree = project.snapshot()
    stripped = strip_outputs(project.repository, project.base, tree)
    (review,) = between(project.repository, project.base, stripped).notebooks
    assert all(pair.after is None for cell in review.cells for pair in cell.outputs)
    assert (project.path / "digits.ipynb").read_bytes() == cases.changed("parameter")[1]
    assert strip_outputs(project.repository, project.base, project.base) == project.base


def test_stripping_keeps_the_formatting_and_leaves_foreign_files_alone() -> None:
    book = cases.written(cases.notebook(cases.code("ä = 1\n", count=None)))
    assert without_outputs(book) == book
    assert without_outputs(b"{") is None


def test_changes_between_trees_name_notebooks_and_other_files(project: Project) -> None:
    project.write("new.txt", b"1\n")
    (project.path / "train.py").unlink()
    project.write("digits.ipynb", cases.changed("plot")[1])
    found = between(project.repository, project.base, project.snapshot())
    assert [review.path for review in found.notebooks] == ["digits.ipynb"]
    assert found.others == (("new.txt", "added"), ("train.py", "removed"))
    assert len(found.images) == 2


def test_plots_of_every_round_stay_reachable(project: Project) -> None:
    project.write("digits.ipynb", cases.changed("plot")[1])
    images = between(project.repository, project.base, project.snapshot()).images
    first = plots.commit(project.repository, images, ADA, None)
    second = plots.commit(project.repository, images[:1], ADA, first)
    assert first and second and commits.is_ancestor(project.repository, first, second)
    names = git(project.path, "ls-tree", "--name-only", first).splitlines()
    assert sorted(image.name for image in images) == names
    address = plots.links(images, "https://github.com/ada/digits", first)[images[0].name]
    assert address == f"https://github.com/ada/digits/blob/{first}/{images[0].name}?raw=true"
    assert plots.commit(project.repository, (), ADA, first) is None
