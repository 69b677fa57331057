"""Which of the code's error messages a test meets: raised in it, or told by a simulated machine's process.

`tests/errors_met.json` names for every message of the code a test that meets it; `tests/conftest.py` fails
such a test when it did not, and `tests/test_docs.py` when the code has a message that is not named there.

    ERRORS_MET=/tmp/met.jsonl pytest tests/git          writes down what each test met
    python -m tests.rig.errors_met /tmp/met.jsonl       puts what was not named yet into the list
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from gitsession.errors import GitsessionError
from tests.rig.repositories import PROJECT

LIST = PROJECT / "tests/errors_met.json"
TESTS = str(PROJECT / "tests")
VARIES = re.compile(r"<[^<>]*>")
TELLING = 18  # so many letters in a row are no accident in what a process prints

_raised: set[tuple[str, str]] = set()
_told: list[str] = []


def watch() -> None:
    """From now on, notice every error of ours that the code makes; those that tests make do not count."""
    make = GitsessionError.__init__

    def noticed(self: GitsessionError, what: str, **more: Any) -> None:
        make(self, what, **more)
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_code.co_filename.endswith("gitsession/errors.py"):
            frame = frame.f_back
        if not frame.f_code.co_filename.startswith(TESTS):
            _raised.add((type(self).__name__, what))

    GitsessionError.__init__ = noticed  # type: ignore[method-assign]


def hear(text: str) -> None:
    """Notice what a process of the product printed."""
    _told.append(text)


def forget() -> None:
    """A test begins."""
    _raised.clear()
    _told.clear()


def met(message: str) -> bool:
    """Whether the test met a message: `Kind: words`, in which what varies stands in angle brackets."""
    kind, _, words = message.partition(": ")
    pattern = _pattern(words)
    if any(kind == of and re.fullmatch(pattern, what, re.DOTALL) for of, what in _raised):
        return True
    is_telling = max(map(len, VARIES.split(words))) >= TELLING
    return is_telling and any(re.search(pattern, text) for text in _told)


@cache
def _pattern(words: str) -> str:
    return ".*?".join(map(re.escape, VARIES.split(words)))


@cache
def named() -> Mapping[str, str]:
    """Every message with the test that meets it."""
    listed: Mapping[str, str] = json.loads(LIST.read_text())
    return listed


def missed(test: str) -> list[str]:
    """What a test is named for and did not meet."""
    return [message for message, by in named().items() if by == test and not met(message)]


def unknown(tests: Iterable[str]) -> list[str]:
    """The tests that are named and do not exist among all of them."""
    return sorted(set(named().values()) - set(tests))


def reference() -> ModuleType:
    """`scripts/reference.py`, which reads the messages out of the code."""
    spec = importlib.util.spec_from_file_location("reference", PROJECT / "scripts/reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["reference"] = module
    spec.loader.exec_module(module)
    return module


@cache
def messages() -> tuple[str, ...]:
    """Every message of the code, as `Kind: words`."""
    found = reference().messages()
    return tuple(sorted({f"{kind}: {each.what}" for kind, all_of in found.items() for each in all_of}))


def write_down(test: str) -> None:
    """Append what a test met to the file that `ERRORS_MET` names, where it names one."""
    if place := os.environ.get("ERRORS_MET"):
        found = [message for message in messages() if met(message)]
        with Path(place).open("a") as stream:
            stream.write(json.dumps({"test": test, "met": found}) + "\n")


def main() -> None:
    """Put what was written down into the list, keep who is named already, and leave out what is gone."""
    listed = dict(json.loads(LIST.read_text()) if LIST.exists() else {})
    for line in Path(sys.argv[1]).read_text().splitlines():
        seen = json.loads(line)
        for message in seen["met"]:
            listed.setdefault(message, seen["test"])
    kept = {message: listed[message] for message in messages() if message in listed}
    LIST.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    for message in messages():
        if message not in kept:
            sys.stdout.write(f"met by no test: {message}\n")


if __name__ == "__main__":
    main()
