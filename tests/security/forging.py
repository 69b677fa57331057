"""What somebody who can write to a vault puts there."""

from __future__ import annotations

import hashlib
from pathlib import Path

from gitsession.git import Repository, bundle
from gitsession.model import SessionName
from gitsession.replicas.bundles import increment_name, refs_for

RANK = 99


def plant_increment(
    folder: Path, source: Repository, session: SessionName, snapshot: str, state: str
) -> None:
    """An increment of the highest rank that ends at this state, with every object of the source."""
    listed = ("cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)")
    pack = source.output("pack-objects", "--stdout", "-q", stdin=source.output(*listed))
    content = bundle.header(refs_for(session, snapshot, RANK, state, RANK), []) + pack
    folder.mkdir(parents=True, exist_ok=True)
    (folder / increment_name(RANK, state, hashlib.sha256(content).hexdigest())).write_bytes(content)
