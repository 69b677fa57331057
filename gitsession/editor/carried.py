"""Which of the editor's saved settings come back from a vault: none that name a program or take a guard away.

Others may write to the vault's folder, and VS Code obeys a setting as its user's. One comes back only where
neither its name nor its value can have anything run: its name has no word of `GUARDS`, none of `NAMING` with
text for its value, and its values are switches, numbers and plain words. The others are the person's to set.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

GUARDS = re.compile(
    "allow(ed)?|approve|automation|extensions?|mcp|proxy|remote|sandbox|security|ssl|tasks?|trust"
)
NAMING = re.compile(
    "arg(ument)?s?|bin(ary)?|browser|cmd|commands?|compiler|debugger|directory|env(ironment)?|exe(c|cutable|cutor)?|"
    "home|hooks?|hosts?|init|interpreter|launch(er)?|paths?|plugins?|preload|profiles?|programs?|runners?|runtimes?|"
    "scripts?|sdk|servers?|shell|startup|token|tools?|tsdk|ur[il]s?"
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_PLAIN = re.compile(r"[\w .,+:#%'\"-]{0,200}")  # a theme, a font, a colour; no path, no variable, no operator
_COMMENT = r"//[^\n\r]*|/\*.*?\*/"
_JSONC = re.compile(rf'("(?:[^"\\\n\r]|\\[^\n\r])*")|{_COMMENT}|,(?=(?:\s|{_COMMENT})*[\]}}])', re.DOTALL)
LAB_KEYS = "shortcuts"  # JupyterLab's own file of keys
_EDITING = ("cursor", "editor.action.")  # commands of keys that may be given arguments, since they only edit


class _Pairs(list[tuple[str, Any]]):
    """An object as it is written, a name that is there twice included."""


def harmless(content: bytes, ours: Collection[str]) -> tuple[bytes | None, tuple[str, ...]]:
    """A file of settings or of keys without what could have anything run.

    Args:
        content: JSON, with or without comments.
        ours: Settings that are set in every editor of ours: only their values are looked at.

    Returns:
        The file, to the byte where nothing is left out, None where it is no such file; and what is left out.
    """
    try:
        bare = _JSONC.sub(lambda found: found[1] or " ", content.decode())
        read = json.loads(bare, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return None, ()
    if isinstance(read, _Pairs):
        left = [name for name, value in read if _may_run("" if name in ours else name, value)]
        good: object = {name: _plain(value) for name, value in read if name not in left}
    elif isinstance(read, list):
        left = [_keys_of(entry) for entry in read if not _is_harmless_binding(entry)]
        good = [_plain(entry) for entry in read if _is_harmless_binding(entry)]
    else:
        return None, ()
    return (json.dumps(good, indent=2).encode() + b"\n" if left else content), tuple(dict.fromkeys(left))


def _may_run(name: str, value: object) -> bool:
    """Whether a setting could name a program or a server, or take a guard away."""
    words = [word.lower() for word in _WORD.findall(name)]
    says = not isinstance(value, (bool, int, float, type(None)))
    if any(GUARDS.fullmatch(word) or (says and NAMING.fullmatch(word)) for word in words):
        return True
    if isinstance(value, _Pairs):
        return any(_may_run(inner, item) for inner, item in value)
    if isinstance(value, list) and name == LAB_KEYS:
        return not all(map(_is_harmless_binding, value))
    if isinstance(value, list):
        return any(_may_run("", item) for item in value)
    return isinstance(value, str) and not _PLAIN.fullmatch(value)


def _is_harmless_binding(entry: object) -> bool:
    """Whether keys are bound to a command that is given nothing, or that only edits."""
    if not isinstance(entry, _Pairs):
        return False
    names = [name for name, _ in entry]
    (command, *others) = [value for name, value in entry if name == "command"] or [None]
    is_bound = isinstance(command, str) and not others and bool({"key", "keys"} & {*names})
    return is_bound and ("args" not in names or str(command).startswith(_EDITING))


def _keys_of(entry: object) -> str:
    keys = dict(entry).get("key") if isinstance(entry, _Pairs) else None
    return f"what {keys} does" if isinstance(keys, str) else "what some keys do"


def _plain(value: object) -> object:
    if isinstance(value, _Pairs):
        return {name: _plain(item) for name, item in value}
    return [_plain(item) for item in value] if isinstance(value, list) else value
