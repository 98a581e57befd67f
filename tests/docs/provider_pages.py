"""The generated parts of docs/reference/providers: options, entities and columns of each provider, and the index."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

from exporter.config.sources import AnySource
from exporter.config.sources.base import HttpOptions, SourceOptions
from exporter.records import ENTITIES, ENTITY_OF, columns
from exporter.sources.registry import PROVIDERS
from tests.config.key_reference import KeyRow, SectionType, section_types

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/reference/providers"
INDEX = PAGES / "README.md"
MARKERS = re.compile(r"(<!-- generated: .*? -->\n)(.*?)(<!-- end of generated -->)", re.DOTALL)
PAGE_MODULES = {**PROVIDERS, "push": "exporter.push.inbox"}
"""Every provider that has a page, and its module."""
_RECORDS = {kind.__name__: entity for kind, entity in ENTITY_OF.items()}


def updated_pages() -> dict[Path, str]:
    """Every page with its generated part brought up to date."""
    pages = {PAGES / f"{provider}.md": f"\n{_entities(provider)}\n{_options(provider)}\n" for provider in PAGE_MODULES}
    return {path: with_generated(path, text) for path, text in {INDEX: _index(), **pages}.items()}


def with_generated(path: Path, generated: str) -> str:
    """The text of a page with a new generated part; raises ValueError if the page has no markers for it."""
    text, replaced = MARKERS.subn(lambda match: match[1] + generated + match[3], path.read_text(encoding="utf-8"))
    if replaced != 1:
        raise ValueError(f"{path} has {replaced} generated parts, expected 1")
    return text


def _index() -> str:
    lines = ["", "| provider | reads | entities |", "|---|---|---|"]
    for provider in sorted(PAGE_MODULES):
        entities = columns_filled(provider)
        names = ", ".join(f"`{name}`" for name in ENTITIES if name in entities) or "any"
        lines.append(f"| [{provider}]({provider}.md) | {_options_model(provider).__doc__} | {names} |")
    return "\n".join([*lines, "", ""])


def _entities(provider: str) -> str:
    filled = columns_filled(provider)
    if not filled:
        return "## Entities and columns\n\nAny entity and any column, as the config maps them.\n"
    permissions: Mapping[str, str] = getattr(import_module(PAGE_MODULES[provider]), "PERMISSIONS", {})
    heading = ["entity", "columns it fills", *(["permission"] if permissions else [])]
    lines = ["## Entities and columns", "", _row(heading), "|---" * len(heading) + "|"]
    for entity, names in filled.items():
        cells = [f"`{entity}`", ", ".join(f"`{name}`" for name in names)]
        lines.append(_row([*cells, permissions[entity]] if permissions else cells))
    return "\n".join([*lines, ""])


def columns_filled(provider: str) -> dict[str, list[str]]:
    """Entity to the columns that the provider's code gives to its records; empty for a provider that maps any."""
    module = import_module(PAGE_MODULES[provider])
    file = Path(str(module.__file__))
    found: dict[str, set[str]] = {}
    for path in sorted(file.parent.glob("*.py")) if file.name == "__init__.py" else [file]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _RECORDS:
                found.setdefault(_RECORDS[node.func.id], set()).update(word.arg or "" for word in node.keywords)
    return {
        entity: [name for name in _columns(entity) if name in found[entity]] for entity in ENTITIES if entity in found
    }


def _columns(entity: str) -> list[str]:
    """The entity's columns in their order, and `attributes` at the end."""
    own = [column.name for column in columns(entity)]
    return [*own, *(field.name for field in dataclasses.fields(ENTITIES[entity]) if field.name == "attributes")]


def _options(provider: str) -> str:
    shared = [SourceOptions, *([HttpOptions] if issubclass(_options_model(provider), HttpOptions) else [])]
    names = ", ".join(f"`{name}`" for model in shared for name in model.model_fields if name in model.__annotations__)
    about = (
        f"Every secret is `{{env: NAME}}` or `{{file: PATH}}`. The keys {names} are explained with "
        "[every key of the config](../../../config/README.md#all-keys)."
    )
    return "\n".join(["## Options", "", about, "", *_tables(f"sources[{provider}]")]).rstrip() + "\n"


def _tables(place: str) -> Iterator[str]:
    """A table for the options themselves, then one for each place below them; the forms of one place share a table."""
    by_place: dict[str, dict[str, KeyRow]] = {}
    for name, kind in section_types().items():
        inside = _place_inside(kind, place)
        if inside is not None and name not in ("SourceOptions", "HttpOptions", "Secret"):
            keys = by_place.setdefault(inside, {})
            for key in kind.keys.values():
                keys.setdefault(key.name, key)
    for inside, keys in sorted(by_place.items()):
        yield from [f"### `{inside}`", ""] if inside else []
        yield from ["| key | takes | default | meaning |", "|---|---|---|---|"]
        for key in keys.values():
            yield _row([f"`{key.name}`", key.takes, key.default, key.meaning])
        yield ""


def _place_inside(kind: SectionType, place: str) -> str | None:
    """Where a kind of section may be inside a provider's options; None if it may not, "" for the options themselves."""
    inner = [found.removeprefix(place).removeprefix(".") for found in kind.paths if found.split(".")[0] == place]
    return inner[0] if inner else None


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _options_model(provider: str) -> Any:
    models = get_args(get_args(AnySource)[0])
    return next(model for model in models if get_args(model.model_fields["provider"].annotation)[0] == provider)
