"""Patterns of paths as people know them from `.gitignore`: for git, and for paths that git does not see."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from gitsession.errors import UsageError

_PARTS = re.compile(r"\*\*/|/\*\*$|\*\*|\*|\?|\[!?[^\]/]+\]|.", re.DOTALL)


def check(pattern: str) -> str:
    """The pattern, once it is sure to name something inside the work tree.

    Raises:
        UsageError: It is empty, absolute, or leads outside.
    """
    parts = pattern.split("/")
    if not pattern.strip("/") or pattern.startswith("/") or ".." in parts or not pattern.isprintable():
        raise UsageError(
            f"{pattern!r} is no pattern of paths.",
            hint="Write it relative to the work tree, such as checkpoints/** or *.pt.",
        )
    return pattern


def pathspecs(pattern: str) -> tuple[str, str]:
    """The pattern as git's commands take it; a folder's name means what is in it."""
    whole = _anywhere(pattern.rstrip("/"))
    return f":(glob){whole}", f":(glob){whole}/**"


def matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a path, or a folder above it, matches one of the patterns.

    Example:
        >>> is_meant = matcher(["checkpoints/**", "*.pt"])
        >>> is_meant("checkpoints/a/b.bin"), is_meant("x/model.pt"), is_meant("train.py")
        (True, True, False)
    """
    compiled = [re.compile(_expression(_anywhere(pattern.rstrip("/")))) for pattern in patterns]
    return lambda path: any(expression.match(path) for expression in compiled)


def _anywhere(pattern: str) -> str:
    """Without a slash it means a name in any folder."""
    return pattern if "/" in pattern else f"**/{pattern}"


def _expression(pattern: str) -> str:
    return "".join(map(_part, _PARTS.findall(pattern))) + r"(?:/.*)?\Z"


def _part(part: str) -> str:
    known = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if part in known:
        return known[part]
    if len(part) > 1:
        inside = part[1:-1].replace("\\", r"\\")
        return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"
    return re.escape(part)
