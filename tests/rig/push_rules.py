"""Why GitHub refuses a push, in GitHub's own words.

Stands for GitHub's push checks. The words are those that people pasted into public issues:

- GH001 files over the limit: git-lfs/git-lfs#6330, cpina/github-action-push-to-another-repository#40; the warning
  over 50 MB: IIC2233/Syllabus-2024-2#693.
- GH006 protected branch: SalamLang/Salam#430, az-digital/arizona-bootstrap#1524, hexojs/hexo#2817.
- GH007 private e-mail: AlexandreMeslin/ENG4021#14, desktop/dugite#92.
- GH013 push protection: palxiao/poster-design#140, Commando-X/vuln-bank#53.
- GH013 rulesets: jonasohland's report in dmf-mxl/mxl#356 (creation), vercel/sandbox#169 (signatures),
  yshavit/mdq#255 (pull request only).
- Workflow scope: DataChefHQ/aws-data-landing-zone#29; of an App: peter-evans/create-pull-request#3558.
- Quota: ryanfortner/box64-debs#47.

The 2 GB limit of one push is git's own `receive.maxInputSize` (desktop/desktop#15336), set by the server.
Does not imitate: bypass lists, merge queues, status checks, signature verification (any signature counts), and
the words of pattern rules on names and e-mails, of which only the commit message's and tag name's were found.

This module is also the hook: it runs in git's quarantine as `python push_rules.py`, writes the verdict into a
file and the words to stderr. It therefore imports nothing of ours.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

MB = 1024 * 1024
NOTHING = "0" * 40
DOCUMENTS = "https://docs.github.com"
PRE_RECEIVE = "pre-receive hook declined"
RULES_BROKEN = "push declined due to repository rule violations"
LARGE_FILES = (
    "GH001: Large files detected. You may want to try Git Large File Storage - https://git-lfs.github.com."
)
PUSH_PROTECTION_PAGE = (
    f"{DOCUMENTS}/code-security/secret-scanning/working-with-secret-scanning-and-push-protection"
    "/working-with-push-protection-from-the-command-line#resolving-a-blocked-push"
)


@dataclass(frozen=True)
class Update:
    """One ref that a push wants to move."""

    old: str
    new: str
    ref: str

    @property
    def creates(self) -> bool:
        return self.old == NOTHING

    @property
    def deletes(self) -> bool:
        return self.new == NOTHING

    @property
    def branch(self) -> str:
        """The name without `refs/heads/`."""
        return self.ref.removeprefix("refs/heads/")


@dataclass(frozen=True)
class Blob:
    """A file's content that a push brings, at the path and commit that bring it."""

    commit: str
    path: str
    oid: str
    size: int


@dataclass(frozen=True)
class Pusher:
    """Who pushes, as far as a refusal names them."""

    login: str = ""
    workflows: bool = True
    kind: str = "classic"


