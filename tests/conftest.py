"""Seals every test: its own home and state, a fixed identity, no tokens, and no process left behind."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rig import errors_met, processes, repositories
from tests.rig.certificates import Certificates, issue
from tests.rig.forge import Forge
from tests.rig.git_server import GitServer
from tests.rig.hub import OPERATIONS, Hub
from tests.rig.openapi import Description, Unavailable
from tests.rig.repositories import PROJECT
from tests.rig.runtime import IDENTITY, Runtime

LEFT_BEHIND_GRACE = 10.0
REAL_HOME = Path(pwd.getpwuid(os.getuid()).pw_dir).resolve()
WATCHED_EVENTS = frozenset(
    {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.listdir", "os.scandir"}
)
DATES = {"GIT_AUTHOR_DATE": "2024-03-05 12:00:00 +0000", "GIT_COMMITTER_DATE": "2024-03-05 12:00:00 +0000"}


def _allowed_in_home() -> tuple[str, ...]:
    """Folders that Python itself, the project and temporary files may need even when they lie in a home."""
    places = {PROJECT, Path(sys.prefix), Path(sys.base_prefix), Path(tempfile.gettempdir())}
    places |= {Path(path) for path in (*sysconfig.get_paths().values(), *sys.path) if path}
    return tuple(str(place.resolve()) for place in places if place.resolve() != REAL_HOME)


class HomeGuard:
    """Turns a touch of the real home, in this process, into an error while a test runs."""

    def __init__(self) -> None:
        self.armed = False
        self.home = f"{REAL_HOME}/"
        self.allowed = _allowed_in_home()

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.armed and event in WATCHED_EVENTS and arguments:
            path = arguments[0]
            if isinstance(path, (str, bytes)) and self._forbidden(os.fsdecode(path)):
                raise PermissionError(f"a test touched the real home: {event} {os.fsdecode(path)}")

    def _forbidden(self, path: str) -> bool:
        return path.startswith(self.home) and not path.startswith(self.allowed)


GUARD = HomeGuard()
sys.addaudithook(GUARD)


SERVERS = frozenset({"git_server", "forge", "hub", "github_description", "standing", "page", "start"})
SESSIONS = frozenset({"runtime", "running", "prepared", "colab", "drive"})
MANY_PROCESSES = frozenset({"chain", "transcript", "sample_repository", "places", "gate", "ngrok"})
HEAVY = SERVERS | SESSIONS | MANY_PROCESSES


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`scripts/test --quick` leaves out what needs a heavy fixture, and the abuses of `tests/security`."""
    everything = not config.option.file_or_dir and not config.option.lf
    if everything and (gone := errors_met.unknown(item.nodeid for item in items)):
        raise pytest.UsageError(f"tests/errors_met.json names tests that are gone: {', '.join(gone)}")
    for item in items:
        heavy = HEAVY.intersection(getattr(item, "fixturenames", ()))
        if heavy or "security" in item.path.parts:
            item.add_marker(pytest.mark.slow)


def pytest_configure(config: pytest.Config) -> None:
    processes.adopt_orphans()
    errors_met.watch()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A test that is named for an error message fails when it does not meet it."""
    errors_met.forget()
    yield
    errors_met.write_down(item.nodeid)
    if missed := errors_met.missed(item.nodeid):
        pytest.fail("tests/errors_met.json says that this test meets:\n" + "\n".join(missed), pytrace=False)


@pytest.fixture(scope="session", autouse=True)
def _no_real_settings() -> Iterator[None]:
    """Fails the run when git's or our own settings in the real home changed."""
    names = (".gitconfig", ".git-credentials", ".config/git", ".config/gitsession", ".local/share/gitsession")
    before = {name: _trace(REAL_HOME / name) for name in names}
    yield
    assert {name: _trace(REAL_HOME / name) for name in names} == before


def _trace(path: Path) -> tuple[int, int] | None:
    return (path.stat().st_mtime_ns, path.stat().st_ino) if path.exists() else None


