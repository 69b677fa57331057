"""Words for people: sizes, ages, and foreign text that can do nothing but be read."""

from __future__ import annotations

import unicodedata

_UNPRINTABLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def inert(text: object) -> str:
    """The text with terminal escapes, control and bidi characters shown instead of obeyed."""
    shown = str(text)
    if shown.isprintable():  # nearly all, and much faster than a look at each character
        return shown
    return "".join(
        character
        if character == "\t" or unicodedata.category(character) not in _UNPRINTABLE
        else ascii(character)[1:-1]
        for character in shown
    )


def inert_lines(text: object) -> str:
    """The same for text of several lines, which stay lines."""
    return "\n".join(map(inert, str(text).split("\n")))


def human_size(size: int) -> str:
    """`1.4 MB`, in powers of 1,000."""
    amount = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def human_age(seconds: float) -> str:
    """`12 s ago`, `3 min ago`, `2 h ago`, `5 days ago`."""
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{max(0, seconds) // size:.0f} {unit} ago"
    return f"{seconds // 86_400:.0f} days ago"


def human_span(seconds: float) -> str:
    """`45 s`, `12 min`, `9 h 12 min`; nothing below a second."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
