"""Words that people pasted into public issues; the git server's own are parsed in test_remote."""

from __future__ import annotations

import pytest

from gitsession.replicas.refusal import KINDS, parse_refusal

SECRET = """\
remote: error: GH013: Repository rule violations found for refs/heads/main.
remote:
remote: - GITHUB PUSH PROTECTION
remote:   —————————————————————————————————————————
remote:     Resolve the following violations before pushing again
remote:
remote:     - Push cannot contain secrets
remote:
remote:       —— DeepSeek API Key ——————————————————————————————————
remote:        locations:
remote:          - commit: b6ba2be62ff7d6c34065648997f6f53b44ab2092
remote:            path: .env:6
remote:          - commit: b6ba2be62ff7d6c34065648997f6f53b44ab2092
remote:            path: notes/my keys.ipynb:61
remote:
remote:        (?) To push, remove secret from commit(s) or follow this URL to allow the secret.
 ! [remote rejected] main -> main (push declined due to repository rule violations)
"""
SIGNATURES = """\
remote: error: GH013: Repository rule violations found for refs/heads/session/ada/x.
remote: Review all repository rules at https://github.com/ada/digits/rules?ref=refs%2Fheads%2Fsession
remote:
remote: - Commits must have verified signatures.
remote:   Found 1 violation:
remote:
remote:   027faa7121ee9df79db623e1a2848d2cc88a8dba
"""
PROTECTED = """\
remote: error: GH006: Protected branch update failed for refs/heads/main.
remote: error: Commits must have valid signatures.
 ! [remote rejected] main -> main (protected branch hook declined)
error: failed to push some refs to 'https://github.com/ada/digits'
"""
LARGE = """\
remote: error: See https://gh.io/lfs for more information.
remote: error: File data/my big.bin is 118.99 MB; this exceeds GitHub's file size limit of 100.00 MB
remote: error: File b.bin is 1.20 GB; this exceeds GitHub's file size limit of 100.00 MB
remote: error: GH001: Large files detected. You may want to try Git Large File Storage
 ! [remote rejected] main -> main (pre-receive hook declined)
"""


def test_a_secret_names_its_places_and_commits() -> None:
    refusal = parse_refusal(SECRET)
    assert refusal is not None and not refusal.branch
    assert refusal.kind == "secret"
    assert refusal.paths == (".env", "notes/my keys.ipynb")
    assert refusal.commits == ("b6ba2be62ff7d6c34065648997f6f53b44ab2092",)
    assert refusal.detail == "DeepSeek API Key in .env:6, notes/my keys.ipynb:61"


def test_a_rule_on_the_branch_is_told_apart_from_a_secret() -> None:
    refusal = parse_refusal(SIGNATURES)
    assert refusal is not None and refusal.branch
    assert (refusal.kind, refusal.detail) == ("ruleset", "Commits must have verified signatures.")
    assert refusal.commits == ("027faa7121ee9df79db623e1a2848d2cc88a8dba",)


def test_a_protected_branch_says_what_it_wants() -> None:
    refusal = parse_refusal(PROTECTED)
    assert refusal is not None and refusal.branch
    assert (refusal.kind, refusal.detail) == ("protected-branch", "Commits must have valid signatures.")


def test_every_large_file_is_named() -> None:
    refusal = parse_refusal(LARGE)
    assert refusal is not None and refusal.kind == "file-size"
    assert refusal.paths == ("data/my big.bin", "b.bin")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("remote: error: GH007: Your push would publish a private email address.", "email"),
        ("remote: fatal: pack exceeds maximum allowed size (2.00 GiB)", "push-size"),
        ("remote: error: Repository is above its size quota. Contact GitHub Support.", "quota"),
        ("batch response: This repository is over its data quota.", "quota"),
        ("remote: This repository was archived so it is read-only.", "archived"),
        ("ERROR: This repository was archived so it is read-only.", "archived"),
        ("remote: Permission to ada/digits.git denied to grace.", "no-write"),
        ("remote: Write access to repository not granted.", "not-granted"),
        ("remote: Repository not found.", "not-found"),
        ("fatal: repository 'https://github.com/ada/none/' not found", "not-found"),
        ("fatal: Authentication failed for 'https://github.com/ada/digits/'", "authentication"),
        (
            "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
            "authentication",
        ),
        ("git@github.com: Permission denied (publickey).", "authentication"),
        ("fatal: unable to access 'https://x/': The requested URL returned error: 429", "rate-limit"),
        ("remote: The `lab' organization has enabled or enforced SAML SSO.", "single-sign-on"),
        (" ! [rejected]        x -> x (stale info)", "moved"),
        (" ! [rejected]        x -> x (fetch first)", "moved"),
        (" ! [remote rejected] x -> x (cannot lock ref 'refs/heads/x': is at 1 but expected 2)", "moved"),
        ("[remote rejected] (deny updating a hidden ref)", "other"),
        (
            "[remote rejected] (refusing to allow an OAuth App to create or update workflow "
            "`.github/workflows/ci.yml` without `workflow` scope)",
            "workflow",
        ),
    ],
)
def test_kinds(words: str, kind: str) -> None:
    refusal = parse_refusal(words)
    assert refusal is not None and refusal.kind == kind
    assert refusal.hint == KINDS[kind] and refusal.detail


@pytest.mark.parametrize(
    "words", ["", "fatal: unable to access 'https://x/': Could not resolve host: x", "Everything up-to-date"]
)
def test_no_refusal_is_seen_where_there_is_none(words: str) -> None:
    assert parse_refusal(words) is None
