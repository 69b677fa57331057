"""How many secrets the guard catches, how often it is wrong, and how long it takes; beside detect-secrets.

    python benchmarks/guard.py [--quick] [--json] [--clean DIRECTORY ...] [--offline]

Caught: made-up secrets of the most common kinds in code, `.env`, notebook cells and outputs.
False: files of the sdists of nbformat, nbdime, scikit-learn and matplotlib, which hold no live secret; they
are fetched from PyPI through `unearth`, pip's own finder, into a temporary folder; `--clean` names
folders that have them already. A file counts as held when anything in it is found.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.secret_corpus import KINDS, Planted, planted
from gitsession.git import Repository
from gitsession.replicas.guard import Guard
from gitsession.replicas.scan import scan
from tests.review import cases

PROJECTS = ("nbformat", "nbdime", "scikit-learn", "matplotlib")
Check = Callable[[str, bytes], bool]


def ours(path: str, content: bytes) -> bool:
    return bool(scan(path, content))


def detect_secrets() -> Check | None:
    """detect-secrets with its default plugins and filters; None where it is not installed."""
    try:
        from detect_secrets.core.secrets_collection import SecretsCollection
        from detect_secrets.settings import default_settings
    except ImportError:
        return None

    def check(path: str, content: bytes) -> bool:
        with tempfile.TemporaryDirectory() as folder, default_settings():
            file = Path(folder) / Path(path).name
            file.write_bytes(content)
            found = SecretsCollection()
            found.scan_file(str(file))
            return bool(list(found))

    return check


def caught(check: Check, files: Iterable[Planted]) -> dict[str, Any]:
    missed: dict[str, int] = {}
    total = 0
    for file in files:
        total += 1
        if not check(file.path, file.content):
            missed[f"{file.kind} in {file.place}"] = missed.get(f"{file.kind} in {file.place}", 0) + 1
    return {"files": total, "caught": 1 - sum(missed.values()) / total, "missed": missed}


def held_falsely(check: Check, files: Iterable[tuple[str, bytes]]) -> dict[str, Any]:
    total, held = 0, []
    for path, content in files:
        total += 1
        if check(path, content):
            held.append(path)
    return {"files": total, "false": len(held) / total if total else None, "held": held[:20]}


def clean_files(folders: Iterable[Path], most: int) -> Iterator[tuple[str, bytes]]:
    for folder in folders:
        files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
        for _, path in zip(range(most), files, strict=False):
            yield str(path.relative_to(folder)), path.read_bytes()


def fetch(into: Path) -> list[Path]:
    """Download and unpack the sdists; those that cannot be had are named and left out."""
    for project in PROJECTS:
        command = [sys.executable, "-m", "unearth", "--no-binary", "--download", str(into), project]
        if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode:
            print(f"{project} cannot be fetched (pip install unearth)", file=sys.stderr)
    folders = []
    for archive in sorted(into.glob("*.tar.gz")):
        folder = into / archive.name.removesuffix(".tar.gz")
        with tarfile.open(archive) as sdist:
            sdist.extractall(folder, filter="data")
        folders.append(folder)
    return folders


def large_notebook() -> bytes:
    text = "".join(f"step {n} loss {1 / (n + 1):.6f} hash {n * 2654435761 % 2**32:08x}\n" for n in range(70))
    plot = cases.plot(cases.picture((30, 90, 60)))
    cells = [cases.code(f"run({n})\n", cases.stream(text), plot, count=n) for n in range(1000)]
    return cases.written(cases.notebook(*cells))


def seconds_for_a_large_notebook(repeat: int) -> dict[str, float]:
    """A whole check, the other process's start included: the best and the worst of several."""
    times = []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "init", "--quiet", "--bare", folder], check=True)
        repository = Repository(Path(folder))
        content = large_notebook()
        oid = repository.output("hash-object", "-w", "--stdin", stdin=content).decode().strip()
        for _ in range(repeat):
            start = time.perf_counter()
            if Guard(repository).check([(oid, "a.ipynb")]):
                raise SystemExit("the clean notebook was held")
            times.append(time.perf_counter() - start)
    return {"megabytes": len(content) / 1e6, "best": min(times), "worst": max(times)}


def measure(options: argparse.Namespace) -> dict[str, Any]:
    contenders = {"gitsession": ours, "detect-secrets": detect_secrets()}
    each, most = (5, 200) if options.quick else (25, 100_000)
    result: dict[str, Any] = {
        "kinds": len(KINDS),
        "notebook": seconds_for_a_large_notebook(3 if options.quick else 10),
    }
    with tempfile.TemporaryDirectory() as folder:
        folders = options.clean or ([] if options.offline else fetch(Path(folder)))
        for name, check in contenders.items():
            if check is None:
                result[name] = None
                continue
            few = name != "gitsession"  # it takes seconds a megabyte
            result[name] = {
                **caught(check, planted(min(each, 3) if few else each)),
                **{
                    f"clean {key}": value
                    for key, value in held_falsely(check, clean_files(folders, 150 if few else most)).items()
                },
            }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--offline", action="store_true")
    parser.add_argument("--clean", type=Path, nargs="*", default=[])
    result = measure(parser.parse_args())
    if "--json" in sys.argv:
        print(json.dumps(result, indent=1))
        return
    notebook = result["notebook"]
    print(f"a {notebook['megabytes']:.1f} MB notebook: {notebook['best']:.2f} to {notebook['worst']:.2f} s")
    for name in ("gitsession", "detect-secrets"):
        found = result[name]
        if found is None:
            print(f"{name}: not installed")
            continue
        print(f"{name}: {found['caught']:.2%} caught of {found['files']} files, {result['kinds']} kinds")
        if found["clean files"]:
            print(f"{name}: {found['clean false']:.2%} held falsely of {found['clean files']} clean files")


if __name__ == "__main__":
    main()
