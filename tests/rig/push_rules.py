"""Why GitHub refuses a push, in GitHub's own words.

Stands for GitHub's push checks. The words are those that people pasted into public issues:

- GH008 contents that the LFS store lacks: git-lfs/git-lfs#3231, sinbad/lfs-folderstore#13;
- GH001 files over the limit: git-lfs/git-lfs#6330, cpina/github-action-push-to-another-repository#40;
  the warning over 50 MB: IIC2233/Syllabus-2024-2#693.
- GH006 protected branch: SalamLang/Salam#430, az-digital/arizona-bootstrap#1524.
- GH007 private e-mail: AlexandreMeslin/ENG4021#14, desktop/dugite#92.
- GH013 push protection: palxiao/poster-design#140, Commando-X/vuln-bank#53. Rulesets: see `rulesets`.
- Workflow scope: DataChefHQ/aws-data-landing-zone#29; of an App: peter-evans/create-pull-request#3558.
- Quota: ryanfortner/box64-debs#47.

The 2 GB limit of one push is git's own `receive.maxInputSize` (desktop/desktop#15336), set by the server.
Does not imitate: GitHub's own patterns for secrets, nor which of several refs an unrelated rule spares.
Like `pushes`, it imports only the standard library, for the hook's sake.
"""

from __future__ import annotations

import fnmatch
import json
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

from tests.rig.pushes import NOTHING, Blob, Push, Update

MB = 1024 * 1024
PRE_RECEIVE = "pre-receive hook declined"
FORCED = "Cannot force-push to this branch"
PULL_REQUEST_ONLY = "Changes must be made through a pull request."
SECRETS = {"GitHub Personal Access Token": r"ghp_[A-Za-z0-9]{36}"}
RULES_BROKEN = "push declined due to repository rule violations"
LARGE_FILES = (
    "GH001: Large files detected. You may want to try Git Large File Storage - https://git-lfs.github.com."
)
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
    "     https://docs.github.com/code-security/secret-scanning/working-with-secret-scanning-and-push-protection/"
    "working-with-push-protection-from-the-command-line#resolving-a-blocked-push",
    "",
    "",
]
WORKFLOW_WORDS = {
    "classic": ("a Personal Access Token", "`workflow` scope"),
    "fine-grained": ("a Personal Access Token", "`workflow` scope"),
    "oauth": ("an OAuth App", "`workflow` scope"),
    "app": ("a GitHub App", "`workflows` permission"),
    "codespaces": ("a GitHub App", "`workflows` permission"),
}


POINTER = re.compile(r"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\n")


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
        large = [blob for blob in push.all_blobs() if blob.size > self.limit]
        said = f"this exceeds GitHub's file size limit of {_megabytes(self.limit)}"
        words = [
            f"error: Trace: {secrets.token_hex(32)}",
            "error: See https://gh.io/lfs for more information.",
            *(f"error: File {blob.path} is {_megabytes(blob.size)}; {said}" for blob in large),
            f"error: {LARGE_FILES}",
        ]
        yield from _whole(push, PRE_RECEIVE, words if large else [])

    def warnings(self, push: Push) -> Iterator[str]:
        large = [blob for blob in push.all_blobs() if self.warn < blob.size <= self.limit]
        said = f"this is larger than GitHub's recommended maximum file size of {_megabytes(self.warn)}"
        for blob in large:
            yield f"warning: File {blob.path} is {_megabytes(blob.size)}; {said}"
        if large:
            yield f"warning: {LARGE_FILES}"


@dataclass(frozen=True)
class ProtectedBranch(PushRule):
    """GH006: branches by pattern that pushes may not move, or only forward when `force_only` is set."""

    pattern: str = "main"
    force_only: bool = False

    def refusals(self, push: Push) -> Iterator[Refusal]:
        detail = FORCED if self.force_only else PULL_REQUEST_ONLY
        for update in push.updates:
            protected = fnmatch.fnmatchcase(update.branch, self.pattern)
            if protected and (push.is_forced(update) or not self.force_only):
                words = (f"error: GH006: Protected branch update failed for {update.ref}.", "", f"- {detail}")
                yield Refusal(update.ref, "protected branch hook declined", words)


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
class UnknownLargeFiles(PushRule):
    """GH008: pointers of Git LFS whose contents, by SHA-256, the store lacks. It refuses the whole push."""

    stored: tuple[str, ...] = ()

    def refusals(self, push: Push) -> Iterator[Refusal]:
        shown = (push.git("cat-file", "blob", blob.oid) for blob in push.all_blobs() if blob.size < MB)
        named = [found[1] for text in shown if (found := POINTER.match(text))]
        missing = list(dict.fromkeys(oid for oid in named if oid not in self.stored))
        words = [
            f"error: GH008: Your push referenced at least {len(missing)} unknown Git LFS objects:",
            *(f"    {oid}" for oid in missing[:3]),
            *(["    ..."] if len(missing) > 3 else []),
            "Try to push them with 'git lfs push --all'.",
        ]
        yield from _whole(push, PRE_RECEIVE, words if missing else [])


