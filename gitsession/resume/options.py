"""The parameters of `gitsession.open`, checked before anything is touched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from gitsession.errors import UsageError
from gitsession.model import SessionName, parse_duration, parse_size
from gitsession.snapshot import patterns

CHOICES: dict[str, tuple[str | None, ...]] = {
    "editor": ("auto", "lab", None),
    "tunnel": ("auto", "ngrok", "colab", "none", None),
    "branch": ("visible", "hidden"),
    "branches": ("head", "all"),
    "fork": ("auto", "always", "never"),
}
TUNNEL_AUTH = "GITSESSION_TUNNEL_AUTH"
TUNNEL_FORMS = {  # what was given is not repeated: it may be a password in the wrong place
    "tunnel_domain": (
        r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.[a-z]{2,}",
        "Give a domain alone, such as ada.ngrok.app.",
    ),
    "tunnel_oauth": (r"[a-z]{2,30}", "Name a provider of ngrok's, such as google or github."),
    "tunnel_auth": (
        r"[^:\s]+:[^\s]{8,128}",
        "Write it as user:password, of 8 characters or more.",
    ),
}


@dataclass(frozen=True)
class Options:
    """The parameters of `gitsession.open`, where each is explained."""

    repo: str | Path
    session: str | None = None
    base: str | None = None
    storage: str | Path | Literal[False] | None = None
    workdir: str | Path | None = None
    token: str | None = field(default=None, repr=False)
    token_command: str | None = None
    editor: Literal["auto", "lab"] | None = "auto"
    tunnel: Literal["auto", "ngrok", "colab", "none"] | None = "auto"
    tunnel_domain: str | None = None
    tunnel_oauth: str | None = None
    tunnel_auth: str | None = field(default=None, repr=False)
    port: int | None = None
    password: str | None = field(default=None, repr=False)
    extensions: Sequence[str] = ()
    notebook: str | None = None
    keep: Sequence[str] = ()
    lazy: Sequence[str] = ()
    max_file_size: str | int = "50MB"
    max_remote_size: str | int = "500MB"
    publish: bool = True
    branch: Literal["visible", "hidden"] = "visible"
    branches: Literal["head", "all"] = "head"
    fork: Literal["auto", "always", "never"] = "auto"
    take_over: bool = False
    create: bool = False
    lifetime: str | float | None = None
    notify: str | None = field(default=None, repr=False)
    progress: bool = True

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: A value is malformed, or none of the choices.
            SessionError: The session's name is no good ref.
        """
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                said = ", ".join(str(choice) for choice in choices)
                raise UsageError(
                    f"{getattr(self, name)!r} is no value of {name}.", hint=f"Use one of: {said}."
                )
        for name in ("base", "session"):
            value = getattr(self, name)
            if value is not None and (value.startswith("-") or not value.isprintable() or not value.strip()):
                raise UsageError(f"{value!r} is no {name}.", hint=f"Give {name} a plain name.")
        if self.session is not None:
            whose, slash, name = self.session.rpartition("/")
            SessionName.parse(whose if slash else name, name)
        parse_size(self.max_file_size), parse_size(self.max_remote_size)
        for pattern in (*self.keep, *self.lazy):
            patterns.check(pattern)
        for name, (form, hint) in TUNNEL_FORMS.items():
            if (given := getattr(self, name)) is not None and not re.fullmatch(form, given):
                raise UsageError(f"The value of {name} is none.", hint=hint)
        if self.lifetime is not None:
            parse_duration(self.lifetime)
        if self.notify is not None and not _is_web_address(self.notify):
            raise UsageError(  # which is not repeated: such an address often is a secret
                "The address of notify is none that a line can be posted to.",
                hint="Write it like https://example.org/hook.",
            )


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and text.isprintable()
            and " " not in text
        )
    except ValueError:
        return False
