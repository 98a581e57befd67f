"""What the checks look at: the sound part of a config, and what is known of the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from exporter.config.expression import metrics_of
from exporter.config.kpis import Kpi, Objective
from exporter.config.metrics import Metric
from exporter.config.organisation import Contact, Team
from exporter.config.positions import Keyed, Listed, Path
from exporter.config.root import Config
from exporter.config.sources import AnySource


@dataclass(frozen=True)
class View:
    """A config to check; of a faulty one, what is left without the definitions that have faults of their own.

    `kept` tells at which places of the file the definitions left stand, `tree` is the whole file. Whoever refers to a
    definition that was left out is not at fault, so its name counts as known; of a section in `lost` not even the
    names are known.
    """

    config: Config
    kept: Mapping[str, Sequence[int]] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()
    tree: Any = None

    def _placed(self, section: str) -> tuple[tuple[int, Any], ...]:
        definitions = getattr(self.config, section)
        return tuple(zip(self.kept.get(section, range(len(definitions))), definitions, strict=True))

    @cached_property
    def sources(self) -> tuple[tuple[int, AnySource], ...]:
        """Sources with their places in the file; so are the other sections."""
        return self._placed("sources")

    @cached_property
    def teams(self) -> tuple[tuple[int, Team], ...]:
        """Teams with their places."""
        return self._placed("teams")

    @cached_property
    def metrics(self) -> tuple[tuple[int, Metric], ...]:
        """Metrics with their places."""
        return self._placed("metrics")

    @cached_property
    def objectives(self) -> tuple[tuple[int, Objective], ...]:
        """Objectives with their places."""
        return self._placed("objectives")

    @cached_property
    def kpis(self) -> tuple[tuple[int, Kpi], ...]:
        """KPIs with their places."""
        return self._placed("kpis")

    @cached_property
    def contacts(self) -> tuple[tuple[int, Contact], ...]:
        """Contacts with their places."""
        return self._placed("contacts")

    def left_out(self, section: str) -> Iterator[tuple[int, Keyed]]:
        """The definitions of a section that have faults of their own, as they stand in the file."""
        written = self.tree.get(section) if isinstance(self.tree, Keyed) else None
        if isinstance(written, Listed) and section in self.kept:
            kept = set(self.kept[section])
            for place, definition in enumerate(written):
                if place not in kept and isinstance(definition, Keyed):
                    yield place, definition

    def names(self, section: str) -> Mapping[str, None]:
        """Names defined in a section, in their order, those with faults last."""
        defined = [definition.name for _, definition in self._placed(section)]
        faulty = [definition.get("name") for _, definition in self.left_out(section)]
        return dict.fromkeys([*defined, *(name for name in faulty if isinstance(name, str))])

    def in_file(self, path: Path) -> Path:
        """The path in the file of a path in the config that is left."""
        section, *rest = path
        if rest and isinstance(rest[0], int) and section in self.kept:
            return (section, self.kept[str(section)][rest[0]], *rest[1:])
        return path

    @cached_property
    def entities_read(self) -> frozenset[str]:
        """Entities that any source reads."""
        return frozenset(entity for source in self.config.sources for entity in source.reads)

    @cached_property
    def knows_all_sources(self) -> bool:
        """True where no source was left out: only then is it certain that an entity is read by none."""
        return "sources" not in self.lost and not any(self.left_out("sources"))

    @property
    def knows_people(self) -> bool:
        """True where a source may tell teams and people that the config does not name."""
        return "people" in self.entities_read or not self.knows_all_sources

    @cached_property
    def calculable(self) -> tuple[tuple[int, Kpi, tuple[Metric, ...]], ...]:
        """(place, KPI, metrics of its value) of each KPI whose metrics are all sound."""
        return tuple(self._calculable())

    def _calculable(self) -> Iterator[tuple[int, Kpi, tuple[Metric, ...]]]:
        known = self.config.metric_by_name
        for place, kpi in self.kpis:
            names = metrics_of(kpi.value)
            if names and all(name in known for name in names):
                yield place, kpi, tuple(known[name] for name in names)