@dataclass(frozen=True)
class Push:
    """One push as the server sees it before any ref moved."""

    repository: Path
    full_name: str
    site: str
    pusher: Pusher
    updates: tuple[Update, ...]

    @cached_property
    def commits(self) -> dict[str, list[str]]:
        """For each pushed ref the commits that the repository did not have."""
        return {update.ref: self._new_commits(update) for update in self.updates if not update.deletes}

    def blobs(self, update: Update) -> list[Blob]:
        """The files that the new commits of one ref bring."""
        if update.deletes:
            return []
        changes = list(self._changes(self.commits[update.ref]))
        sizes = self._sizes({oid for _, _, oid in changes})
        return [Blob(commit, path, oid, sizes[oid]) for commit, path, oid in changes if oid in sizes]

    def people(self, update: Update) -> Iterator[tuple[str, str, str, str]]:
        """Commit, author's e-mail, committer's e-mail and message of each new commit."""
        for commit in self.commits.get(update.ref, []):
            author, committer, message = self.git("show", "-s", "--format=%ae%x00%ce%x00%B", commit).split(
                "\0"
            )
            yield commit, author, committer, message

    def is_forced(self, update: Update) -> bool:
        """Whether it drops commits of the ref."""
        if update.creates or update.deletes:
            return False
        return bool(self.git("rev-list", "--max-count=1", update.old, f"^{update.new}").strip())

    def git(self, *arguments: str, given: str = "") -> str:
        done = subprocess.run(
            ["git", "-C", str(self.repository), *arguments],
            input=given.encode(),
            capture_output=True,
            check=True,
            timeout=60,
        )
        return done.stdout.decode(errors="replace")

    def _new_commits(self, update: Update) -> list[str]:
        return self.git("rev-list", "--reverse", update.new, "--not", "--all").split()

    def _changes(self, commits: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        given = "".join(f"{commit}\n" for commit in commits)
        shown = self.git("diff-tree", "--stdin", "--root", "-r", "-m", "--no-renames", "-z", given=given)
        commit, fields = "", iter(shown.split("\0"))
        for entry in fields:
            if entry.startswith(":"):
                yield commit, next(fields), entry.split(" ")[3]
            elif entry.strip():
                commit = entry.split()[0]

    def _sizes(self, oids: set[str]) -> dict[str, int]:
        given = "".join(f"{oid}\n" for oid in oids - {NOTHING})
        lines = self.git("cat-file", "--batch-check", given=given).splitlines()
        return {line.split()[0]: int(line.split()[2]) for line in lines if line.split()[1] == "blob"}


@dataclass(frozen=True)
class Refusal:
    """One ref that is refused: git's reason in brackets; `words` are the sideband's lines."""

    ref: str
    reason: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class PushRule:
    """Something that pushes are checked against."""

    def refusals(self, push: Push) -> Iterator[Refusal]:
        """The refs it refuses, with the words of the refusal."""
        raise TypeError(f"{type(self).__name__} decides nothing")

    def warnings(self, push: Push) -> Iterator[str]:
        """Lines for a push that it lets through."""
        yield from ()


@dataclass(frozen=True)
class FileSizeLimit(PushRule):
    """GH001: bytes a file may have, and from which on GitHub warns. It refuses the whole push."""

    limit: int = 100 * MB
    warn: int = 50 * MB

    def refusals(self, push: Push) -> Iterator[Refusal]:
        large = [blob for blob in _all_blobs(push) if blob.size > self.limit]
        words = [
            f"error: Trace: {secrets.token_hex(32)}",
            "error: See https://gh.io/lfs for more information.",
        ]
        for blob in large:
            size, limit = _megabytes(blob.size), _megabytes(self.limit)
            words.append(
                f"error: File {blob.path} is {size}; this exceeds GitHub's file size limit of {limit}"
            )
        words.append(f"error: {LARGE_FILES}")
        yield from _whole(push, PRE_RECEIVE, words if large else [])

    def warnings(self, push: Push) -> Iterator[str]:
        large = [blob for blob in _all_blobs(push) if self.warn < blob.size <= self.limit]
        for blob in large:
            size, limit = _megabytes(blob.size), _megabytes(self.warn)
            yield f"warning: File {blob.path} is {size}; this is larger than GitHub's recommended maximum file size of {limit}"
        if large:
            yield f"warning: {LARGE_FILES}"


@dataclass(frozen=True)
class ProtectedBranch(PushRule):
    """GH006: branches by pattern that pushes may not move, or only forward when `force_only` is set."""

    pattern: str = "main"
    force_only: bool = False

    def refusals(self, push: Push) -> Iterator[Refusal]:
        for update in push.updates:
            if fnmatch.fnmatchcase(update.branch, self.pattern) and (
                not self.force_only or push.is_forced(update)
            ):
                detail = (
                    "Cannot force-push to this branch"
                    if self.force_only
                    else "Changes must be made through a pull request."
                )
                words = [f"error: GH006: Protected branch update failed for {update.ref}.", "", f"- {detail}"]
                yield Refusal(update.ref, "protected branch hook declined", tuple(words))


@dataclass(frozen=True)
class PrivateEmail(PushRule):
    """GH007: e-mail addresses that their owner keeps private. It refuses the whole push."""

    addresses: tuple[str, ...] = ("ada@example.org",)

    def refusals(self, push: Push) -> Iterator[Refusal]:
        exposed = [
            commit
            for update in push.updates
            for commit, author, committer, _ in push.people(update)
            if {author, committer} & set(self.addresses)
        ]
        words = [
            "error: GH007: Your push would publish a private email address.",
            "You can make your email public or disable this protection by visiting:",
            f"{push.site}/settings/emails",
        ]
        yield from _whole(push, "push declined due to email privacy restrictions", words if exposed else [])


@dataclass(frozen=True)
class PushProtection(PushRule):
    """GH013 for secrets: names of kinds, each with the pattern that finds it. It refuses the whole push."""

    kinds: dict[str, str] = field(
        default_factory=lambda: {"GitHub Personal Access Token": r"ghp_[A-Za-z0-9]{36}"}
    )

    def refusals(self, push: Push) -> Iterator[Refusal]:
        found = list(self._found(push))
        words = _violations(push.updates[0].ref) + PUSH_PROTECTION_WORDS
        for kind, places in ((kind, [place for k, place in found if k == kind]) for kind in self.kinds):
            words += self._section(push, kind, places) if places else []
        yield from _whole(push, RULES_BROKEN, words if found else [])

    def _found(self, push: Push) -> Iterator[tuple[str, str]]:
        for blob in _all_blobs(push):
            for number, line in enumerate(push.git("cat-file", "blob", blob.oid).split("\n"), 1):
                for kind, pattern in self.kinds.items():
                    if re.search(pattern, line):
                        yield kind, f"    - commit: {blob.commit}\n      path: {blob.path}:{number}"

    def _section(self, push: Push, kind: str, places: list[str]) -> list[str]:
        lines = [f"      —— {kind} ".ljust(60, "—"), "       locations:"]
        lines += [f"     {line}" for place in places for line in place.split("\n")]
        allow = (
            f"{push.site}/{push.full_name}/security/secret-scanning/unblock-secret/{secrets.token_hex(13)}"
        )
        ask = "       (?) To push, remove secret from commit(s) or follow this URL to allow the secret."
        return [*lines, "", ask, f"       {allow}", "", ""]


PUSH_PROTECTION_WORDS = [
    "",
    "- GITHUB PUSH PROTECTION",
    "  " + "—" * 41,
    "    Resolve the following violations before pushing again",
    "",
    "    - Push cannot contain secrets",
    "",
    "",
    "     (?) Learn how to resolve a blocked push",
    f"     {PUSH_PROTECTION_PAGE}",
    "",
    "",
]


@dataclass(frozen=True)
class Ruleset(PushRule):
    """GH013 for rules: GitHub's types of rules on refs that match a pattern.

    Attributes:
        include: Patterns of full ref names; `~ALL` is every branch, as GitHub writes it.
        types: `creation`, `update`, `deletion`, `non_fast_forward`, `pull_request`, `required_signatures`,
            `commit_message_pattern`, `committer_email_pattern`, `commit_author_email_pattern`,
            `branch_name_pattern`, `file_path_restriction`.
        parameters: For a pattern type its regular expression, for `file_path_restriction` a shell pattern.
    """

    include: tuple[str, ...] = ("~ALL",)
    types: tuple[str, ...] = ("creation",)
    parameters: dict[str, str] = field(default_factory=dict)

    def covers(self, ref: str) -> bool:
        """Whether it applies to a ref, given by its full name."""
        if "~ALL" in self.include and ref.startswith("refs/heads/"):
            return True
        return any(fnmatch.fnmatchcase(ref, pattern) for pattern in self.include)

    def refusals(self, push: Push) -> Iterator[Refusal]:
        for update in filter(lambda update: self.covers(update.ref), push.updates):
            broken = [line for kind in self.types for line in self._broken(kind, update, push)]
            if broken:
                page = f"{push.site}/{push.full_name}/rules?ref={quote(update.ref, safe='')}"
                words = [*_violations(update.ref), f"Review all repository rules at {page}", "", *broken]
                yield Refusal(update.ref, RULES_BROKEN, tuple(words))

    def _broken(self, kind: str, update: Update, push: Push) -> list[str]:
        if kind in ("required_signatures", "file_path_restriction") or kind.startswith("commit"):
            return self._broken_by_commits(kind, update, push)
        forbidden = {
            "creation": (update.creates, "Cannot create ref due to creations being restricted."),
            "update": (not update.creates and not update.deletes, "Cannot update this protected ref."),
            "deletion": (update.deletes, "Cannot delete this branch"),
            "non_fast_forward": (push.is_forced(update), "Cannot force-push to this branch"),
            "pull_request": (not update.creates, "Changes must be made through a pull request."),
            "branch_name_pattern": self._name(update),
        }
        broken, words = forbidden[kind]
        return [f"- {words}", ""] if broken else []

    def _name(self, update: Update) -> tuple[bool, str]:
        pattern = self.parameters.get("branch_name_pattern", "")
        return not re.search(
            pattern, update.branch
        ), f"Branch name must match a given regex pattern: {pattern}"

    def _broken_by_commits(self, kind: str, update: Update, push: Push) -> list[str]:
        pattern = self.parameters.get(kind, "")
        if kind == "required_signatures":
            words = "Commits must have verified signatures."
            guilty = [
                c
                for c in push.commits.get(update.ref, [])
                if "\ngpgsig " not in push.git("cat-file", "-p", c)
            ]
        elif kind == "file_path_restriction":
            words = "File path is restricted"
            blobs = push.blobs(update)
            guilty = [
                f"{blob.path} ({blob.commit})" for blob in blobs if fnmatch.fnmatchcase(blob.path, pattern)
            ]
        else:
            words, guilty = self._patterns(kind, pattern, update, push)
        count = f"{len(guilty)} violation{'s' if len(guilty) != 1 else ''}"
        return [f"- {words}", f"  Found {count}:", "", *(f"  {one}" for one in guilty), ""] if guilty else []

    def _patterns(self, kind: str, pattern: str, update: Update, push: Push) -> tuple[str, list[str]]:
        names = {
            "commit_message_pattern": ("Commit message", 3),
            "commit_author_email_pattern": ("Author email", 1),
            "committer_email_pattern": ("Committer email", 2),
        }
        name, place = names[kind]
        guilty = [facts[0] for facts in push.people(update) if not re.search(pattern, facts[place])]
        return f"{name} must match a given regex pattern: {pattern}", guilty


@dataclass(frozen=True)
class WorkflowScope(PushRule):
    """Changes below `.github/workflows` by a token that may not; the server adds it for such tokens."""

    def refusals(self, push: Push) -> Iterator[Refusal]:
        who, lacks = WORKFLOW_WORDS.get(push.pusher.kind, WORKFLOW_WORDS["classic"])
        for update in push.updates if not push.pusher.workflows else ():
            paths = [blob.path for blob in push.blobs(update) if blob.path.startswith(".github/workflows/")]
            if paths:
                reason = f"refusing to allow {who} to create or update workflow `{paths[0]}` without {lacks}"
                yield Refusal(update.ref, reason, ())


WORKFLOW_WORDS = {
    "classic": ("a Personal Access Token", "`workflow` scope"),
    "fine-grained": ("a Personal Access Token", "`workflow` scope"),
    "oauth": ("an OAuth App", "`workflow` scope"),
    "app": ("a GitHub App", "`workflows` permission"),
    "codespaces": ("a GitHub App", "`workflows` permission"),
}


@dataclass(frozen=True)
class Quota(PushRule):
    """The repository is above its size quota. It refuses every push."""

    def refusals(self, push: Push) -> Iterator[Refusal]:
        words = "error: Repository is above its size quota. Contact GitHub Support for further assistance."
        yield from _whole(push, PRE_RECEIVE, [words])


@dataclass(frozen=True)
class SlowHook(PushRule):
    """Checks that take long, in seconds: the moment at which a cut connection is most treacherous."""

    seconds: float = 1.0

    def refusals(self, push: Push) -> Iterator[Refusal]:
        time.sleep(self.seconds)
        yield from ()


KINDS: dict[str, type[PushRule]] = {
    kind.__name__: kind
    for kind in (
        FileSizeLimit,
        ProtectedBranch,
        PrivateEmail,
        PushProtection,
        Ruleset,
        WorkflowScope,
        Quota,
        SlowHook,
    )
}


def to_json(rules: Sequence[PushRule]) -> str:
    """Rules as the hook reads them."""
    return json.dumps([{"kind": type(rule).__name__, **asdict(rule)} for rule in rules])


def from_json(text: str) -> list[PushRule]:
    """The rules that `to_json` wrote."""
    rules = []
    for found in json.loads(text):
        fields = {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
        rules.append(KINDS[fields.pop("kind")](**fields))
    return rules


def judge(push: Push, rules: Sequence[PushRule]) -> dict[str, Refusal]:
    """The refused refs; the first rule that refuses a ref decides its reason."""
    refused: dict[str, Refusal] = {}
    for rule in rules:
        for refusal in rule.refusals(push):
            refused.setdefault(refusal.ref, refusal)
    return refused


def _violations(ref: str) -> list[str]:
    return [f"error: GH013: Repository rule violations found for {ref}."]


def _all_blobs(push: Push) -> list[Blob]:
    return [blob for update in push.updates for blob in push.blobs(update)]


def _whole(push: Push, reason: str, words: list[str]) -> Iterator[Refusal]:
    for number, update in enumerate(push.updates if words else ()):
        yield Refusal(update.ref, reason, tuple(words) if number == 0 else ())


def _megabytes(size: int) -> str:
    return f"{size / MB:.2f} MB"


def _main() -> int:
    asked: dict[str, Any] = json.loads(os.environ["GITSESSION_RIG_PUSH"])
    updates = tuple(Update(*line.split()) for line in sys.stdin.read().splitlines())
    pusher = Pusher(**asked["pusher"])
    push = Push(Path.cwd(), asked["full_name"], asked["site"], pusher, updates)
    rules = from_json(json.dumps(asked["rules"]))
    refused = judge(push, rules)
    lines = [line for refusal in refused.values() for line in refusal.words]
    if not refused:
        lines = [line for rule in rules for line in rule.warnings(push)]
    sys.stderr.buffer.write("".join(f"{line}\n" for line in lines).encode())
    verdict = {ref: refusal.reason for ref, refusal in refused.items()}
    Path(asked["verdict"]).write_text(json.dumps(verdict))
    Path(asked["verdict"] + ".refs").write_text("".join(f"{ref}\n" for ref in verdict))
    everything = len(refused) == len(updates) or (bool(refused) and asked["atomic"])
    return 1 if everything else 0


if __name__ == "__main__":
    sys.exit(_main())
