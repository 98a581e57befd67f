"""The whole config as one frozen object, with its names resolved."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field, PrivateAttr

from exporter.config.company import Bands, Company
from exporter.config.expression import Ref, divides, metrics_of
from exporter.config.fields import Many, Pace, Section
from exporter.config.kpis import Kpi, Objective
from exporter.config.metrics import Metric
from exporter.config.organisation import Alerting, Contact, Dashboards, Privacy, Team
from exporter.config.positions import NOWHERE, Origin
from exporter.config.sources import AnySource
from exporter.config.targets import Goal
from exporter.config.units import metric_unit, unit_of


class Config(Section):
    """What one YAML file says. Paths in it are relative to `base`."""

    company: Company
    """Who measures, and by which calendar."""
    sources: Annotated[tuple[AnySource, ...], Field(strict=False, min_length=1)]
    """The systems that records are read from."""
    teams: Many[Team] = ()
    """Teams that no source knows, and who was in them when."""
    metrics: Annotated[tuple[Metric, ...], Field(strict=False, min_length=1)]
    """What is measured."""
    objectives: Many[Objective] = ()
    """What the company wants to reach."""
    kpis: Many[Kpi] = ()
    """Metrics with a target, a period and a direction."""
    contacts: Many[Contact] = ()
    """Who can be told."""
    alerting: Alerting = Field(default_factory=Alerting)
    """How alerts are evaluated and sent."""
    dashboards: Dashboards = Field(default_factory=Dashboards)
    """How the generated dashboards look."""
    privacy: Privacy = Field(default_factory=Privacy)
    """Who may see numbers of single people."""

    _base: Path = PrivateAttr(default=Path())
    _origin: Origin = PrivateAttr(default=NOWHERE)

    @property
    def base(self) -> Path:
        """The directory of the config file."""
        return self._base

    @property
    def origin(self) -> Origin:
        """Where in the file each key stands, for problems that are found after loading."""
        return self._origin

    def located_in(self, base: Path, origin: Origin | None = None) -> Config:
        """The same config, its paths relative to `base`."""
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

    def bands(self, kpi: Kpi) -> Bands:
        """The bands that hold for a KPI."""
        return kpi.bands or self.company.bands

    def is_level(self, kpi: Kpi) -> bool:
        """True where the KPI reads a state at an instant."""
        return not self.is_ratio(kpi) and all(self.metric_by_name[name].is_level for name in metrics_of(kpi.value))

    def is_ratio(self, kpi: Kpi) -> bool:
        """True where the value does not add up over time: a division, a mean, an extreme or a percentile."""
        aggregates = {self.metric_by_name[name].aggregate for name in metrics_of(kpi.value)}
        return divides(kpi.value) or bool(aggregates & {"mean", "min", "max", "percentile"})

    def is_flow(self, kpi: Kpi) -> bool:
        """True where the value adds up over the period."""
        return not self.is_ratio(kpi) and not self.is_level(kpi)

    def pace(self, kpi: Kpi) -> Pace:
        """The pace that holds: named, or by the kind of value (design section 4)."""
        if kpi.pace is not None:
            return kpi.pace
        if self.is_flow(kpi):
            return Pace.WORKDAYS if self.company.workdays else Pace.LINEAR
        return Pace.LINEAR if isinstance(kpi.target, Goal) else Pace.NONE

    def metric_unit(self, metric: Metric) -> str:
        """count, ratio, currency, seconds, score or free text."""
        return metric_unit(metric)

    def unit(self, kpi: Kpi) -> str:
        """The KPI's unit: named, or what follows from its metrics."""
        if kpi.unit is not None:
            return kpi.unit
        if isinstance(kpi.value, Ref):
            return metric_unit(self.metric_by_name[kpi.value.metric])
        return unit_of(kpi.value, lambda name: metric_unit(self.metric_by_name[name])) or "count"
