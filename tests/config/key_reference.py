"""The key reference: tables of every key of the config, for config/README.md."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from exporter.config.expectations import form_text
from exporter.config.schema import Fragment, schema
from exporter.config.sources.base import HttpOptions, SourceOptions

README = Path(__file__).parents[2] / "config" / "README.md"

_GENERATED = re.compile(r"(<!-- keys: .*? -->\n)(.*)(<!-- end of keys -->)", re.DOTALL)
_PROVIDER = "The system to read; it determines the other keys."


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key of a section: its type, its default or `required`, and its description."""

    name: str
    takes: str
    default: str
    meaning: str


@dataclass(slots=True)
class SectionType:
    """A type of section: the paths where it is allowed, and its keys.

    In paths `[]` is any element of a list, `*` any key, `[csv]` a source of that provider.
    """

    paths: dict[str, None] = field(default_factory=dict)
    keys: dict[str, KeyRow] = field(default_factory=dict)


def section_types() -> dict[str, SectionType]:
    """Every type of section by its name in the schema, in the order of the model.

    Keys of all providers are under SourceOptions and HttpOptions, unless a provider describes them differently. The
    top level is under Config.
    """
    root = schema()
    types: dict[str, SectionType] = {}
    for name, path, form in _sections(root, root, "Config", ""):
        for key, inner in form["properties"].items():
            row = _row(root, key, inner, key in form.get("required", ()))
            section = types.setdefault(_section_name(name, key, form), SectionType())
            if section.keys.get(key, row).meaning != row.meaning:
                section = types.setdefault(name, SectionType())
            section.paths.setdefault(path)
            section.keys.setdefault(key, row)
    return types


def updated_readme() -> str:
    """The text of config/README.md with its tables brought up to date."""
    return _GENERATED.sub(lambda match: f"{match[1]}\n{tables()}\n{match[3]}", README.read_text(encoding="utf-8"))


def tables() -> str:
    """All keys as Markdown, one table for each heading."""
    by_heading: dict[str, dict[str, KeyRow]] = {}
    for name, section in section_types().items():
        keys = by_heading.setdefault(_heading(name, section), {})
        for key in section.keys.values():
            keys.setdefault(key.name, key)
    return "\n".join(_table(heading, keys.values()) for heading, keys in by_heading.items())


def _sections(root: Fragment, fragment: Fragment, name: str, path: str) -> Iterator[tuple[str, str, Fragment]]:
    for form_name, form in _forms(root, fragment, name):
        if "properties" in form:
            provider = form["properties"].get("provider", {}).get("const") if path == "sources[]" else None
            form_path = f"sources[{provider}]" if provider else path
            yield form_name, form_path, form
            for key, inner in form["properties"].items():
                yield from _sections(root, inner, form_name, f"{form_path}.{key}" if form_path else key)
        for inner in [*form.get("patternProperties", {}).values(), form.get("additionalProperties")]:
            if isinstance(inner, dict):
                yield from _sections(root, inner, form_name, f"{path}.*")
        if "items" in form:
            yield from _sections(root, form["items"], form_name, f"{path}[]")


def _forms(root: Fragment, fragment: Fragment, name: str) -> Iterator[tuple[str, Fragment]]:
    if "$ref" in fragment:
        referenced = fragment["$ref"].rsplit("/", 1)[1]
        yield from _forms(root, root["$defs"][referenced], referenced)
    elif "anyOf" in fragment or "oneOf" in fragment:
        for choice in fragment.get("anyOf") or fragment["oneOf"]:
            yield from _forms(root, choice, name)
    else:
        yield name, fragment


def _section_name(name: str, key: str, form: Fragment) -> str:
    """Keys of all providers are listed once, unless a provider requires what is optional for others.

    So are those of dated entries, whatever the setting.
    """
    if set(form["properties"]) == {"is", "since"}:
        return "DatedEntry"
    if "provider" not in form["properties"]:
        return name
    if key == "provider" or key in SourceOptions.model_fields:
        return "SourceOptions"
    shared = "allow_insecure" in form["properties"] and key in HttpOptions.model_fields
    return "HttpOptions" if shared and key not in form["required"] else name


def _row(root: Fragment, name: str, fragment: Fragment, required: bool) -> KeyRow:
    if name == "provider":
        return KeyRow(name, "text such as csv", "required", _PROVIDER)
    if name == "is":
        return KeyRow(name, "what the setting takes without dates", "required", fragment.get("description", ""))
    forms = [form for _, form in _forms(root, fragment, "")]
    takes = " or ".join(dict.fromkeys("a section" if "properties" in form else form_text(form) for form in forms))
    return KeyRow(name, takes, "required" if required else _default(fragment), fragment.get("description", ""))


def _default(fragment: Fragment) -> str:
    if "default" not in fragment:
        return ""
    value = fragment["default"]
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def _table(heading: str, keys: Iterable[KeyRow]) -> str:
    lines = [f"### {heading}", "", "| key | takes | default | meaning |", "|---|---|---|---|"]
    for key in keys:
        cells = (f"`{key.name}`", key.takes, key.default, key.meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])


def _heading(name: str, section: SectionType) -> str:
    headings = {
        "Config": "Top level",
        "SourceOptions": "`sources[]` of every provider",
        "HttpOptions": "`sources[]` of every provider that is read over HTTP",
        "Secret": "Every secret",
        "DatedEntry": "Every setting with dates",
        "ColumnSource": "Every column of `csv`, `push`, `rest` and `sql` sources",
    }
    return headings.get(name) or ", ".join(f"`{path}`" for path in section.paths)