@pytest.fixture(autouse=True)
def sealed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short temporary folder for this test: `home` in it is HOME, `s` in it is GITSESSION_HOME.

    Set up first and taken down last, so that it also sees what other fixtures leave behind.
    """
    place = Path(tempfile.mkdtemp(prefix="gs-", dir="/tmp"))
    _seal_environment(monkeypatch, place)
    GUARD.armed = True
    yield place
    GUARD.armed = False
    left = _left_behind()
    processes.reap_orphans()
    shutil.rmtree(place, ignore_errors=True)
    if left:
        pytest.fail("left behind and killed:\n" + "\n".join(map(str, left)))


def _seal_environment(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    home = place / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(IDENTITY)
    for name in list(os.environ):
        if name.startswith(("GIT_", "GITHUB_", "GH_", "GITSESSION_", "XDG_", "NGROK_")):
            monkeypatch.delenv(name)
    folders = {"CONFIG": ".config", "DATA": ".local/share", "CACHE": ".cache", "STATE": ".local/state"}
    for kind, folder in folders.items():
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(home / folder))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GITSESSION_HOME", str(place / "s"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")


def _left_behind() -> list[processes.Seen]:
    """The descendants that do not end by themselves within a grace; they are killed."""
    deadline = time.monotonic() + LEFT_BEHIND_GRACE
    while left := _ours():
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    for seen in left:
        processes.send(signal.SIGKILL, [seen.pid])
    return left


def _ours() -> list[processes.Seen]:
    return processes.descendants(os.getpid(), processes.OUTLIVE_TESTS)


@pytest.fixture
def fixed_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits made by this test carry one fixed date, so that their names never change."""
    for name, value in DATES.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def transcript(sealed: Path) -> Callable[[str], Path]:
    """Build a repository from a readable shell script of git commands; each call makes a new one."""
    count = iter(range(1000))

    def build(script: str) -> Path:
        return repositories.transcript(sealed / f"t{next(count)}", script)

    return build


@pytest.fixture(scope="session")
def _sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as monkeypatch:
        _seal_environment(monkeypatch, tmp_path_factory.mktemp("sample-home"))
        return repositories.sample_repository(tmp_path_factory.mktemp("sample") / "digits.git")


@pytest.fixture
def sample_repository(_sample: Path, sealed: Path) -> Path:
    """A bare repository of this test's own, on a plain path: see `repositories.sample_repository`."""
    return Path(shutil.copytree(_sample, sealed / "digits.git", symlinks=True))


@pytest.fixture
def runtime(sealed: Path) -> Iterator[Runtime]:
    """A simulated machine; killed at the end of the test."""
    machine = Runtime(sealed / "m")
    yield machine
    machine.kill()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """The throw-away authority of this run and its certificate for loopback."""
    return issue(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def forge(_sample: Path, sealed: Path) -> Forge:
    """Accounts, tokens and repositories of a GitHub of this test's own.

    It knows `ada` (token `ADA_TOKEN`, all scopes) who owns the private repository `ada/digits`, a copy of
    the sample, and `grace` (token `GRACE_TOKEN`) who may read it.
    """
    return Forge.with_sample(sealed / "forge", _sample)


@pytest.fixture(scope="session")
def github_description() -> Description:
    """GitHub's OpenAPI description of what the stand-in serves; without npm the test is skipped."""
    try:
        return Description.load(OPERATIONS)
    except Unavailable as error:
        pytest.skip(f"needs GitHub's OpenAPI description from npm: {error}")


@pytest.fixture
def hub(git_server: GitServer, github_description: Description) -> Hub:
    """GitHub's REST API at `/api/v3` of `git_server`, over the same repositories and tokens."""
    return git_server.mount(Hub(git_server.forge, github_description))


@pytest.fixture
def git_server(
    forge: Forge, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> Iterator[GitServer]:
    """A smart-HTTP git server over TLS in front of `forge`; git trusts its authority in this test."""
    monkeypatch.setenv("GIT_SSL_CAINFO", str(certificates.authority))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.authority))
    with GitServer(forge, certificates) as server:
        yield server
