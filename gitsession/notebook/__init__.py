"""gitsession inside a notebook's kernel: the live card, the open notebook, what ran, and the magics.

Nothing that must live lives here: a kernel may be restarted or killed at any time, and saving goes on.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["shell"]


def shell() -> Any | None:
    """The IPython shell of this process where it is a notebook's kernel, else None."""
    ipython: Any = sys.modules.get("IPython")
    found = ipython.get_ipython() if ipython is not None else None
    return found if getattr(found, "kernel", None) is not None else None
