"""Foreign text made inert: in Markdown as GitHub renders it, and in HTML."""

from __future__ import annotations

import html
import re

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$&@])")
_EMOJI = re.compile(r":(?=[\w+-]+:)")
_INVISIBLE = re.compile(
    r"[\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_RUN_OF_TICKS = re.compile(r"`+")


def visible(text: str) -> str:
    """The text with control, bidirectional and invisible characters shown as their code points."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    shown = _INVISIBLE.sub(_named, _CONTROL.sub(_named, text))
    return "".join(_named_surrogate(c) if "\ud800" <= c <= "\udfff" else c for c in shown)


def _named(match: re.Match[str]) -> str:
    return f"⟨U+{ord(match.group()):04X}⟩"


def _named_surrogate(character: str) -> str:
    return f"⟨{ord(character) - 0xDC00:02X}⟩" if "\udc80" <= character <= "\udcff" else "�"


def one_line(text: str, most: int = 120) -> str:
    """Visible text on one line, cut at `most` characters."""
    line = " ".join(visible(text).split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def inline(text: str, most: int = 120) -> str:
    """One line as Markdown that renders as itself: no markup, link, mention, issue or commit reference.

    Punctuation is written as character references, which GitHub renders but never interprets; a zero-width
    non-joiner after `@` and `#` and inside long hexadecimal words keeps autolinks from forming afterwards.
    """
    line = one_line(text, most)
    line = re.sub(r"\b[0-9a-fA-F]{7,}\b", lambda m: "\u200c".join(re.findall(".{1,6}", m.group())), line)
    line = re.sub(
        r"\b(https?|www|gh|mailto)\b",
        lambda m: f"{m.group()[0]}\u200c{m.group()[1:]}",
        line,
        flags=re.IGNORECASE,
    )
    line = re.sub(r"(?i)\bGH-(?=\d)", "GH\u200c-", line)
    marked = _EMOJI.sub(":\u200c", re.sub(r"[@#]", lambda m: f"{m.group()}\u200c", line))
    return _MARKDOWN.sub(lambda m: f"&#{ord(m.group())};", marked)


def fenced(text: str, language: str = "") -> str:
    """Visible text in a code fence that it cannot close."""
    shown = visible(text).rstrip("\n")
    longest = max((len(run) for run in _RUN_OF_TICKS.findall(shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def markup(text: str) -> str:
    """Visible text for HTML, quotes included."""
    return html.escape(visible(text), quote=True)
