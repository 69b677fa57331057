"""The review as comments on a pull request, each within GitHub's limit and inert whatever notebooks hold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from gitsession.review.escape import fenced, inline
from gitsession.review.hunks import Hunk
from gitsession.review.notebooks import CellChange, NotebookReview, OutputPair
from gitsession.review.outputs import Image, Output, Table

LIMIT = 65_536  # characters of one comment, GitHub's own
ROOM = 60_000  # what we use of it: a marker and a notice stay possible
MOST_COMMENTS = 5
FOLD_OVER = 24  # lines of a cell's source shown unfolded
MOST_LINES = 120
MOST_OUTPUT = 2_000
TABLE_ROWS = 8
TABLE_COLUMNS = 8
NOTEBOOKS_IN_FULL = 40
MARKS = {
    "added": "🟢 added",
    "removed": "🔴 removed",
    "moved": "↕️ moved",
    "changed": "✏️ changed",
    "split": "✂️ split",
    "merged": "🔗 merged",
    "rerun": "🔁 re-run",
    "metadata": "🏷️ metadata",
}


@dataclass(frozen=True)
class Links:
    """Where a comment's links lead.

    Args:
        repository: The repository's web address, such as `https://github.com/ada/digits`.
        pull: The pull request's number; 0 for none.
        images: Web addresses of images by `Image.name`; one that is missing is described in words.
    """

    repository: str
    pull: int = 0
    images: Mapping[str, str] | None = None

    def lines(self, path: str, line: int, *, removed: bool = False) -> str:
        """A line in *Files changed*; empty where there is no pull request yet."""
        if not self.pull:
            return ""
        digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()
        side = "L" if removed else "R"
        return f"{self.repository}/pull/{self.pull}/files#diff-{digest}{side}{line}"

    def image(self, image: Image | None) -> str:
        """An image's address; empty where it has none."""
        return (self.images or {}).get(image.name, "") if image else ""


def blob_link(repository: str, commit: str, path: str) -> str:
    """The address of an image in a commit, in the form that renders in private repositories too."""
    return f"{repository}/blob/{commit}/{quote(path)}?raw=true"


def comments(reviews: Sequence[NotebookReview], links: Links, *, more: str = "") -> tuple[str, ...]:
    """The review as Markdown, in as few comments as hold it, at most five; of very many notebooks a table.

    Args:
        reviews: The changed notebooks.
        links: Where headings and images lead.
        more: Markdown that says where the full report is, for what is left out.
    """
    if not reviews:
        return ()
    many = len(reviews) > NOTEBOOKS_IN_FULL
    sections = [] if many else [section(review, links) for review in reviews]
    parts = _packed([_overview(reviews, Links(links.repository) if many else links), *sections])
    kept, lost = parts[:MOST_COMMENTS], parts[MOST_COMMENTS:]
    if lost or many:
        kept[-1] += f"\n\n_Not all fits into comments here._ {more}".rstrip()
    return tuple(kept)


def _packed(pieces: Iterable[str]) -> list[str]:
    parts: list[str] = []
    for piece in pieces:
        if parts and len(parts[-1]) + len(piece) + 2 <= ROOM:
            parts[-1] += f"\n\n{piece}"
        else:
            parts.append(piece)
    return parts


def _overview(reviews: Sequence[NotebookReview], links: Links) -> str:
    """One line a notebook, so that hundreds stay readable."""
    count = len(reviews)
    lines = [f"## {count} notebook{'s' if count > 1 else ''} changed", ""]
    if count > 1:
        lines += ["| Notebook | What changed |", "|---|---|"]
        lines += [
            f"| {_linked(inline(r.path), links.lines(r.path, 1))} | {summary(r)} |" for r in reviews[:300]
        ]
    if count > 300:
        lines += ["", f"… and {count - 300} more."]
    return "\n".join(lines).rstrip()


