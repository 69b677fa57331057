"""From an edited notebook to the pull request and its end: the command line, real git, GitHub's stand-in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.review import cases
from tests.rig import nvidia
from tests.rig.discussion import PullRequest
from tests.rig.faults import lost_reply
from tests.rig.forge import ADA_TOKEN, GRACE_TOKEN, Forge
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.patience import eventually
from tests.rig.runtime import Runtime
from tests.spine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
long = pytest.mark.long

BOOK = "lesson.ipynb"


@pytest.fixture
def online(runtime: Runtime, git_server: GitServer, hub: Hub, forge: Forge) -> Machine:
    """Ada's machine; the base of her repository has a notebook."""
    commit_to_base(forge, {BOOK: cases.changed("plot")[0]})
    return machine_of(runtime, git_server, ADA_TOKEN)


def machine_of(runtime: Runtime, git_server: GitServer, token: str) -> Machine:
    runtime.extra |= {"GITHUB_TOKEN": token, "GITHUB_SERVER_URL": git_server.site}
    return Machine(runtime, "ada/digits", ("--storage", str(runtime.drive)))


def commit_to_base(forge: Forge, files: dict[str, bytes]) -> None:
    """What a colleague pushes to main meanwhile."""
    hosted = forge.repository()
    tree = hosted.path.parent / "colleague"
    hosted.git("worktree", "add", "--quiet", "--force", str(tree), "main")
    for name, content in files.items():
        (tree / name).write_bytes(content)
    identity = ("-c", "user.name=Grace", "-c", "user.email=grace@example.org")
    hosted.git("-C", str(tree), "add", "--all")
    hosted.git("-C", str(tree), *identity, "commit", "--quiet", "--message", "Meanwhile")
    hosted.git("worktree", "remove", "--force", str(tree))


def the_pull(forge: Forge) -> PullRequest:
    (pull,) = forge.repository().pulls.values()
    return pull


def edit(machine: Machine, case: str = "plot") -> None:
    (machine.worktree / BOOK).write_bytes(cases.changed(case)[1])
    (machine.worktree / "train.py").write_text("print('better')\n")


def test_the_work_tree_becomes_a_pull_request_and_the_next_round_edits_it(
    online: Machine, forge: Forge
) -> None:
    session = online.open()["session"]
    edit(online)
    report = online.runtime.work / "report.html"
    words = ("--title", "A better plot", "--body", "Please look at the plot.", "--label", "notebook")
    first = online.json("review", *words, "--reviewer", "grace", "--html", str(report))
    pull = the_pull(forge)
    assert (pull.title, pull.draft, pull.base) == ("A better plot", True, "main")
    assert pull.body.startswith("Please look at the plot.")
    assert "train.py" in pull.body and pull.labels == ["notebook"] and pull.reviewers == ["grace"]
    (comment,) = pull.comments
    assert "1 notebook changed" in comment.body and "/pull/" in comment.body
    hosted = forge.repository()
    branch = f"refs/heads/review/ada/{session}"
    assert hosted.refs(branch)[branch] == first["commit"]
    assert "skip" not in hosted.git("log", "-1", "--format=%B", first["commit"])
    assert hosted.git("log", "-1", "--format=%an %cn", first["commit"]) == "Ada Lovelace Ada Lovelace"
    kept = hosted.refs("refs/gitsession-pr/")
    (plots,) = kept.values()
    assert f"/blob/{plots}/" in comment.body
    assert "lesson.ipynb" in report.read_text() and "<script" not in report.read_text()

    (online.worktree / "train.py").write_text("print('better still')\n")
    second = online.json("review")
    assert hosted.git("rev-parse", f"{second['commit']}^") == first["commit"]
    assert second["number"] == first["number"] and len(pull.comments) == 1
    assert pull.title == "A better plot" and pull.body.startswith("Please look at the plot.")
    assert online.json("review")["made"] is False
    assert online.shown()["log --oneline --branches"].count("\n") <= 20


