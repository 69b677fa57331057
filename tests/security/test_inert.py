"""What is shown is inert: every payload in every foreign word, on terminal, card, report and editor."""

from __future__ import annotations

import json
import os
import shutil
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from gitsession import cli, run
from gitsession.card import Card, html, text
from gitsession.commands import list as listing
from gitsession.commands import open as opening
from gitsession.commands import review, status
from gitsession.commands.doctor import show as show_findings
from gitsession.commands.log import row
from gitsession.commands.output import note, print_json, say, table
from gitsession.commands.restore import show_patch
from gitsession.doctor.finding import Finding
from gitsession.errors import GitsessionError
from gitsession.model import Held, Level, Skipped, Snapshot
from gitsession.proposal.values import Remark, Review, ReviewStatus
from gitsession.review.markdown import Links, comments
from gitsession.review.report import Facts, page
from gitsession.status import EditorStatus, ReplicaStatus, Status
from tests.card.test_card import GOOD, NOW
from tests.review.test_markdown import assert_inert, hostile_reviews
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.push_rules import Foreign
from tests.rig.repositories import PROJECT
from tests.rig.runtime import Runtime
from tests.spine import Machine

PAYLOADS = {
    "an escape": "\x1b[2J\x1b[31mred",
    "a window's title": "\x1b]0;owned\x07",
    "a link of the terminal": "\x1b]8;;https://evil.example\x1b\\here\x1b]8;;\x1b\\",
    "an answer": "\x1b[6n\x05",
    "a C1 escape": "\x9b31mred\x9d0;x\x9c",
    "writing over": "safe\r\x08\x08evil",
    "bidi": "\u202egnp.exe\u2066\u2067",
    "invisible": "a\u200b\u2060\ufeff\u00ad\U000e0041",
    "separators": "one\u2028two\u2029three\x85four\x0b\x0cfive",
    "undecodable": "name\udcff\udc9b",
    "HTML": "<img src=x onerror=alert(1)>\"'><script>x</script><!--",
    "Markdown": "[x](command:evil) ![y](https://evil.example/y) `z` $(alert)",
    "markup of tables": "[bold red]x[/bold red][/nope][link=https://evil.example]y",
}
NODE = shutil.which("node")
PANEL = """
const lib = process.argv[1];
const { meter } = require(`${lib}/meter`), listing = require(`${lib}/listing`);
const { Warnings } = require(`${lib}/warnings`);
const shown = [];
for (const { status, entry, changes } of JSON.parse(require("fs").readFileSync(0))) {
  const { text, tooltip, label } = meter(status, 0);
  const drawn = [{ text, tooltip, label }, ...new Warnings().due(status, 0)];
  drawn.push(...listing.places(status, 0), ...listing.files(status).flatMap((group) => group.children));
  drawn.push(listing.snapshot(entry, 0), ...listing.changes(1, changes));
  for (const row of drawn) for (const key of ["text", "label", "description", "tooltip"])
    if (typeof row[key] === "string") shown.push(row[key]);
}
process.stdout.write(JSON.stringify(shown));
"""


def acts(shown: str, *, allowed: str = "\n\t") -> list[str]:
    """The characters that a terminal or a browser would obey, or that hide or reorder others."""
    categories = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    return [c for c in shown if c not in allowed and unicodedata.category(c) in categories]


def status_of(words: str) -> Status:
    """A status in which every word that may be foreign is."""
    return replace(
        GOOD,
        session=words,
        repo=words,
        branch=words,
        worktree=Path(f"/{words}"),
        at_risk=(words,),
        held=(Held(words, words, 1),),
        notes=(words,),
        replicas=(ReplicaStatus(words, Level.SAFE, 1, 0, words),),
        skipped=(Skipped(words, words),),
        editor=EditorStatus(words, True),
        extra=extra_of(words),
    )


def extra_of(words: str) -> dict[str, Any]:
    """What the agent tells besides, as `agent.view` has it."""
    return {
        "kept": {"files": 1, "size": 1, "waiting": 1, "awaited": [{"path": words, "size": 1}]},
        "packages": [words],
        "unsaved": [words],
        "events": [{"number": 1, "at": NOW, "kind": words, "text": words}],
        "places": {words: words, "vault": words, "remote": words},
        "storage": words,
        "review": remark(words).to_json(),
        "token_refused": False,
    }


class Opened:
    """As much of a session as `open` shows."""

    resumed, url = False, None


def fails(words: str) -> None:
    error = GitsessionError(words, safe=words, hint=words)
    cli._fail(error, as_json=True)
    note(str(error))
    say("\n".join(error._render_traceback_()))


def remark(words: str) -> ReviewStatus:
    told = Remark(words, 1, 1, words, words, words)
    return ReviewStatus("open", 1, words, ((words, "approved"),), (told,), ((words, words),))


TERMINAL: dict[str, Callable[[str], object]] = {
    "status": lambda words: status.show(status_of(words)),
    "open": lambda words: opening.show(Opened(), status_of(words)),  # type: ignore[arg-type]
    "JSON": lambda words: print_json({words: status_of(words).to_json()}),
    "a table": lambda words: table((words[:0], "x"), [(words, 1)]),
    "list": lambda words: table(("",) * 9, [listing._row(listed(words), with_repo=True)]),
    "log": lambda words: table(("",) * 6, [row(snapshot(words), NOW)]),
    "doctor": lambda words: show_findings([Finding.bad(words, words).named("git")]),
    "a patch": lambda words: show_patch(f"+++ b/{words}\n+{words}"),
    "a review": lambda words: review.show(Review(words, words, "", True, Path(words), 1, words, (words,))),
    "a review's status": lambda words: review.show_status(remark(words)),
    "an error": fails,
    "a mistake of ours": lambda words: cli._report_bug(RuntimeError(words)),
    "the card as text": lambda words: say(text(Card(NOW, status_of(words), notices=(words,)))),
}


