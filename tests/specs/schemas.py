"""The schemas of a document: which fields a value may have, and a sample value with all of them."""

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
class SampleOptions:
    """How to build a sample value."""

    values: Mapping[str, Any]
    """Values of fields, by name."""
    nulls: bool = False
    """Whether all other fields are null if their schema allows null."""
    non_null: Collection[str] = ()
    """Fields that are not null even then."""


@dataclass(frozen=True)
class Schemas:
    """The schemas of one document, including those that they refer to."""

    document: Schema

    def unknown_fields(self, schema: Schema, value: Any, path: str = "") -> Iterator[str]:
        """Paths of the fields in a value that no schema names; an object whose schema names no field may have any."""
        if isinstance(value, list):
            items = next((component["items"] for component in self._parts(schema) if "items" in component), {})
            for index, each in enumerate(value):
                yield from self.unknown_fields(items, each, f"{path}{index}.")
        elif isinstance(value, dict):
            fields = self._fields(schema)
            for name, each in value.items():
                if name in fields:
                    yield from self.unknown_fields(fields[name], each, f"{path}{name}.")
                elif fields and not any(component.get("additionalProperties") for component in self._parts(schema)):
                    yield f"{path}{name}"

    def sample(self, schema: Schema, options: SampleOptions) -> Any:
        """A value with all fields. It uses the first of several alternatives.

        An object nested in an object of the same schema is omitted.
        """
        return self._sample(schema, options, ())

    def field(self, schema: Schema, *names: str) -> Schema:
        """The schema of a nested field; lists on the way are replaced by their items."""
        for name in names:
            while "items" in schema:
                schema = schema["items"]
            schema = self._fields(schema)[name]
        return schema

    def _sample(self, schema: Schema, options: SampleOptions, ancestors: tuple[str, ...]) -> Any:
        parts = list(self._parts(schema, first=True))
        if options.nulls and any(component.get("nullable") for component in parts):
            return None
        merged = {key: value for component in reversed(parts) for key, value in component.items()}
        if "enum" in merged:
            return merged["enum"][0]
        if merged.get("type") == "array":
            items = merged["items"]
            return [] if _references(items) & {*ancestors} else [self._sample(items, options, ancestors)]
        if merged.get("type", "object") != "object":
            return _scalar(merged)
        parents = (*ancestors, *_references(schema))
        return {
            name: self._sample_field(name, field, options, parents)
            for name, field in self._fields(schema, first=True).items()
            if name in options.values or not _references(field) & {*parents}
        }

    def _sample_field(self, name: str, field: Schema, options: SampleOptions, parents: tuple[str, ...]) -> Any:
        if name in options.values:
            return options.values[name]
        return self._sample(field, replace(options, nulls=False) if name in options.non_null else options, parents)

    def _fields(self, schema: Schema, *, first: bool = False) -> dict[str, Schema]:
        """All fields by name, including those of the schemas that a schema is composed of."""
        return {
            n: f for component in self._parts(schema, first=first) for n, f in component.get("properties", {}).items()
        }

    def _parts(self, schema: Schema, *, first: bool = False) -> Iterator[Schema]:
        """The schema and those it refers to or is composed of; of alternatives, all or only the `first`."""
        while "$ref" in schema:
            schema = self._resolve(schema["$ref"])
        yield schema
        alternatives = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
        for component in [*schema.get("allOf", ()), *(alternatives[:1] if first else alternatives)]:
            yield from self._parts(component, first=first)

    def _resolve(self, reference: str) -> Schema:
        schema = self.document
        for name in reference.removeprefix("#/").split("/"):
            schema = schema[name]
        return schema


def _references(schema: Schema) -> set[str]:
    """The schemas that a schema refers to directly, or through the first of its alternatives."""
    components = [*schema.get("allOf", ()), *schema.get("anyOf", ())[:1], *schema.get("oneOf", ())[:1]]
    return {schema["$ref"]} if "$ref" in schema else {name for each in components for name in _references(each)}


def _scalar(schema: Schema) -> Any:
    """A string, number or boolean."""
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    if schema["type"] == "string":
        pattern = schema.get("pattern", "")
        sid = _SID.match(pattern)
        return sid[1] + "a" * 32 if sid else pattern.removeprefix("^") or "text"
    return {"boolean": False, "integer": 3, "number": 1.5}[schema["type"]]
