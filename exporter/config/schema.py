"""The JSON Schema of the config, for editors, the key reference and error messages."""

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

from exporter.config.dated import Dated, DatedEntry
from exporter.config.fields import Section, duration_text
from exporter.config.root import Config

Fragment = dict[str, Any]


def schema() -> Fragment:
    """The JSON Schema (2020-12) of the config. Descriptions are the docstrings of the model's fields."""
    generated = section_schema(Config, "Config of KPI Exporter")
    for name, key in dict(_dated_entries(generated)).items():
        generated["$defs"][f"Dated{key.capitalize()}"] = generated["$defs"].pop(name)
    return generated


def section_schema(section: type[Section], title: str) -> Fragment:
    """The JSON Schema of a section and everything in it."""
    generated = _tidy(section.model_json_schema(schema_generator=_ConfigSchemaGenerator))
    return {"$schema": GenerateJsonSchema.schema_dialect, **generated, "title": title}


def _dated_entries(generated: Fragment) -> Iterator[tuple[str, str]]:
    """(name of the definition, key of the setting) of each type of dated entry, and refers to it by a short name."""
    for section in list(generated["$defs"].values()):
        for key, setting in section.get("properties", {}).items():
            for form in setting.get("oneOf", ()):
                items = form.get("items", {})
                name = items.get("$ref", "").rsplit("/", 1)[-1]
                if name.startswith(DatedEntry.__name__):
                    items["$ref"] = f"#/$defs/Dated{key.capitalize()}"
                    yield name, key


class _ConfigSchemaGenerator(GenerateJsonSchema):
    """Adds descriptions, and writes defaults as in a config."""

    def model_schema(self, schema: Any) -> Fragment:
        fragment = super().model_schema(schema)
        section: type[Section] = schema["cls"]
        descriptions: dict[str, str] = {}
        for base in reversed(section.__mro__):
            if issubclass(base, Section) and base is not Section:
                descriptions |= _descriptions(sys.modules[base.__module__]).get(base.__name__, {})
        fields = {field.alias or name: name for name, field in section.model_fields.items()}
        for key, value in fragment.get("properties", {}).items():
            if fields.get(key) in descriptions:
                value["description"] = descriptions[fields[key]]
        return fragment

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, timedelta):
            return duration_text(dft)
        if isinstance(dft, Dated):
            return super().encode_default(dft.latest)
        return None if dft == date.min else super().encode_default(dft)


_NOISE = {"title", "minimum", "maximum", "default", "additionalProperties"}


def _tidy(fragment: Any) -> Any:
    """Removes titles that repeat keys, the bounds that all numbers have, empty defaults, and null as a choice."""
    if isinstance(fragment, list):
        return [_tidy(element) for element in fragment]
    if not isinstance(fragment, dict):
        return fragment
    tidy = {key: _tidy(value) for key, value in fragment.items() if key not in _NOISE or _is_informative(key, value)}
    if "patternProperties" in tidy:
        tidy["additionalProperties"] = False
    choices = [choice for choice in tidy.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        return choices[0] | {key: value for key, value in tidy.items() if key != "anyOf"}
    return tidy | {"anyOf": choices} if choices else tidy


def _is_informative(key: str, value: Any) -> bool:
    if key == "title":
        return isinstance(value, dict)
    if key == "default":
        return value is not None and value not in ([], {})
    return value not in (1e15, -1e15)


@cache
def _descriptions(module: ModuleType) -> dict[str, dict[str, str]]:
    """Class name to field name to the docstring under the field. Parsing the source takes longer than the import."""
    classes = [node for node in ast.parse(inspect.getsource(module)).body if isinstance(node, ast.ClassDef)]
    return {node.name: dict(_docstrings(node)) for node in classes}


def _docstrings(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in zip(node.body, node.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            yield field.target.id, " ".join(text.value.value.split())
