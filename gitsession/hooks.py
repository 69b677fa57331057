"""Our git hooks in the user's repository: a nudge for the agent, chained before whatever hook was there.

The session is right without them, so that in every doubtful case we stay out: hooks that live elsewhere, a
hook that already calls ours, a shim that somebody edited. Nothing that is not ours is overwritten or removed.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files as resources
from pathlib import Path

from gitsession import files

NAMES = ("post-commit", "post-checkout", "post-merge", "post-rewrite")
MARK = b"# gitsession hook "
BEFORE = ".before-gitsession"
MAX_SHIM = 16_384
_SOCKET, _PROGRAM = "'@SOCKET@'", "'@PROGRAM@'"


@dataclass(frozen=True)
class Installed:
    """What `install` did: the hooks that are ours now, and each one left out with its reason."""

    names: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...] = ()


def install(common_dir: Path, agent: Path, executable: Sequence[str], *, hooks_path: str | None) -> Installed:
    """Put our hooks into a repository; the one that is there already is kept beside and runs after ours.

    Another session's hook in the same repository is replaced: the newest session is nudged, the other one
    watches and sweeps.

    Args:
        common_dir: The repository's common directory, which linked work trees share.
        agent: The agent's socket.
        executable: Our program and its first arguments, such as `run.program()`.
        hooks_path: The repository's `core.hooksPath`: where it is set, hooks live elsewhere and we stay out.
    """
    hooks = common_dir / "hooks"
    if hooks_path is not None or hooks.is_symlink():
        reason = "core.hooksPath is set" if hooks_path is not None else "its hooks folder is a link"
        return Installed((), tuple((name, reason) for name in NAMES))
    reasons = {name: _install_one(hooks, name, agent, executable) for name in NAMES}
    left_out = tuple((name, reason) for name, reason in reasons.items() if reason is not None)
    return Installed(tuple(name for name in NAMES if reasons[name] is None), left_out)


def _install_one(hooks: Path, name: str, agent: Path, executable: Sequence[str]) -> str | None:
    try:
        hooks.mkdir(exist_ok=True)
        reason = _in_the_way(hooks, name)
        if reason is None:
            _keep_beside(hooks / name)
            files.write_atomically(hooks / name, _render(name, agent, executable), 0o755)
    except OSError as error:
        return f"it cannot be written ({error.strerror})"
    return reason


def _in_the_way(hooks: Path, name: str) -> str | None:
    target, before = hooks / name, hooks / f"{name}{BEFORE}"
    if not os.path.lexists(target):
        return None
    if target.is_dir():
        return "a folder has its name"
    if is_ours(target):
        return None if _is_untouched(target) else "our hook was edited"
    if any(is_ours(path) for path in hooks.glob(f"{name}.*")):
        return "the hook there calls ours already"
    if os.path.lexists(before) and not target.samefile(before):
        return "a new hook replaced ours"
    return None


def _keep_beside(target: Path) -> None:
    """Give a foreign hook its second name before ours takes the first, so that a crash loses neither."""
    before = target.with_name(target.name + BEFORE)
    if not os.path.lexists(target) or is_ours(target) or os.path.lexists(before):
        return
    try:
        os.link(target, before, follow_symlinks=False)
    except OSError:  # a file system without hard links
        target.rename(before)


def remove(common_dir: Path, agent: Path) -> None:
    """Take out the hooks that nudge this agent, or one that is gone, and give back what was there before.

    What somebody put in their place, or edited, stays as it is.
    """
    for name in NAMES:
        with suppress(OSError):
            _remove_one(common_dir / "hooks" / name, agent)


def _remove_one(target: Path, agent: Path) -> None:
    before = target.with_name(target.name + BEFORE)
    socket = _socket_of(target)
    if socket is None and os.path.lexists(target):
        if os.path.lexists(before) and target.samefile(before):
            before.unlink()  # an install that was cut short
    elif socket in (None, agent) or not socket.exists():
        _give_back(target, before)


def _give_back(target: Path, before: Path) -> None:
    if os.path.lexists(before):
        before.replace(target)
    else:
        target.unlink(missing_ok=True)


def is_ours(path: Path) -> bool:
    """Whether this file is one of our shims, of any version, edited or not."""
    return MARK in _content(path).partition(b"\n")[2].partition(b"\n")[0]


def _is_untouched(path: Path) -> bool:
    return _socket_of(path) is not None


def _socket_of(path: Path) -> Path | None:
    """The socket that an untouched shim of ours names; None for any other file."""
    pattern = re.escape(_template(path.name))
    pattern = pattern.replace(re.escape(_SOCKET), "(?P<socket>[^\n]+)").replace(re.escape(_PROGRAM), "[^\n]+")
    found = re.fullmatch(pattern, os.fsdecode(_content(path)))
    words = shlex.split(found["socket"]) if found else []
    return Path(words[0]) if len(words) == 1 else None


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_SHIM)
    except OSError:
        return b""


def _template(name: str) -> str:
    return (resources("gitsession") / "_hooks" / name).read_text(encoding="utf-8")


def _render(name: str, agent: Path, executable: Sequence[str]) -> bytes:
    text = _template(name).replace(_SOCKET, shlex.quote(str(agent))).replace(_PROGRAM, shlex.join(executable))
    return os.fsencode(text)
