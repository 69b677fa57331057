"""Takes the pictures of the documentation from the real thing: the card, the editor, the report of a review.

.venv/bin/python -m scripts.pictures      writes docs/pictures/*.png; needs Chromium, takes a minute

The session runs on this machine, in front of the GitHub of the tests. `drawn-from.json` beside them has
digests of what was drawn: `tests/test_docs.py` fails when the pictures would look otherwise today.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser

import gitsession
from gitsession.card import Card, Link, html
from gitsession.editor import install, sources
from gitsession.editor.install import VERSION
from gitsession.editor.settings import DEFAULTS
from gitsession.model import Level, Snapshot
from gitsession.review.notebooks import compare
from gitsession.review.report import Facts, page
from gitsession.session import Session
from gitsession.status import Deadline, ReplicaStatus, Status
from tests.review import cases
from tests.rig.browser import TREE, chromium
from tests.rig.certificates import issue
from tests.rig.forge import ADA_TOKEN, Forge
from tests.rig.git_server import GitServer
from tests.rig.hub import OPERATIONS, Hub
from tests.rig.openapi import Description
from tests.rig.repositories import PROJECT, sample_repository
from tests.rig.runtime import IDENTITY

PICTURES = PROJECT / "docs/pictures"
DRAWN_FROM = PICTURES / "drawn-from.json"
PLACE = Link("a place", "https://github.com/ada/digits")
CARD = Card(
    at=0.0,
    status=Status(
        session="lesson",
        repo="ada/digits",
        branch="session/ada/lesson",
        worktree=Path("/content/digits"),
        state="safe",
        snapshot=Snapshot(2, "a" * 40, 0.0),
        replicas=(ReplicaStatus("vault", Level.STORED, 2, 0), ReplicaStatus("remote", Level.SAFE, 2, 0)),
        deadline=Deadline(36_000.0),
        extra={"review": {"state": "open", "url": PLACE.url}},
    ),
    branch=PLACE,
    pull=PLACE,
    editor=PLACE,
)
NOTEBOOK = "notebooks/explore.ipynb"
SCENE = "<!doctype html><meta charset=utf-8><body style='margin:12px;background:{}'>{}"
SCHEMES: tuple[tuple[Literal["light", "dark"], str], ...] = (("light", "#ffffff"), ("dark", "#1e1e1e"))


def drawn_from() -> dict[str, str]:
    """By picture, a digest of what is drawn in it for a session that never changes.

    Of the editor: its version, our settings, and what our extension adds to it; not what the extension says.
    """
    added = json.loads((PROJECT / "gitsession/editor/extension/package.json").read_text())["contributes"]
    drawn = {
        "card": html(CARD),
        "editor": json.dumps([VERSION, dict(DEFAULTS), added]),
        "review": page([compare("a.ipynb", *cases.changed("parameter"))], Facts("Try a smaller rate")),
    }
    return {name: sha256(what.encode()).hexdigest() for name, what in drawn.items()}


def settle_in(home: Path) -> None:
    """A home of its own, and the editor from the cache of the tests."""
    installed = install.ensure(PROJECT / ".cache/editor", sources.default_sources())
    (home / "cache/gitsession").mkdir(parents=True)
    (home / "cache/gitsession/editor").symlink_to(installed.directory.parent)
    os.environ |= {"HOME": str(home), "GITSESSION_HOME": f"{home}/s", "XDG_CACHE_HOME": f"{home}/cache"}
    os.environ |= {"GIT_CONFIG_GLOBAL": f"{home}/.gitconfig", "GIT_CONFIG_NOSYSTEM": "1"}
    (home / ".gitconfig").write_text(IDENTITY)
    for name in ("SSH_CONNECTION", "SSH_TTY"):
        os.environ.pop(name, None)


def trust(authority: Path) -> None:
    """Git, requests and what is started later take the rig's certificates."""
    os.environ |= {"GIT_SSL_CAINFO": str(authority), "REQUESTS_CA_BUNDLE": str(authority)}


def work(session: Session) -> None:
    """A changed line, a changed cell and a new file."""
    train, notebook = session.worktree / "train.py", session.worktree / NOTEBOOK
    train.write_text("# try a smaller learning rate\n" + train.read_text())
    found = json.loads(notebook.read_text())
    cell = next(cell for cell in found["cells"] if cell["cell_type"] == "code")
    cell["source"] = "".join(cell["source"]) + "\nprint('with a smaller rate')"
    notebook.write_text(json.dumps(found, indent=1))
    session.flush(60, "safe")


def take(browser: Browser, session: Session) -> None:
    """Each picture."""
    report = session.review(title="Try a smaller rate").report
    for level in ("stored", "safe"):
        session.flush(60, level)
    for scheme, background in SCHEMES:
        tab = browser.new_page(
            viewport={"width": 720, "height": 480}, color_scheme=scheme, device_scale_factor=2
        )
        tab.set_content(SCENE.format(background, session._repr_html_()))
        tab.locator("section").screenshot(path=PICTURES / f"card-{scheme}.png")
    tab = browser.new_page(viewport={"width": 1100, "height": 640})
    tab.goto(report.as_uri())
    tab.screenshot(path=PICTURES / "review.png")
    tab.goto(str(session.url))
    tab.locator(f'{TREE}:has-text("train.py")').dblclick()
    tab.get_by_text("all safe").first.wait_for()
    tab.wait_for_timeout(3000)
    tab.screenshot(path=PICTURES / "editor.png")


def main() -> int:
    """Play the scene and take each picture."""
    home = Path(tempfile.mkdtemp(prefix="gs-", dir="/tmp"))
    PICTURES.mkdir(exist_ok=True)
    settle_in(home)
    certificates = issue(home)
    description = Description.load(OPERATIONS)
    trust(certificates.authority)
    forge = Forge.with_sample(home / "forge", sample_repository(home / "digits.git"))
    try:
        with GitServer(forge, certificates) as server:
            server.mount(Hub(forge, description))
            os.environ |= {"GITHUB_SERVER_URL": server.site, "GITHUB_TOKEN": ADA_TOKEN}
            place = {"storage": f"{home}/drive", "workdir": f"{home}/digits"}
            with gitsession.open("ada/digits", lifetime="12h", **place) as session, chromium() as browser:
                work(session)
                take(browser, session)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    DRAWN_FROM.write_text(json.dumps(drawn_from(), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
