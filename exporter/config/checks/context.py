"""The input of the checks: the valid part of a config, and what is known about the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from exporter.config.kpis import Kpi, Objective
from exporter.config.metrics import Metric
from exporter.config.organisation import Contact, Team
from exporter.config.positions import KeyPath, YamlList, YamlMapping
from exporter.config.root import Config
from exporter.config.sources import AnySource


@dataclass(frozen=True)
class CheckContext:
    """A config to check. If it has invalid definitions, `config` contains only the valid ones.

    `valid_indexes` maps a section to the indexes that its valid definitions have in the file, and `tree` is the whole
    file. References to an invalid definition are accepted, because its name is known from the tree. For a section in
    `unreadable` not even the names are known.
    """

    config: Config
    valid_indexes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    tree: Any = None

    def _indexed(self, section: str) -> tuple[tuple[int, Any], ...]:
        definitions = getattr(self.config, section)
        return tuple(zip(self.valid_indexes.get(section, range(len(definitions))), definitions, strict=True))

    @cached_property
    def sources(self) -> tuple[tuple[int, AnySource], ...]:
        """(index in the file, source) of each valid source."""
        return self._indexed("sources")

    @cached_property
    def teams(self) -> tuple[tuple[int, Team], ...]:
        """(index, team) of each valid team."""
        return self._indexed("teams")

    @cached_property
    def metrics(self) -> tuple[tuple[int, Metric], ...]:
        """(index, metric) of each valid metric."""
        return self._indexed("metrics")

    @cached_property
    def objectives(self) -> tuple[tuple[int, Objective], ...]:
        """(index, objective) of each valid objective."""
        return self._indexed("objectives")

    @cached_property
    def kpis(self) -> tuple[tuple[int, Kpi], ...]:
        """(index, KPI) of each valid KPI."""
        return self._indexed("kpis")

    @cached_property
    def contacts(self) -> tuple[tuple[int, Contact], ...]:
        """(index, contact) of each valid contact."""
        return self._indexed("contacts")

    def invalid(self, section: str) -> Iterator[tuple[int, YamlMapping]]:
        """(index, definition as written) of each invalid definition of a section."""
        definitions = self.tree.get(section) if isinstance(self.tree, YamlMapping) else None
        if isinstance(definitions, YamlList) and section in self.valid_indexes:
            valid = set(self.valid_indexes[section])
            for index, definition in enumerate(definitions):
                if index not in valid and isinstance(definition, YamlMapping):
                    yield index, definition

    def names(self, section: str) -> Mapping[str, None]:
        """Names defined in a section, in order, those of invalid definitions last."""
        valid = [definition.name for _, definition in self._indexed(section)]
        invalid = [definition.get("name") for _, definition in self.invalid(section)]
        return dict.fromkeys([*valid, *(name for name in invalid if isinstance(name, str))])

    def in_file(self, path: KeyPath) -> KeyPath:
        """The path in the file for a path in `config`."""
        section, *inner = path
        if inner and isinstance(inner[0], int) and section in self.valid_indexes:
            return (section, self.valid_indexes[str(section)][inner[0]], *inner[1:])
        return path

    @cached_property
    def entities_read(self) -> frozenset[str]:
        """Entities that any source reads."""
        return frozenset(entity for source in self.config.sources for entity in source.reads)

    @cached_property
    def knows_all_sources(self) -> bool:
        """True if every source is valid. Otherwise an invalid one may read any entity."""
        return "sources" not in self.unreadable and not any(self.invalid("sources"))

    @property
    def knows_people(self) -> bool:
        """True if a source may provide teams and people that the config does not name."""
        return "people" in self.entities_read or not self.knows_all_sources

    @cached_property
    def calculable(self) -> tuple[tuple[int, Kpi, tuple[Metric, ...]], ...]:
        """(index, KPI, metrics of its formulas) of each KPI whose metrics are all valid."""
        metrics = self.config.metric_by_name
        referenced = ((index, kpi, kpi.metrics) for index, kpi in self.kpis)
        return tuple(
            (index, kpi, tuple(metrics[name] for name in names))
            for index, kpi, names in referenced
            if names and all(name in metrics for name in names)
        )
