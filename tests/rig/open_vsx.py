"""Stands for Open VSX as code-server asks it: finds extensions by their names, and serves their packages.

What it imitates, seen from VS Code's gallery client: POST `/vscode/gallery/extensionquery` with
`{"filters": [{"criteria": [{"filterType", "value"}]}]}`, where filter type 7 is a name `publisher.extension`,
answers `{"results": [{"extensions": […], "resultMetadata": […]}]}`; each version lists its files with their
addresses. What it does not: search, several versions, signatures, statistics.
"""

from __future__ import annotations

import io
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

BY_NAME = 7
PACKAGE = "Microsoft.VisualStudio.Services.VSIXPackage"
MANIFEST = "Microsoft.VisualStudio.Code.Manifest"
SOURCE = 'exports.activate = () => require("fs").writeFileSync(%s, "ran");\n'
_VSIX = """<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
<Metadata><Identity Language="en-US" Id="{name}" Version="1.0.0" Publisher="{publisher}"/>
<DisplayName>{name}</DisplayName><Description>One</Description></Metadata>
<Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation><Dependencies/>
<Assets><Asset Type="{asset}" Path="extension/package.json" Addressable="true"/></Assets></PackageManifest>
"""


def manifest(name: str) -> dict[str, Any]:
    """The package.json of an extension that runs as soon as it may."""
    publisher, _, short = name.partition(".")
    return {
        "name": short,
        "publisher": publisher,
        "version": "1.0.0",
        "engines": {"vscode": "^1.60.0"},
        "main": "./main.js",
        "activationEvents": ["*"],
    }


def vsix(name: str, proof: str) -> bytes:
    """A package of an extension that writes the file `proof` when it runs."""
    publisher, _, short = name.partition(".")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(
            "extension.vsixmanifest", _VSIX.format(name=short, publisher=publisher, asset=MANIFEST)
        )
        archive.writestr("extension/package.json", json.dumps(manifest(name)))
        archive.writestr("extension/main.js", SOURCE % json.dumps(proof))
    return packed.getvalue()


class OpenVsx:
    """A registry on a loopback port.

    Args:
        proof: The file that its extensions write when they run.
        names: The extensions that it has.
    """

    def __init__(self, proof: str, *names: str) -> None:
        self.asked: list[str] = []
        self.packages = {name: vsix(name, proof) for name in names}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, name="open-vsx", daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def variable(self) -> str:
        """The value of `EXTENSIONS_GALLERY` that leads here."""
        places = {"serviceUrl": f"{self.url}/vscode/gallery", "itemUrl": f"{self.url}/vscode/item"}
        template = f"{self.url}/vscode/unpkg/{{publisher}}/{{name}}/{{version}}/{{path}}"
        return json.dumps({**places, "resourceUrlTemplate": template})

    def __enter__(self) -> OpenVsx:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def found(self, names: list[str]) -> dict[str, Any]:
        """The answer to a query for these names."""
        extensions = [self._listed(name) for name in names if name in self.packages]
        count = {
            "metadataType": "ResultCount",
            "metadataItems": [{"name": "TotalCount", "count": len(extensions)}],
        }
        return {"results": [{"extensions": extensions, "resultMetadata": [count]}]}

    def _listed(self, name: str) -> dict[str, Any]:
        publisher, _, short = name.partition(".")
        place = f"{self.url}/files/{name}"
        version = {
            "version": "1.0.0",
            "lastUpdated": "2026-01-01T00:00:00Z",
            "assetUri": place,
            "fallbackAssetUri": place,
            "files": [{"assetType": kind, "source": f"{place}/{kind}"} for kind in (PACKAGE, MANIFEST)],
            "properties": [{"key": "Microsoft.VisualStudio.Code.Engine", "value": "^1.60.0"}],
        }
        return {
            "extensionId": f"00000000-0000-4000-8000-{abs(hash(name)) % 10**12:012}",
            "extensionName": short,
            "displayName": short,
            "shortDescription": "",
            "publisher": {"publisherId": publisher, "publisherName": publisher, "displayName": publisher},
            "versions": [version],
            "statistics": [],
            "tags": [],
            "categories": [],
            "flags": "",
        }

    def file(self, path: str) -> bytes | None:
        """A file of an extension."""
        _, _, name, kind = [*path.partition("?")[0].split("/"), "", "", ""][:4]
        if name not in self.packages:
            return None
        return self.packages[name] if kind == PACKAGE else json.dumps(manifest(name)).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                pass

            def _say(self, content: bytes | None) -> None:
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                criteria = [each for entry in asked["filters"] for each in entry["criteria"]]
                names = [each["value"].lower() for each in criteria if each["filterType"] == BY_NAME]
                registry.asked.extend(names)
                self._say(json.dumps(registry.found(names)).encode())

            def do_GET(self) -> None:
                self._say(registry.file(self.path))

        return Handler
