"""What a person wants of the editor, as `open` hands it to the agent in `session.json`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gitsession.errors import FormatError


@dataclass(frozen=True)
class Wanted:
    """An editor, and how it is reached; nothing secret.

    Args:
        kind: `auto` for code-server, `lab` for JupyterLab.
        tunnel: `auto`, `ngrok`, `colab` or `none`.
        domain: A domain reserved at ngrok, for a link that stays the same.
        oauth: Whom ngrok lets sign in first, such as `google`.
        port: A named port on loopback.
        extensions: Extensions to install: the person's, and those of their last runtime.
        trusted: Whether the folder may run code of its own accord.
        on_colab: The machine is Google Colab's.
        own_machine: The person sits at this machine.
        address: Where the notebook opened Colab's proxy, empty while it has not.
        host: The Host header that requests arrive with from there.
    """

    kind: str = "auto"
    tunnel: str = "auto"
    domain: str = ""
    oauth: str = ""
    port: int | None = None
    extensions: tuple[str, ...] = ()
    trusted: bool = False
    on_colab: bool = False
    own_machine: bool = True
    address: str = ""
    host: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The form of `session.json`."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Wanted | None:
        """Read what `to_json` gave; None for nothing, which wants no editor.

        Raises:
            FormatError: It is damaged, or written by a newer gitsession.
        """
        if not fields:
            return None
        try:
            return cls(**{**fields, "extensions": tuple(fields.get("extensions", ()))})
        except TypeError as error:
            raise FormatError(
                f"The editor's settings are damaged: {error}.", hint="Open the session again."
            ) from None
