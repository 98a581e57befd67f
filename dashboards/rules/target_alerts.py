"""Alerts about targets that are missed or exceeded in every period, which tell the owner to reconsider them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from dashboards.number_texts import aggregate_text
from dashboards.promql import equals, latest
from dashboards.rules.kpi_alerts import KEEP_FIRING_FOR, decision_texts, kpi_labels, kpi_link
from dashboards.rules.model import AlertRule, Examples, GrafanaCondition, Ramp, Severity, replicas
from dashboards.rules.notifications import owner_contacts
from dashboards.rules.texts import TEXT, SeriesText
from exporter import naming
from exporter.config.fields import Scope
from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.naming import Family


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    family: Family
    verb: str
    question: str


_KINDS = (
    _Kind("KpiTargetMissedInARow", naming.TARGET_MISSED, "missed", "Is it too ambitious, or is the measure wrong?"),
    _Kind("KpiTargetExceededInARow", naming.TARGET_EXCEEDED, "exceeded", "Is it too easy?"),
)


def target_alerts(config: Config) -> Iterator[AlertRule]:
    """The alerts about targets in a row. Only the company's final periods are counted."""
    for kpi in config.kpis:
        if kpi.target is not None and Scope.COMPANY in kpi.scopes:
            for kind in _KINDS:
                yield _alert(config, kpi, kind)


def _alert(config: Config, kpi: Kpi, kind: _Kind) -> AlertRule:
    periods = latest(kind.family, equals("kpi", kpi.name))
    return AlertRule(
        name=kind.name,
        subject=kpi.name,
        severity=Severity.INFO,
        expr=f"{periods} >= {kpi.in_a_row}",
        condition=GrafanaCondition(periods, f"$A >= {kpi.in_a_row}"),
        summary=(f"{kpi.title} {kind.verb} its target ", _count(kpi, periods), f" {kpi.period}s in a row"),
        resolved=(f"{kpi.title} no longer {kind.verb} its target in every {kpi.period}",),
        description=((kind.question,), *decision_texts(kpi)),
        link=kpi_link(kpi),
        examples=Examples(
            replicas(kind.family, Ramp(kpi.in_a_row), kpi=kpi.name),
            replicas(kind.family, Ramp(kpi.in_a_row - 1), kpi=kpi.name),
        ),
        for_=timedelta(minutes=5),
        keep_firing_for=KEEP_FIRING_FOR,
        labels=kpi_labels(kpi) | owner_contacts(config, kpi),
    )


def _count(kpi: Kpi, periods: str) -> SeriesText:
    return SeriesText(aggregate_text(periods, TEXT, ("kpi",)), {}, str(kpi.in_a_row))
