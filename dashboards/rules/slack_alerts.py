"""Alerts about KPIs that have to hold all along and spend their slack too fast.

The exporter computes burn rates from records, over opening hours that Prometheus knows nothing of. The rule compares a
long and a short window with the limit of the long one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from dashboards.number_texts import aggregate_text
from dashboards.promql import aggregate, equals, latest, select
from dashboards.rules.kpi_alerts import KEEP_FIRING_FOR, decision_texts, kpi_labels, kpi_link
from dashboards.rules.model import AlertRule, Examples, GrafanaCondition, Ramp, Severity, replicas
from dashboards.rules.notifications import kpi_contacts
from dashboards.rules.texts import TEXT, LabelValue, SeriesText
from exporter import naming
from exporter.config.fields import duration_text
from exporter.config.kpis import Alerts, Kpi, SlackRule
from exporter.config.root import Config
from exporter.naming import Family

_FOR = timedelta(minutes=2)


def slack_alerts(config: Config) -> Iterator[AlertRule]:
    """One rule for each KPI with rules about slack; it fires once for each long window that exceeds its limit."""
    for kpi in config.kpis:
        if kpi.alerts is not None and kpi.alerts.slack:
            yield _alert(config, kpi, kpi.alerts)


def _alert(config: Config, kpi: Kpi, alerts: Alerts) -> AlertRule:
    expr = " or ".join(_too_fast(kpi, rule) for rule in alerts.slack)
    window, _ = _names(alerts.slack[0])
    return AlertRule(
        name="KpiSlackSpentFast",
        subject=kpi.name,
        severity=Severity.CRITICAL,
        expr=expr,
        condition=GrafanaCondition(expr, "is_number($A)"),
        summary=(f"{kpi.title} spends its slack ", _times(kpi), " times as fast as it may"),
        resolved=(f"{kpi.title} no longer spends its slack too fast",),
        description=(
            ("It did so in the last ", LabelValue("window", window), " of opening hours, and still does."),
            (f"At this rate it misses the target of the {kpi.period}. Why it matters: {kpi.why}",),
            *decision_texts(kpi),
        ),
        link=kpi_link(kpi),
        examples=_examples(kpi, alerts.slack[0]),
        for_=_FOR,
        keep_firing_for=KEEP_FIRING_FOR,
        labels=kpi_labels(kpi) | kpi_contacts(config, kpi),
    )


def _too_fast(kpi: Kpi, rule: SlackRule) -> str:
    long, short = _names(rule)
    both = ("kpi", "window")

    def of(family: Family, window: str) -> str:
        return latest(family, equals("kpi", kpi.name), equals("window", window), by=both)

    limit = aggregate("max", select(naming.BURN_LIMIT, equals("kpi", kpi.name), equals("window", long)), ("kpi",))
    rate = aggregate("max", select(naming.BURN_RATE, equals("kpi", kpi.name), equals("window", short)), ("kpi",))
    return f"({of(naming.BURN_RATE, long)} > {of(naming.BURN_LIMIT, long)} and on (kpi) {rate} > {limit})"


def _times(kpi: Kpi) -> SeriesText:
    """How many times as fast, in the window of the alert."""
    rates = latest(naming.BURN_RATE, equals("kpi", kpi.name), by=("kpi", "window"))
    return SeriesText(aggregate_text(f"round({rates}, 0.1)", TEXT, ("kpi", "window")), {}, "4", by=("window",))


def _names(rule: SlackRule) -> tuple[str, str]:
    long, short = rule.windows
    return duration_text(long), duration_text(short)


def _examples(kpi: Kpi, rule: SlackRule) -> Examples:
    long, short = _names(rule)
    limit = replicas(naming.BURN_LIMIT, Ramp(3), kpi=kpi.name, window=long)

    def of(in_long: float, in_short: float) -> dict[str, Ramp]:
        rates = ((long, in_long), (short, in_short))
        series = [replicas(naming.BURN_RATE, Ramp(rate), kpi=kpi.name, window=name) for name, rate in rates]
        return {**series[0], **series[1], **limit}

    return Examples(of(4, 4), of(4, 0), labels={"kpi": kpi.name, "window": long})
