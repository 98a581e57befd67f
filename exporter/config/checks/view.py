"""What the checks look at: the sound part of a config, and what is known of the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from exporter.config.expression import metrics_of
from exporter.config.kpis import Kpi
from exporter.config.metrics import Metric
from exporter.config.root import Config


@dataclass(frozen=True)
class View:
    """A config to check. `broken` has the names of definitions left out of it because they have faults of their own.

    Whoever refers to a broken definition is not at fault, so its name counts as known; of a section in `lost`
    not even the names are known.
    """

    config: Config
    broken: Mapping[str, frozenset[str]] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()

    @cached_property
    def is_whole(self) -> bool:
        """True where nothing was left out: only then is it certain that something is used nowhere."""
        return not self.broken and not self.lost

    def names(self, section: str) -> Mapping[str, None]:
        """Names defined in a section, in their order, those with faults last."""
        defined = [definition.name for definition in getattr(self.config, section)]
        return dict.fromkeys([*defined, *sorted(self.broken.get(section, ()))])

    @cached_property
    def entities_read(self) -> frozenset[str]:
        """Entities that any source reads."""
        return frozenset(entity for source in self.config.sources for entity in source.reads)

    @property
    def reads_everything_known(self) -> bool:
        """True where no source was left out: only then is it certain that an entity is read by none."""
        return "sources" not in self.broken and "sources" not in self.lost

    @property
    def knows_people(self) -> bool:
        """True where a source may tell teams and people that the config does not name."""
        return "people" in self.entities_read or not self.reads_everything_known

    @cached_property
    def calculable(self) -> tuple[tuple[int, Kpi, tuple[Metric, ...]], ...]:
        """(place, KPI, metrics of its value) of each KPI whose metrics are all sound."""
        return tuple(self._calculable())

    def _calculable(self) -> Iterator[tuple[int, Kpi, tuple[Metric, ...]]]:
        known = self.config.metric_by_name
        for place, kpi in enumerate(self.config.kpis):
            names = metrics_of(kpi.value)
            if names and all(name in known for name in names):
                yield place, kpi, tuple(known[name] for name in names)