def summary(review: NotebookReview) -> str:
    """What changed in a notebook, in a few words."""
    if review.reason:
        return f"compared as text: {inline(review.reason, 80)}"
    if review.status != "changed":
        return f"{review.status}, {_count(len(review.cells), 'cell')}"
    kinds = [kind for kind in MARKS if any(cell.kind == kind for cell in review.cells)]
    counts = [sum(cell.kind == kind for cell in review.cells) for kind in kinds]
    words = [f"{_count(n, 'cell')} {_word(kind)}" for n, kind in zip(counts, kinds, strict=True)]
    failed = sum(cell.failed for cell in review.cells)
    again = [f"{_count(review.reruns, 'cell')} re-run with the same result"] if review.reruns else []
    errors = [f"**{_count(failed, 'error')}**"] if failed else []
    return ", ".join([*words, *again, *errors]) or ("settings only" if review.settings else "nothing to see")


def _word(kind: str) -> str:
    return {"rerun": "with a new result", "metadata": "with new metadata"}.get(kind, kind)


def section(review: NotebookReview, links: Links) -> str:
    """One notebook: heading, what to know, then its changed cells."""
    heading = _linked(inline(review.path), links.lines(review.path, 1, removed=review.status == "removed"))
    pieces = [f"### {heading}", summary(review)]
    pieces += [f"> [!WARNING]\n> {inline(warning, 300)}" for warning in review.warnings]
    pieces += [f"- {inline(setting, 300)}" for setting in review.settings]
    if review.reason:
        pieces.append(_folded("The difference as text", _diff(review.text)))
    return _within([*pieces, *(_cell(cell, review.path, links) for cell in review.cells)], ROOM)


def _within(pieces: Sequence[str], room: int) -> str:
    text = ""
    for number, piece in enumerate(pieces):
        if len(text) + len(piece) > room - 100:
            return f"{text}\n\n_… and {len(pieces) - number} more cells._"
        text = f"{text}\n\n{piece}" if text else piece
    return text


def _cell(cell: CellChange, path: str, links: Links) -> str:
    link = links.lines(path, cell.line, removed=cell.kind == "removed")
    heading = f"#### {_linked(_place(cell), link)} · {MARKS[cell.kind]} · {inline(cell.title, 60)}"
    body = [*_notes(cell), *_source(cell), *_outputs(cell, links)]
    text = "\n\n".join(body)
    long = text.count("\n") > 3 * FOLD_OVER
    return f"{heading}\n\n{_folded('Show this cell', text) if long else text}".rstrip()


def _place(cell: CellChange) -> str:
    if cell.kind == "moved":
        return f"Cell {cell.old} → {cell.new}"
    if cell.parts:
        numbers = " + ".join(map(str, cell.parts))
        return f"Cell {cell.old} → {numbers}" if cell.kind == "split" else f"Cells {numbers} → {cell.new}"
    return f"Cell {cell.new or cell.old}"


def _notes(cell: CellChange) -> list[str]:
    notes = []
    if cell.stale:
        notes.append("⚠️ Changed but not run again: its outputs are from before.")
    if cell.metadata:
        notes.append(f"Metadata changed: {', '.join(inline(key, 40) for key in cell.metadata)}")
    if cell.parts:
        notes.append("The lines are the same, in the same order.")
    return notes


def _source(cell: CellChange) -> list[str]:
    if not cell.source:
        return []
    shown = _diff(cell.source)
    lines = sum(len(hunk.lines) for hunk in cell.source)
    return [_folded(f"Source, {lines} lines", shown) if lines > FOLD_OVER else shown]


def _diff(hunks: Sequence[Hunk]) -> str:
    """Changed lines as a diff; a line cannot pose as another because its mark comes first."""
    lines = []
    for number, hunk in enumerate(hunks):
        lines += ["@@"] if number else []
        lines += [f"{line.mark}{one_line_of_code(line.text)}" for line in hunk.lines]
        lines += [f"… {hunk.left_out} more lines"] if hunk.left_out else []
    cut = [f"… {len(lines) - MOST_LINES} more lines"] if len(lines) > MOST_LINES else []
    return fenced("\n".join([*lines[:MOST_LINES], *cut]), "diff")


def one_line_of_code(text: str) -> str:
    """A line that stays one line: cut where it is very long, indentation kept."""
    return text.replace("\n", " ")[:400]


