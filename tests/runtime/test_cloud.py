"""Notices of the end, from a stand-in for the three clouds' metadata servers.

It answers as their documentation shows; it does not imitate rate limits or the many other paths.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gitsession.runtime.cloud import AWS, AZURE, GOOGLE, PROVIDERS, Cloud, Provider

IMDS_TOKEN = "AQAEAtoken=="
AT = 1_800_000_000.0
STAMP = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(AT))
HTTP_DATE = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(AT))
ACTION = "/latest/meta-data/spot/instance-action"
PREEMPTED = "/computeMetadata/v1/instance/preempted"
EVENTS = "/metadata/scheduledevents?api-version=2020-07-01"


class Metadata(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, str] = {}

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Metadata

    def do_PUT(self) -> None:
        good = self.path == "/latest/api/token" and self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
        self._send(200, IMDS_TOKEN) if good else self._send(403, "")

    def do_GET(self) -> None:
        wanted = {
            ACTION: ("X-aws-ec2-metadata-token", IMDS_TOKEN),
            PREEMPTED: ("Metadata-Flavor", "Google"),
            EVENTS: ("Metadata", "true"),
        }
        name, value = wanted.get(self.path, ("", ""))
        if self.headers.get(name) != value:
            self._send(401, "")
        elif self.path in self.server.answers:
            self._send(200, self.server.answers[self.path])
        else:
            self._send(404, "")

    def _send(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_arguments: object) -> None:
        return


@pytest.fixture
def metadata() -> Iterator[Metadata]:
    with Metadata() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def azure(*events: object) -> str:
    return json.dumps({"DocumentIncarnation": 1, "Events": list(events)})


@pytest.mark.parametrize(
    ("provider", "path", "body", "at"),
    [
        (AWS, ACTION, json.dumps({"action": "terminate", "time": STAMP}), AT),
        (AWS, ACTION, json.dumps({"action": "stop", "time": STAMP}), AT),
        (AZURE, EVENTS, azure({"EventType": "Preempt", "NotBefore": HTTP_DATE}), AT),
        (
            AZURE,
            EVENTS,
            azure({"EventType": "Freeze"}, {"EventType": "Terminate", "NotBefore": HTTP_DATE}),
            AT,
        ),
    ],
)
def test_an_announced_end(metadata: Metadata, provider: Provider, path: str, body: str, at: float) -> None:
    machine = Cloud(provider, metadata.root)
    assert machine.notice() is None
    metadata.answers[path] = body
    found = machine.notice()
    assert found is not None
    assert (found.at, found.estimate) == (at, False)


@pytest.mark.parametrize(
    ("provider", "path", "body"),
    [
        (GOOGLE, PREEMPTED, "TRUE"),
        (AZURE, EVENTS, azure({"EventType": "Preempt", "NotBefore": "", "EventStatus": "Started"})),
    ],
)
def test_an_end_without_a_time_is_half_a_minute_away(
    metadata: Metadata, provider: Provider, path: str, body: str
) -> None:
    metadata.answers[path] = body
    machine = Cloud(provider, metadata.root)
    before = time.time()
    first, second = machine.notice(), machine.notice()
    assert first is not None
    assert before + 30 <= first.at <= time.time() + 30
    assert second == first, "the end does not move away while it is polled"


@pytest.mark.parametrize(
    "body", ["", "FALSE", "{", "[]", "null", '{"time": 5}', '{"Events": 3}', '{"Events": [1]}', "\xff"]
)
@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_no_end_in_other_answers(metadata: Metadata, provider: Provider, body: str) -> None:
    metadata.answers = {ACTION: body, PREEMPTED: body, EVENTS: body}
    assert Cloud(provider, metadata.root).notice() is None


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_a_server_that_is_not_there(provider: Provider) -> None:
    with Metadata() as server:
        root = server.root
    assert Cloud(provider, root).notice() is None


def test_no_proxy_is_asked(metadata: Metadata, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    metadata.answers[PREEMPTED] = "TRUE"
    assert Cloud(GOOGLE, metadata.root).notice() is not None
