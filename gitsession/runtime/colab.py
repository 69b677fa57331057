"""Google Colab: Drive, secrets and ports belong to the notebook, so that only its kernel can ask for them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from gitsession import run
from gitsession.errors import AuthorisationError, ConsentRefused, StorageError
from gitsession.runtime.base import in_kernel
from gitsession.runtime.local import Local

LIFETIME = 12 * 3600.0  # Colab's FAQ: free notebooks run at most 12 hours
DRIVE_NAMES = ("MyDrive", "My Drive")
FOLDER = "gitsession"
CONTENT = Path("/content")
CONTENT_VARIABLE = "GITSESSION_CONTENT"  # where a stand-in for Colab keeps it
PROBE_TIMEOUT = 10.0
EVALUATE_TIMEOUT = 20.0
MOUNT_TIMEOUT = 120_000  # milliseconds; the person has to click through a dialogue
_BY_HAND = (
    "Run `from google.colab import drive; drive.mount('/content/drive')` in a cell, or use --storage none."
)
_UPLOADS = (
    "Drive may still be uploading, which goes on while this machine lives. "
    "`from google.colab import drive; drive.flush_and_unmount()` in a cell waits for it."
)


class Colab(Local):
    """A Colab runtime.

    Args:
        content: Its folder for the person's files.
    """

    name = "Colab"
    notes = (
        "Colab counts only running cells as activity: neither the editor nor a terminal keeps this machine.",
    )
    storage_reason = (
        "Google asks next whether this notebook may use your Drive: a second copy of your work is kept there,"
        " in the folder `gitsession`. Say no, and GitHub alone keeps it."
    )
    uploads = _UPLOADS
    network_hint = "Check https://status.cloud.google.com; Colab machines are online by default."

    def __init__(self, content: Path = CONTENT) -> None:
        self._content = content

    def default_storage(self) -> Path | None:
        """The folder on Drive, which is mounted if need be."""
        return self.mount()

    def storage_at_hand(self) -> Path | None:
        """The folder on Drive where that is mounted already."""
        try:
            mounted = self._drive()
        except StorageError:  # it hangs: `default_storage` says so
            return None
        return None if mounted is None else mounted / FOLDER

    def default_worktree(self, name: str) -> Path:
        """Below `/content`."""
        return self._content / name

    def mount(self) -> Path:
        """`MyDrive/gitsession`, see `Runtime.mount`."""
        mounted = self._drive()
        if mounted is None:
            self._ask_to_mount()
            mounted = self._drive()
        if mounted is None:
            raise StorageError("Google Drive was mounted without its MyDrive folder.", hint=_BY_HAND)
        return mounted / FOLDER

    def unmount(self, seconds: float) -> None:
        """Let Drive upload what it has; see `Runtime.unmount`. Mounting it again may fail afterwards.

        So in https://github.com/googlecolab/colabtools/issues/4773; by itself Colab would wait for a day.
        """
        if not in_kernel():
            raise StorageError("Google Drive can be unmounted only from a notebook's cell.", hint=_UPLOADS)
        try:
            import_module("google.colab.drive").flush_and_unmount(timeout_ms=int(seconds * 1000))
        except Exception as error:  # Colab raises plain ValueError
            raise StorageError(
                f"Google Drive was not unmounted within {seconds:.0f} s ({type(error).__name__}).",
                safe="It goes on uploading while this machine lives.",
                hint=_UPLOADS,
            ) from None

    def _drive(self) -> Path | None:
        places = [self._content / "drive" / name for name in DRIVE_NAMES]
        return next((place for place in places if _is_directory(place)), None)

    def _ask_to_mount(self) -> None:
        if not in_kernel():
            raise StorageError("Google Drive can be mounted only from a notebook's cell.", hint=_BY_HAND)
        try:
            drive = import_module("google.colab.drive")
            drive.mount(str(self._content / "drive"), timeout_ms=MOUNT_TIMEOUT)
        except NotImplementedError:
            what = "This Colab cannot mount Google Drive, as Colab Enterprise cannot."
            raise StorageError(what, hint="Name a folder with storage=, or use storage=False.") from None
        except Exception as error:  # Colab raises plain ValueError, MessageError and others of its own
            refused = type(error).__name__ == "MessageError"  # the dialogue was closed or access denied
            raise (ConsentRefused if refused else StorageError)(
                f"Google Drive was not mounted ({type(error).__name__}).",
                safe="Nothing was written to it.",
                hint="Allow access in the dialogue and run the cell again, or use storage=False.",
            ) from None

    def secret(self, name: str) -> str | None:
        """A secret from the key symbol at the left; see `Runtime.secret`."""
        if not in_kernel():
            raise AuthorisationError(
                "Colab gives its secrets only to a notebook's cell.",
                hint=f"Open the session in a cell, or set {name} in this shell.",
            )
        try:
            userdata = import_module("google.colab.userdata")
            return str(userdata.get(name))
        except Exception as error:  # the classes live in a module that exists nowhere else
            raise _secret_error(name, error) from None

    def lifetime(self) -> float | None:
        """The free plan's; paid ones last longer, which `lifetime=` can say."""
        return LIFETIME

    def port_url(self, port: int) -> str | None:
        """Colab's own proxy, for as long as the notebook's tab is open; only a cell can ask for it."""
        if not in_kernel():
            return None
        url = self.evaluate(f"google.colab.kernel.proxyPort({int(port)})", 5.0)
        return url if isinstance(url, str) and url.startswith("https://") else None

    def evaluate(self, script: str, timeout: float = EVALUATE_TIMEOUT) -> Any:
        """What JavaScript in the notebook's page answers; None where no page does within so many seconds."""
        try:
            output: Any = import_module("google.colab.output")
            return output.eval_js(script, timeout_sec=timeout)
        except Exception:  # no browser answers, in words of Colab's own
            return None


def _secret_error(name: str, error: Exception) -> AuthorisationError:
    match type(error).__name__:
        case "SecretNotFoundError":
            what = f"Colab has no secret named {name}."
            hint = f"Add {name} under the key symbol at the left and allow this notebook to read it."
        case "NotebookAccessError":
            what = f"This notebook may not read the secret {name}."
            hint = f"Switch on 'Notebook access' of {name} under the key symbol at the left."
        case "TimeoutException":
            what = f"Colab did not answer when it was asked for the secret {name}."
            hint = "Keep the notebook open in the browser and run the cell again."
        case other:
            what, hint = f"Colab's secrets cannot be read ({other}).", f"Set {name} in the environment."
    return AuthorisationError(what, hint=hint)


def _is_directory(path: Path) -> bool:
    """Asked by a process of its own: a mount that hangs would hold us for ever."""
    try:
        done = run.run(["test", "-d", str(path)], timeout=PROBE_TIMEOUT, env=run.clean_environment())
    except run.TimedOut:
        raise StorageError(
            "Google Drive is mounted but does not answer.", hint="Remount it, or use storage=False for now."
        ) from None
    return done.code == 0