def _outputs(cell: CellChange, links: Links) -> list[str]:
    if cell.kind in ("moved", "split", "merged", "metadata") and not cell.outputs_changed:
        return []
    changed = [pair for pair in cell.outputs if not pair.same]
    if not changed:
        return ["The output is the same."] if cell.outputs and cell.kind in ("changed", "rerun") else []
    shown = [_output(pair, cell, links) for pair in changed[:6]]
    more = len(changed) - 6
    return [*shown, f"_… and {more} more outputs._"] if more > 0 else shown


def _output(pair: OutputPair, cell: CellChange, links: Links) -> str:
    kinds = {side.kind for side in (pair.before, pair.after) if side}
    if kinds == {"image"}:
        return _plots(pair, cell, links)
    if pair.numbers:
        rows = "\n".join(
            f"| {inline(n.label, 60)} | {inline(n.before, 30)} | **{inline(n.after, 30)}** | {n.change} |"
            for n in pair.numbers
        )
        return f"| | before | after | |\n|---|--:|--:|--:|\n{rows}"
    if pair.before and pair.after:
        before = _labelled("Output before", pair.before, links, folded=True)
        return f"{before}\n\n{_labelled('Output', pair.after, links)}"
    if pair.after:
        return _labelled("Output", pair.after, links)
    return _labelled("Output that is gone", pair.before, links, folded=True) if pair.before else ""


def _labelled(label: str, output: Output, links: Links, *, folded: bool = False) -> str:
    if output.kind == "error":
        title = f"❌ **{inline(output.title, 200)}**"
        return f"{title}\n\n{_folded('Traceback', _clipped(output))}" if output.text else title
    if output.kind == "image":
        return _picture(output, label, links)
    shown = _table(output.table) if output.table else _clipped(output)
    if output.kind == "other":
        shown = f"Something only a notebook shows: {inline(output.title, 100)}"
    return _folded(label, shown) if folded or shown.count("\n") > FOLD_OVER else f"**{label}**\n\n{shown}"


def _clipped(output: Output) -> str:
    lines = output.text.rstrip("\n").split("\n")
    text = "\n".join(lines[:40])[:MOST_OUTPUT]
    left = len(output.text.rstrip()) - len(text) + output.left_out
    return fenced(f"{text}\n… {left:,} more characters" if left > 0 else text)


def _table(table: Table) -> str:
    width = min(TABLE_COLUMNS, max(len(row) for row in (table.header, *table.rows)))
    rows = [table.header, *table.rows[:TABLE_ROWS]]
    cells = [[inline(text, 40) for text in (*row, *[""] * width)[:width]] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    left = len(table.rows) - TABLE_ROWS + table.left_out
    return "\n".join(
        [lines[0], "|" + "---|" * width, *lines[1:], *([f"\n… {left} more rows"] if left > 0 else [])]
    )


def _plots(pair: OutputPair, cell: CellChange, links: Links) -> str:
    if pair.before is None or pair.after is None:
        return _picture(
            pair.after or pair.before or Output("image"),
            "New plot" if pair.after else "Plot that is gone",
            links,
        )
    before, after = (
        _picture(side, word, links, cell) for side, word in ((pair.before, "before"), (pair.after, "after"))
    )
    return f"| Plot before | Plot after |\n|---|---|\n| {before} | {after} |"


def _picture(output: Output, word: str, links: Links, cell: CellChange | None = None) -> str:
    place = f"{_place(cell)}, {cell.title}: " if cell else ""
    size = f", {len(output.image.content) / 1000:,.0f} kB" if output.image else ""
    words = inline(f"{place}plot {word}{size}" if cell else f"{word}: {output.text}{size}", 160)
    address = links.image(output.image)
    return f"![{words}]({address})" if address else f"_{words}_"


def _linked(text: str, address: str) -> str:
    return f"[{text}]({address})" if address else text


def _folded(label: str, body: str) -> str:
    return f"<details><summary>{label}</summary>\n\n{body}\n\n</details>"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
