"""Alerts about supporting metrics that leave their expected range, for each KPI that they threaten."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from dashboards.number_texts import literal_text, unit_text
from dashboards.promql import equals, latest
from dashboards.rules.kpi_alerts import KEEP_FIRING_FOR, kpi_labels, kpi_link
from dashboards.rules.model import AlertRule, Examples, GrafanaCondition, Ramp, Severity, replicas
from dashboards.rules.notifications import kpi_contacts
from dashboards.rules.texts import TEXT, SeriesText
from exporter import naming
from exporter.config.kpis import Kpi
from exporter.config.metrics import Expected, Metric
from exporter.config.root import Config
from exporter.config.units import metric_unit

_AFTER = timedelta(minutes=30)


def driver_alerts(config: Config) -> Iterator[AlertRule]:
    """One alert for each KPI and each of its supporting metrics that has an expected range."""
    for kpi in config.kpis:
        for name in dict.fromkeys(kpi.supporting):
            metric = config.metric_by_name[name]
            if metric.expected is not None:
                yield _alert(config, kpi, metric, metric.expected)


def _alert(config: Config, kpi: Kpi, metric: Metric, expected: Expected) -> AlertRule:
    this = equals("metric", metric.name)
    value, low, high = (latest(family, this) for family in (naming.DRIVER_VALUE, naming.DRIVER_LOW, naming.DRIVER_HIGH))
    outside = f"{value} < {low} or {value} > {high}"
    when = "" if metric.is_level else f" in the last finished {expected.period}"
    headline = f"{metric.title} is outside its expected range"
    unit, currency = metric_unit(metric), config.company.currency
    query = unit_text(value, unit, currency, TEXT, ("metric",))
    text = SeriesText(query, {}, literal_text(_beyond(expected), unit, currency), ": ", when)
    return AlertRule(
        name="KpiDriverOutOfRange",
        subject=f"{kpi.name} {metric.name}",
        severity=Severity.WARNING,
        expr=outside,
        condition=GrafanaCondition(outside, "is_number($A)"),
        headline=(headline,),
        summary=(headline, text, f", expected {_range(expected, unit, currency)}; it threatens {kpi.title}"),
        resolved=(f"{metric.title} is within its expected range again",),
        description=((f"Why {kpi.title} matters: {kpi.why}",),),
        link=kpi_link(kpi),
        examples=_examples(metric, expected),
        for_=_AFTER,
        keep_firing_for=KEEP_FIRING_FOR,
        labels=kpi_labels(kpi) | {"metric": metric.name} | kpi_contacts(config, kpi),
    )


def _range(expected: Expected, unit: str, currency: str) -> str:
    low, high = (None if end is None else literal_text(end, unit, currency) for end in (expected.min, expected.max))
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"{low} to {high}"


def _beyond(expected: Expected) -> float:
    """A value just outside the range."""
    return expected.max + 1 if expected.max is not None else (expected.min or 0.0) - 1


def _examples(metric: Metric, expected: Expected) -> Examples:
    """Just outside the range, and just within it."""
    bounds = ((naming.DRIVER_LOW, expected.min), (naming.DRIVER_HIGH, expected.max))
    series = [replicas(family, Ramp(end), metric=metric.name) for family, end in bounds if end is not None]
    bound_series = {name: ramp for each in series for name, ramp in each.items()}
    edge = expected.max if expected.max is not None else expected.min or 0.0
    return Examples(
        replicas(naming.DRIVER_VALUE, Ramp(_beyond(expected)), metric=metric.name) | bound_series,
        replicas(naming.DRIVER_VALUE, Ramp(edge), metric=metric.name) | bound_series,
    )