def listed(words: str) -> listing.Listed:
    return listing.Listed(words, words, words, words, 1, 1, (words,), False, None, 1, words)


def snapshot(words: str) -> Snapshot:
    ran = {"command": words, "exit": words}
    return Snapshot(1, "a" * 40, NOW, words, ran=ran)


@pytest.mark.parametrize("surface", TERMINAL)
@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_acts_on_a_terminal(payload: str, surface: str, capsys: pytest.CaptureFixture[str]) -> None:
    TERMINAL[surface](PAYLOADS[payload])
    shown = capsys.readouterr()
    assert shown.out + shown.err
    assert acts(shown.out + shown.err) == []


PAGES: dict[str, Callable[[str], str]] = {
    "the card": lambda words: html(Card(NOW, status_of(words), notices=(words,), lead=(words, None))),
    "the report": lambda words: page(
        hostile_reviews(words), Facts(words, words, words, words, ((words, words),), (words,))
    ),
}


class Markup(HTMLParser):
    """Notes whatever could act."""

    def __init__(self) -> None:
        super().__init__()
        self.acts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.acts += [tag] * (tag in ("script", "img", "iframe", "object"))
        self.acts += [name for name, _ in attrs if name.startswith("on")]
        self.acts += [str(value) for name, value in attrs if name in ("href", "src") and "evil" in str(value)]

    def handle_comment(self, data: str) -> None:
        self.acts.append(data)


@pytest.mark.parametrize("surface", PAGES)
@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_acts_on_a_page(payload: str, surface: str) -> None:
    shown = PAGES[surface](PAYLOADS[payload])
    markup = Markup()
    markup.feed(shown)
    assert markup.acts == []
    assert acts(shown) == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_acts_in_a_comment(payload: str) -> None:
    for one in hostile_reviews(PAYLOADS[payload]):
        (written,) = comments([one], Links("https://github.com/ada/digits", 7))
        assert_inert(written)
        assert acts(written.replace("\u200c", "")) == []


@pytest.mark.skipif(NODE is None, reason="needs Node")
def test_nothing_acts_in_the_editor(sealed: Path) -> None:
    assert NODE is not None
    foreign = []
    for words in PAYLOADS.values():
        changes = {"changes": [{"path": words, "kind": words}], "more": 0}
        entry = {"number": 1, "at": 0, "subject": words}
        foreign.append({"status": status_of(words).to_json(), "entry": entry, "changes": changes})
    lib = str(PROJECT / "gitsession/editor/extension/lib")
    done = run.run(
        (NODE, "-e", PANEL, lib), timeout=60, env=dict(os.environ), stdin=json.dumps(foreign).encode()
    )
    assert done.code == 0, done.stderr.decode(errors="replace")
    shown = json.loads(done.stdout)
    assert len(shown) > 10 * len(PAYLOADS)
    assert [words for words in shown if acts(words)] == []
    icons = ("$(pass) ", "$(sync~spin) ", "$(warning) ", "$(cloud-upload) ")
    plain = [
        words.removeprefix(next((icon for icon in icons if words.startswith(icon)), "")) for words in shown
    ]
    assert [words for words in plain if "$(" in words or "](" in words] == []


def test_nothing_acts_through_a_whole_session(runtime: Runtime, git_server: GitServer, hub: Hub) -> None:
    """Names of files and branches, commit messages, and a server's own words, by way of real git."""
    runtime.extra |= {"GITHUB_TOKEN": ADA_TOKEN, "GITHUB_SERVER_URL": git_server.site}
    machine = Machine(runtime, "ada/digits", ("--storage", str(runtime.drive)))
    machine.open()
    for words in PAYLOADS.values():
        (machine.worktree / words.replace("/", "_").replace("\0", "")).write_text(
            f"{words}\n", errors="replace"
        )
    machine.git("switch", "--quiet", "--create", "\u202ebidi<img>(y)")
    machine.git("commit", "--quiet", "--allow-empty", "--message", "\x1b[31m\u202emessage")
    git_server.rules.append(
        Foreign(tuple(words.encode("utf-8", "replace").decode() for words in PAYLOADS.values()))
    )
    flushed = machine.gitsession("flush", "--timeout", "3", "--level", "safe", check=False)
    assert flushed.code == 3
    verbs = (
        "status",
        "status --json",
        "log",
        "log --json",
        "list ada/digits",
        "restore --all --diff",
        "open .",
    )
    said = [machine.gitsession(*verb.split(), check=False, cwd=machine.worktree) for verb in verbs]
    assert any("pre-receive" in done.stdout for done in said)
    told = json.loads(said[verbs.index("status --json")].stdout)
    assert told.keys() == status_of("x").to_json().keys()  # a field that is new is made hostile above too
    for done in (flushed, *said):
        assert done.stdout + done.stderr
        assert acts(done.stdout + done.stderr) == []
