"""What a Kaggle kernel imports as `kaggle_secrets`.

Stands for: the client with its one method and the errors that its published source raises. Does not imitate:
the service behind it; the secrets come from the file that `KAGGLE_RIG_SECRETS` names, in which null means
that the network is off.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

SECRETS = "KAGGLE_RIG_SECRETS"


class CredentialError(Exception):
    """This notebook has no access to secrets."""


class BackendError(Exception):
    """The service gave no secret of that name."""


class UserSecretsClient:
    """The client of Add-ons, Secrets."""

    def __init__(self) -> None:
        try:
            self._secrets = json.loads(Path(os.environ[SECRETS]).read_text())
        except FileNotFoundError:
            raise CredentialError("A JWT Token is required to use the UserSecretsClient") from None

    def get_secret(self, label: str) -> str:
        """The secret of that label."""
        if self._secrets is None:
            raise ConnectionError("Connection error trying to communicate with service.")
        if label not in self._secrets:
            raise BackendError(f"Unexpected response from the service for {label!r}.")
        return str(self._secrets[label])


def install() -> None:
    """Make it importable under its name."""
    module: Any = ModuleType("kaggle_secrets")
    module.UserSecretsClient = UserSecretsClient
    sys.modules["kaggle_secrets"] = module
