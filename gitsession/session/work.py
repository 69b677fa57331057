"""The work tree and its snapshots, as the person steers them."""

from __future__ import annotations

from gitsession.errors import StorageError
from gitsession.model import Snapshot, Update
from gitsession.session.asking import CLOSE_TIMEOUT, Asking

FETCH_TIMEOUT = 24 * 3600.0  # as long as bytes move: a storage that stalls ends it sooner


class Work(Asking):
    """What is done with files and snapshots; the agent does it, so that nothing is saved halfway."""

    def snapshots(self, limit: int = 100) -> list[Snapshot]:
        """The newest snapshots first, at most `limit` of them."""
        found = self._ask("log", limit=limit)["snapshots"]
        return [Snapshot(**entry) for entry in found]

    def save(self, subject: str) -> Snapshot | None:
        """Take a snapshot now and name it; None where nothing has changed since the one before.

        Args:
            subject: What `gitsession log` will say of it.
        """
        saved = self._ask("save", timeout=CLOSE_TIMEOUT, subject=subject)["snapshot"]
        return saved and Snapshot(saved["number"], saved["commit"], saved["at"], subject)

    def restore(
        self, path: str | None = None, at: int | str | None = None, *, before_cell: int | None = None
    ) -> tuple[str, ...]:
        """Bring back a file, a folder, or with `path=None` the whole tree, as it was in a snapshot.

        What is there now is saved as a snapshot before, so that a restore can itself be undone.

        Args:
            path: Relative to the work tree.
            at: A snapshot's number, or a time such as `"10 minutes ago"`; the one before the last by default.
            before_cell: The snapshot from before this cell of a notebook ran, by the number beside it, in
                place of `at`.

        Returns:
            The paths that changed.
        """
        asked = {"path": path, "at": at, "before_cell": before_cell or 0}
        return tuple(self._ask("restore", timeout=CLOSE_TIMEOUT, **asked)["changed"])

    def compare(
        self, path: str | None = None, at: int | str | None = None, *, before_cell: int | None = None
    ) -> str:
        """What `restore` would change, as git shows it: the arguments are its own; nothing is changed."""
        asked = {"path": path, "at": at, "before_cell": before_cell or 0}
        return str(self._ask("restore", timeout=CLOSE_TIMEOUT, preview=True, **asked)["patch"])

    def commit(self, message: str, push: bool = False) -> str:
        """Make a commit of everything on your own branch, as `git add --all` and `git commit` would.

        Args:
            message: The commit's message.
            push: Push the branch to its upstream afterwards.

        Returns:
            The commit's id.
        """
        return str(self._ask("commit", timeout=CLOSE_TIMEOUT, message=message, push=push)["commit"])

    def update(self, source: str | None = None) -> Update:
        """Bring what is new on the base, the upstream or a template into the work tree.

        Where both sides changed the same lines, yours stay and the other file lies beside yours as
        `<name>.from-<base>`; a file that you deleted comes back if it changed there. Your branches and index
        are not touched, and `restore` with the answer's `before` undoes all of it.

        Args:
            source: A branch, tag or commit; by default your branch's upstream, else the remote's default one.

        Raises:
            RepositoryError: There is nothing to update from.
        """
        found = self._ask("update", timeout=CLOSE_TIMEOUT, source=source)
        lists = (tuple(found[name]) for name in ("changed", "beside", "back"))
        return Update(found["source"], found["commit"], found["before"], *lists)

    def fetch(self, pattern: str) -> tuple[str, ...]:
        """Bring back files that were left in the vault, such as those that `lazy=` named.

        A file that stands in the place of one is left alone; the one from the vault lies beside it then.

        Args:
            pattern: A path or a pattern of paths, such as `"checkpoints/**"` or `"*.pt"`.

        Returns:
            Where they lie now.

        Raises:
            SessionError: It means none of them.
            StorageError: There is no vault, or some of them are not in it.
        """
        answer = self._ask("fetch", timeout=FETCH_TIMEOUT, pattern=pattern)
        if answer["missing"]:
            raise StorageError(
                f"Not everything could be had: {'; '.join(answer['missing'])}.",
                safe=f"{len(answer['paths'])} files are back; the others stay awaited.",
                hint="Fetch again once the storage is complete.",
            )
        return tuple(answer["paths"])

    def allow(self, what: str, once: bool = False) -> tuple[str, ...]:
        """Let leave what is held: for good, which is kept with the session, or once.

        Args:
            what: A path, a pattern of paths, or the name of a finding as `status` shows it.
            once: Only with the content that it has now.

        Returns:
            The held paths that go on with the next snapshot.

        Raises:
            SessionError: With `once`, where nothing of it is held.
        """
        return tuple(self._ask("allow", timeout=CLOSE_TIMEOUT, what=what, once=once)["released"])
