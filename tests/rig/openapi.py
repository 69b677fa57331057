"""GitHub's published OpenAPI description, to check what the stand-in is asked and what it answers.

The description is the npm package `@octokit/openapi`: 29 MB, fetched once into `.cache/`, where a trimmed
copy of the operations that the stand-in serves is kept. Without npm, or a registry, `Unavailable` is raised.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator

from tests.rig.repositories import PROJECT

VERSION = "23.0.2"
PACKAGE = "@octokit/openapi"
MEMBER = "package/generated/api.github.com.json"
CACHE = PROJECT / ".cache" / "openapi"
DOWNLOAD_LIMIT = 300.0
SHAPE = 1  # of the trimmed copy; a change here makes it anew
DROPPED = {"description", "example", "examples", "title", "discriminator", "externalDocs", "deprecated"}
Json = dict[str, Any]


class Unavailable(Exception):
    """The description cannot be fetched here."""


@dataclass(frozen=True)
class Operation:
    """One operation: `pulls/create`, its method, path template and schemas."""

    name: str
    method: str
    template: str
    query: Mapping[str, Json]
    required_query: frozenset[str]
    body: Json | None
    body_required: bool
    answers: Mapping[str, Json | None]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the operation's paths; a `{ref}` may hold slashes."""
        parts = re.split(r"\{(\w+)\}", self.template)
        shapes = [
            re.escape(part) if place % 2 == 0 else f"(?P<{part}>{'.+' if part == 'ref' else '[^/]+'})"
            for place, part in enumerate(parts)
        ]
        return re.compile("".join(shapes) + "$")


