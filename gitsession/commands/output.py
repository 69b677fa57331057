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
        whole: The columns whose cells are never broken, so that they can be copied.
        spare: The columns that a narrow terminal goes without, the first of them first.
    """
    out, written = console(), [[inert(cell) for cell in row] for row in rows]
    if not out.is_terminal:
        out.width = WIDER_THAN_ANY
    least = {
        column: _least(column, [row[at] for row in written], whole=column in whole)
        for at, column in enumerate(columns)
    }
    for column in spare:
        if sum(least.values()) + GAP * len(least) > out.width:
            least.pop(column)
    out.print(_drawn(columns, written, least, whole))


def _least(title: str, cells: Sequence[str], *, whole: bool) -> int:
    """The width at which a column's cells are not broken, or into few pieces."""
    from rich.cells import cell_len

    longest = max(map(cell_len, cells), default=0)
    return max(cell_len(title), longest if whole else min(READABLE, longest))


def _drawn(
    columns: Sequence[str], rows: Sequence[Sequence[str]], least: Mapping[str, int], whole: Collection[str]
) -> Table:
    from rich import box
    from rich.table import Table

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        if column in least:
            drawn.add_column(column, overflow="fold", no_wrap=column in whole, min_width=least[column])
    for row in rows:
        drawn.add_row(*(cell for column, cell in zip(columns, row, strict=True) if column in least))
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
