"""What a chain of commits holds: its newest commits, and the blobs that another place lacks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from gitsession.git.command import Repository

MOST_OF_A_PATCH = 200_000
_SHAPE = "--format=%H%x00%ct%x00%s%x00%B%x1e"


@dataclass(frozen=True)
class Logged:
    """One commit: its id, when it was made (seconds since 1970), its subject and its whole message."""

    commit: str
    at: float
    subject: str
    message: str


def chain(repository: Repository, tip: str, *options: str, paths: Sequence[str] = ()) -> Iterator[Logged]:
    """A commit and its first parents, newest first; options and paths choose among them as in git-log."""
    chosen = ("--", *(f":(literal){path}" for path in paths))
    listed = repository.output("log", "--first-parent", "--no-show-signature", _SHAPE, *options, tip, *chosen)
    for entry in listed.decode("utf-8", "replace").split("\x1e"):
        if entry.strip():
            commit, at, subject, message = entry.lstrip("\n").split("\0", 3)
            yield Logged(commit, float(at), subject, message)


def written(repository: Repository, tip: str, count: int) -> dict[str, list[str]]:
    """The blobs that each of the newest commits of a first-parent chain added, by commit."""
    listed = repository.output(
        *("log", "--first-parent", "--no-show-signature", "--format=%x1e%H", f"--max-count={count}"),
        *("--raw", "--no-abbrev", "--no-renames", "-m", tip, "--"),
    )
    found: dict[str, list[str]] = {}
    for entry in listed.decode("utf-8", "replace").split("\x1e")[1:]:
        commit, *lines = entry.split("\n")
        heads = [line.split("\t")[0].split(" ") for line in lines if line.startswith(":")]
        found[commit] = [fields[3] for fields in heads if fields[1] != "160000" and set(fields[3]) != {"0"}]
    return found


def patch(repository: Repository, old: str, new: str, paths: Sequence[str] = ()) -> str:
    """What changes from one commit to another, as git shows it to people, at most some 200 kB."""
    chosen = ("--", *(f":(literal){path}" for path in paths))
    shown = repository.output(
        "diff", "--no-ext-diff", "--no-textconv", "--stat", "--patch", old, new, *chosen
    )
    return shown[:MOST_OF_A_PATCH].decode("utf-8", "replace")


def new_blobs(repository: Repository, tips: Collection[str], known: Collection[str]) -> list[tuple[str, str]]:
    """The blobs reachable from the tips and from none of the known commits, as `(oid, path)`.

    What the repository lacks of the known ones is no error; a path is one of those where the blob lies.
    """
    asked = "".join(f"{oid}\n" for oid in (*tips, *(f"^{oid}" for oid in known)))
    listed = repository.output(
        "rev-list", "--objects", "--ignore-missing", "--stdin", stdin=asked.encode("ascii")
    )
    found = [line.partition(b" ") for line in listed.splitlines()]
    named = {oid.decode(): path.decode("utf-8", "surrogateescape") for oid, _, path in found if path}
    blobs = _blobs(repository, named)
    return [(oid, path) for oid, path in named.items() if oid in blobs]


def new_commits(repository: Repository, tips: Collection[str], known: Collection[str]) -> list[str]:
    """The commits reachable from the tips and from none of the known ones, newest first."""
    asked = "".join(f"{oid}\n" for oid in (*tips, *(f"^{oid}" for oid in known)))
    return repository.output("rev-list", "--ignore-missing", "--stdin", stdin=asked.encode()).decode().split()


def added(repository: Repository, commits: Collection[str]) -> dict[str, list[str]]:
    """The paths that each commit adds, by commit; of a merge those that none of its parents has."""
    listed = repository.output(
        *("diff-tree", "--stdin", "-r", "-c", "--root", "--no-renames", "--diff-filter=A", "--raw", "-z"),
        stdin="".join(f"{oid}\n" for oid in commits).encode(),
    )
    found: dict[str, list[str]] = {}
    paths: list[str] = []
    fields = iter(listed.decode("utf-8", "surrogateescape").split("\0")[:-1])
    for field in fields:
        if field.startswith(":"):
            paths.append(next(fields))
        else:
            paths = found[field] = []
    return found


def addresses(repository: Repository, commits: Collection[str]) -> dict[str, frozenset[str]]:
    """The e-mail addresses of author and committer of each commit."""
    if not commits:
        return {}
    listed = repository.output(
        "log",
        "--no-walk=unsorted",
        "--no-show-signature",
        "--format=%H%x00%ae%x00%ce",
        "--stdin",
        stdin="".join(f"{oid}\n" for oid in commits).encode(),
    )
    rows = (line.split("\0") for line in listed.decode("utf-8", "replace").splitlines())
    return {oid: frozenset(emails) for oid, *emails in rows}


def _blobs(repository: Repository, oids: Collection[str]) -> frozenset[str]:
    listed = repository.output(
        "cat-file",
        "--batch-check=%(objectname) %(objecttype)",
        stdin="".join(f"{oid}\n" for oid in oids).encode(),
    )
    rows = (line.split(" ", 1) for line in listed.decode().splitlines())
    return frozenset(oid for oid, kind in rows if kind == "blob")
