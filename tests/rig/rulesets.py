"""GitHub's rulesets, as far as a push meets them: GH013 with its detail lines.

The words: dmf-mxl/mxl#356 (creation), vercel/sandbox#169 (signatures), yshavit/mdq#255 (pull request only).
Those of rules on names, e-mails and paths are modelled on the commit message's and may differ in detail.
Does not imitate: bypass lists, merge queues, status checks, verification of signatures: any signature counts.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from tests.rig.push_rules import FORCED, PULL_REQUEST_ONLY, RULES_BROKEN, PushRule, Refusal, violations
from tests.rig.pushes import Push, Update

MUST_MATCH = "must match a given regex pattern:"
PEOPLE = {
    "commit_message_pattern": ("Commit message", 3),
    "commit_author_email_pattern": ("Author email", 1),
    "committer_email_pattern": ("Committer email", 2),
}


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
                words = [*violations(update.ref), f"Review all repository rules at {page}", "", *broken]
                yield Refusal(update.ref, RULES_BROKEN, tuple(words))

    def _broken(self, kind: str, update: Update, push: Push) -> list[str]:
        if kind in PEOPLE or kind in ("required_signatures", "file_path_restriction"):
            return self._broken_by_commits(kind, update, push)
        name = self.parameters.get("branch_name_pattern", "")
        forbidden = {
            "creation": (update.creates, "Cannot create ref due to creations being restricted."),
            "update": (not update.creates and not update.deletes, "Cannot update this protected ref."),
            "deletion": (update.deletes, "Cannot delete this branch"),
            "non_fast_forward": (push.is_forced(update), FORCED),
            "pull_request": (not update.creates, PULL_REQUEST_ONLY),
            "branch_name_pattern": (not re.search(name, update.branch), f"Branch name {MUST_MATCH} {name}"),
        }
        broken, words = forbidden[kind]
        return [f"- {words}", ""] if broken else []

    def _broken_by_commits(self, kind: str, update: Update, push: Push) -> list[str]:
        words, guilty = self._guilty(kind, self.parameters.get(kind, ""), update, push)
        count = f"{len(guilty)} violation{'s' if len(guilty) != 1 else ''}"
        return [f"- {words}", f"  Found {count}:", "", *(f"  {one}" for one in guilty), ""] if guilty else []

    def _guilty(self, kind: str, pattern: str, update: Update, push: Push) -> tuple[str, list[str]]:
        commits = push.commits.get(update.ref, [])
        if kind == "required_signatures":
            unsigned = [commit for commit in commits if "\ngpgsig " not in push.git("cat-file", "-p", commit)]
            return "Commits must have verified signatures.", unsigned
        if kind == "file_path_restriction":
            blobs = [blob for blob in push.blobs(update) if fnmatch.fnmatchcase(blob.path, pattern)]
            return "File path is restricted", [f"{blob.path} ({blob.commit})" for blob in blobs]
        name, place = PEOPLE[kind]
        guilty = [facts[0] for facts in push.people(update) if not re.search(pattern, facts[place])]
        return f"{name} {MUST_MATCH} {pattern}", guilty
