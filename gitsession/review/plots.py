"""Plots where a comment can show them: a commit of image files, kept by a ref of the pull request's own."""

from __future__ import annotations

from collections.abc import Sequence

from gitsession.git import Repository, commits
from gitsession.model import Identity
from gitsession.review.markdown import blob_link
from gitsession.review.outputs import Image

PREFIX = "refs/gitsession-pr"
MOST_IMAGES = 200
MOST_BYTES = 50_000_000


def ref(number: int) -> str:
    """The ref that keeps the plots of a pull request."""
    return f"{PREFIX}/{number}"


def choose(images: Sequence[Image]) -> tuple[Image, ...]:
    """The images that are shown, in order, until there are too many or they weigh too much."""
    chosen: list[Image] = []
    weight = 0
    for image in images[:MOST_IMAGES]:
        weight += len(image.content)
        if weight > MOST_BYTES:
            break
        chosen.append(image)
    return tuple(chosen)


def commit(
    repository: Repository, images: Sequence[Image], author: Identity, previous: str | None
) -> str | None:
    """Commit images on top of those of earlier rounds, whose links stay good; None without any."""
    chosen = choose(images)
    if not chosen:
        return None
    files = {image.name: commits.write_blob(repository, image.content) for image in chosen}
    tree = commits.write_flat_tree(repository, files)
    parents = [previous] if previous else []
    return commits.commit(repository, tree, parents, "Plots of a review\n\n[skip ci]\n", author)


def links(images: Sequence[Image], repository_url: str, commit: str | None) -> dict[str, str]:
    """Where each committed image is shown from, by its name."""
    if commit is None:
        return {}
    return {image.name: blob_link(repository_url, commit, image.name) for image in choose(images)}
