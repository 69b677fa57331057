"""Fills an answer up to what GitHub's description requires, so that only what matters is written by hand.

What is filled in stands for fields that the product must not rely on: null where that is allowed, else empty.
"""

from __future__ import annotations

from typing import Any

from tests.rig.openapi import Description, Json

SOME_TIME = "2024-03-05T12:00:00Z"
EMPTY: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False, "null": None}
FORMATS = {
    "date-time": SOME_TIME,
    "uri": "https://127.0.0.1/unused",
    "uri-template": "https://127.0.0.1/unused",
}


class Completion:
    """Completes values by the schemas of a description."""

    def __init__(self, description: Description) -> None:
        self.description = description

    def complete(self, schema: Json, value: Any) -> Any:
        """A value with what its schema requires beside what it has."""
        schema = self._shape(schema, value)
        if isinstance(value, list):
            return [self.complete(schema.get("items", {}), entry) for entry in value]
        if not isinstance(value, dict):
            return value
        properties: Json = schema.get("properties", {})
        given = {name: self.complete(properties.get(name, {}), inner) for name, inner in value.items()}
        missing = [name for name in schema.get("required", ()) if name not in given]
        return {**{name: self._empty(properties.get(name, {})) for name in missing}, **given}

    def _shape(self, schema: Json, value: Any) -> Json:
        """The schema itself: references followed, parts joined, the alternative chosen that suits."""
        schema = self.description.resolved(schema)
        if "allOf" in schema:
            return self._joined([self._shape(part, value) for part in schema["allOf"]])
        if "anyOf" in schema:
            options = [self._shape(option, value) for option in schema["anyOf"]]
            base = {key: part for key, part in schema.items() if key != "anyOf"}
            chosen = next((option for option in options if self._suits(option, value)), options[-1])
            return self._joined([base, chosen])
        return schema

    def _joined(self, parts: list[Json]) -> Json:
        joined: Json = {}
        for part in parts:
            properties = {**joined.get("properties", {}), **part.get("properties", {})}
            required = [*joined.get("required", ()), *part.get("required", ())]
            joined = {**joined, **part, "properties": properties, "required": required}
        return joined

    def _suits(self, option: Json, value: Any) -> bool:
        kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
        kind = kinds.get(option.get("type", ""))
        if kind is not None and not isinstance(value, kind):
            return False
        properties: Json = option.get("properties", {})
        names = value.keys() & properties.keys() if isinstance(value, dict) else set()
        fixed = {name: properties[name]["enum"] for name in names if "enum" in properties[name]}
        return all(value[name] in allowed for name, allowed in fixed.items())

    def _empty(self, schema: Json) -> Any:
        schema = self.description.resolved(schema)
        for option in schema.get("anyOf", ()):
            if option.get("type") == "null":
                return None
        schema = self._shape(schema, {})
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema.get("type", "object" if schema.get("properties") else "null")
        if kind == "object":
            return self.complete(schema, {})
        if kind == "array":
            return []
        return FORMATS.get(schema.get("format", ""), EMPTY[kind])
