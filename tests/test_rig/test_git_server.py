from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig import faults
from tests.rig.certificates import Certificates
from tests.rig.faults import Fault
from tests.rig.forge import ADA_TOKEN, GRACE_TOKEN, Forge, Token
from tests.rig.git_server import GitServer
from tests.rig.push_rules import (
    FileSizeLimit,
    PrivateEmail,
    ProtectedBranch,
    PushProtection,
    PushRule,
    Quota,
)
from tests.rig.repositories import git
from tests.rig.rulesets import Ruleset

BRANCH = "session/ada/one"


def clone(server: GitServer, place: Path, token: str = ADA_TOKEN) -> Path:
    git(place, "clone", "--quiet", server.authorised_url(token), "work")
    return place / "work"


def commit(work: Path, name: str, text: str, message: str = "Change a file") -> str:
    (work / name).parent.mkdir(parents=True, exist_ok=True)
    (work / name).write_text(text)
    git(work, "add", name)
    git(work, "commit", "--quiet", "-m", message)
    return git(work, "rev-parse", "HEAD")


def said(place: Path, *arguments: str, code: int = 1) -> str:
    """What git says on stderr when it fails; `code` tells how."""
    done = subprocess.run(
        ["git", *arguments], cwd=place, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stderr
    return "".join(f"{line.rstrip()}\n" for line in done.stderr.splitlines())


@pytest.fixture
def work(git_server: GitServer, sealed: Path) -> Path:
    return clone(git_server, sealed)


class TestReadingAndWriting:
    def test_a_push_arrives_and_is_logged_with_its_token(self, git_server: GitServer, work: Path) -> None:
        head = commit(work, "new.txt", "new\n")
        git(work, "push", "--quiet", "origin", f"HEAD:refs/heads/{BRANCH}")
        hosted = git_server.forge.repository()
        assert hosted.refs("refs/heads/session/") == {f"refs/heads/{BRANCH}": head}
        assert hosted.read(BRANCH, "new.txt") == "new"
        assert [(request.token, request.status) for request in git_server.pushes()] == [(ADA_TOKEN, 200)]

    def test_protocol_version_2_is_spoken(self, git_server: GitServer, work: Path) -> None:
        git(work, "fetch", "--quiet")
        assert git_server.requests[-1].headers["Git-Protocol"] == "version=2"

    def test_a_blobless_clone_fetches_what_it_lacks(self, git_server: GitServer, sealed: Path) -> None:
        url = git_server.authorised_url(ADA_TOKEN)
        git(sealed, "clone", "--quiet", "--filter=blob:none", "--no-checkout", url, "work")
        assert "?" in git(sealed / "work", "rev-list", "--objects", "--all", "--missing=print")
        git(sealed / "work", "checkout", "--quiet", "main")
        assert (sealed / "work" / "train.py").exists()

    @pytest.mark.parametrize("setting", ["http.postBuffer=1000", "http.postBuffer=200000000"])
    def test_a_large_push_arrives_chunked_or_whole(
        self, git_server: GitServer, work: Path, setting: str
    ) -> None:
        noise = "".join(f"{number * 7919 % 1000003:x}" for number in range(200_000))
        head = commit(work, "noise.txt", noise)
        git(work, "-c", setting, "-c", "core.compression=0", "push", "--quiet", "origin", "HEAD:large")
        assert git_server.forge.repository().refs("refs/heads/large") == {"refs/heads/large": head}

    def test_refs_outside_heads_are_pushed_atomically(self, git_server: GitServer, work: Path) -> None:
        old = git(work, "rev-parse", "HEAD")
        commit(work, "new.txt", "new\n")
        git(work, "push", "--quiet", "origin", "HEAD:refs/heads/one", "HEAD:refs/gitsession/ada/one")
        text = said(
            work,
            *("push", "--atomic", f"--force-with-lease=refs/gitsession/ada/one:{old}"),
            *("origin", "main~1:refs/gitsession/ada/one", "HEAD:refs/heads/two"),
        )
        assert "[rejected]" in text and "stale info" in text
        assert "refs/heads/two" not in git_server.forge.repository().refs()

    def test_the_suffix_is_optional(self, git_server: GitServer, work: Path) -> None:
        url = git_server.authorised_url(ADA_TOKEN).removesuffix(".git")
        assert "refs/heads/main" in git(work, "ls-remote", url)

    def test_a_client_that_does_not_trust_the_authority_is_refused(
        self, git_server: GitServer, sealed: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("GIT_SSL_CAINFO")
        assert "certificate" in said(sealed, "ls-remote", git_server.authorised_url(ADA_TOKEN), code=128)
        assert git_server.requests == []


class TestTheDoor:
    def test_a_wrong_token(self, git_server: GitServer, sealed: Path) -> None:
        text = said(sealed, "ls-remote", git_server.authorised_url("ghp_wrong"), code=128)
        assert "remote: Invalid username or token. Password authentication is not supported" in text
        assert "fatal: Authentication failed for" in text

    def test_a_repository_that_the_token_cannot_see(self, git_server: GitServer, sealed: Path) -> None:
        git_server.forge.repository().roles.clear()
        text = said(sealed, "ls-remote", git_server.authorised_url(GRACE_TOKEN), code=128)
        assert "remote: Repository not found." in text
        nowhere = said(sealed, "ls-remote", git_server.authorised_url(GRACE_TOKEN, "ada/none"), code=128)
        assert nowhere.replace("ada/none", "ada/digits") == text

    def test_reading_is_not_writing(self, git_server: GitServer, sealed: Path) -> None:
        work = clone(git_server, sealed, GRACE_TOKEN)
        text = said(work, "push", "origin", "HEAD:refs/heads/x", code=128)
        assert "remote: Permission to ada/digits.git denied to grace." in text
        assert "The requested URL returned error: 403" in text

    def test_a_public_repository_is_read_by_anyone_and_written_by_none(
        self, git_server: GitServer, sealed: Path
    ) -> None:
        git_server.forge.repository().private = False
        git(sealed, "clone", "--quiet", git_server.url(), "work")
        text = said(sealed / "work", "push", "origin", "HEAD:refs/heads/x", code=128)
        assert "could not read Username" in text
        assert git_server.requests[-1].status == 401

    def test_a_private_one_is_not_read_by_anyone(self, git_server: GitServer, sealed: Path) -> None:
        assert "could not read Username" in said(sealed, "ls-remote", git_server.url(), code=128)

    def test_an_archived_one(self, git_server: GitServer, work: Path) -> None:
        git_server.forge.repository().archived = True
        text = said(work, "push", "origin", "HEAD:refs/heads/x", code=128)
        assert "remote: This repository was archived so it is read-only." in text
        git(work, "fetch", "--quiet")

    def test_a_fine_grained_token_reads_without_writing(self, git_server: GitServer, sealed: Path) -> None:
        token = Token("github_pat_1", "ada", "fine-grained", permissions={"contents": "read"})
        git_server.forge.add_token(token)
        work = clone(git_server, sealed, token.value)
        text = said(work, "push", "origin", "HEAD:refs/heads/x", code=128)
        assert "remote: Write access to repository not granted." in text

    def test_a_fine_grained_token_for_another_repository(self, git_server: GitServer, sealed: Path) -> None:
        named = frozenset({"ada/other"})
        token = Token(
            "github_pat_1", "ada", "fine-grained", repositories=named, permissions={"contents": "write"}
        )
        git_server.forge.add_token(token)
        text = said(sealed, "ls-remote", git_server.authorised_url(token.value), code=128)
        assert "remote: Repository not found." in text

    def test_a_token_without_single_sign_on(self, git_server: GitServer, sealed: Path) -> None:
        token = Token("ghp_unauthorised", "ada", single_sign_on=frozenset({"ada"}))
        git_server.forge.add_token(token)
        text = said(sealed, "ls-remote", git_server.authorised_url(token.value), code=128)
        assert "remote: The `ada' organization has enabled or enforced SAML SSO." in text

    def test_a_renamed_one_redirects(self, git_server: GitServer, work: Path) -> None:
        commit(work, "new.txt", "new\n")
        git_server.forge.rename("ada/digits", "ada/numbers")
        git(work, "push", "--quiet", "origin", f"HEAD:{BRANCH}")
        assert f"refs/heads/{BRANCH}" in git_server.forge.repository("ada/numbers").refs()
        assert git_server.requests[-1].path == "/ada/numbers.git/git-receive-pack"


SECRET = "ghp_" + "s3cr3t" * 6
RULES: list[tuple[str, PushRule, str, str]] = [
    (
        "GH001",
        FileSizeLimit(limit=1000, warn=500),
        "pre-receive hook declined",
        "remote: error: File bad.txt is 0.00 MB; this exceeds GitHub's file size limit of 0.00 MB\n"
        "remote: error: GH001: Large files detected. You may want to try Git Large File Storage"
        " - https://git-lfs.github.com.\n",
    ),
    (
        "GH006",
        ProtectedBranch("main"),
        "protected branch hook declined",
        "remote: error: GH006: Protected branch update failed for refs/heads/main.\n"
        "remote:\n"
        "remote: - Changes must be made through a pull request.\n",
    ),
    (
        "GH007",
        PrivateEmail(("ada@example.org",)),
        "push declined due to email privacy restrictions",
        "remote: error: GH007: Your push would publish a private email address.\n"
        "remote: You can make your email public or disable this protection by visiting:\n",
    ),
    (
        "GH013 secret",
        PushProtection(),
        "push declined due to repository rule violations",
        "remote:       —— GitHub Personal Access Token ——————————————————————\n"
        "remote:        locations:\n"
        "remote:          - commit: {head}\n"
        "remote:            path: bad.txt:2\n"
        "remote:\n"
        "remote:        (?) To push, remove secret from commit(s) or follow this URL to allow the secret.\n",
    ),
    (
        "GH013 pull request",
        Ruleset(types=("pull_request",)),
        "push declined due to repository rule violations",
        "remote: error: GH013: Repository rule violations found for refs/heads/main.\n"
        "remote: Review all repository rules at {site}/ada/digits/rules?ref=refs%2Fheads%2Fmain\n"
        "remote:\n"
        "remote: - Changes must be made through a pull request.\n",
    ),
    (
        "GH013 signatures",
        Ruleset(types=("required_signatures",)),
        "push declined due to repository rule violations",
        "remote: - Commits must have verified signatures.\n"
        "remote:   Found 1 violation:\n"
        "remote:\n"
        "remote:   {head}\n",
    ),
    (
        "GH013 message",
        Ruleset(types=("commit_message_pattern",), parameters={"commit_message_pattern": "^feat"}),
        "push declined due to repository rule violations",
        "remote: - Commit message must match a given regex pattern: ^feat\n",
    ),
    (
        "GH013 e-mail",
        Ruleset(types=("committer_email_pattern",), parameters={"committer_email_pattern": "@corp$"}),
        "push declined due to repository rule violations",
        "remote: - Committer email must match a given regex pattern: @corp$\n",
    ),
    (
        "GH013 path",
        Ruleset(types=("file_path_restriction",), parameters={"file_path_restriction": "bad*"}),
        "push declined due to repository rule violations",
        "remote: - File path is restricted\n",
    ),
    (
        "quota",
        Quota(),
        "pre-receive hook declined",
        "remote: error: Repository is above its size quota. Contact GitHub Support for further assistance.\n",
    ),
]


class TestRefusedPushes:
    @pytest.mark.parametrize(
        ("rule", "reason", "words"), [row[1:] for row in RULES], ids=[row[0] for row in RULES]
    )
    def test_its_words_are_github_s_and_nothing_is_kept(
        self, git_server: GitServer, work: Path, rule: PushRule, reason: str, words: str
    ) -> None:
        git_server.rules.append(rule)
        head = commit(work, "bad.txt", f"line\n{SECRET}\n" + "x" * 2000)
        blob = git(work, "rev-parse", "HEAD:bad.txt")
        text = said(work, "push", "origin", "HEAD:main")
        assert words.format(head=head, site=git_server.site) in text
        assert f" ! [remote rejected] HEAD -> main ({reason})\n" in text
        assert blob not in git_server.forge.repository().git(
            "cat-file", "--batch-all-objects", "--batch-check"
        )

    def test_what_no_rule_concerns_arrives(
        self, git_server: GitServer, work: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GIT_AUTHOR_EMAIL", "ada@corp")
        monkeypatch.setenv("GIT_COMMITTER_EMAIL", "ada@corp")
        git_server.rules.extend(rule for name, rule, *_ in RULES if name != "quota")
        ref = "refs/gitsession/ada/one"
        head = commit(work, "good.txt", "good\n", "feat: change a file")
        git(work, "push", "--quiet", "origin", f"HEAD:{ref}")
        assert git_server.forge.repository().refs(ref) == {ref: head}

    def test_a_large_file_under_the_limit_warns(self, git_server: GitServer, work: Path) -> None:
        git_server.rules.append(FileSizeLimit(limit=3_000_000, warn=1_000_000))
        commit(work, "large.txt", "x" * 2_000_000)
        done = subprocess.run(
            ["git", "push", "origin", "HEAD:main"], cwd=work, capture_output=True, text=True, check=True
        )
        assert (
            "warning: File large.txt is 1.91 MB; this is larger than GitHub's recommended maximum"
            in done.stderr
        )

    def test_creation_is_refused_and_other_refs_of_the_push_arrive(
        self, git_server: GitServer, work: Path
    ) -> None:
        git_server.rules.append(Ruleset(include=("refs/heads/session/*",), types=("creation",)))
        commit(work, "new.txt", "new\n")
        text = said(work, "push", "origin", f"HEAD:refs/heads/{BRANCH}", "HEAD:refs/heads/other")
        rejected = (
            f" ! [remote rejected] HEAD -> {BRANCH} (push declined due to repository rule violations)\n"
        )
        assert rejected in text
        assert "remote: - Cannot create ref due to creations being restricted.\n" in text
        refs = git_server.forge.repository().refs()
        assert "refs/heads/other" in refs and f"refs/heads/{BRANCH}" not in refs

    def test_an_atomic_push_is_refused_whole(self, git_server: GitServer, work: Path) -> None:
        git_server.rules.append(ProtectedBranch("main"))
        commit(work, "new.txt", "new\n")
        text = said(work, "push", "--atomic", "origin", "HEAD:main", "HEAD:refs/heads/other")
        assert " ! [remote rejected] HEAD -> main (protected branch hook declined)\n" in text
        assert " ! [remote rejected] HEAD -> other (atomic transaction failed)\n" in text
        assert "refs/heads/other" not in git_server.forge.repository().refs()

    @pytest.mark.parametrize(
        ("token", "words"),
        [
            (
                Token("ghp_noworkflow", "ada", scopes=frozenset({"repo"})),
                "a Personal Access Token to create or update workflow `.github/workflows/ci.yml` without"
                " `workflow` scope",
            ),
            (
                Token("ghs_app", "ada", "app", permissions={"contents": "write"}),
                "a GitHub App to create or update workflow `.github/workflows/ci.yml` without"
                " `workflows` permission",
            ),
        ],
    )
    def test_workflows_need_their_own_permission(
        self, git_server: GitServer, sealed: Path, token: Token, words: str
    ) -> None:
        git_server.forge.add_token(token)
        work = clone(git_server, sealed, token.value)
        commit(work, ".github/workflows/ci.yml", "on: push\n")
        assert f"(refusing to allow {words})" in said(work, "push", "origin", "HEAD:main")

    def test_a_push_over_the_limit(self, git_server: GitServer, work: Path) -> None:
        git_server.push_limit = 100_000
        commit(work, "noise.txt", "".join(f"{number * 7919 % 1000003:x}" for number in range(200_000)))
        text = said(work, "-c", "core.compression=0", "push", "origin", "HEAD:main")
        assert "remote: fatal: pack exceeds maximum allowed size" in text

    def test_not_a_fast_forward(self, git_server: GitServer, work: Path, sealed: Path) -> None:
        other = clone(git_server, sealed / "home")
        commit(other, "theirs.txt", "theirs\n")
        git(other, "push", "--quiet", "origin", "main")
        commit(work, "ours.txt", "ours\n")
        assert " ! [rejected]        main -> main (fetch first)\n" in said(work, "push", "origin", "main")

    def test_a_forced_push_to_a_protected_branch(self, git_server: GitServer, work: Path) -> None:
        git_server.rules.append(ProtectedBranch("main", force_only=True))
        git(work, "commit", "--quiet", "--amend", "-m", "Another history")
        text = said(work, "push", "--force", "origin", "main")
        assert "remote: - Cannot force-push to this branch\n" in text


class TestFaults:
    def test_down(self, git_server: GitServer, work: Path) -> None:
        git_server.faults.add(faults.down(times=2))
        assert "The requested URL returned error: 503" in said(work, "fetch", code=128)
        assert "The requested URL returned error: 503" in said(work, "fetch", code=128)
        git(work, "fetch", "--quiet")

    def test_rate_limited(self, git_server: GitServer, work: Path) -> None:
        git_server.faults.add(faults.rate_limited(60, "git-receive-pack*"))
        git(work, "fetch", "--quiet")
        assert "429" in said(work, "push", "origin", "HEAD:refs/heads/x", code=128)
        assert git_server.requests[-1].status == 429

    def test_the_reply_of_a_push_is_lost(self, git_server: GitServer, work: Path) -> None:
        git_server.faults.add(faults.lost_reply("git-receive-pack"))
        head = commit(work, "new.txt", "new\n")
        said(work, "push", "origin", f"HEAD:refs/heads/{BRANCH}")
        assert git_server.forge.repository().refs(f"refs/heads/{BRANCH}") == {f"refs/heads/{BRANCH}": head}
        assert git_server.faults.pending() == []

    def test_a_stalled_request_ends_with_the_server(self, git_server: GitServer, work: Path) -> None:
        git_server.faults.add(Fault("stall"))
        fetch = subprocess.Popen(["git", "fetch"], cwd=work, stderr=subprocess.DEVNULL)
        with pytest.raises(subprocess.TimeoutExpired):
            fetch.wait(0.5)
        git_server.stop()
        assert fetch.wait(10) == 128

    def test_a_delay_delays_and_then_serves(self, git_server: GitServer, work: Path) -> None:
        git_server.faults.add(Fault("delay", seconds=0.05))
        git(work, "fetch", "--quiet")
        assert git_server.faults.pending() == []

    def test_it_goes_away_and_comes_back_on_its_port(self, git_server: GitServer, work: Path) -> None:
        git_server.stop()
        assert "onnect" in said(work, "fetch", code=128)
        git_server.start()
        git(work, "fetch", "--quiet")

    def test_a_client_killed_in_the_middle_harms_nothing(self, git_server: GitServer, work: Path) -> None:
        commit(work, "noise.txt", "".join(f"{number * 7919 % 1000003:x}" for number in range(400_000)))
        settings = ["-c", "http.postBuffer=1000", "-c", "core.compression=0"]
        push = subprocess.Popen(
            ["git", *settings, "push", "-q", "origin", "HEAD:x"], cwd=work, stderr=subprocess.DEVNULL
        )
        while not git_server.pushes():
            assert push.poll() is None
            time.sleep(0.001)
        push.kill()
        push.wait()
        git(work, "push", "--quiet", "origin", "HEAD:refs/heads/y")
        git_server.forge.repository().git("fsck", "--strict")


@pytest.fixture
def plain(forge: Forge) -> Iterator[GitServer]:
    with GitServer(forge) as server:
        yield server


def test_without_certificates_it_speaks_plain_http(plain: GitServer, sealed: Path) -> None:
    assert plain.url().startswith("http://")
    assert "refs/heads/main" in git(sealed, "ls-remote", plain.authorised_url(ADA_TOKEN))


def test_two_servers_may_share_a_forge(
    plain: GitServer, forge: Forge, certificates: Certificates, sealed: Path
) -> None:
    with GitServer(forge) as second:
        first_refs = git(sealed, "ls-remote", plain.authorised_url(ADA_TOKEN))
        assert git(sealed, "ls-remote", second.authorised_url(ADA_TOKEN)) == first_refs
