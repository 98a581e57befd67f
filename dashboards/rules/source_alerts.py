"""Alerts about sources: one that cannot be read, and one that refuses our credentials."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from dashboards.boards.exporter_health import SOURCES_PANEL
from dashboards.defaults import HEALTH
from dashboards.promql import equal, latest, one_of
from dashboards.rules import contacts
from dashboards.rules.model import AlertRule, Condition, Course, Examples, Place, Severity, replicas
from exporter import naming
from exporter.config.root import Config
from exporter.config.sources import AnySource
from exporter.naming import SourceState

_SHORTEST = timedelta(minutes=5)
_WAITING = (SourceState.STARTING, SourceState.BACKFILL, SourceState.PAUSED)


def source_alerts(config: Config) -> Iterator[AlertRule]:
    """Alerts about each source."""
    for source in config.sources:
        yield _down(config, source)
        yield _refused(config, source)


def _down(config: Config, source: AnySource) -> AlertRule:
    """Not while the first pass still runs: a source is not up before it."""
    ours, waiting = equal("source", source.name), one_of("state", _WAITING)
    excused = f"{latest(naming.SOURCE_STATE, ours, waiting, by=('source',))} == 1"
    down = f"{latest(naming.SOURCE_UP, ours)} == 0 unless on (source) {excused}"
    failing = replicas(naming.SOURCE_UP, Course(0), source=source.name)
    return AlertRule(
        name="KpiSourceDown",
        subject=source.name,
        severity=Severity.WARNING,
        expr=down,
        condition=Condition(f"({down}) + 1", "$A > 0"),
        summary=(f"The source {source.name} ({source.provider}) cannot be read",),
        description=(
            ("Three passes in a row failed. Other sources go on; numbers that rest on this one will be withheld.",),
        ),
        place=Place(HEALTH, SOURCES_PANEL),
        examples=Examples(
            failing,
            failing | replicas(naming.SOURCE_STATE, Course(1), source=source.name, state=SourceState.BACKFILL),
        ),
        hold=max(3 * source.sync_every, _SHORTEST),
        labels=_labels(config, source),
    )


def _refused(config: Config, source: AnySource) -> AlertRule:
    known = {"source": source.name, "state": SourceState.AUTH_FAILED.value}
    matches = (equal(label, value) for label, value in known.items())
    refused = latest(naming.SOURCE_STATE, *matches, by=("source",))
    return AlertRule(
        name="KpiSourceCredentialsRefused",
        subject=source.name,
        severity=Severity.CRITICAL,
        expr=f"{refused} == 1",
        condition=Condition(refused, "$A == 1"),
        summary=(f"The source {source.name} ({source.provider}) refuses our credentials",),
        description=(("They expired, were revoked, or lack a permission. It is asked again ever more rarely.",),),
        place=Place(HEALTH, SOURCES_PANEL),
        examples=Examples(
            replicas(naming.SOURCE_STATE, Course(1), **known), replicas(naming.SOURCE_STATE, Course(0), **known)
        ),
        hold=_SHORTEST,
        labels=_labels(config, source),
    )


def _labels(config: Config, source: AnySource) -> dict[str, str]:
    return {"source": source.name} | contacts.label(contacts.of_operators(config))
