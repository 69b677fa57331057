"""Opening a repository with a long history: until the work tree stands, and until all of it is here.

The remote is the git server of the tests, behind a link of 30 MB/s with 20 ms of latency. Contenders: a plain
`git clone`, and `gitsession open`, which leaves older contents at the remote first. A repository counts as
large by the size that GitHub tells; what `open` does with one that does not is measured too.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from benchmarks.report import Report, arguments
from benchmarks.resume import seconds
from tests.rig.certificates import issue
from tests.rig.fault_proxy import Conditions, FaultProxy
from tests.rig.forge import ADA_TOKEN, Forge, Hosted
from tests.rig.git_server import GitServer
from tests.rig.hub import OPERATIONS, Hub
from tests.rig.openapi import Description
from tests.rig.repositories import git
from tests.rig.runtime import Runtime
from tests.spine import Machine

LINK = Conditions(latency=0.02, bandwidth=30e6)
FILES, VERSIONS, SIZE = 200, 12, 60_000  # 144 MB that nothing compresses, a twelfth of it in the work tree
PATIENCE = 120.0


def main() -> None:
    given = arguments(__doc__)
    versions, runs = (4, 1) if given.quick else (VERSIONS, 3)
    megabytes = FILES * versions * SIZE / 1e6
    report = Report(f"history: seconds to open a repository of {megabytes:.0f} MB over a link of 30 MB/s")
    with tempfile.TemporaryDirectory(prefix="gs-", dir="/tmp") as name, served(Path(name), versions) as site:
        turns = [turn(Path(name) / str(number), *site) for number in range(runs)]
    cloned, stands, whole, plain = ([one[at] for one in turns] for at in range(4))
    limit = report.add("git clone", "s", cloned).median
    report.add("gitsession open, the work tree stands", "s", stands, limit)
    report.add("the same until all of the history is here", "s", whole)
    report.add("gitsession open, everything at once", "s", plain)
    report.show(as_json=given.json)


@contextmanager
def served(folder: Path, versions: int) -> Iterator[tuple[Hosted, str, dict[str, str]]]:
    """The repository, its address behind the link, and what an environment needs to reach it."""
    forge = Forge.with_sample(folder / "forge", bare(folder, versions))
    certificates = issue(folder)
    trusted = {
        "GIT_SSL_CAINFO": str(certificates.authority),
        "REQUESTS_CA_BUNDLE": str(certificates.authority),
    }
    with GitServer(forge, certificates) as server:
        server.mount(Hub(forge, Description.load(OPERATIONS)))
        link = FaultProxy(server.port)
        link.start()
        link.conditions = LINK
        try:
            yield forge.repository(), link.through(server.site), trusted
        finally:
            link.stop()


def bare(folder: Path, versions: int) -> Path:
    """A bare repository in which every version changes every file."""
    work = folder / "made"
    work.mkdir()
    git(work, "init", "--quiet", "--initial-branch=main")
    for version in range(versions):
        for number in range(FILES):
            (work / f"{number}.bin").write_bytes(os.urandom(SIZE))
        git(work, "add", "--all")
        git(work, "commit", "--quiet", "--message", f"Version {version}")
    git(folder, "clone", "--quiet", "--bare", "--no-local", str(work), "sample.git")
    for setting in ("allowFilter", "allowAnySHA1InWant"):  # as at GitHub
        git(folder / "sample.git", "config", f"uploadpack.{setting}", "true")
    return folder / "sample.git"


def turn(
    folder: Path, hosted: Hosted, site: str, trusted: dict[str, str]
) -> tuple[float, float, float, float]:
    """A clone, an opening, how long until that has the whole history, and an opening with all at once."""
    folder.mkdir()
    url = f"{site}/{hosted.full_name}.git".replace("://", f"://x-access-token:{ADA_TOKEN}@")
    argv = ["git", "clone", "--quiet", url, str(folder / "clone")]
    cloned = seconds(lambda: subprocess.run(argv, check=True, env={**os.environ, **trusted}))
    stands, whole = opened(folder / "large", site, trusted)
    with patch.object(type(hosted), "size", 0):
        plain, _ = opened(folder / "small", site, trusted)
    return cloned, stands, whole, plain


def opened(place: Path, site: str, trusted: dict[str, str]) -> tuple[float, float]:
    """Seconds until `open` returns, and until nothing is missing any more."""
    extra = {"GITHUB_TOKEN": ADA_TOKEN, "GITHUB_SERVER_URL": site, **trusted}
    machine = Machine(Runtime(place, extra=extra), "ada/digits", ("--storage", "none"))
    began = time.perf_counter()
    try:
        machine.open()
        stands = time.perf_counter() - began
        while machine.git("config", "remote.origin.promisor", check=False):
            if time.perf_counter() - began > PATIENCE:
                raise RuntimeError("the history does not arrive")
            time.sleep(0.1)
        return stands, time.perf_counter() - began
    finally:
        machine.runtime.kill()


if __name__ == "__main__":
    main()
