"""How the notebook in a tab relates to its file, and what is done about it: pure decisions on cells."""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import PurePosixPath

from gitsession.address import Address, parse_address
from gitsession.errors import AddressError

_COLAB_LINK = re.compile(r"https://colab\.research\.google\.com/github/[^\s\"'<>)]+")

Cells = Sequence[str]


class Relation(enum.Enum):
    """What the tab is to the file, by the sources of its cells."""

    SAME = "same"
    NEWER = "newer"
    OLDER = "older"
    DIVERGED = "diverged"


class Take(enum.Enum):
    """What happens to the notebook in the tab."""

    WRITE = "write"
    BESIDE = "beside"
    NOTHING = "nothing"


def relate(tab: Cells, file: Cells, earlier: Iterable[Cells]) -> Relation:
    """Compare a tab with its file.

    Args:
        tab: The sources of the cells in the tab.
        file: Those in the file.
        earlier: Those of versions that the file is known to have had.

    Returns:
        `NEWER` when every cell of the file is in the tab; else `OLDER` when the tab holds nothing that the
        file or its earlier versions do not hold; else `DIVERGED`.
    """
    if list(tab) == list(file):
        return Relation.SAME
    if set(file) <= set(tab):
        return Relation.NEWER
    known = set(file).union(*map(set, earlier))
    return Relation.OLDER if set(tab) <= known else Relation.DIVERGED


def decide(relation: Relation | None, on_disk: str | None, written: str | None) -> Take:
    """What to do with the notebook in the tab; a file that was edited elsewhere is never written over.

    Args:
        relation: What the tab is to the file; None where there is no file to compare with.
        on_disk: The digest of the file; None where there is none.
        written: The digest of what was last written from this very tab; None before the first time.
    """
    if on_disk is None:
        return Take.WRITE if written is None else Take.NOTHING
    if on_disk == written or relation is Relation.SAME:
        return Take.WRITE
    if written is None and relation is Relation.NEWER:
        return Take.WRITE
    return Take.NOTHING if written is None and relation is Relation.OLDER else Take.BESIDE


def digest(content: bytes) -> str:
    """A content's name for comparisons."""
    return hashlib.sha256(content).hexdigest()


def beside(path: str) -> str:
    """`notebooks/a.from-tab.ipynb` for `notebooks/a.ipynb`."""
    whole = PurePosixPath(path)
    return str(whole.with_name(f"{whole.stem}.from-tab{whole.suffix}"))


def guess(badges: str, name: str | None, repository: Address, notebooks: Collection[str]) -> str | None:
    """The notebook's path: what Colab's own badge says, else the only notebook of that name; None if unclear.

    Args:
        badges: The text of the cell in which Colab keeps its badge.
        name: What Colab calls the notebook.
        repository: The opened repository.
        notebooks: The paths of its notebooks.
    """
    for link in _COLAB_LINK.findall(badges):
        path = _path_in(link, repository)
        if path in notebooks:
            return path
    same = [path for path in notebooks if PurePosixPath(path).name == name]
    return same[0] if len(same) == 1 else None


def _path_in(link: str, repository: Address) -> str | None:
    try:
        found = parse_address(link)
    except AddressError:
        return None
    return found.file if found.slug.lower() == repository.slug.lower() else None