class Description:
    """The operations of a trimmed description, with their schemas."""

    def __init__(self, document: Json) -> None:
        self.schemas: Json = document["schemas"]
        self.operations = {name: _operation(name, found) for name, found in document["operations"].items()}

    @classmethod
    def load(cls, names: Iterable[str]) -> Description:
        """The description of these operations, from the cache or else from npm.

        Raises:
            Unavailable: It is not cached and npm cannot fetch it.
        """
        wanted = sorted(names)
        mark = hashlib.sha256(json.dumps([VERSION, SHAPE, wanted]).encode()).hexdigest()[:12]
        CACHE.mkdir(parents=True, exist_ok=True)
        with (CACHE / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            trimmed = CACHE / f"{VERSION}-{mark}.json"
            if not trimmed.exists():
                text = json.dumps(trim(json.loads(_whole().read_text(encoding="utf-8")), wanted))
                trimmed.with_suffix(".new").write_text(text)
                trimmed.with_suffix(".new").rename(trimmed)
        return cls(json.loads(trimmed.read_text()))

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation behind a request, and its path parameters, decoded."""
        for operation in self.operations.values():
            match = operation.pattern.match(path) if operation.method == method else None
            if match:
                return operation, {name: unquote(value) for name, value in match.groupdict().items()}
        return None

    def request_faults(self, operation: Operation, query: Mapping[str, str], body: object) -> list[str]:
        """What of a request is not described; unknown names count, although GitHub ignores them."""
        unknown = [f"unknown query parameter {name!r}" for name in query if name not in operation.query]
        missing = [f"missing query parameter {name!r}" for name in operation.required_query - query.keys()]
        wrong = [
            f"query {name}: {fault}"
            for name, value in query.items()
            if name in operation.query
            for fault in self.faults(operation.query[name], _typed(operation.query[name], value))
        ]
        return unknown + missing + wrong + self._body_faults(operation, body)

    def _body_faults(self, operation: Operation, body: object) -> list[str]:
        if body is None:
            return ["a body is required"] if operation.body_required else []
        if operation.body is None:
            return ["no body is expected"]
        known = self.properties(operation.body)
        unknown = set(body) - known if isinstance(body, dict) and known else set()
        return [f"unknown field {name!r}" for name in sorted(unknown)] + self.faults(operation.body, body)

    def properties(self, schema: Json) -> set[str]:
        """The names of the fields that an object may have; empty when it is not an object alone."""
        schema = self.resolved(schema)
        return set(schema.get("properties", {}))

    def resolved(self, schema: Json) -> Json:
        """The schema behind a reference."""
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].rpartition("/")[2]]
        return schema

    def faults(self, schema: Json, value: object) -> list[str]:
        """What of a value does not fit a schema."""
        validator = Draft202012Validator({**schema, "schemas": self.schemas})
        return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


def trim(document: Json, names: Iterable[str]) -> Json:
    """The named operations and the schemas they reach, as JSON Schema.

    Raises:
        KeyError: The description has no such operation.
    """
    found = {
        operation["operationId"]: (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if isinstance(operation, dict) and "operationId" in operation
    }
    operations = {name: _trimmed(document, *found[name]) for name in names}
    schemas: Json = {}
    waiting = set(_references(operations))
    while waiting:
        name = waiting.pop()
        schemas[name] = converted(document["components"]["schemas"][name])
        waiting |= set(_references(schemas[name])) - schemas.keys()
    return {"operations": operations, "schemas": schemas}


def _trimmed(document: Json, method: str, path: str, operation: Json) -> Json:
    parameters = [_followed(document, parameter) for parameter in operation.get("parameters", [])]
    asked = [parameter for parameter in parameters if parameter["in"] == "query"]
    body = operation.get("requestBody", {})
    answers = {status: _followed(document, answer) for status, answer in operation["responses"].items()}
    return {
        "method": method.upper(),
        "template": path,
        "query": {parameter["name"]: converted(parameter["schema"]) for parameter in asked},
        "required_query": [parameter["name"] for parameter in asked if parameter.get("required")],
        "body": _content(body),
        "body_required": bool(body.get("required")),
        "answers": {status: _content(answer) for status, answer in answers.items()},
    }


def _followed(document: Json, node: Json) -> Json:
    if "$ref" not in node:
        return node
    _, _, kind, name = node["$ref"].split("/")
    followed: Json = document["components"][kind][name]
    return followed


def _content(node: Json) -> Json | None:
    found = node.get("content", {}).get("application/json")
    return converted(found["schema"]) if found else None


def converted(node: Any) -> Any:
    """OpenAPI 3.0's dialect as JSON Schema.

    `nullable` becomes a type. `oneOf` becomes `anyOf`, for GitHub's alternatives overlap.
    """
    if isinstance(node, list):
        return [converted(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    kept: Json = {}
    for key, value in node.items():
        if key == "$ref":
            kept[key] = f"#/schemas/{value.rpartition('/')[2]}"
        elif key == "properties":
            kept[key] = {name: converted(schema) for name, schema in value.items()}
        elif key in ("enum", "default", "required"):
            kept[key] = value
        elif key not in DROPPED and not key.startswith("x-") and key != "nullable":
            kept["anyOf" if key == "oneOf" else key] = converted(value)
    return {"anyOf": [{"type": "null"}, kept]} if node.get("nullable") is True else kept


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rpartition("/")[2]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _operation(name: str, found: Json) -> Operation:
    return Operation(name=name, **{**found, "required_query": frozenset(found["required_query"])})


def _typed(schema: Json, text: str) -> object:
    """A query parameter as its schema means it."""
    kind = schema.get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def _whole() -> Path:
    """The whole description, fetched if it is not there."""
    whole = CACHE / f"{VERSION}.json"
    if not whole.exists():
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            _fetch(Path(folder)).rename(whole)
    return whole


def _fetch(folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable("npm is not installed")
    command = [npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=DOWNLOAD_LIMIT)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"npm pack {PACKAGE} failed: {error}") from error
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        member = archive.extractfile(MEMBER)
        if member is None:
            raise Unavailable(f"{PACKAGE} {VERSION} has no {MEMBER}")
        (folder / "whole").write_bytes(member.read())
    return folder / "whole"
