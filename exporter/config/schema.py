"""The JSON Schema of the config: for editors, for the key reference, and for saying what would be right."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from types import ModuleType
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from exporter.config.fields import Section, duration_text
from exporter.config.root import Config

Fragment = dict[str, Any]


def schema() -> Fragment:
    """The JSON Schema (2020-12) of the config, with what stands under each field in the model as its description."""
    generated = _tidied(Config.model_json_schema(schema_generator=_Generator))
    return {"$schema": GenerateJsonSchema.schema_dialect, **generated, "title": "Config of KPI Exporter"}


class _Generator(GenerateJsonSchema):
    """Adds descriptions, and defaults as one would write them."""

    def model_schema(self, schema: Any) -> Fragment:
        fragment = super().model_schema(schema)
        words = _descriptions(schema["cls"])
        names = {field.alias or name: name for name, field in schema["cls"].model_fields.items()}
        for key, value in fragment.get("properties", {}).items():
            if names.get(key) in words:
                value["description"] = words[names[key]]
        return fragment

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, timedelta):
            return duration_text(dft)
        return None if dft == date.min else super().encode_default(dft)


_NOISE = {"title", "minimum", "maximum", "default", "additionalProperties"}


def _tidied(fragment: Any) -> Any:
    """Without what tells a reader nothing: titles that repeat keys, the bounds of all numbers, null as a choice."""
    if isinstance(fragment, list):
        return [_tidied(part) for part in fragment]
    if not isinstance(fragment, dict):
        return fragment
    kept = {key: _tidied(value) for key, value in fragment.items() if key not in _NOISE or _says_something(key, value)}
    if "patternProperties" in kept:
        kept["additionalProperties"] = False
    choices = [choice for choice in kept.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        return choices[0] | {key: value for key, value in kept.items() if key != "anyOf"}
    return kept | {"anyOf": choices} if choices else kept


def _says_something(key: str, value: Any) -> bool:
    if key == "title":
        return isinstance(value, dict)
    if key == "default":
        return value is not None and value not in ([], {})
    return value not in (1e15, -1e15)


def _descriptions(section: type[Section]) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind in reversed(section.__mro__):
        if issubclass(kind, Section) and kind is not Section:
            found |= _described(sys.modules[kind.__module__]).get(kind.__name__, {})
    return found


@cache
def _described(module: ModuleType) -> dict[str, dict[str, str]]:
    """Class to field to the text that stands under it. Read only when asked for: it costs more than the import."""
    classes = [node for node in ast.parse(inspect.getsource(module)).body if isinstance(node, ast.ClassDef)]
    return {node.name: dict(_texts(node)) for node in classes}


def _texts(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in zip(node.body, node.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            yield field.target.id, " ".join(text.value.value.split())
