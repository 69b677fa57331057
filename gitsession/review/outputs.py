"""What a cell put out, reduced to what a reviewer reads: text, errors, tables and images."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import groupby
from typing import Any

from gitsession.review.parse import joined

MOST_TEXT = 20_000
MOST_ROWS = 60
MOST_COLUMNS = 20
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-_])")
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?%?")
_IMAGES = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/svg+xml": "svg",
    "image/webp": "webp",
}


@dataclass(frozen=True)
class Image:
    """A plot or picture: its bytes, and the extension of its kind."""

    content: bytes
    extension: str

    @property
    def name(self) -> str:
        """A file name that says what it holds, and nothing else."""
        return f"{hashlib.sha256(self.content).hexdigest()[:16]}.{self.extension}"


@dataclass(frozen=True)
class Table:
    """A table as rows of texts; `left_out` counts the rows that were not taken."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0


@dataclass(frozen=True)
class Output:
    """One output.

    Args:
        kind: `text`, `error`, `table`, `image`, or `other` for what only a notebook can show.
        text: Its text; of an error the traceback; of an image its description.
        title: Of an error its name and message; of another kind its media type.
        table: The table, where it is one.
        image: The image, where it is one.
        left_out: Characters of the text that were not taken.
    """

    kind: str
    text: str = ""
    title: str = ""
    table: Table | None = None
    image: Image | None = None
    left_out: int = 0


@dataclass(frozen=True)
class Number:
    """A number that changed, with the words before it."""

    label: str
    before: str
    after: str

    @property
    def change(self) -> str:
        """How much, in per cent; empty where that says nothing."""
        old, new = _value(self.before), _value(self.after)
        if old is None or new is None or not old or abs(new - old) > 1e6 * abs(old):
            return ""
        percent = 100 * (new - old) / abs(old)
        return f"{percent:+.1f} %".replace("-", "\N{MINUS SIGN}") if abs(percent) >= 0.05 else "under 0.1 %"


def summarise(outputs: Sequence[dict[str, Any]]) -> tuple[Output, ...]:
    """The outputs of one cell; what was printed in pieces is one text."""
    return tuple(
        output
        for stream, group in groupby(outputs, key=_stream)
        for output in ([_text("".join(_streamed(group)))] if stream else map(_one, group))
    )


def _stream(output: dict[str, Any]) -> str:
    return str(output.get("name", "stdout")) if output.get("output_type") == "stream" else ""


def _streamed(outputs: Iterator[dict[str, Any]]) -> Iterator[str]:
    return (joined(output.get("text", "")) for output in outputs)


def _text(text: str, title: str = "") -> Output:
    clean = _ANSI.sub("", _settled(text))
    return Output("text", clean[:MOST_TEXT], title, left_out=max(0, len(clean) - MOST_TEXT))


def _settled(text: str) -> str:
    """Text as a terminal leaves it: of a line that was drawn again and again, the last."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def _one(output: dict[str, Any]) -> Output:
    if output.get("output_type") == "error":
        return _error(output)
    data = output.get("data")
    bundle = data if isinstance(data, dict) else {}
    plain = _text(joined(bundle.get("text/plain", "")))
    for media, extension in _IMAGES.items():
        if media in bundle:
            return _image(joined(bundle[media]), extension, plain.text)
    if "text/html" in bundle and (table := read_table(joined(bundle["text/html"]))):
        return Output("table", plain.text, table=table)
    rich = sorted(
        media for media in bundle if media not in ("text/plain", "text/html", "text/markdown", "text/latex")
    )
    if rich and not any(media.startswith("application/json") for media in rich):
        return Output("other", plain.text, ", ".join(rich), left_out=plain.left_out)
    return plain if plain.text else _text(joined(bundle.get("text/markdown", "")))


def _error(output: dict[str, Any]) -> Output:
    trace = output.get("traceback")
    text = _text("\n".join(map(str, trace)) if isinstance(trace, list) else "")
    title = f"{output.get('ename', 'Error')}: {output.get('evalue', '')}"
    return Output("error", text.text, _ANSI.sub("", title)[:500], left_out=text.left_out)


def _image(content: str, extension: str, description: str) -> Output:
    try:
        raw = content.encode() if extension == "svg" else base64.b64decode(content, validate=False)
    except (binascii.Error, ValueError):
        return Output("other", "an image that cannot be decoded", f"image/{extension}")
    return Output("image", description, image=Image(raw, extension))


class _Tables(HTMLParser):
    """Collects the first table of a fragment, as pandas and its like write them."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[bool, list[str]]] = []
        self.header: bool = False
        self.depth = self.tables = 0
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's signature
        if tag == "table":
            self.tables += 1
        elif self.tables == 1 and tag in ("thead", "tbody"):
            self.header = tag == "thead"
        elif self.tables == 1 and tag == "tr":
            self.rows.append((self.header, []))
        elif self.tables == 1 and tag in ("td", "th") and self.rows:
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._cell is not None:
            self.rows[-1][1].append(" ".join("".join(self._cell).split())[:200])
            self._cell = None
        elif tag == "table":
            self.tables += 1  # whatever follows is not the first table

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)


def read_table(html: str) -> Table | None:
    """The first table of an HTML fragment, as texts; None where there is none."""
    if "<table" not in html:
        return None
    parser = _Tables()
    parser.feed(html[: 50 * MOST_TEXT])
    rows = [(header, tuple(cells[:MOST_COLUMNS])) for header, cells in parser.rows if cells]
    header = next((cells for is_header, cells in rows if is_header), rows[0][1] if rows else ())
    body = [cells for is_header, cells in rows if not is_header and cells is not header]
    return Table(header, tuple(body[:MOST_ROWS]), max(0, len(body) - MOST_ROWS)) if body else None


def changed_numbers(before: str, after: str, most: int = 8) -> tuple[Number, ...]:
    """The numbers that changed between two texts which are otherwise the same; none when they are not."""
    if before == after or _NUMBER.sub("#", before) != _NUMBER.sub("#", after):
        return ()
    pairs = zip(_NUMBER.finditer(before), _NUMBER.finditer(after), strict=True)
    changed = (
        Number(_label(after, new.start()), old.group(), new.group())
        for old, new in pairs
        if old.group() != new.group()
    )
    return tuple(number for _, number in zip(range(most), changed, strict=False))


def _label(text: str, end: int) -> str:
    line = text[text.rfind("\n", 0, end) + 1 : end]
    words = re.split(r"[,;|\t]|\s{2,}", line)[-1] or line
    return " ".join(words.strip(" :=~([{").split()[-4:])


def _value(number: str) -> float | None:
    try:
        return float(number.rstrip("%").replace(",", ""))
    except ValueError:
        return None
