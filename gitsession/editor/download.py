"""Downloads a file, resumably, through the person's own proxy and authorities."""

from __future__ import annotations

import os
import ssl
import urllib.error
import urllib.request
from pathlib import Path

from gitsession.editor.install import Progress, Step
from gitsession.errors import EditorError

DOWNLOAD_TIMEOUT = 60.0
BLOCK = 1 << 20


def certificates() -> str | None:
    """The bundle of authorities that the person named, for those who stand behind a proxy of their own."""
    named = (os.environ.get(name) for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"))
    return next((path for path in named if path), None)


def download(url: str, part: Path, progress: Progress) -> None:
    """Download into a file, from where it ends where the server allows that.

    Raises:
        EditorError: The server cannot be reached or says no.
    """
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    context = ssl.create_default_context(cafile=certificates())
    try:
        with urllib.request.urlopen(request, timeout=DOWNLOAD_TIMEOUT, context=context) as answer:
            resumed = answer.status == 206
            total = int(answer.headers.get("Content-Length", 0)) + (have if resumed else 0)
            with part.open("ab" if resumed else "wb") as file:
                while block := answer.read(BLOCK):
                    file.write(block)
                    progress(Step("downloading", file.tell(), total or None))
    except urllib.error.HTTPError as error:
        if error.code != 416:  # everything is here already
            raise EditorError(
                f"{url} answered {error.code}.",
                hint="Try again later, or open with editor=None (`--editor none`).",
            ) from error
    except (OSError, ValueError) as error:
        raise EditorError(
            f"{url} cannot be fetched: {getattr(error, 'reason', error)}.",
            hint="Check the network, and the proxy in HTTPS_PROXY.",
        ) from error
