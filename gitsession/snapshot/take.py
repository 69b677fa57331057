"""Taking snapshots."""

from __future__ import annotations

from gitsession.snapshot.values import Head, Limits, Taken

__all__ = ["Head", "Limits", "Taken"]
