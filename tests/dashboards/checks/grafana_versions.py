"""What versions of Grafana do not know of a dashboard, by the facts in tests/data/grafana_panels.yaml.

Grafana ignores an unknown key or value without a message, and shows its default instead. A fact is written
`SECTION PATH` for a key and `SECTION PATH=VALUE` for a value, such as `table.custom cellOptions.type=pill`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FACTS = Path(__file__).resolve().parents[2] / "data/grafana_panels.yaml"

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GrafanaFacts:
    """The content of the file with the facts."""

    known: Mapping[str, Mapping[str, Any]]
    """By section and path: `text`, `number`, `boolean`, several of them joined by ` or `, `any`, or a list of values."""
    only: Mapping[str, list[str]]
    """The versions that know a fact, for facts that some do not know."""
    shown: Mapping[str, Json]
    """What is generated although the versions `without` it do not know it, and what is `seen` there instead."""
    packages: Mapping[str, Mapping[str, str]]
    """The packages that the facts of a version are from, with their versions."""
    schema_versions: Mapping[str, int]

    def knows(self, version: str, fact: str) -> bool:
        """Whether the version knows a fact that any version knows."""
        return version in self.only.get(fact, (version,))

    def ignored(self, version: str) -> set[str]:
        """The facts that may be generated although this version does not know them."""
        return {fact for fact, entry in self.shown.items() if version in entry["without"]}


@cache
def grafana_facts() -> GrafanaFacts:
    """The facts of all versions."""
    return GrafanaFacts(**yaml.safe_load(_FACTS.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class VersionCheck:
    """Finds the facts in a dashboard that one version does not know."""

    facts: GrafanaFacts
    version: str

    def dashboard(self, dashboard: Json) -> Iterator[str]:
        """Unknown facts of a dashboard and everything in it."""
        yield from self._entries("dashboard", dashboard)
        for link in dashboard["links"]:
            yield from self._entries("link", link)
        for variable in dashboard["templating"]["list"]:
            yield from self._entries("variable", variable)
        for annotation in dashboard["annotations"]["list"]:
            yield from self._entries("annotation", annotation)
        for panel in dashboard["panels"]:
            yield from self.panel(panel)

    def panel(self, panel: Json) -> Iterator[str]:
        """Unknown facts of a panel, or of a row and the panels in it."""
        if panel["type"] == "row":
            yield from self._entries("row", panel)
            for entry in panel.get("panels", ()):
                yield from self.panel(entry)
            return
        kind = panel["type"]
        yield from self._entries("panel", panel)
        yield from self._entries(f"{kind}.options", panel["options"])
        yield from self._names("reducers", panel["options"].get("reduceOptions", {}).get("calcs", ()))
        yield from self._names("transformations", [entry["id"] for entry in panel.get("transformations", ())])
        yield from self._fields(kind, panel["fieldConfig"]["defaults"])
        for override in panel["fieldConfig"]["overrides"]:
            yield from self._names("matchers", [override["matcher"]["id"]])
            for entry in override["properties"]:
                yield from self._fields(kind, _nested(entry["id"].split("."), entry["value"]))

    def _fields(self, kind: str, config: Json) -> Iterator[str]:
        yield from self._entries("field", config)
        if "mode" in config.get("color", {}):
            yield from self._names("color_modes", [config["color"]["mode"]])
        custom = dict(config.get("custom", {}))
        cell = custom.pop("cellOptions", None)
        if cell is not None:
            custom |= {"cellOptions": {"type": cell["type"]}}
            yield from self._entries(f"cell.{cell['type']}", {key: cell[key] for key in cell if key != "type"})
        yield from self._entries(f"{kind}.custom", custom)

    def _names(self, registry: str, names: list[str]) -> Iterator[str]:
        for name in names:
            yield from self._leaf("names", registry, name)

    def _entries(self, section: str, value: Any, path: str = "") -> Iterator[str]:
        known = self.facts.known.get(section, {})
        if known.get(path) == "any":
            yield from self._unknown(f"{section} {path}")
        elif isinstance(value, Mapping):
            for key, entry in value.items():
                yield from self._entries(section, entry, f"{path}.{key}".removeprefix("."))
        elif isinstance(value, list):
            if not value and not any(name.startswith(f"{path}[]") for name in known):
                yield f"{section} {path}"
            for entry in value:
                yield from self._entries(section, entry, f"{path}[]")
        elif value is not None:  # the first step of thresholds has none
            yield from self._leaf(section, path, value)

    def _leaf(self, section: str, path: str, value: Any) -> Iterator[str]:
        types = self.facts.known.get(section, {}).get(path)
        if types is None:
            yield f"{section} {path}"
        elif value not in types if isinstance(types, list) else _type_name(value) not in types.split(" or "):
            yield f"{section} {path}={value}"
        else:
            yield from self._unknown(f"{section} {path}")
            yield from self._unknown(f"{section} {path}={value}")

    def _unknown(self, fact: str) -> Iterator[str]:
        if not self.facts.knows(self.version, fact):
            yield fact


def _nested(path: list[str], value: Any) -> Json:
    first, *others = path
    return {first: _nested(others, value) if others else value}


def _type_name(value: Any) -> str:
    return {bool: "boolean", int: "number", float: "number", str: "text"}[type(value)]
