"""The state commit's format: the values that its small files hold, and their parsers for hostile input.

Root of the tree: `version`, `session.json`, `lease.json`, `held.json`, `HEAD`, `refs.json`, `config.json`,
`stash.json`, `switches.json`, `submodules.json`, `sparse-checkout`, `trees/<oid>` (of `AUTO_MERGE`),
`tags/<oid>` (tag objects, which no commit can reach), `kept.json` (see `kept`),
`index/entries`, `index/stage1..3` (trees), `index/flags.json`, `operation/…` (as in the git directory), and
`mtimes/=<directory>` (one per directory, percent-encoded). What is empty is absent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from gitsession.errors import FormatError, NewerFormat, SessionError
from gitsession.git.refs import Logged, is_good_name
from gitsession.model import FORMAT_VERSION, Held, Level, SessionName
from gitsession.snapshot.values import Head

OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
REMOTE = re.compile(r"\.|[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
BRANCH_KEYS = ("remote", "merge", "pushremote", "rebase", "description")
SPARSE_KEYS = ("core.sparsecheckout", "core.sparsecheckoutcone", "index.sparse")
REF_PREFIXES = ("refs/heads/", "refs/tags/", "refs/remotes/", "refs/bisect/", "refs/rewritten/")
ALWAYS = ("version", "session.json", "lease.json", "held.json", "HEAD", "refs.json", "config.json")
PUBLISHED = ("", "state", "branch")
SOMETIMES = ("stash.json", "switches.json", "submodules.json", "sparse-checkout", "index/flags.json")
_REBASE_VALUES = ("true", "false", "merges", "interactive", "m", "i")
_NEWER = "This session was saved by a newer gitsession."
_UPGRADE = "Upgrade with `pip install --upgrade gitsession`."


@dataclass(frozen=True)
class Lease:
    """Who leads the session, and what became of it.

    Args:
        runtime: The id of the runtime that leads.
        counter: How many times the session was opened.
        published: What the remote is known to have had of it: `branch` for branch and state ref, `state` for
            the state ref alone, empty for nothing. What it had and has no more was deleted there.
    """

    runtime: str
    counter: int
    published: str = ""


@dataclass(frozen=True)
class Flags:
    """Paths of the index with a flag that no tree can hold."""

    intent_to_add: Mapping[str, int] = field(default_factory=dict)
    skip_worktree: tuple[str, ...] = ()
    assume_unchanged: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `index/flags.json`; intent-to-add paths with their modes."""
        return asdict(self)


@dataclass(frozen=True)
class State:
    """A state commit, read.

    Args:
        oid: The state commit.
        snapshot: Its first parent: the snapshot that it belongs to.
        number: That snapshot's number in the session.
        head: What was checked out.
        refs: Branches, tags, remote-tracking and bisect refs by full name.
        complete: All local branches are in `refs`, not only HEAD's and those that the remote has.
        left_out: Refs and paths that were not allowed to leave; the vault's copy has them.
        config: Settings of branches and of the sparse checkout.
        stash: Entries, newest first.
        switches: The newest entries of HEAD's log that switched it, newest first.
        submodules: The commit that was checked out in each, by path.
    """

    oid: str
    snapshot: str
    session: SessionName
    number: int
    lease: Lease
    held: tuple[Held, ...]
    head: Head
    refs: Mapping[str, str]
    complete: bool
    left_out: tuple[str, ...]
    config: Mapping[str, tuple[str, ...]]
    stash: tuple[Logged, ...] = ()
    switches: tuple[Logged, ...] = ()
    submodules: Mapping[str, str] = field(default_factory=dict)
    sparse: bytes | None = None
    flags: Flags = field(default_factory=Flags)
    version: int = FORMAT_VERSION

    @property
    def branches(self) -> Mapping[str, str]:
        """Local branches by short name."""
        prefix = "refs/heads/"
        return {name[len(prefix) :]: oid for name, oid in self.refs.items() if name.startswith(prefix)}


def dump(value: object) -> bytes:
    """JSON in its one canonical form here: sorted, ASCII, a newline at the end."""
    return json.dumps(value, sort_keys=True, indent=0, separators=(",", ":")).encode("ascii") + b"\n"


