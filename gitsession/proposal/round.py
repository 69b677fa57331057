"""One round of review: the branch, the pull request, its comments and the full report."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gitsession import files, runtime
from gitsession.agent import control
from gitsession.agent.heads import head
from gitsession.errors import GitError, GitsessionError, SessionError
from gitsession.git import commits, configuration, history, lookup, refs
from gitsession.hub import Pulls
from gitsession.proposal import bases, large, leaving, pushing
from gitsession.proposal.ground import Ground
from gitsession.proposal.values import Review, Wish
from gitsession.proposal.words import commit_message, title_of
from gitsession.replicas.own_commits import refuse
from gitsession.review import branch, pull_request, template
from gitsession.review.changes import Changes, between, strip_outputs
from gitsession.review.markdown import Links, comments
from gitsession.review.pull_request import Wanted
from gitsession.review.report import Facts, page
from gitsession.snapshot import trailers
from gitsession.snapshot.lfs import HELD

SAVE_TIMEOUT = 330.0
REPORT = "review.html"
BETWEEN_WRITES = 1.0
MORE = "The full report is one HTML page: `gitsession review --open` shows it."
Listen = Callable[[str], None]


@dataclass(frozen=True)
class Built:
    """A round's commit and what it stands on."""

    base: str
    fork: str
    previous: str | None
    snapshot: str
    made: branch.ReviewBranch
    changes: Changes
    notes: tuple[str, ...]


def review(ground: Ground, wish: Wish, listen: Listen = lambda _: None) -> Review:
    """Hand in the work tree as it is; see `Session.review`.

    Raises:
        RepositoryError: There is nothing to review, or the base is not there.
        RefusedError, AuthorisationError, GitError: The remote refuses the branch.
        HubError: GitHub refuses the pull request; the branch is there.
    """
    if not ground.configuration.publish:
        raise SessionError(
            "Nothing of this session is published.", hint="Open it without publish=False to review it."
        )
    into = bases.base_branch(ground, wish.base)
    listen("Saving the work tree")
    built = build(ground, wish, into, listen)
    listen("Pushing the review branch")
    pushing.push(ground, bases.HEADS + ground.session.review_branch, built.made.tip, built.previous)
    result = Review(
        ground.session.review_branch,
        into,
        built.made.tip,
        built.made.made,
        ground.places.directory / REPORT,
        conflicts=tuple(template.conflict_line(one) for one in built.made.conflicts),
        notes=built.notes,
    )
    pulls = ground.pulls
    if pulls is not None:
        listen("Bringing the pull request up to date")
        result = publish(ground, pulls, wish, built, result)
    else:
        result = replace(result, notes=(*result.notes, _no_pull_request(ground)))
    _write_report(ground, wish, built, result)
    return result


def build(ground: Ground, wish: Wish, into: str, listen: Listen = lambda _: None) -> Built:
    """Make the round's commit on this machine; nothing is pushed but the contents of Git LFS.

    Raises:
        RepositoryError: There is nothing to review, or the base is not there.
        RefusedError: A commit of the user's may not leave.
    """
    snapshot, own = _saved(ground), head(ground.user).commit
    base = bases.fetch_base(ground, into)
    previous = bases.fetch_previous(ground, base, own)
    guard = leaving.guard_of(ground)
    if own is not None:
        known = [base, *([previous] if previous else []), *refs.published(ground.user.repository)]
        refuse(ground.repository, guard, own, known)
    before = own or base
    tree = commits.tree_of(ground.repository, snapshot)
    bare = strip_outputs(ground.repository, before, tree) if wish.outputs == "strip" else tree
    sifted = leaving.sift(ground, guard, before, bare)
    held = {item.path: item.reason for item in leaving.held(ground)}
    of_lfs = [path for path, reason in held.items() if reason == HELD]
    brought = large.bring(ground, guard, sifted.tree, of_lfs, listen)
    others = {path: reason for path, reason in held.items() if reason != HELD}
    notes = (*leaving.told({**others, **sifted.left_out}), *brought.notes)
    made = branch.build(
        ground.repository,
        branch.Round(brought.tree, base, own, previous),
        commit_message(ground.repository, previous or before, brought.tree, wish.title),
        ground.configuration.author,
        signing=_signing(ground),
    )
    fork = commits.merge_base(ground.repository, base, made.tip) or base
    changes = between(ground.repository, fork, made.tip)
    return Built(base, fork, previous, snapshot, made, changes, (*notes, *made.notes))


