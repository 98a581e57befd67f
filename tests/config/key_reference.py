"""Every key of the config, as the tables of config/README.md show them."""

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
_PROVIDER = "Which system it is; decides which further keys there are."


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a kind of section: what it takes, and what happens without it."""

    name: str
    takes: str
    default: str
    meaning: str


@dataclass(slots=True)
class Kind:
    """One kind of section: where it may stand and what it holds.

    In places `[]` is any element of a list, `*` any key, `[csv]` a source of that provider.
    """

    places: dict[str, None] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)


def kinds() -> dict[str, Kind]:
    """Every kind of section by its name in the schema, each once, in the order of the model.

    What all providers have is under SourceOptions and HttpOptions, what the file itself has under Config. Where a
    provider means something else by such a key, it explains it anew.
    """
    root = schema()
    found: dict[str, Kind] = {}
    for name, place, form in _sections(root, root, "Config", ""):
        for key, inner in form["properties"].items():
            made = _key(root, key, inner, key in form.get("required", ()))
            kind = found.setdefault(_kind_of(name, key, form), Kind())
            if kind.keys.get(key, made).meaning != made.meaning:
                kind = found.setdefault(name, Kind())
            kind.places.setdefault(place)
            kind.keys.setdefault(key, made)
    return found


def updated_readme() -> str:
    """The text of config/README.md with its tables brought up to date."""
    return _GENERATED.sub(lambda match: f"{match[1]}\n{tables()}\n{match[3]}", README.read_text(encoding="utf-8"))


def tables() -> str:
    """All keys as Markdown, one table for each place where sections stand, however many forms they have there."""
    by_heading: dict[str, dict[str, Key]] = {}
    for name, kind in kinds().items():
        keys = by_heading.setdefault(_heading(name, kind), {})
        for key in kind.keys.values():
            keys.setdefault(key.name, key)
    return "\n".join(_table(heading, keys.values()) for heading, keys in by_heading.items())


def _sections(root: Fragment, fragment: Fragment, name: str, place: str) -> Iterator[tuple[str, str, Fragment]]:
    for called, form in _forms(root, fragment, name):
        if "properties" in form:
            provider = form["properties"].get("provider", {}).get("const") if place == "sources[]" else None
            here = f"sources[{provider}]" if provider else place
            yield called, here, form
            for key, inner in form["properties"].items():
                yield from _sections(root, inner, called, f"{here}.{key}" if here else key)
        for inner in [*form.get("patternProperties", {}).values(), form.get("additionalProperties")]:
            if isinstance(inner, dict):
                yield from _sections(root, inner, called, f"{place}.*")
        if "items" in form:
            yield from _sections(root, form["items"], called, f"{place}[]")


def _forms(root: Fragment, fragment: Fragment, name: str) -> Iterator[tuple[str, Fragment]]:
    if "$ref" in fragment:
        called = fragment["$ref"].rsplit("/", 1)[1]
        yield from _forms(root, root["$defs"][called], called)
    elif "anyOf" in fragment or "oneOf" in fragment:
        for choice in fragment.get("anyOf") or fragment["oneOf"]:
            yield from _forms(root, choice, name)
    else:
        yield name, fragment


def _kind_of(name: str, key: str, form: Fragment) -> str:
    """What all providers have is explained once; a provider that needs what others may leave out explains it anew."""
    if "provider" not in form["properties"]:
        return name
    if key == "provider" or key in SourceOptions.model_fields:
        return "SourceOptions"
    shared = "allow_insecure" in form["properties"] and key in HttpOptions.model_fields
    return "HttpOptions" if shared and key not in form["required"] else name


def _key(root: Fragment, name: str, fragment: Fragment, required: bool) -> Key:
    if name == "provider":
        return Key(name, "text such as csv", "needed", _PROVIDER)
    forms = [form for _, form in _forms(root, fragment, "")]
    takes = " or ".join(dict.fromkeys("a section" if "properties" in form else form_text(form) for form in forms))
    return Key(name, takes, "needed" if required else _default(fragment), fragment.get("description", ""))


def _default(fragment: Fragment) -> str:
    if "default" not in fragment:
        return ""
    value = fragment["default"]
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def _table(heading: str, keys: Iterable[Key]) -> str:
    lines = [f"### {heading}", "", "| key | takes | default | meaning |", "|---|---|---|---|"]
    for key in keys:
        cells = (f"`{key.name}`", key.takes, key.default, key.meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])


def _heading(name: str, kind: Kind) -> str:
    headings = {
        "Config": "The file",
        "SourceOptions": "`sources[]` of every provider",
        "HttpOptions": "`sources[]` of every provider that is reached by HTTP",
        "Secret": "Every secret",
        "ColumnSource": "Every column of `csv`, `push`, `rest` and `sql` sources",
    }
    return headings.get(name) or ", ".join(f"`{place}`" for place in kind.places)