def test_the_gpu_that_a_command_ran_on_is_told_in_the_log_and_to_reviewers(
    online: Machine, forge: Forge
) -> None:
    nvidia.install(online.runtime, "NVIDIA A100-SXM4-80GB")
    online.open()
    edit(online)
    ran = ("run", "--", "python3", "-c", "open('fitted.txt', 'w').write('1')")
    online.gitsession(*ran, cwd=online.worktree)
    online.gitsession("flush", "--timeout", "60")
    (told,) = [entry["ran"] for entry in online.json("log") if entry["ran"]]
    assert (told["gpu"], told["exit"]) == ("NVIDIA A100-SXM4-80GB", 0)
    assert "· NVIDIA A100-SXM4-80GB" in online.gitsession("log").stdout
    online.json("review", "--title", "Fit on a GPU")
    assert ", NVIDIA A100-SXM4-80GB; 1 run in" in the_pull(forge).body


@long
def test_own_commits_are_kept_as_they_are(online: Machine, forge: Forge) -> None:
    online.open()
    edit(online)
    online.git("commit", "--quiet", "--all", "--message", "Fit a better plot")
    own = online.git("rev-parse", "HEAD").strip()
    result = online.json("review")
    assert (result["commit"], result["made"]) == (own, False)
    assert the_pull(forge).title == "Fit a better plot"


@long
def test_lost_answers_make_nothing_twice(online: Machine, forge: Forge, hub: Hub) -> None:
    online.open()
    edit(online)
    hub.faults.add(*(lost_reply(name) for name in ("pulls/create", "issues/create-comment")))
    online.json("review")
    assert len(the_pull(forge).comments) == 1
    hub.faults.add(*(lost_reply(name) for name in ("pulls/update", "issues/update-comment")))
    edit(online, "error")
    online.json("review")
    assert len(the_pull(forge).comments) == 1 and "error" in the_pull(forge).comments[0].body.lower()


@long
def test_where_drafts_are_refused_it_opens_ready_and_says_so(online: Machine, forge: Forge) -> None:
    forge.repository().refuses_drafts = True
    online.open()
    edit(online)
    result = online.json("review")
    assert the_pull(forge).draft is False
    assert any("no drafts" in note for note in result["notes"])


@long
def test_a_moved_base_is_merged_in_memory_and_conflicts_name_the_cells(online: Machine, forge: Forge) -> None:
    online.open()
    edit(online, "parameter")
    edited = cases.changed("parameter")[1].replace(b"0.003", b"0.5")
    commit_to_base(forge, {BOOK: edited, "train.py": b"print('theirs')\n"})
    result = online.json("review")
    assert any(line.startswith(BOOK) and "cell" in line for line in result["conflicts"])
    assert "In conflict with the base" in the_pull(forge).body
    assert (online.worktree / "train.py").read_text() == "print('better')\n"


@long
def test_a_secret_stays_here_and_the_rest_goes(online: Machine, forge: Forge) -> None:
    online.open()
    edit(online)
    (online.worktree / "key.pem").write_text(private_key())
    result = online.json("review")
    assert "key.pem" not in forge.repository().git("ls-tree", "-r", "--name-only", result["commit"])
    assert any("key.pem" in note for note in result["notes"])


def private_key() -> str:
    """A key that was never one, put together here so that no scanner finds it in this file."""
    marks = [f"-----{word} RSA PRIVATE KEY-----" for word in ("BEGIN", "END")]
    return "\n".join(
        [marks[0], *["MIIEowIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun"] * 8, marks[1]]
    )


@long
def test_somebody_elses_commit_on_the_review_branch_is_not_undone(online: Machine, forge: Forge) -> None:
    session = online.open()["session"]
    edit(online)
    first = online.json("review")
    hosted = forge.repository()
    tree = hosted.git("rev-parse", f"{first['commit']}^{{tree}}").strip()
    identity = ("-c", "user.name=Grace", "-c", "user.email=grace@example.org")
    made = hosted.git(*identity, "commit-tree", tree, "-p", first["commit"], "-m", "A suggestion").strip()
    hosted.git("update-ref", f"refs/heads/review/ada/{session}", made)
    done = online.gitsession("review", check=False)
    assert done.code == 1 and "A suggestion" in done.stderr and "Traceback" not in done.stderr
    assert hosted.refs(f"refs/heads/review/ada/{session}") == {f"refs/heads/review/ada/{session}": made}