@dataclass(frozen=True)
class PushProtection(PushRule):
    """GH013 for secrets: names of kinds, each with the pattern that finds it. It refuses the whole push."""

    kinds: dict[str, str] = field(default_factory=lambda: dict(SECRETS))

    def refusals(self, push: Push) -> Iterator[Refusal]:
        found: dict[str, list[str]] = {}
        for kind, blob, number in self._found(push):
            places = found.setdefault(kind, [])
            places += [f"         - commit: {blob.commit}", f"           path: {blob.path}:{number}"]
        sections = [line for kind, places in found.items() for line in _section(push, kind, places)]
        words = violations(push.updates[0].ref) + PUSH_PROTECTION_WORDS + sections
        yield from _whole(push, RULES_BROKEN, words if found else [])

    def _found(self, push: Push) -> Iterator[tuple[str, Blob, int]]:
        for blob in push.all_blobs():
            for number, line in enumerate(push.git("cat-file", "blob", blob.oid).split("\n"), 1):
                yield from (
                    (kind, blob, number) for kind, pattern in self.kinds.items() if re.search(pattern, line)
                )


@dataclass(frozen=True)
class WorkflowScope(PushRule):
    """Changes below `.github/workflows` by a token that may not; the server adds it for such tokens.

    GitHub documents it of files that are added or updated, unless a branch has the same one ("Scopes for
    OAuth apps"). Whether it refuses that one is taken away is not known: `deletions` plays that it does, in
    the same words, of branches.
    """

    deletions: bool = False

    def refusals(self, push: Push) -> Iterator[Refusal]:
        who, lacks = WORKFLOW_WORDS.get(push.pusher.kind, WORKFLOW_WORDS["classic"])
        for update in push.updates if not push.pusher.workflows else ():
            changed = [item for item in push.changed(update) if item[0].startswith(".github/workflows/")]
            paths = [path for path, oid in changed if self._is_meant(push, update, path, oid)]
            if paths:
                reason = f"refusing to allow {who} to create or update workflow `{paths[0]}` without {lacks}"
                yield Refusal(update.ref, reason, ())

    def _is_meant(self, push: Push, update: Update, path: str, oid: str) -> bool:
        if oid == NOTHING:
            return self.deletions and update.ref.startswith("refs/heads/")
        return not push.is_on_a_branch(path, oid)


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


@dataclass(frozen=True)
class Foreign(PushRule):
    """A server that is not GitHub, or no friend: it refuses every push in words of its own choice."""

    words: tuple[str, ...] = ()

    def refusals(self, push: Push) -> Iterator[Refusal]:
        yield from _whole(push, PRE_RECEIVE, list(self.words))


def to_json(rules: Sequence[PushRule]) -> str:
    """Rules as the hook reads them."""
    return json.dumps([{"kind": type(rule).__name__, **asdict(rule)} for rule in rules])


def from_json(text: str) -> list[PushRule]:
    """The rules that `to_json` wrote."""
    rules = []
    kinds = {kind.__name__: kind for kind in PushRule.__subclasses__()}
    for found in json.loads(text):
        fields = {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
        rules.append(kinds[str(fields.pop("kind"))](**fields))
    return rules


def judge(push: Push, rules: Sequence[PushRule]) -> tuple[dict[str, str], list[str]]:
    """The refused refs with their reasons, the first rule's where several refuse; and all words."""
    refusals = [refusal for rule in rules for refusal in rule.refusals(push)]
    words = [line for refusal in refusals for line in refusal.words]
    if not refusals:
        words = [line for rule in rules for line in rule.warnings(push)]
    return {refusal.ref: refusal.reason for refusal in reversed(refusals)}, words


def violations(ref: str) -> list[str]:
    """How every GH013 begins."""
    return [f"error: GH013: Repository rule violations found for {ref}."]


def _section(push: Push, kind: str, places: Sequence[str]) -> list[str]:
    page = f"{push.site}/{push.full_name}/security/secret-scanning/unblock-secret/{secrets.token_hex(13)}"
    ask = "       (?) To push, remove secret from commit(s) or follow this URL to allow the secret."
    title = f"      —— {kind} ".ljust(60, "—")
    return [title, "       locations:", *places, "", ask, f"       {page}", "", ""]


def _whole(push: Push, reason: str, words: list[str]) -> Iterator[Refusal]:
    for number, update in enumerate(push.updates if words else ()):
        yield Refusal(update.ref, reason, tuple(words) if number == 0 else ())


def _megabytes(size: int) -> str:
    return f"{size / MB:.2f} MB"
