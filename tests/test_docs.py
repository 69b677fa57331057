"""The documentation: its pages follow the code, its links lead somewhere, and its steps can be taken."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from gitsession import run
from gitsession.address import parse_address
from gitsession.errors import AddressError, SessionError
from scripts import pictures
from tests.rig import errors_met
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.repositories import PROJECT
from tests.rig.runtime import Runtime

SCRIPT = PROJECT / "scripts" / "reference.py"
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


@pytest.fixture
def reference() -> ModuleType:
    return errors_met.reference()


def test_the_pages_that_follow_from_the_code_are_current() -> None:
    done = run.run([sys.executable, str(SCRIPT), "--check"], timeout=60, env=run.clean_environment())
    assert done.code == 0, f"run scripts/reference.py\n{done.stdout.decode()}"


def test_the_pictures_show_what_is_drawn_today() -> None:
    kept = json.loads(pictures.DRAWN_FROM.read_text())
    assert kept == pictures.drawn_from(), "take them anew, look at them: python -m scripts.pictures"


def test_a_new_error_is_seen(reference: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "new.py").write_text(
        'HOW = "Write it like 3."\n'
        "def check(text):\n"
        "    if text:\n"
        '        what = f"{text!r} is new."\n'
        "    else:\n"
        '        what = "Nothing is new."\n'
        "    raise (SessionError if text else UsageError)(what, hint=HOW)\n"
    )
    found = reference.messages(tmp_path)
    told = {reference.Message(what, "Write it like 3.") for what in ("<text> is new.", "Nothing is new.")}
    assert found == {"SessionError": told, "UsageError": told}


def test_every_kind_of_error_has_a_remedy(reference: ModuleType) -> None:
    assert all(reference.remedy(kind) for kind in reference.CLASSES.values())
    assert len(reference.messages()) > 15


def test_every_message_has_a_remedy_of_its_own(reference: ModuleType) -> None:
    bare = [each.what for found in reference.messages().values() for each in found if not each.hint]
    assert bare == []


def test_a_remedy_is_more_than_words_that_vary(reference: ModuleType) -> None:
    """But for those that the code puts together from what it was told."""
    together = {"<hint>", "<notes>", "<get>"}
    hints = {each.hint for found in reference.messages().values() for each in found}
    assert {hint for hint in hints if re.fullmatch(r"(<[^<>]*>\s*)+", hint)} == together


def test_every_message_is_met_by_a_test_that_is_named_for_it() -> None:
    """`tests/conftest.py` fails a test that is named and does not meet its message."""
    assert sorted(errors_met.named()) == sorted(errors_met.messages()), "see tests/rig/errors_met.py"


def test_a_message_is_met_where_the_code_raises_it_or_a_process_says_it() -> None:
    errors_met.forget()
    with pytest.raises(SessionError):
        raise SessionError("There is no snapshot 7.")  # made by a test, which does not count
    assert not errors_met.met("SessionError: There is no snapshot <at>.")
    with pytest.raises(AddressError):
        parse_address("https://[half/of/it")
    assert errors_met.met("AddressError: <text> is no URL.")
    assert not errors_met.met("UsageError: <text> is no URL.")
    errors_met.hear("gitsession: There is no snapshot 7.\nSee `gitsession log`.")
    assert errors_met.met("SessionError: There is no snapshot <at>.")
    assert not errors_met.met("SessionError: There is no snapshot <at> yet.")


def test_links_of_the_read_me_lead_somewhere() -> None:
    links = [link for link in LINK.findall((PROJECT / "README.md").read_text()) if "://" not in link]
    assert links
    assert [link for link in links if not (PROJECT / link).exists()] == []


@pytest.mark.slow
def test_the_site_is_built_without_a_broken_link(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = run.run(build, timeout=90, env=run.clean_environment(), cwd=PROJECT)
    assert done.code == 0, done.stderr.decode()
    assert "gitsession.open" in (tmp_path / "python/index.html").read_text()


def steps(page: str, heading: str = "") -> str:
    """The shell lines of a page from a heading on."""
    text = (PROJECT / page).read_text()
    blocks = re.findall(r"^```\n(.*?)^```", text[text.index(heading) :], re.DOTALL | re.MULTILINE)
    told = blocks[:1] if heading else blocks
    return "".join(told).replace("user/repo", "ada/digits").replace("cd repo", "cd digits")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "heading"),
    [("README.md", "## On any machine"), pytest.param("docs/tutorial-vm.md", "", marks=pytest.mark.long)],
)
def test_who_does_what_the_page_says_gets_from_nothing_to_a_pull_request(
    page: str, heading: str, runtime: Runtime, git_server: GitServer, hub: Hub
) -> None:
    """Left out: the installation, and the editor, which takes minutes to install; put in: one edit."""
    told = steps(page, heading)
    assert "gitsession review" in told
    (runtime.root / "bin").mkdir()
    program = runtime.root / "bin" / "gitsession"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gitsession "$@"\n')
    program.chmod(0o755)
    runtime.extra |= {
        "GITHUB_SERVER_URL": git_server.site,
        "PATH": f"{program.parent}:{runtime.env['PATH']}",
    }
    script = (
        told.replace("pip install gitsession\n", "")
        .replace("GITHUB_TOKEN=...", f"GITHUB_TOKEN={ADA_TOKEN}")
        .replace("open ada/digits", "open ada/digits --editor none")
        .replace("cd digits\n", "cd digits\necho '# mine' >> train.py\n")
        .replace("gitsession review", "echo '# and more' >> train.py\ngitsession review")
    )
    done = runtime.run("bash", "-euo", "pipefail", "-c", script, timeout=100)
    hosted = git_server.forge.repository()
    (pull,) = hosted.pulls.values()
    assert "# and more" in hosted.read(pull.head, "train.py")
    assert "Traceback" not in done.stderr
