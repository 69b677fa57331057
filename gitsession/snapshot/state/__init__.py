"""Exact resume: the state commit, which holds what a snapshot cannot.

A state commit's first parent is its snapshot; its tree holds HEAD, the index, the operation under way,
branches, stash and times as small files (`layout`); its further parents make reachable what these name.
`capture` writes one and only reads the user's repository, `read` understands one, `apply` puts it back.

Not kept: reflogs other than the stash's, `rr-cache`, the index's resolve-undo records, and pseudo-refs of a
repository that stores its refs as reftables.
"""

from gitsession.snapshot.state.applying import Applied, apply
from gitsession.snapshot.state.capturing import Captured, capture, fingerprint
from gitsession.snapshot.state.layout import Flags, Lease, State
from gitsession.snapshot.state.reading import flaw, parents, read, trees
from gitsession.snapshot.state.renewing import renew

__all__ = [
    "Applied",
    "Captured",
    "Flags",
    "Lease",
    "State",
    "apply",
    "capture",
    "fingerprint",
    "flaw",
    "parents",
    "read",
    "renew",
    "trees",
]
