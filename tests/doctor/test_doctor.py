"""Each line of the doctor made red by the real thing, with a fix; and one patient in good health."""

from __future__ import annotations

import itertools
import os
import resource
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from gitsession.address import parse_address
from gitsession.credentials import Token as OurToken
from gitsession.doctor import CHECKS, Case, Finding, Verdict, examine
from gitsession.errors import StorageError
from gitsession.runtime import Colab, Kaggle, Local
from tests.rig.disk import NEEDS_ROOT, small_disk
from tests.rig.drive import Drive
from tests.rig.forge import ADA_TOKEN, GRACE_TOKEN, Forge, Token
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.rulesets import Ruleset
from tests.rig.runtime import Runtime
from tests.spine import Machine


@pytest.fixture
def here(sealed: Path) -> Case:
    """A machine without a repository, and a vault in a folder."""
    (sealed / "work").mkdir()
    return Case(
        Local(), {}, sealed / "work", sealed / "s", sealed / "cache", storage=sealed / "vault" / "gitsession"
    )


@pytest.fixture
def patient(here: Case, git_server: GitServer, hub: Hub) -> Case:
    """The same, with a repository on the rig's GitHub and a token that may do everything."""
    environ = {"GITHUB_SERVER_URL": git_server.site}
    address = parse_address("ada/digits", server_url=git_server.site)
    return replace(here, environ=environ, address=address, token=OurToken(ADA_TOKEN, "GITHUB_TOKEN"))


