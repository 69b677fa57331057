"""Kaggle notebooks: no storage that lasts, secrets by a client of theirs, and runs that nobody watches."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from gitsession.errors import AuthorisationError
from gitsession.runtime.local import Local

ROOT = Path("/kaggle")
ROOT_VARIABLE = "GITSESSION_KAGGLE"  # where a stand-in for Kaggle keeps it
LIFETIME = 12 * 3600.0  # Kaggle's documentation: 12 hours for a session, 9 with a TPU
TPU_LIFETIME = 9 * 3600.0


class Kaggle(Local):
    """A Kaggle notebook.

    Args:
        environ: Tells an interactive session from a saved version's run, and a TPU from the rest.
        root: Where its `/kaggle` lies.
    """

    name = "Kaggle"
    notes = (
        "Kaggle keeps no storage for a session: work is safe on GitHub only, unless storage= names a place;"
        " /kaggle/working survives only as a saved version, which may be public.",
    )
    network_hint = (
        "Switch on 'Internet' in the notebook's settings at the right; Kaggle asks for a verified phone."
    )

    def __init__(self, environ: Mapping[str, str], root: Path = ROOT) -> None:
        self._environ, self._root = environ, root

    @property
    def interactive(self) -> bool:  # type: ignore[override]
        """Whether a person has the notebook open; `Save Version` runs it unwatched."""
        return self._environ.get("KAGGLE_KERNEL_RUN_TYPE", "Interactive") == "Interactive"

    def default_storage(self) -> Path | None:
        """None: nothing here outlives the machine."""
        return None

    def default_worktree(self, name: str) -> Path:
        """Below `/kaggle/temp`: what lies in `/kaggle/working` becomes the notebook's output."""
        return self._root / "temp" / name

    def secret(self, name: str) -> str | None:
        """A secret from Add-ons; see `Runtime.secret`."""
        try:
            secrets = import_module("kaggle_secrets")
            return str(secrets.UserSecretsClient().get_secret(name))
        except Exception as error:  # the classes live in a module that exists nowhere else
            raise _secret_error(name, error, self.network_hint) from None

    def lifetime(self) -> float | None:
        """Kaggle's documented limit."""
        return TPU_LIFETIME if "TPU_WORKER_ID" in self._environ else LIFETIME

    def port_url(self, _port: int) -> str | None:
        """None: no port of a Kaggle machine can be reached from outside."""
        return None


def _secret_error(name: str, error: Exception, network_hint: str) -> AuthorisationError:
    match type(error).__name__:
        case "BackendError" | "NotFoundError":
            what = f"This notebook has no secret named {name}."
            hint = f"Add {name} under Add-ons, Secrets, and tick it for this notebook."
        case "CredentialError":
            what = "This notebook may not read secrets."
            hint = (
                "Open Add-ons, Secrets once in the editor; a saved version's run gets what was ticked before."
            )
        case "ConnectionError" | "URLError" | "TimeoutError":
            what, hint = "Kaggle's secrets cannot be reached.", network_hint
        case other:
            what, hint = f"Kaggle's secrets cannot be read ({other}).", f"Set {name} in the environment."
    return AuthorisationError(what, hint=hint)
