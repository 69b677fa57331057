"""How a command speaks: tables and bars for people, one JSON document for programs."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gitsession.wording import human_age as human_age
from gitsession.wording import human_size as human_size
from gitsession.wording import inert as inert
from gitsession.wording import inert_lines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from gitsession.git.progress import Listen, Progress

READABLE = 14  # characters that a broken cell has at least
NARROWEST = 10  # characters to which it is narrowed before a whole one is broken
GAP = 3  # characters between two columns
WIDER_THAN_ANY = 10_000  # columns: what is piped is for programs, which take a line for a row


def print_json(document: object) -> None:
    """One line of JSON on standard output."""
    any_letter = codecs.lookup(sys.stdout.encoding or "utf-8").name == "utf-8"
    written = json.dumps(document, ensure_ascii=not any_letter, sort_keys=False)
    sys.stdout.write((written if written.isprintable() else "".join(map(_escaped, written))) + "\n")
    sys.stdout.flush()


def _escaped(character: str) -> str:
    return character if inert(character) == character else json.dumps(character)[1:-1]


def say(text: str) -> None:
    """Inert lines for people, on standard output; they wrap for nobody, so that they can be copied."""
    sys.stdout.write(inert_lines(text) + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Inert lines for people beside the result, on standard error."""
    sys.stderr.write(inert_lines(text) + "\n")


def console(stderr: bool = False) -> Console:
    """A rich console: colours and bars only on terminals."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False)


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    whole: Collection[str] = (),
    spare: Sequence[str] = (),
) -> None:
    """A plain table on standard output, every cell inert; one line a row where it is no terminal.

    Args:
        columns: Their titles.
        rows: A cell for each column.
        whole: The columns whose cells are broken only where nothing else helps, so that they can be copied.
        spare: The columns that a narrow terminal goes without, the first of them first.
    """
    out, written = console(), [[inert(cell) for cell in row] for row in rows]
    if not out.is_terminal:
        out.width = WIDER_THAN_ANY
    unbroken = {at for at, title in enumerate(columns) if title in whole}
    least = {
        at: _least(title, [row[at] for row in written], whole=at in unbroken)
        for at, title in enumerate(columns)
    }
    for title in spare:
        if _width(least) > out.width:
            least.pop(columns.index(title))
    unbroken -= _squeeze(least, unbroken, out.width)
    _widen(least, written, out.width)
    out.print(_drawn(columns, written, least, unbroken))


def _least(title: str, cells: Sequence[str], *, whole: bool) -> int:
    """The width at which a column's cells are not broken, or into few pieces."""
    from rich.cells import cell_len

    longest = _longest(cells)
    return max(cell_len(title), longest if whole else min(READABLE, longest))


def _longest(cells: Iterable[str]) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, cells), default=0)


def _width(least: Mapping[int, int]) -> int:
    return sum(least.values()) + GAP * (len(least) - 1)


def _squeeze(least: dict[int, int], unbroken: Collection[int], room: int) -> set[int]:
    """Narrow the widest columns until all fit, those that may be broken first; answers with the narrowed."""
    narrowed = set()
    while _width(least) > room and max(least.values()) > 1:
        some = [at for at, width in least.items() if at not in unbroken and width > NARROWEST]
        widest = max(some or least, key=lambda at: least[at])
        least[widest] -= 1
        narrowed.add(widest)
    return narrowed


def _widen(widths: dict[int, int], rows: Sequence[Sequence[str]], room: int) -> None:
    """Give what is left of the line to the columns whose cells are broken, the narrowest first."""
    left = room - _width(widths)
    lacks = {at: _longest(row[at] for row in rows) - width for at, width in widths.items()}
    for at in sorted((at for at in lacks if lacks[at] > 0), key=lambda at: lacks[at]):
        waiting = sum(lack > 0 for lack in lacks.values())
        more = min(lacks[at], left // waiting)
        widths[at] += more
        left -= more
        lacks[at] = 0


def _drawn(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    widths: Mapping[int, int],
    unbroken: Collection[int],
) -> Table:
    from rich import box
    from rich.table import Table

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for at, width in widths.items():
        drawn.add_column(titles[at], overflow="fold", no_wrap=at in unbroken, width=width)
    for row in rows:
        drawn.add_row(*(row[at] for at in widths))
    return drawn


class Bars:
    """Progress bars on standard error for what takes more than a moment; silent when it is no terminal.

    Example:
        >>> with Bars() as listen:
        ...     listen(Progress("Receiving objects", 512, 1024))
    """

    def __enter__(self) -> Listen:
        self._bars: Any = None
        self._tasks: dict[str, Any] = {}
        return self._advance if sys.stderr.isatty() else _ignore

    def _advance(self, progress: Progress) -> None:
        if self._bars is None:
            self._bars = _bars()
            self._bars.start()
        if progress.phase not in self._tasks:
            self._tasks[progress.phase] = self._bars.add_task(inert(progress.phase), total=progress.total)
        self._bars.update(self._tasks[progress.phase], completed=progress.done, total=progress.total)

    def __exit__(self, *_exception: object) -> None:
        if self._bars is not None:
            self._bars.stop()


def _bars() -> Any:
    """Rich takes a tenth of a second to load, and attaching shows no bars."""
    from rich import progress

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TextColumn("{task.percentage:>3.0f} %"),
        progress.TimeElapsedColumn(),
        console=console(stderr=True),
        transient=True,
    )


def _ignore(_progress: Progress) -> None:
    """Nobody looks."""
