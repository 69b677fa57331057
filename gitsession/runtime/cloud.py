"""Virtual machines of AWS, Google and Azure, which announce their end on a metadata server.

The answers are those that the three document: EC2's "Spot Instance interruption notices", Compute Engine's
"Preemptible VM instances", Azure's "Scheduled Events". Only an address on the machine's own link is asked,
past every proxy, and a short time limit keeps a machine without such a server from waiting.
"""

from __future__ import annotations

import calendar
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitsession.runtime.local import Local
from gitsession.status import Deadline

LINK_LOCAL = "http://169.254.169.254"
TIME_LIMIT = 1.0
MAX_ANSWER = 65_536
GOOGLE_GRACE = 30.0  # seconds between the notice and the end
AZURE_GRACE = 30.0  # the documented minimum, where no time is named
_AZURE_TAG = "7783-7084-3265-9085-8269-3286-77"


@dataclass(frozen=True)
class Provider:
    """One cloud: its name, where its metadata is, and how a notice is asked for."""

    name: str
    notice: Callable[[str], float | None]


class Cloud(Local):
    """A virtual machine of a cloud.

    Args:
        provider: Which one.
        metadata: The root of its metadata server.
    """

    def __init__(self, provider: Provider, metadata: str = LINK_LOCAL) -> None:
        self.name = provider.name
        self._provider, self._metadata = provider, metadata
        self._announced: float | None = None

    def notice(self) -> Deadline | None:
        """The announced end, which is a true deadline; None also when the server does not answer."""
        seen = [at for at in (self._announced, self._provider.notice(self._metadata)) if at is not None]
        self._announced = min(seen, default=None)
        return None if self._announced is None else Deadline(self._announced, estimate=False)


def provider_of(dmi: Path = Path("/sys/class/dmi/id")) -> Provider | None:
    """The cloud that the firmware names; nothing is asked over a network."""
    vendor, tag = _read(dmi / "sys_vendor"), _read(dmi / "chassis_asset_tag")
    if vendor.startswith("Amazon"):
        return AWS
    if vendor.startswith("Google"):
        return GOOGLE
    return AZURE if vendor.startswith("Microsoft") and tag == _AZURE_TAG else None


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _aws(metadata: str) -> float | None:
    token = _ask(f"{metadata}/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"}, method="PUT")
    if token is None:
        return None
    text = _ask(f"{metadata}/latest/meta-data/spot/instance-action", {"X-aws-ec2-metadata-token": token})
    fields = _object(text)
    return _moment(fields.get("time"), "%Y-%m-%dT%H:%M:%SZ")


def _google(metadata: str) -> float | None:
    text = _ask(f"{metadata}/computeMetadata/v1/instance/preempted", {"Metadata-Flavor": "Google"})
    return time.time() + GOOGLE_GRACE if text is not None and text.strip() == "TRUE" else None


def _azure(metadata: str) -> float | None:
    text = _ask(f"{metadata}/metadata/scheduledevents?api-version=2020-07-01", {"Metadata": "true"})
    events = _object(text).get("Events")
    ends = (
        [_azure_end(event) for event in events if isinstance(event, dict)] if isinstance(events, list) else []
    )
    return min((end for end in ends if end is not None), default=None)


def _azure_end(event: Mapping[str, Any]) -> float | None:
    if event.get("EventType") not in ("Preempt", "Terminate"):
        return None
    from email.utils import parsedate_tz  # slow to load, and most machines are no cloud's

    parsed = parsedate_tz(str(event.get("NotBefore") or ""))
    if parsed is None:
        return time.time() + AZURE_GRACE
    return float(calendar.timegm(parsed[:9]) - (parsed[9] or 0))


def _ask(url: str, headers: Mapping[str, str], *, method: str = "GET") -> str | None:
    import urllib.request
    from http.client import HTTPException

    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_arguments: Any) -> None:  # metadata servers do not redirect
            return None

    request = urllib.request.Request(url, headers=dict(headers), method=method)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)
    try:
        with direct.open(request, timeout=TIME_LIMIT) as answer:
            return str(answer.read(MAX_ANSWER).decode("ascii", "replace"))
    except (OSError, HTTPException, ValueError):
        return None


def _object(text: str | None) -> Mapping[str, Any]:
    try:
        document = json.loads(text or "")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _moment(text: object, form: str) -> float | None:
    try:
        return float(calendar.timegm(time.strptime(str(text), form)))
    except (ValueError, OverflowError):
        return None


AWS = Provider("an AWS machine", _aws)
GOOGLE = Provider("a Google Cloud machine", _google)
AZURE = Provider("an Azure machine", _azure)
PROVIDERS = (AWS, GOOGLE, AZURE)