def publish(ground: Ground, pulls: Pulls, wish: Wish, built: Built, result: Review) -> Review:
    """Bring the pull request and its comments up to date; of what GitHub refuses the rest is kept.

    Raises:
        HubError: GitHub refuses the pull request itself.
    """
    wanted = Wanted(
        ground.head,
        result.base,
        title_of(built.made, built.changes, wish.title),
        _body(ground, wish, built),
        draft=wish.draft,
        reviewers=wish.reviewers,
        labels=wish.labels,
        retitle=wish.title is not None,
    )
    opened = pull_request.open_or_update(pulls, wanted)
    notes = [*result.notes, *opened.notes]
    try:
        images = pushing.push_plots(ground, opened.number, built.changes.images)
    except GitError as error:
        images = {}
        notes.append(f"The plots could not be published: {error.what}")
    links = Links(pushing.web(ground, upstream=True), opened.number, images)
    texts = comments(built.changes.notebooks, links, more=MORE)
    try:
        pull_request.publish_comments(
            pulls, opened.number, texts, _login(ground), lambda: time.sleep(BETWEEN_WRITES)
        )
    except GitsessionError as error:
        notes.append(f"The comment is not up to date: {error.what} `gitsession review` tries it again.")
    return replace(result, number=opened.number, url=opened.url, notes=tuple(notes))


def _saved(ground: Ground) -> str:
    """The newest snapshot, of the work tree as it is now, visible to git."""
    ask: Mapping[str, Any] = {"seconds": SAVE_TIMEOUT - 30, "level": "local"}
    control.ask(ground.places.agent_socket, "flush", timeout=SAVE_TIMEOUT, **ask)
    found = control.ask(ground.places.agent_socket, "log", timeout=SAVE_TIMEOUT, limit=1)["snapshots"]
    if not found:
        raise SessionError("There is no snapshot yet.", hint="Change something first.")
    return str(found[0]["commit"])


def _signing(ground: Ground) -> dict[str, str] | None:
    """The user's settings for signing, where they sign; the programs are those of their own configuration."""
    found = configuration.matching(
        ground.user.repository, r"^(commit\.gpgsign|user\.signingkey|gpg\.format)$"
    )
    wanted = {key: values[-1] for key, values in found.items()}
    signs = wanted.pop("commit.gpgsign", "false").lower() in ("true", "yes", "on", "1")
    return wanted if signs else None


def _body(ground: Ground, wish: Wish, built: Built) -> str:
    names = [f"{built.base}:{path}" for path in template.TEMPLATES]
    found = next((text for text in lookup.contents(ground.repository, names) if text), b"")
    return template.body(
        built.changes,
        _circumstances(ground, built.snapshot),
        repository=ground.home.slug,
        branch=ground.session.review_branch,
        words=wish.body or "",
        conflicts=built.made.conflicts,
        template=found.decode("utf-8", "replace"),
    )


def _circumstances(ground: Ground, snapshot: str) -> template.Circumstances:
    chain = history.chain(ground.repository, snapshot)
    messages = [entry.message for entry in chain if trailers.is_snapshot(entry.message)]
    ran = [said for text in reversed(messages) if (said := trailers.parse(text).ran)]
    return template.from_trailers(ran, runtime=runtime.detect(os.environ).name)


def _login(ground: Ground) -> str:
    hub = ground.hub
    return ground.session.login if hub is None else hub.user().login


def _no_pull_request(ground: Ground) -> str:
    why = "there is no token" if ground.is_on_github else "the remote is no GitHub"
    return f"No pull request was opened, since {why}: the branch is pushed and the report is written."


def _write_report(ground: Ground, wish: Wish, built: Built, result: Review) -> None:
    facts = Facts(
        title_of(built.made, built.changes, wish.title),
        str(ground.address),
        result.base,
        result.branch,
        built.changes.others,
        (*result.notes, *(f"In conflict with the base: {line}" for line in result.conflicts)),
    )
    text = page(built.changes.notebooks, facts).encode("utf-8", "replace")
    files.write_atomically(Path(result.report), text)