def load(content: bytes, where: str) -> Any:
    """Parse JSON.

    Raises:
        FormatError: It is none.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as wrong:
        raise damaged(where) from wrong


def damaged(where: str) -> FormatError:
    """The error for a state file that does not parse."""
    return FormatError(
        f"The saved state is damaged: {where}.",
        safe="Nothing was changed; the files of the snapshot can still be restored.",
        hint="Restore the files, or go back to an earlier snapshot (`gitsession log`).",
    )


def check_version(content: bytes | None) -> int:
    """The format's version.

    Raises:
        FormatError: A newer one, or none at all.
    """
    text = (content or b"").decode("ascii", "replace").strip()
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text):
        raise damaged("version")
    if int(text) > FORMAT_VERSION:
        raise NewerFormat(_NEWER, safe="Nothing was changed.", hint=_UPGRADE)
    return int(text)


def parse(oid: str, snapshot: str, files: Mapping[str, bytes]) -> State:
    """Put a state together from its small files.

    Raises:
        FormatError: Newer, damaged or hostile.
    """
    version = check_version(files.get("version"))
    for name in ALWAYS:
        if name not in files:
            raise damaged(f"{name} is missing")
    try:
        return _parsed(oid, snapshot, files, version)
    except (KeyError, TypeError, ValueError, AttributeError, SessionError) as wrong:
        raise damaged(str(wrong)) from wrong


def _parsed(oid: str, snapshot: str, files: Mapping[str, bytes], version: int) -> State:
    json_files = {name: load(files[name], name) for name in files if name.endswith(".json")}
    session, refs = json_files["session.json"], json_files["refs.json"]
    lease = json_files["lease.json"]
    return State(
        oid=oid,
        snapshot=snapshot,
        session=SessionName.parse(_text(session["login"]), _text(session["name"])),
        number=whole_number(session["number"]),
        lease=_lease(lease),
        held=tuple(_held(item) for item in json_files["held.json"]),
        head=_head(files["HEAD"]),
        refs={ref_name(name): object_id(value) for name, value in refs["refs"].items()},
        complete=refs["complete"] is True,
        left_out=tuple(_text(item) for item in refs["left_out"]),
        config={key: _setting(key, values) for key, values in json_files["config.json"].items()},
        stash=tuple(_logged(item) for item in json_files.get("stash.json", ())),
        switches=tuple(_logged(item) for item in json_files.get("switches.json", ())),
        submodules={
            safe_path(path): object_id(value) for path, value in json_files.get("submodules.json", {}).items()
        },
        sparse=files.get("sparse-checkout"),
        flags=_flags(json_files.get("index/flags.json", {})),
        version=version,
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or re.search(r"[\x00-\x1f\x7f]", value):
        raise ValueError(f"{value!r:.80} is no plain text")
    return value


def _lease(item: Mapping[str, Any]) -> Lease:
    published = item.get("published", "")
    if published not in PUBLISHED:
        raise ValueError(f"{published!r:.80} is nothing that a remote has")
    return Lease(_text(item["runtime"]), whole_number(item["counter"]), published)


def whole_number(value: object) -> int:
    """A number that JSON can hold exactly, or ValueError."""
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError(f"{value!r:.80} is no number")
    return value


def object_id(value: object) -> str:
    """A full object id, or ValueError."""
    if not isinstance(value, str) or not OID.fullmatch(value):
        raise ValueError(f"{value!r:.80} is no object id")
    return value


def ref_name(value: str) -> str:
    """A ref that a state may hold, or ValueError."""
    if not is_good_name(value) or not value.startswith(REF_PREFIXES):
        raise ValueError(f"{value!r:.80} is no ref of a state")
    return value


def safe_path(value: str) -> str:
    """A path inside the work tree and outside every `.git`, or ValueError."""
    parts = value.split("/")
    if "\0" in value or any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        raise ValueError(f"{value!r:.80} is no path of a work tree")
    return value


def _head(content: bytes) -> Head:
    text = content.decode("utf-8", "surrogateescape").removesuffix("\n")
    if text.startswith("ref: "):
        name = ref_name(text[5:])
        if not name.startswith("refs/heads/"):
            raise ValueError("HEAD stands for no branch")
        return Head(name, None)
    return Head(None, object_id(text))


def _held(item: Mapping[str, Any]) -> Held:
    return Held(
        safe_path(item["path"]),
        _text(item["reason"]),
        whole_number(item["size"]),
        object_id(item["oid"]) if item["oid"] else "",
        object_id(item["sha256"]) if item["sha256"] else "",
        Level(item["level"]),
        _text(item.get("finding", "")),
    )


def _logged(item: Mapping[str, Any]) -> Logged:
    when = _text(item["when"])
    if not re.fullmatch(r"\d{1,12} [+-]\d{4}", when):
        raise ValueError("an entry of a log has no date")
    name, email = _text(item["name"]), _text(item["email"])
    if {"<", ">"} & set(name + email):
        raise ValueError("an entry of a log has no plain author")
    return Logged(object_id(item["oid"]), _text(item["message"]), name, email, when)


def _flags(item: Mapping[str, Any]) -> Flags:
    intent = item.get("intent_to_add", {})
    if not set(intent.values()) <= {0o100644, 0o100755, 0o120000}:
        raise ValueError("an intent-to-add has an unknown mode")
    return Flags(
        {safe_path(path): mode for path, mode in intent.items()},
        tuple(safe_path(path) for path in item.get("skip_worktree", ())),
        tuple(safe_path(path) for path in item.get("assume_unchanged", ())),
    )


def branch_of(key: str) -> tuple[str, str] | None:
    """Branch and setting of a key such as `branch.main.merge`; None for a key that a state may not hold."""
    section, _, rest = key.partition(".")
    branch, _, name = rest.rpartition(".")
    return (branch, name) if section == "branch" and branch and name in BRANCH_KEYS else None


def is_allowed_setting(key: str, value: str) -> bool:
    """Whether this setting may travel: it starts nothing, and points at no place that the clone lacks."""
    if key in SPARSE_KEYS:
        return value in ("true", "false")
    if (known := branch_of(key)) is None or not is_good_name(f"refs/heads/{known[0]}"):
        return False
    if known[1] in ("remote", "pushremote"):
        return bool(REMOTE.fullmatch(value))
    if known[1] == "merge":
        return is_good_name(value)
    return known[1] == "description" or value in _REBASE_VALUES


def _setting(key: str, values: Sequence[str]) -> tuple[str, ...]:
    for value in values:
        if not is_allowed_setting(key, value):
            raise ValueError(f"the setting {key!r:.80} may not be in a state")
    return tuple(values)
