"""The whole config as one frozen model, with lookups by name and defaults applied."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field, PrivateAttr

from exporter.config.company import Bands, Company
from exporter.config.dated import Dated
from exporter.config.expression import Expression, divides, metrics_of
from exporter.config.fields import Many, Pace, Period, Section
from exporter.config.history import History
from exporter.config.kpis import Kpi, Objective
from exporter.config.metrics import Metric
from exporter.config.organisation import Alerting, Contact, Dashboards, Privacy, Team
from exporter.config.positions import NO_FILE, Origin
from exporter.config.sources import AnySource
from exporter.config.targets import AppliesTo, Goal, Growth
from exporter.config.units import unit_in_formulas, unit_of

_UNITS_OF_ANY_SCOPE = frozenset({"ratio", "seconds", "score", "points"})


class FormulaKind(StrEnum):
    """How the values of a formula behave over time: a state, a sum over the period, or neither."""

    LEVEL = "level"
    FLOW = "flow"
    RATIO = "ratio"


class Config(Section):
    """The content of a config file. Paths in it are relative to `base`."""

    company: Company
    """Name, calendar and currency of the company."""
    sources: Annotated[tuple[AnySource, ...], Field(strict=False, min_length=1)]
    """The systems to read records from."""
    teams: Many[Team] = ()
    """Teams that no source provides, with their members over time."""
    metrics: Annotated[tuple[Metric, ...], Field(strict=False, min_length=1)]
    """What to measure."""
    objectives: Many[Objective] = ()
    """What the company wants to achieve."""
    kpis: Many[Kpi] = ()
    """Metrics with a target, a period and a direction."""
    contacts: Many[Contact] = ()
    """Who can be notified."""
    alerting: Alerting = Field(default_factory=Alerting)
    """How alerts are evaluated and sent."""
    dashboards: Dashboards = Field(default_factory=Dashboards)
    """How the generated dashboards look."""
    privacy: Privacy = Field(default_factory=Privacy)
    """Who may see values of single people, and how long former ones keep their names."""
    history: History = Field(default_factory=History)
    """How long the past of records is kept, and when a period is final."""

    _base: Path = PrivateAttr(default=Path())
    _origin: Origin = PrivateAttr(default=NO_FILE)

    @property
    def base(self) -> Path:
        """The directory of the config file."""
        return self._base

    @property
    def origin(self) -> Origin:
        """Lines of the keys, for problems that are found after loading."""
        return self._origin

    def located_in(self, base: Path, origin: Origin | None = None) -> Config:
        """The same config with paths relative to `base`."""
        located = self.model_copy()
        located._base = base  # noqa: SLF001  # its own class
        located._origin = origin or self._origin  # noqa: SLF001  # its own class
        return located

    @cached_property
    def metric_by_name(self) -> dict[str, Metric]:
        """Metrics by name."""
        return {metric.name: metric for metric in self.metrics}

    @cached_property
    def kpi_by_name(self) -> dict[str, Kpi]:
        """KPIs by name."""
        return {kpi.name: kpi for kpi in self.kpis}

    def sources_of(self, metric: Metric) -> tuple[AnySource, ...]:
        """The sources that can contribute rows to the metric: those that read its entity and that `where` allows."""
        return tuple(
            source for source in self.sources if metric.entity in source.reads and metric.counts_source(source.name)
        )

    def periods_of(self, metric: Metric) -> tuple[Period, ...]:
        """The metric's own periods and those of the KPIs that it explains, shortest first; a level has no period."""
        used = {kpi.period for kpi in self.kpis if metric.name in kpi.explained_by}
        return tuple(period for period in Period if period in used or period in metric.periods)

    def bands(self, kpi: Kpi) -> Dated[Bands]:
        """The KPI's own bands over time, or the company's."""
        return kpi.bands or self.company.bands

    def is_level(self, kpi: Kpi) -> bool:
        """True if the value is a state at an instant."""
        return self.kind(kpi.value) is FormulaKind.LEVEL

    def is_ratio(self, kpi: Kpi) -> bool:
        """True if the value is not additive over time: a division, mean, minimum, maximum or percentile."""
        return self.kind(kpi.value) is FormulaKind.RATIO

    def applies_to_all(self, kpi: Kpi) -> bool:
        """True if the company's target also judges teams and people: as configured, else if the number fits any scope.

        That is so for ratios, means, seconds, scores, points, and for growth over a scope's own past.
        """
        if kpi.applies_to is not None:
            return kpi.applies_to is AppliesTo.ALL
        return isinstance(kpi.target, Growth) or self.is_ratio(kpi) or self.unit(kpi) in _UNITS_OF_ANY_SCOPE

    def is_flow(self, kpi: Kpi) -> bool:
        """True if the value adds up over the period."""
        return self.kind(kpi.value) is FormulaKind.FLOW

    def kind(self, formula: Expression) -> FormulaKind:
        """How the values of a formula behave over time."""
        metrics = [self.metric_by_name[name] for name in metrics_of(formula)]
        if divides(formula) or {metric.aggregate for metric in metrics} & {"mean", "min", "max", "percentile"}:
            return FormulaKind.RATIO
        return FormulaKind.LEVEL if all(metric.is_level for metric in metrics) else FormulaKind.FLOW

    def pace(self, kpi: Kpi) -> Pace:
        """The configured pace, or the default for this kind of value."""
        if kpi.pace is not None:
            return kpi.pace
        if self.is_flow(kpi):
            return Pace.WORKDAYS if self.company.workdays else Pace.LINEAR
        return Pace.LINEAR if isinstance(kpi.target, Goal) else Pace.NONE

    def final_guard(self, kpi: Kpi) -> Kpi | None:
        """The guard that decides about the final status of a period with its own, which must be as long; else None."""
        guard = None if kpi.guard is None else self.kpi_by_name.get(kpi.guard)
        return guard if guard is not None and guard.period is kpi.period else None

    def unit(self, kpi: Kpi) -> str:
        """The configured unit, or the one that follows from the KPI's metrics."""
        if kpi.unit is not None:
            return kpi.unit
        return self.inferred_unit(kpi) or "count"

    def inferred_unit(self, kpi: Kpi) -> str | None:
        """The unit that follows from the KPI's metrics, whatever is configured; None if none does."""
        units = {name: unit_in_formulas(self.metric_by_name[name]) for name in metrics_of(kpi.value)}
        return unit_of(kpi.value, units)