@pytest.fixture
def tmpfs(sealed: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a small disk."""
    count = itertools.count()
    with ExitStack() as mounted:
        yield lambda options: mounted.enter_context(small_disk(sealed / f"disk{next(count)}", options))


def look(case: Case, name: str) -> Finding:
    """What one check says."""
    (found,) = examine(case, tuple(entry for entry in CHECKS if entry[0] == name))
    assert found.name == name
    assert found.fix or found.verdict in (Verdict.GOOD, Verdict.SKIPPED)
    return found


def is_bad(case: Case, name: str, words: str, fix: str) -> None:
    found = look(case, name)
    assert found.verdict is Verdict.BAD
    assert words in found.words
    assert fix in found.fix


def is_noted(case: Case, name: str, words: str, fix: str = "") -> None:
    found = look(case, name)
    assert found.verdict is Verdict.WARN
    assert words in found.words
    assert fix in found.fix


def test_a_patient_in_good_health(patient: Case) -> None:
    found = list(examine(patient))
    assert [finding.name for finding in found] == [name for name, _ in CHECKS]
    ailing = [finding for finding in found if finding.verdict is Verdict.BAD]
    assert ailing == []
    seen = {finding.name: finding.verdict for finding in found}
    for name in ("git", "token", "repository", "branch rules", "push", "clock", "storage", "state folder"):
        assert seen[name] is Verdict.GOOD, name


def test_nothing_is_left_behind(patient: Case, git_server: GitServer, forge: Forge) -> None:
    refs = forge.repository().refs()
    list(examine(patient))
    assert isinstance(patient.storage, Path)
    assert not patient.storage.exists()
    assert list(patient.worktree.iterdir()) == []
    assert forge.repository().refs() == refs
    assert git_server.pushes() == []


class TestToken:
    def test_none(self, patient: Case) -> None:
        without = replace(patient, token=None)
        is_bad(without, "token", "there is none", "/settings/tokens/new?scopes=repo")
        assert look(without, "push").verdict is Verdict.SKIPPED

    def test_refused(self, patient: Case, forge: Forge) -> None:
        forge.revoke(ADA_TOKEN)
        is_bad(patient, "token", "token", "")
        is_bad(patient, "push", "", "")

    def test_without_the_scope(self, patient: Case, forge: Forge) -> None:
        forge.add_token(Token(ADA_TOKEN, "ada", scopes=frozenset({"gist"})))
        is_bad(patient, "token", "lacks the scope `repo`", "/settings/tokens/new")

    def test_without_workflows(self, patient: Case, forge: Forge) -> None:
        forge.add_token(Token(ADA_TOKEN, "ada", scopes=frozenset({"repo"})))
        is_noted(patient, "token", "workflow", "workflow")

    def test_that_ends_soon(self, patient: Case, forge: Forge) -> None:
        soon = datetime.now(timezone.utc) + timedelta(hours=30)
        forge.add_token(Token(ADA_TOKEN, "ada", expires=soon))
        is_noted(patient, "token", "expires in 29 h", "/settings/tokens/new")

    def test_that_may_read_only(self, patient: Case, forge: Forge) -> None:
        value = "github_pat_" + "r" * 40
        permissions = {"contents": "read"}
        forge.add_token(Token(value, "ada", "fine-grained", permissions=permissions))
        reading = replace(patient, token=OurToken(value, "GITHUB_TOKEN"))
        is_bad(reading, "push", "", "read and write")


class TestRepository:
    def test_missing(self, patient: Case, git_server: GitServer) -> None:
        address = parse_address("ada/none", server_url=git_server.site)
        is_bad(replace(patient, address=address), "repository", "no repository", "--create")

    def test_one_whose_owner_has_not_approved_the_token(self, patient: Case, forge: Forge) -> None:
        forge.add_account("lab", organisation=True)
        forge.add_repository("lab", "course").roles["ada"] = "write"
        fine = forge.add_token(Token("github_pat_" + "f1ne" * 8, "ada", "fine-grained", approved=False))
        site = patient.environ["GITHUB_SERVER_URL"]
        address = parse_address("lab/course", server_url=site)
        case = replace(patient, address=address, token=OurToken(fine.value, "GITHUB_TOKEN"))
        is_bad(case, "repository", "await lab's approval", f"{site}/settings/personal-access-tokens")

    def test_archived(self, patient: Case, forge: Forge) -> None:
        forge.repository().archived = True
        is_bad(patient, "repository", "archived", "Unarchive")

    def test_public(self, patient: Case, forge: Forge) -> None:
        forge.repository().private = False
        is_noted(patient, "repository", "public", "--no-publish")

    def test_of_somebody_else(self, patient: Case) -> None:
        reader = replace(patient, token=OurToken(GRACE_TOKEN, "GITHUB_TOKEN"))
        is_noted(reader, "repository", "your fork", "write access")

    @pytest.mark.parametrize("kind", ["creation", "update", "pull_request", "required_signatures"])
    def test_rules_in_the_way(self, patient: Case, forge: Forge, kind: str) -> None:
        forge.repository().rules.append(Ruleset(types=(kind,)))
        is_bad(patient, "branch rules", "session/ada/doctor", "/ada/digits/settings/rules")

    def test_a_rule_on_other_branches_is_none(self, patient: Case, forge: Forge) -> None:
        forge.repository().rules.append(Ruleset(include=("refs/heads/main",), types=("creation",)))
        assert look(patient, "branch rules").verdict is Verdict.GOOD


@pytest.mark.parametrize(("seconds", "words"), [(7200.0, "2 h 0 min ahead"), (-7200.0, "behind")])
def test_a_wrong_clock(patient: Case, seconds: float, words: str) -> None:
    now = datetime.now(timezone.utc).timestamp()
    is_noted(replace(patient, now=lambda: now + seconds + 1), "clock", words, "set-ntp")


class TestStorage:
    def test_none(self, here: Case) -> None:
        is_noted(replace(here, storage=None), "storage", "no vault", "--storage")

    def test_that_the_machine_does_not_have(self, here: Case) -> None:
        missing = replace(here, storage=StorageError("There is no Drive.", hint="Name a folder."))
        is_bad(missing, "storage", "There is no Drive.", "Name a folder.")

    @pytest.mark.root
    @NEEDS_ROOT
    def test_read_only(self, here: Case, tmpfs: Callable[[str], Path]) -> None:
        is_bad(replace(here, storage=tmpfs("ro") / "vault"), "storage", "", "storage=")

    @pytest.mark.root
    @NEEDS_ROOT
    def test_full(self, here: Case, tmpfs: Callable[[str], Path]) -> None:
        is_bad(replace(here, storage=tmpfs("size=1m") / "vault"), "storage", "", "Make room")
        is_bad(replace(here, storage=tmpfs("size=20m") / "vault"), "storage", "MB free", "Make room")
        is_noted(replace(here, storage=tmpfs("size=200m") / "vault"), "storage", "MB free", "Make room")

    @pytest.mark.slow
    @pytest.mark.fuse
    @pytest.mark.skipif(not shutil.which("fusermount3"), reason="needs fusermount3")
    def test_slow(self, here: Case, sealed: Path) -> None:
        pytest.importorskip("mfusepy")
        with Drive(sealed / "d", seconds=0.25) as drive:
            is_noted(replace(here, storage=drive.storage), "storage", "slow", "--keep")


class TestMachine:
    @pytest.mark.parametrize(("says", "words"), [("git version 2.20.1", "too old"), (None, "cannot be run")])
    def test_git(
        self, here: Case, says: str | None, words: str, sealed: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        look(here, "git")  # GitPython looks for git when it is loaded
        (sealed / "bin").mkdir()
        if says is not None:
            (sealed / "bin/git").write_text(f"#!/bin/sh\necho {says}\n")
            (sealed / "bin/git").chmod(0o755)
        monkeypatch.setenv("PATH", str(sealed / "bin"))
        is_bad(here, "git", words, "apt-get install git")

    @pytest.mark.root
    @NEEDS_ROOT
    def test_a_full_disk(self, here: Case, tmpfs: Callable[[str], Path]) -> None:
        is_bad(replace(here, worktree=tmpfs("size=1m")), "disk", "free at", "Make room")
        is_noted(replace(here, home=tmpfs("size=900m") / "s"), "disk", "free at", "Make room")

    @pytest.mark.root
    @NEEDS_ROOT
    def test_a_state_folder_that_cannot_be_written(self, here: Case, tmpfs: Callable[[str], Path]) -> None:
        is_bad(replace(here, home=tmpfs("ro") / "s"), "state folder", "Read-only", "GITSESSION_HOME")

    def test_too_few_watches(self, here: Case, sealed: Path) -> None:
        (sealed / "limits").mkdir()
        (sealed / "limits/max_user_watches").write_text("3\n")
        for name in "abc":
            (here.worktree / name).mkdir()
        few = replace(here, inotify_limits=sealed / "limits")
        is_bad(few, "file watching", "4 folders", "max_user_watches=8")
        (here.worktree / "a").rmdir()
        assert look(few, "file watching").verdict is Verdict.GOOD

    @pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
    def test_no_watcher_left(self, here: Case) -> None:
        look(here, "file watching")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        next_one = os.dup(0)
        os.close(next_one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (next_one, hard))
        try:
            found = look(here, "file watching")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert found.verdict is Verdict.BAD
        assert "max_user_instances" in found.fix


class TestEditor:
    @pytest.mark.root
    @NEEDS_ROOT
    def test_no_room(self, here: Case, tmpfs: Callable[[str], Path]) -> None:
        is_bad(replace(here, cache=tmpfs("size=1m")), "editor", "needs 1.5 GB", "--editor none")

    def test_no_way_to_it(self, here: Case, sealed: Path) -> None:
        is_noted(replace(here, own_machine=False), "way to the editor", "authtoken", "ssh")
        is_noted(
            replace(here, runtime=Colab(sealed)), "way to the editor", "was not asked", "NGROK_AUTHTOKEN"
        )
        remote = replace(here, own_machine=False, environ={"NGROK_AUTHTOKEN": "x"})
        assert look(remote, "way to the editor").verdict is Verdict.GOOD

    def test_terms(self, here: Case, sealed: Path) -> None:
        is_noted(replace(here, runtime=Colab(sealed)), "terms", "tunnel")
        is_noted(replace(here, runtime=Kaggle({})), "terms", "Kaggle keeps no storage")


@pytest.mark.slow
def test_the_command_tells_people_and_programs(runtime: Runtime, git_server: GitServer, hub: Hub) -> None:
    runtime.extra |= {"GITHUB_TOKEN": ADA_TOKEN, "GITHUB_SERVER_URL": git_server.site}
    machine = Machine(runtime, "ada/digits")
    given = ("doctor", "ada/digits", "--storage", str(runtime.drive))
    told = machine.json(*given)
    assert told["healthy"] is True
    assert [entry["check"] for entry in told["checks"]] == [name for name, _ in CHECKS]
    git_server.forge.repository().archived = True
    done = machine.gitsession(*given, check=False)
    assert done.code == 1
    assert "BAD" in done.stdout
    assert "repository: Unarchive it" in done.stdout
    assert ADA_TOKEN not in done.stdout + done.stderr
    assert "\x1b" not in done.stdout + done.stderr
