"""Notes about KPIs that look like a share of something but do not say that they are one."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.config.checks.kpis import divides_rows_of_one_entity, target_bounds
from exporter.config.expression import divides
from exporter.config.kpis import Kpi
from exporter.config.positions import Finding
from exporter.config.root import Config
from exporter.config.units import NUMBER, metric_unit


def share_notes(config: Config) -> Iterator[Finding]:
    """A note for each KPI without a unit whose value probably lies between 0 and 1, and is not shown in percent."""
    for index, kpi in enumerate(config.kpis):
        if kpi.unit is None and config.unit(kpi) == NUMBER and _looks_like_share(config, kpi):
            message = "the value looks like a share, and is shown as a plain number"
            yield Finding(("kpis", index, "value"), message, "write unit: ratio for percent, or unit: number")


def _looks_like_share(config: Config, kpi: Kpi) -> bool:
    """True if every target is from 0 to 1; without one, for a part of an entity's rows and for a mean of flags."""
    bounds = target_bounds(kpi)
    if bounds:
        return all(0 <= low <= high <= 1 for low, high in bounds)
    metrics = [config.metric_by_name[name] for name in kpi.metrics]
    of_flags = all(metric_unit(metric) == "ratio" for metric in metrics)
    return divides_rows_of_one_entity(kpi, metrics) or (of_flags and not divides(kpi.value))