@long
def test_what_reviewers_say_comes_back_at_the_cell(online: Machine, forge: Forge) -> None:
    online.open()
    assert online.json("review", "--status")["state"] == "none"
    edit(online)
    number = online.json("review")["number"]
    hosted = forge.repository()
    text = (online.worktree / BOOK).read_text().splitlines()
    line = next(at for at, words in enumerate(text, 1) if '"source"' in words) + 1
    forge.add_line_comment(hosted, number, "grace", "Why this?\x1b[31m", BOOK, line)
    forge.add_line_comment(hosted, number, "grace", "And this?", "train.py", 1)
    forge.add_review(hosted, number, "grace", "CHANGES_REQUESTED", "Nearly there.")
    told = online.json("review", "--status")
    assert told["state"] == "changes requested" and told["reviewers"] == [["grace", "changes requested"]]
    assert [(each["path"], each["cell"], each["line"]) for each in told["remarks"]] == [
        (BOOK, 1, 1),
        ("train.py", None, 1),
    ]
    shown = online.gitsession("review", "--status").stdout
    assert "Nearly there." in shown and f"{BOOK} cell 1 line 1" in shown and "\x1b" not in shown
    followed = online.json("status")["review"]
    assert (followed["state"], followed["number"]) == ("changes requested", number)
    assert [each["line"] for each in followed["remarks"]] == [1, 1]
    assert f"#{number} changes requested, 3 said" in online.gitsession("status").stdout
    forge.add_review(hosted, number, "grace", "APPROVED")
    assert online.json("review", "--status")["state"] == "approved"
    online.lose()
    online.open()
    assert eventually(lambda: online.json("status")["review"].get("state") == "approved")


@long
def test_a_session_in_a_fork_is_reviewed_across(
    runtime: Runtime, git_server: GitServer, hub: Hub, forge: Forge
) -> None:
    commit_to_base(forge, {BOOK: cases.changed("plot")[0]})
    machine = machine_of(runtime, git_server, GRACE_TOKEN)
    session = machine.open()["session"]
    edit(machine)
    machine.json("review")
    pull = the_pull(forge)
    assert (pull.head_repository, pull.head) == ("grace/digits", f"review/grace/{session}")
    assert "refs/gitsession-pr/1" in forge.repository("grace/digits").refs() or forge.repository(
        "grace/digits"
    ).refs("refs/gitsession-pr/")
    assert "grace/digits/blob/" in pull.comments[0].body


@long
def test_finish_marks_everything_and_the_next_open_begins_anew(online: Machine, forge: Forge) -> None:
    session = online.open()["session"]
    edit(online)
    online.json("review")
    done = online.json("finish", "--ready")
    assert (done["review"], sorted(done["marked"]), done["notes"]) == ("open", ["remote", "vault"], [])
    assert the_pull(forge).draft is False
    assert online.runtime.processes() == []
    refs = forge.repository().refs()
    assert f"refs/gitsession-done/ada/{session}" in refs and f"refs/gitsession/ada/{session}" not in refs
    online.lose()
    again = online.open()
    assert again["resumed"] is False and again["session"] != session


@long
def test_a_merged_session_is_not_resumed_by_default(online: Machine, forge: Forge) -> None:
    session = online.open()["session"]
    edit(online)
    number = online.json("review")["number"]
    forge.merge(forge.repository(), number)
    assert online.json("review", "--status")["state"] == "merged"
    online.gitsession("close")
    online.lose()
    arguments = ("--workdir", str(online.worktree), "--editor", "none", "--json", *online.options)
    done = online.gitsession("open", online.repo, *arguments)
    again = json.loads(done.stdout.splitlines()[-1])
    assert again["resumed"] is False and again["session"] != session
    assert f"The pull request of {session} was merged" in done.stderr
    assert (online.worktree / "train.py").read_text() == "print('better')\n"


@long
def test_a_remote_that_is_no_github_gets_the_branch_and_the_report(
    runtime: Runtime, sample_repository: Path
) -> None:
    machine = Machine(runtime, str(sample_repository), ("--storage", "none"))
    machine.open()
    done = machine.gitsession("review", check=False)
    assert done.code == 1 and "nothing to review" in done.stderr
    (machine.worktree / "train.py").write_text("print('better')\n")
    result: Any = machine.json("review")
    assert result["number"] is None and any("no GitHub" in note for note in result["notes"])
    tip = machine.runtime.run("git", "-C", str(sample_repository), "rev-parse", result["branch"]).stdout
    assert tip.strip() == result["commit"]
    assert "train.py" in Path(result["report"]).read_text()
    assert json.loads(machine.gitsession("review", "--status", "--json").stdout)["state"] == "none"
