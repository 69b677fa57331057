"""What an agent is told at its start: plain values, kept in `session.json`, and secrets, only in memory."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gitsession import files
from gitsession.address import GITHUB, Address
from gitsession.agent.places import Places, home, session_key
from gitsession.errors import FormatError
from gitsession.model import FORMAT_VERSION, Identity, SessionName
from gitsession.runtime.colab import DRIVE_NAMES
from gitsession.status import Deadline


@dataclass(frozen=True)
class Configuration:
    """One open session, complete but for its secrets.

    Args:
        address: The repository that was opened.
        session: Whose session, and its name.
        worktree: The directory the person edits.
        runtime: The id of this life of this machine.
        author: Whom the snapshots name as their author.
        noreply: The address that GitHub gives out where the author's own is to stay private; None if unknown.
        storage: The vault's storage folder or URL; None for no vault.
        fork: The fork that is pushed to, where the opened repository itself may not be.
        publish: Whether anything is pushed at all.
        visible: Whether the session branch is pushed beside the state ref.
        branches: Which local branches are published: `head` or `all`.
        counter: The session's open-counter, from the lease that was taken.
        published: What the remote is known to have of it: `branch`, `state`, or nothing.
        keep: Patterns of ignored paths that go to the vault all the same.
        lazy: Patterns of kept files that are not fetched by `open`.
        max_file_size: Bytes above which new content is held.
        max_remote_size: Bytes of large changing files after which they go to the vault only.
        quiet: Seconds without a change before a snapshot.
        max_age: Seconds after the first change at which a snapshot is taken all the same.
        deadline: When this runtime is expected to end.
        token_command: The command line that prints a token, for a restarted keeper.
        server_url: The server of `user/repo`.
        api_url: Its REST API.
        notify: The URL that is told in one line when work is at risk.
        editor: The editor's settings, as its part reads them.
        workflows: Whether `.github/workflows` may be pushed, unless GitHub is known to refuse it.
        opened_as: The session that this one was forked from while it ran, under which its local state lies.
    """

    address: Address
    session: SessionName
    worktree: Path
    runtime: str
    author: Identity
    storage: str | None = None
    fork: Address | None = None
    publish: bool = True
    visible: bool = True
    branches: str = "head"
    counter: int = 1
    published: str = ""
    keep: tuple[str, ...] = ()
    lazy: tuple[str, ...] = ()
    max_file_size: int = 50_000_000
    max_remote_size: int = 500_000_000
    quiet: float = 1.0
    max_age: float = 5.0
    deadline: Deadline | None = None
    token_command: str | None = None
    server_url: str = "https://github.com"
    api_url: str = "https://api.github.com"
    notify: str | None = None
    editor: Mapping[str, Any] = field(default_factory=dict)
    opened_as: SessionName | None = None
    noreply: str | None = None
    workflows: bool = True

    @property
    def key(self) -> str:
        """The name of the session's folder, which a fork keeps."""
        return session_key(self.address, self.opened_as or self.session, self.worktree)

    @property
    def places(self) -> Places:
        """Where the session's local state lies."""
        return Places(self.key, home())

    @property
    def place_names(self) -> dict[str, str]:
        """What people call the vault and the remote."""
        on_drive = set(DRIVE_NAMES).intersection((self.storage or "").split("/"))
        home = self.fork or self.address
        return {
            "vault": "Drive" if on_drive else "Vault",
            "remote": "GitHub" if home.host == GITHUB else "Remote",
        }

    def to_json(self) -> dict[str, Any]:
        """The form of `session.json`."""
        return {"version": FORMAT_VERSION, **dataclasses.asdict(self), "worktree": str(self.worktree)}

    @classmethod
    def from_json(cls, fields: Any) -> Configuration:
        """Read what `to_json` gave.

        Raises:
            FormatError: It is damaged, or written by a newer gitsession.
        """
        try:
            version, given = fields["version"], {**fields}
            del given["version"]
            if version != FORMAT_VERSION:
                raise FormatError(
                    f"The session's settings have format {version}.",
                    hint="Upgrade gitsession and open again.",
                )
            return cls(**{**given, **_values(given)})
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(
                f"The session's settings are damaged: {error}.", hint="Open it again."
            ) from None


def _values(given: Mapping[str, Any]) -> dict[str, Any]:
    fork, deadline, opened_as = (given.get(name) for name in ("fork", "deadline", "opened_as"))
    return {
        "address": Address(**given["address"]),
        "session": SessionName.parse(**given["session"]),
        "worktree": Path(given["worktree"]),
        "author": Identity(**given["author"]),
        "fork": fork and Address(**fork),
        "deadline": deadline and Deadline(**deadline),
        "opened_as": opened_as and SessionName.parse(**opened_as),
        "keep": tuple(given.get("keep", ())),
        "lazy": tuple(given.get("lazy", ())),
    }


def save(configuration: Configuration) -> None:
    """Write a session's configuration to its place, atomically; the place is made if missing."""
    places = configuration.places
    places.create()
    text = json.dumps(configuration.to_json(), indent=1)
    files.write_atomically(places.configuration, text.encode())


def load(places: Places) -> Configuration:
    """Read a session's configuration back.

    Raises:
        FormatError: There is none, it is damaged, or it was written by a newer gitsession.
    """
    try:
        fields = json.loads(places.configuration.read_bytes())
    except (OSError, ValueError):
        raise FormatError("The session's settings cannot be read.", hint="Open the session again.") from None
    return Configuration.from_json(fields)


def read(places: Places) -> Configuration | None:
    """A session's configuration, or None where there is none that can be read."""
    try:
        return load(places)
    except FormatError:
        return None


@dataclass(frozen=True)
class Secrets:
    """What lives in the keeper's memory only and travels over pipes; it never shows in a `repr`.

    Args:
        token: The token for the repository's host.
        password: The editor's password.
        tunnel_token: The tunnel's authtoken.
        tunnel_auth: `user:password` for the tunnel's far end.
    """

    token: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    tunnel_token: str | None = field(default=None, repr=False)
    tunnel_auth: str | None = field(default=None, repr=False)

    def to_bytes(self) -> bytes:
        """What travels over the pipe."""
        return json.dumps(dataclasses.asdict(self)).encode()

    @classmethod
    def from_bytes(cls, text: bytes) -> Secrets:
        """Read what `to_bytes` gave; nothing gives no secrets."""
        return cls(**json.loads(text)) if text else cls()
