from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.rig import openapi
from tests.rig.completion import Completion
from tests.rig.openapi import Description, Unavailable, converted, trim

DOCUMENT: dict[str, Any] = {
    "paths": {
        "/things/{owner}/{ref}": {
            "get": {
                "operationId": "things/get",
                "parameters": [{"$ref": "#/components/parameters/page"}],
                "responses": {
                    "200": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/thing"}}}
                    }
                },
            },
            "delete": {"operationId": "things/delete", "responses": {"204": {}}},
        },
    },
    "components": {
        "parameters": {"page": {"name": "page", "in": "query", "schema": {"type": "integer"}}},
        "schemas": {
            "thing": {
                "type": "object",
                "required": ["name", "owner", "note", "kind", "made", "tags"],
                "properties": {
                    "name": {"type": "string"},
                    "owner": {"oneOf": [{"$ref": "#/components/schemas/person"}]},
                    "note": {"type": "string", "nullable": True},
                    "kind": {"type": "string", "enum": ["big", "small"]},
                    "made": {"type": "string", "format": "date-time"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                },
            },
            "person": {"type": "object", "required": ["login"], "properties": {"login": {"type": "string"}}},
            "unused": {"type": "string"},
        },
    },
}


@pytest.fixture
def things() -> Description:
    return Description(trim(DOCUMENT, ["things/get"]))


def test_only_what_the_operations_reach_is_kept(things: Description) -> None:
    assert things.operations.keys() == {"things/get"}
    assert things.schemas.keys() == {"thing", "person"}


def test_an_operation_is_found_by_its_path_and_a_ref_may_hold_slashes(things: Description) -> None:
    found = things.find("GET", "/things/ada/heads/a%20b/c")
    assert found is not None and found[1] == {"owner": "ada", "ref": "heads/a b/c"}
    assert things.find("DELETE", "/things/ada/heads") is None


@pytest.mark.parametrize(
    ("query", "body", "said"),
    [
        ({"page": "2"}, None, []),
        ({"page": "two"}, None, ["query page: $: 'two' is not of type 'integer'"]),
        ({"pag": "2"}, None, ["unknown query parameter 'pag'"]),
        ({}, {"a": 1}, ["no body is expected"]),
    ],
)
def test_requests(things: Description, query: dict[str, str], body: Any, said: list[str]) -> None:
    assert things.request_faults(things.operations["things/get"], query, body) == said


def test_an_answer_is_completed_to_what_is_required_and_keeps_what_is_given(things: Description) -> None:
    schema = things.operations["things/get"].answers["200"]
    assert schema is not None
    assert things.faults(schema, {"name": "x"})
    full = Completion(things).complete(schema, {"name": "x", "kind": "small"})
    assert things.faults(schema, full) == []
    assert full == {
        "name": "x",
        "kind": "small",
        "owner": {"login": ""},
        "note": None,
        "made": "2024-03-05T12:00:00Z",
        "tags": [],
    }


def test_what_is_given_wrongly_is_not_made_right(things: Description) -> None:
    schema = things.operations["things/get"].answers["200"]
    assert schema is not None
    full = Completion(things).complete(schema, {"name": 7})
    assert things.faults(schema, full) == ["$.name: 7 is not of type 'string'"]


def test_nullable_becomes_a_type() -> None:
    assert converted({"type": "string", "nullable": True}) == {
        "anyOf": [{"type": "null"}, {"type": "string"}]
    }
    assert converted({"properties": {"nullable": {"type": "boolean"}}}) == {
        "properties": {"nullable": {"type": "boolean"}}
    }


def test_without_npm_it_says_so(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openapi, "CACHE", sealed / "cache")
    monkeypatch.setenv("PATH", str(sealed))
    with pytest.raises(Unavailable, match="npm is not installed"):
        Description.load(["pulls/get"])
