"""Why a push was refused, read from what GitHub and git say; each parser quotes the line that it expects.

The words were collected from public issues, see `tests/rig/push_rules.py`, whose server speaks them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from gitsession.errors import Refusal

KINDS = {
    "file-size": "The file stays on this machine and in the vault; use Git LFS or keep it out of git.",
    "secret": "Remove the secret, or allow it at the address that GitHub gave; it is not pushed.",
    "path": "A rule of the repository forbids this path; it stays in the vault.",
    "workflow": "Give the token the `workflow` scope (fine-grained: Workflows, read and write).",
    "protected-branch": "The branch is protected; the session goes to its state ref alone.",
    "ruleset": "A rule of the repository forbids this branch; the session goes to its state ref alone.",
    "email": "Make the address public, or commit with your noreply address, at https://github.com/settings/emails.",
    "lfs": "Bring their contents to the LFS store with your own `git push`; until then the vault has them.",
    "push-size": "The push is over GitHub's 2 GB; it is sent in smaller parts.",
    "quota": "The repository is over its quota: make room, or keep the session in the vault only.",
    "archived": "The repository is read-only: unarchive it, or let gitsession work on a fork.",
    "single-sign-on": "Authorise the token for the organisation at the address that GitHub gave.",
    "authentication": "Give a valid token: GITHUB_TOKEN, `gh auth login`, or token=.",
    "not-granted": "Give the token Contents: read and write; in an organisation, an owner approves it first.",
    "no-write": "Ask for write access, or let gitsession work on a fork.",
    "not-found": "Check the name, and that the token may see this repository.",
    "rate-limit": "GitHub asks to wait; it is tried again by itself.",
    "moved": "Another runtime or a person moved the session's branch.",
    "other": "See the server's words.",
}
AUTHORISATION = frozenset(
    {"authentication", "single-sign-on", "not-granted", "no-write", "not-found", "archived"}
)
_BRANCH = frozenset({"protected-branch", "ruleset"})
_OID = re.compile(r"\b[0-9a-f]{40}(?:[0-9a-f]{24})?\b")


def parse_refusal(words: str) -> Refusal | None:
    """The refusal that a push's stderr and its refs' summaries tell of; None when they tell of none.

    Args:
        words: Lines as git prints them, with or without `remote: `.
    """
    lines = [line.removeprefix("remote:").strip() for line in words.splitlines()]
    return next((refusal for parser in _PARSERS if (refusal := parser(lines)) is not None), None)


def _refusal(kind: str, detail: str, paths: Sequence[str] = (), commits: Sequence[str] = ()) -> Refusal:
    return Refusal(
        kind, tuple(dict.fromkeys(paths)), detail, KINDS[kind], tuple(dict.fromkeys(commits)), kind in _BRANCH
    )


def _workflow(lines: Sequence[str]) -> Refusal | None:
    # (refusing to allow a Personal Access Token to create or update workflow `.github/workflows/ci.yml`
    # without `workflow` scope)
    pattern = re.compile(r"refusing to allow .* to create or update workflow `([^`]+)` without [^)]*")
    found = [match for line in lines if (match := pattern.search(line))]
    return _refusal("workflow", found[0][0], [match[1] for match in found]) if found else None


def _secret(lines: Sequence[str]) -> Refusal | None:
    # - Push cannot contain secrets
    #   —— GitHub Personal Access Token ——————————————
    #     locations:
    #       - commit: 5477a7dd26384ed3c8b3814ee677f755ad27a597
    #         path: src/api/github.ts:34
    if "- Push cannot contain secrets" not in lines:
        return None
    titles = [line.strip("— ") for line in lines if line.startswith("—— ")]
    places = [line.removeprefix("path: ") for line in lines if line.startswith("path: ")]
    commits = [line.removeprefix("- commit: ") for line in lines if line.startswith("- commit: ")]
    detail = f"{', '.join(dict.fromkeys(titles)) or 'secret'} in {', '.join(places) or 'the push'}"
    return _refusal("secret", detail, [re.sub(r":\d+$", "", place) for place in places], commits)


def _restricted_path(lines: Sequence[str]) -> Refusal | None:
    # - File path is restricted
    #   Found 1 violation:
    #
    #   secrets/key.pem (5477a7dd26384ed3c8b3814ee677f755ad27a597)
    if "- File path is restricted" not in lines:
        return None
    found = [match for line in lines if (match := re.fullmatch(r"(.+) \(([0-9a-f]{7,64})\)", line))]
    return _refusal(
        "path", "File path is restricted", [match[1] for match in found], [match[2] for match in found]
    )


def _file_size(lines: Sequence[str]) -> Refusal | None:
    # error: File data/big.bin is 118.99 MB; this exceeds GitHub's file size limit of 100.00 MB
    pattern = re.compile(
        r"error: File (.+) is (\d+\.\d+ [KMG]B); this exceeds GitHub's file size limit of (.+)"
    )
    found = [match for line in lines if (match := pattern.fullmatch(line))]
    if not found:
        return None
    detail = ", ".join(f"{match[1]} ({match[2]}, limit {match[3]})" for match in found)
    return _refusal("file-size", detail, [match[1] for match in found])


def _ruleset(lines: Sequence[str]) -> Refusal | None:
    # error: GH013: Repository rule violations found for refs/heads/session/ada/x.
    # - Cannot create ref due to creations being restricted.
    if not any("GH013: Repository rule violations found" in line for line in lines):
        return None
    rules = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
    return _refusal("ruleset", " ".join(rules) or "repository rule violations", (), _commits(lines))


def _protected_branch(lines: Sequence[str]) -> Refusal | None:
    # error: GH006: Protected branch update failed for refs/heads/main.
    # - Changes must be made through a pull request.   (or: error: Commits must have valid signatures.)
    if not any("GH006: Protected branch update failed" in line for line in lines):
        return None
    rules = [re.sub(r"^(- |error: )", "", line) for line in lines if re.match(r"- |error: (?!GH006)", line)]
    rules = [rule for rule in rules if not rule.startswith("failed to push")]
    return _refusal("protected-branch", " ".join(rules) or "protected branch")


def _commits(lines: Sequence[str]) -> list[str]:
    # a rule's violations, one commit a line, after "Found 2 violations:"
    return [line for line in lines if _OID.fullmatch(line)]


def _line(kind: str, *patterns: str) -> Callable[[Sequence[str]], Refusal | None]:
    """A parser for refusals that one line tells."""
    wanted = re.compile("|".join(patterns))

    def parse(lines: Sequence[str]) -> Refusal | None:
        found = next((line for line in lines if wanted.search(line)), None)
        return (
            None if found is None else _refusal(kind, found.removeprefix("error: ").removeprefix("fatal: "))
        )

    return parse


_PARSERS: tuple[Callable[[Sequence[str]], Refusal | None], ...] = (
    _workflow,
    _secret,
    _restricted_path,
    _file_size,
    # error: GH007: Your push would publish a private email address.
    _line("email", r"GH007: Your push would publish a private email address"),
    # error: GH008: Your push referenced at least 3 unknown Git LFS objects:   (three are named, then ...)
    _line("lfs", r"GH008: Your push referenced at least \d+ unknown Git LFS object"),
    # fatal: pack exceeds maximum allowed size (2.00 GiB)
    _line("push-size", r"pack exceeds maximum allowed size"),
    # error: Repository is above its size quota. Contact GitHub Support for further assistance.
    # batch response: This repository is over its data quota.
    _line("quota", r"above its size quota", r"over its data quota", r"exceeded its LFS .*quota"),
    _ruleset,
    _protected_branch,
    # This repository was archived so it is read-only.
    _line("archived", r"repository was archived so it is read-only"),
    # The `lab' organization has enabled or enforced SAML SSO.
    _line("single-sign-on", r"organization has enabled or enforced SAML SSO"),
    # Write access to repository not granted.   (a person may write and their fine-grained token may not)
    _line("not-granted", r"^Write access to repository not granted"),
    # Permission to ada/digits.git denied to grace.
    # ERROR: The key you are authenticating with has been marked as read only.
    _line("no-write", r"^Permission to \S+ denied to", r"marked as read only"),
    # Repository not found.   fatal: repository 'https://github.com/ada/none/' not found
    _line("not-found", r"Repository not found", r"^fatal: repository '.*' not found"),
    # fatal: unable to access '…': The requested URL returned error: 429
    _line(
        "rate-limit", r"The requested URL returned error: 429", r"You have exceeded a secondary rate limit"
    ),
    # fatal: Authentication failed for 'https://github.com/ada/digits/'
    # fatal: could not read Username for 'https://github.com': terminal prompts disabled
    # git@github.com: Permission denied (publickey).
    _line(
        "authentication",
        r"^Invalid username or token",
        r"^fatal: Authentication failed for",
        r"^fatal: could not read (Username|Password) for",
        r"Permission denied \(publickey",
        r"The requested URL returned error: 40[13]",
    ),
    # ! [rejected] x -> x (stale info)   also: (fetch first), (non-fast-forward)
    # ! [remote rejected] x -> x (cannot lock ref 'refs/heads/x': is at … but expected …)
    _line("moved", r"\((stale info|fetch first|non-fast-forward)\)", r"cannot lock ref '[^']*': is at"),
    # ! [remote rejected] x -> x (pre-receive hook declined)
    _line("other", r"\[(remote )?rejected\] .*\(.+\)", r"^\[remote rejected\] \(.+\)"),
)
