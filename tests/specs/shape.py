"""What schemas say of values: which fields there are, and a value that has them all."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

Schema = Mapping[str, Any]

_SID = re.compile(r"\^(\w+)\[0-9a-fA-F\]\{32\}\$")
_FORMATS = {
    "date-time": "2026-01-15T10:00:00Z",
    "date": "2026-01-15",
    "date-time-rfc-2822": "Thu, 15 Jan 2026 10:00:00 +0000",
    "uuid": "adf21080-0e10-11eb-879b-05d71fb426ec",
    "decimal": "3.0",
    "currency": "USD",
    "unix-time": 1768471200,
}


@dataclass(frozen=True)
class Wish:
    """What a made value should be like: what some fields hold, and null for all others where that is allowed."""

    known: Mapping[str, Any]
    nulls: bool = False
    kept: Collection[str] = ()
    """Fields that are not null although they may be."""


@dataclass(frozen=True)
class Shape:
    """The schemas of one file, whose references point into it."""

    document: Schema

    def unknown(self, schema: Schema, value: Any, place: str = "") -> Iterator[str]:
        """Places of fields in a value that no schema names; objects for which no field is named may hold any."""
        if isinstance(value, list):
            items = next((part["items"] for part in self._parts(schema) if "items" in part), {})
            for number, each in enumerate(value):
                yield from self.unknown(items, each, f"{place}{number}.")
        elif isinstance(value, dict):
            fields = self._fields(schema)
            for name, each in value.items():
                if name in fields:
                    yield from self.unknown(fields[name], each, f"{place}{name}.")
                elif fields and not any(part.get("additionalProperties") for part in self._parts(schema)):
                    yield f"{place}{name}"

    def value(self, schema: Schema, wish: Wish) -> Any:
        """A value with all fields, of which the first kind is taken where there are several.

        An object within another of its own kind is left out.
        """
        return self._value(schema, wish, ())

    def named(self, schema: Schema, *names: str) -> Schema:
        """The schema of a field of a field, or of the rows of one."""
        for name in names:
            while "items" in schema:
                schema = schema["items"]
            schema = self._fields(schema)[name]
        return schema

    def _value(self, schema: Schema, wish: Wish, above: tuple[str, ...]) -> Any:
        parts = list(self._parts(schema, first=True))
        if wish.nulls and any(part.get("nullable") for part in parts):
            return None
        whole = {key: value for part in reversed(parts) for key, value in part.items()}
        if "enum" in whole:
            return whole["enum"][0]
        if whole.get("type") == "array":
            items = whole["items"]
            return [] if _refers(items) & {*above} else [self._value(items, wish, above)]
        if whole.get("type", "object") != "object":
            return _plain(whole)
        within = (*above, *_refers(schema))
        return {
            name: self._held(name, field, wish, within)
            for name, field in self._fields(schema, first=True).items()
            if name in wish.known or not _refers(field) & {*within}
        }

    def _held(self, name: str, field: Schema, wish: Wish, within: tuple[str, ...]) -> Any:
        if name in wish.known:
            return wish.known[name]
        return self._value(field, replace(wish, nulls=False) if name in wish.kept else wish, within)

    def _fields(self, schema: Schema, *, first: bool = False) -> dict[str, Schema]:
        """All fields by name, also those of the schemas that a schema is composed of."""
        return {n: f for part in self._parts(schema, first=first) for n, f in part.get("properties", {}).items()}

    def _parts(self, schema: Schema, *, first: bool = False) -> Iterator[Schema]:
        """The schema and those it refers to or is composed of; of alternatives all, or the `first`."""
        while "$ref" in schema:
            schema = self._at(schema["$ref"])
        yield schema
        others = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
        for part in [*schema.get("allOf", ()), *(others[:1] if first else others)]:
            yield from self._parts(part, first=first)

    def _at(self, reference: str) -> Schema:
        found = self.document
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
        return found


def _refers(schema: Schema) -> set[str]:
    """The names of the schemas that a schema refers to first."""
    below = [*schema.get("allOf", ()), *schema.get("anyOf", ())[:1], *schema.get("oneOf", ())[:1]]
    return {schema["$ref"]} if "$ref" in schema else {name for part in below for name in _refers(part)}


def _plain(schema: Schema) -> Any:
    """A text, number or flag."""
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    if schema["type"] == "string":
        pattern = schema.get("pattern", "")
        sid = _SID.match(pattern)
        return sid[1] + "a" * 32 if sid else pattern.removeprefix("^") or "text"
    return {"boolean": False, "integer": 3, "number": 1.5}[schema["type"]]
