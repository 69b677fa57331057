"""What of the user's settings decides which bytes git records: copied into the shadow repository.

Only settings that name no program are copied. Filters run only where the user's own global or system
configuration names them, since git reads those by itself and never reads the repository's from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from gitsession import files
from gitsession.git import index
from gitsession.snapshot.user import UserRepository

COPIED = (
    "core.attributesfile",
    "core.autocrlf",
    "core.checkroundtripencoding",
    "core.checkstat",
    "core.eol",
    "core.excludesfile",
    "core.filemode",
    "core.ignorecase",
    "core.precomposeunicode",
    "core.protecthfs",
    "core.protectntfs",
    "core.sparsecheckout",
    "core.sparsecheckoutcone",
    "core.symlinks",
    "core.trustctime",
)
_PATHS = frozenset({"core.attributesfile", "core.excludesfile"})
_BASE = """[core]
	repositoryformatversion = 0
	bare = true
	logAllRefUpdates = false
	safecrlf = false
	fsync = all
	fsyncMethod = fsync
[gc]
	auto = 0
[fetch]
	unpackLimit = 1
[transfer]
	unpackLimit = 1
"""
_OURS = f"\n{files.TEMPORARY_PREFIX}*\n".encode()  # what a killed restore may leave in the work tree
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"})


def user_settings(user: UserRepository) -> dict[str, str]:
    """The settings in force in the user's repository that bear on what git records."""
    found = index.settings_in_force(user.repository)
    if not (user.git_dir / "head").exists():
        found.pop("core.ignorecase", None)  # wrong on this disk: it would hide a file renamed in case only
    chosen = {key: value for key, value in found.items() if key in COPIED or _marks_promisor(key)}
    return {key: _expanded(user, value) if key in _PATHS else value for key, value in chosen.items()}


def is_true(value: str) -> bool:
    """Whether git takes a setting's value for true."""
    return value.lower() in ("true", "yes", "on", "1")


def write(directory: Path, user: UserRepository, chosen: Mapping[str, str]) -> bool:
    """Bring the shadow's configuration and `info/` in line with the user's; answers whether it changed."""
    changed = _put(directory / "config", (_BASE + _configuration(chosen)).encode("utf-8", "surrogateescape"))
    for source, target in _copies(directory, user).items():
        changed |= _put(target, _content(source))
    changed |= _put(directory / "info/exclude", (_content(user.common_dir / "info/exclude") or b"") + _OURS)
    return changed | _put(directory / "objects/info/alternates", _alternates(user))


def _copies(directory: Path, user: UserRepository) -> dict[Path, Path]:
    return {
        user.common_dir / "info/attributes": directory / "info/attributes",
        user.git_dir / "info/sparse-checkout": directory / "info/sparse-checkout",
        user.common_dir / "shallow": directory / "shallow",
    }


def _put(target: Path, content: bytes | None) -> bool:
    if _content(target) == content:
        return False
    if content is None:
        target.unlink()
    else:
        files.write_atomically(target, content)
    return True


def _content(path: Path) -> bytes | None:
    with suppress(FileNotFoundError, NotADirectoryError):
        return path.read_bytes()
    return None


def _alternates(user: UserRepository) -> bytes | None:
    """The user's alternates, made absolute; they are relative to their object store."""
    content = _content(user.objects / "info/alternates")
    if content is None:
        return None
    lines = (
        line for line in content.decode("utf-8", "surrogateescape").splitlines() if line[:1] not in ("", "#")
    )
    return "".join(f"{(user.objects / line).resolve()}\n" for line in lines).encode(
        "utf-8", "surrogateescape"
    )


def _marks_promisor(key: str) -> bool:
    return key.startswith("remote.") and key.endswith((".promisor", ".partialclonefilter"))


def _expanded(user: UserRepository, value: str) -> str:
    return str(user.work_tree / Path(value).expanduser()) if value else ""


def _configuration(chosen: Mapping[str, str]) -> str:
    return "".join(_setting(key, value) for key, value in sorted(chosen.items()))


def _setting(key: str, value: str) -> str:
    section, rest = key.split(".", 1)
    subsection, _, name = rest.rpartition(".")
    quoted = subsection.replace("\\", "\\\\").replace('"', '\\"')
    title = f'[{section} "{quoted}"]' if subsection else f"[{section}]"
    return f'{title}\n\t{name} = "{value.translate(_ESCAPES)}"\n'
