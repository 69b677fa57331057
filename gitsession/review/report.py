"""The full review as one HTML page that needs nothing else: no network and no script.

Outputs are shown as text or as images; a notebook's own HTML is read for its tables and never passed on.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import count

from gitsession.review.escape import markup
from gitsession.review.hunks import Hunk
from gitsession.review.notebooks import CellChange, NotebookReview, OutputPair
from gitsession.review.outputs import Image, Output, Table

MEDIA = {"png": "png", "jpg": "jpeg", "gif": "gif", "svg": "svg+xml", "webp": "webp"}
OPEN_LINES = 60
NOTHING_ELSE = "base-uri 'none'; form-action 'none'"
REGION = 'class="scroll" tabindex="0" role="region"'
KINDS = {
    "added": "added",
    "removed": "removed",
    "moved": "moved",
    "changed": "changed",
    "split": "split",
    "merged": "merged",
    "rerun": "with a new result",
    "metadata": "with new metadata",
}


@dataclass(frozen=True)
class Facts:
    """What stands above the notebooks.

    Args:
        title: What the change is called.
        repository: Such as `ada/digits`.
        base: What it is compared with, for people: a branch or a commit.
        head: What is compared, for people.
        others: Other files that changed, as `(path, what)`.
        notes: Sentences such as how it was run.
    """

    title: str
    repository: str = ""
    base: str = ""
    head: str = ""
    others: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def page(reviews: Sequence[NotebookReview], facts: Facts) -> str:
    """The whole page; whatever notebooks hold is shown as text or as an image, never interpreted."""
    style = resources.files("gitsession.review").joinpath("report.css").read_text(encoding="utf-8")
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{allowed}'; {NOTHING_ELSE}"
    body = "".join(_notebook(number, review) for number, review in enumerate(reviews, 1))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{markup(facts.title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"<header><div>{_head(reviews, facts)}</div></header>\n<main>\n{body}{_others(facts)}"
        "<footer>Made by gitsession. This page is one file: it loads nothing and runs nothing.</footer>\n"
        "</main>\n</body>\n</html>\n"
    )


def _head(reviews: Sequence[NotebookReview], facts: Facts) -> str:
    where = markup(facts.repository)
    if facts.base and facts.head:
        where += f" · {markup(facts.head)} compared with {markup(facts.base)}"
    notes = "".join(f"<p>{markup(note)}</p>" for note in facts.notes)
    chips = [(f"{len(reviews)} notebook{'s' if len(reviews) != 1 else ''}", ""), *_totals(reviews)]
    files = len(facts.others)
    chips += [(f"{files} other file{'s' if files != 1 else ''}", "")] if files else []
    contents = _contents(reviews) if len(reviews) > 1 else ""
    return f'<h1>{markup(facts.title)}</h1><p class="soft">{where}</p>{notes}{_chips(chips)}{contents}'


def _contents(reviews: Sequence[NotebookReview]) -> str:
    rows = (
        f'<li><a href="#n{number}">{markup(review.path)}</a><span class="soft">{_words(review)}</span></li>'
        for number, review in enumerate(reviews, 1)
    )
    return f'<nav aria-label="Notebooks"><ol>{"".join(rows)}</ol></nav>'


def _words(review: NotebookReview) -> str:
    return ", ".join(words for words, _ in _totals([review])) or "settings only"


def _totals(reviews: Sequence[NotebookReview]) -> list[tuple[str, str]]:
    cells = [cell for review in reviews for cell in review.cells]
    counted = ((sum(cell.kind == kind for cell in cells), kind) for kind in KINDS)
    chips = [
        (f"{number} cell{'s' if number != 1 else ''} {KINDS[kind]}", kind)
        for number, kind in counted
        if number
    ]
    quiet = sum(review.reruns for review in reviews)
    failed = sum(cell.failed for cell in cells)
    chips += [(f"{quiet} re-run, same result", "")] if quiet else []
    chips += [(f"{failed} error{'s' if failed != 1 else ''}", "error")] if failed else []
    return chips + [("compared as text", "")] * any(review.reason for review in reviews)


def _chips(chips: Sequence[tuple[str, str]]) -> str:
    items = "".join(f'<li class="chip {kind}">{markup(words)}</li>' for words, kind in chips)
    return f'<ul class="chips">{items}</ul>'


def _notebook(number: int, review: NotebookReview) -> str:
    warnings = "".join(f'<p class="warning">{markup(warning)}.</p>' for warning in review.warnings)
    settings = "".join(f"<p>{markup(setting)}</p>" for setting in review.settings)
    status = (
        "" if review.status == "changed" else f' <span class="chip {review.status}">{review.status}</span>'
    )
    reason = f"<p>Compared as text: {markup(review.reason)}.</p>{_diff(review.text)}" if review.reason else ""
    cells = "".join(map(_cell, review.cells))
    return (
        f'<section class="notebook" id="n{number}" aria-labelledby="h{number}"><div class="top">'
        f'<h2 id="h{number}">{markup(review.path)}{status}</h2>'
        f"{_chips(_totals([review]))}{settings}{warnings}{reason}</div>{cells}</section>\n"
    )


def _cell(cell: CellChange) -> str:
    notes = []
    if cell.parts:
        notes.append("The lines are the same, in the same order.")
    if cell.metadata:
        notes.append(f"Metadata changed: {', '.join(cell.metadata)}.")
    shown = "".join(f'<p class="soft">{markup(note)}</p>' for note in notes)
    stale = (
        '<p class="warning">Changed but not run again: the outputs are from before.</p>' if cell.stale else ""
    )
    source = _diff(cell.source) if cell.source else ""
    kind = KINDS[cell.kind].removeprefix("with a ").removeprefix("with ")
    return (
        f'<article class="cell"><div class="title"><span class="number">{place(cell)}</span>'
        f'<h3>{markup(cell.title)}</h3><span class="chip {cell.kind}">{kind}</span></div>'
        f"{shown}{stale}{source}{_outputs(cell)}</article>\n"
    )


def place(cell: CellChange) -> str:
    """Which cell it is, by its number before and now."""
    if cell.parts:
        numbers = " + ".join(map(str, cell.parts))
        return f"Cell {cell.old} → {numbers}" if cell.kind == "split" else f"Cells {numbers} → {cell.new}"
    return f"Cell {cell.old} → {cell.new}" if cell.kind == "moved" else f"Cell {cell.new or cell.old}"


def _diff(hunks: Sequence[Hunk]) -> str:
    rows = "".join(_rows(hunks))
    table = f'<div {REGION} aria-label="Changed lines"><table class="diff">{rows}</table></div>'
    total = sum(len(hunk.lines) for hunk in hunks)
    return f"<details><summary>{total} lines</summary>{table}</details>" if total > OPEN_LINES else table


def _rows(hunks: Sequence[Hunk]) -> Iterator[str]:
    for number, hunk in zip(count(), hunks, strict=False):
        if number:
            yield '<tr class="gap"><td colspan="4">⋯</td></tr>'
        for line in hunk.lines:
            kind = {"+": "add", "-": "cut"}.get(line.mark, "same")
            yield (
                f'<tr class="{kind}"><td class="n old">{line.old or ""}</td>'
                f'<td class="n">{line.new or ""}</td><td class="m">{line.mark}</td>'
                f"<td>{markup(line.text)}</td></tr>"
            )
        if hunk.left_out:
            yield f'<tr class="gap"><td colspan="4">{hunk.left_out:,} more lines</td></tr>'


def _outputs(cell: CellChange) -> str:
    if not cell.outputs:
        return ""
    if not cell.outputs_changed:
        quiet = cell.kind in ("moved", "split", "merged", "metadata") or cell.stale
        return "" if quiet else '<p class="label">The output is the same.</p>'
    return "".join(_pair(pair) for pair in cell.outputs if not pair.same)


def _pair(pair: OutputPair) -> str:
    if pair.numbers:
        rows = "".join(
            f'<tr><td>{markup(n.label)}</td><td class="right">{markup(n.before)}</td>'
            f'<td class="right"><strong>{markup(n.after)}</strong></td><td class="right">{n.change}</td></tr>'
            for n in pair.numbers
        )
        head = (
            '<th></th><th class="right">before</th><th class="right">after</th><th class="right">change</th>'
        )
        table = f'<table class="values"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        return f'<p class="label">Numbers that changed</p><div class="scroll">{table}</div>'
    if pair.before and pair.after:
        against = pair.before.table if pair.before.table and pair.after.table else None
        before, after = _one("Before", pair.before), _one("After", pair.after, against)
        return f'<div class="pair"><div>{before}</div><div>{after}</div></div>'
    if pair.after:
        return _one("Output", pair.after)
    return _one("Output that is gone", pair.before) if pair.before else ""


def _one(label: str, output: Output, against: Table | None = None) -> str:
    left = f'<p class="soft">… {output.left_out:,} more characters</p>' if output.left_out else ""
    if output.kind == "error":
        trace = (
            f"<details><summary>Traceback</summary><pre>{markup(output.text)}</pre></details>"
            if output.text
            else ""
        )
        body = f'<div class="failure"><strong>{markup(output.title)}</strong></div>{trace}'
    elif output.image:
        body = _image(output.image, f"{label}: {output.text or 'image'}")
    elif output.table:
        body = _table(output.table, against)
    elif output.kind == "other":
        body = f'<p class="soft">Something only a notebook shows: {markup(output.title)}</p>'
    else:
        body = f'<div class="scroll"><pre tabindex="0">{markup(output.text)}</pre></div>'
    return f'<p class="label">{markup(label)}</p>{body}{left}'


def _image(image: Image, words: str) -> str:
    content = base64.b64encode(image.content).decode()
    kind = MEDIA[image.extension]
    return f'<figure><img alt="{markup(words)}" src="data:image/{kind};base64,{content}"></figure>'


def _table(table: Table, against: Table | None) -> str:
    head = "".join(f'<th scope="col">{markup(text)}</th>' for text in table.header)
    rows = "".join(_row(number, row, against) for number, row in enumerate(table.rows))
    left = f'<p class="soft">… {table.left_out:,} more rows</p>' if table.left_out else ""
    inner = f'<table class="values"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div {REGION} aria-label="Table">{inner}</div>{left}'


def _row(number: int, row: Sequence[str], against: Table | None) -> str:
    old = against.rows[number] if against and number < len(against.rows) else None
    moved = [bool(against) and (old is None or old[at : at + 1] != (text,)) for at, text in enumerate(row)]
    cells = (
        f"<td{' class=moved' if flag else ''}>{markup(text)}</td>"
        for text, flag in zip(row, moved, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"


def _others(facts: Facts) -> str:
    if not facts.others:
        return ""
    rows = "".join(
        f"<tr><td>{markup(path)}</td><td>{markup(what)}</td></tr>" for path, what in facts.others[:1000]
    )
    return (
        '<section class="notebook" aria-labelledby="others">'
        '<div class="top"><h2 id="others">Other files</h2></div>'
        f'<table class="values">{rows}</table></section>\n'
    )
