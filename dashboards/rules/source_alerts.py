"""Alerts about each source: it cannot be read, or it rejects the credentials."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from dashboards.promql import equals, latest, one_of
from dashboards.rules.model import AlertRule, Examples, GrafanaCondition, PanelLink, Ramp, Severity, replicas
from dashboards.rules.notifications import operator_contacts
from dashboards.site import HEALTH, SOURCES_PANEL
from exporter import naming
from exporter.config.root import Config
from exporter.config.sources import AnySource
from exporter.naming import SourceState

_SHORTEST_FOR = timedelta(minutes=5)
_NOT_UP_YET = (SourceState.STARTING, SourceState.BACKFILL, SourceState.PAUSED)


def source_alerts(config: Config) -> Iterator[AlertRule]:
    """The alerts about each source."""
    for source in config.sources:
        labels = {"source": source.name} | operator_contacts(config)
        yield _down(source, labels)
        yield _credentials_rejected(source, labels)


def _down(source: AnySource, labels: dict[str, str]) -> AlertRule:
    """Does not fire during the first pass: the source is not up until it completes."""
    this_source = equals("source", source.name)
    not_up_yet = f"{latest(naming.SOURCE_STATE, this_source, one_of('state', _NOT_UP_YET), by=('source',))} == 1"
    down = f"{latest(naming.SOURCE_UP, this_source)} == 0 unless on (source) {not_up_yet}"
    failing = replicas(naming.SOURCE_UP, Ramp(0), source=source.name)
    backfill = replicas(naming.SOURCE_STATE, Ramp(1), source=source.name, state=SourceState.BACKFILL)
    return AlertRule(
        name="KpiSourceDown",
        subject=source.name,
        severity=Severity.WARNING,
        expr=down,
        condition=GrafanaCondition(f"({down}) + 1", "$A > 0"),
        summary=(f"The source {source.name} ({source.provider}) cannot be read",),
        resolved=(f"The source {source.name} ({source.provider}) can be read again",),
        description=(
            ("Three passes in a row failed. Other sources are not affected.",),
            ("KPIs that use this source are withheld once its data is stale.",),
        ),
        link=PanelLink(HEALTH, SOURCES_PANEL),
        examples=Examples(failing, failing | backfill),
        for_=max(3 * source.sync_every, _SHORTEST_FOR),
        labels=labels,
    )


def _credentials_rejected(source: AnySource, labels: dict[str, str]) -> AlertRule:
    state = {"source": source.name, "state": SourceState.AUTH_FAILED.value}
    rejected = latest(naming.SOURCE_STATE, *(equals(name, value) for name, value in state.items()), by=("source",))
    return AlertRule(
        name="KpiSourceCredentialsRefused",
        subject=source.name,
        severity=Severity.CRITICAL,
        expr=f"{rejected} == 1",
        condition=GrafanaCondition(rejected, "$A == 1"),
        summary=(f"The source {source.name} ({source.provider}) rejects the credentials",),
        resolved=(f"The source {source.name} ({source.provider}) accepts the credentials again",),
        description=(("They expired, were revoked, or lack a permission. Retries become less and less frequent.",),),
        link=PanelLink(HEALTH, SOURCES_PANEL),
        examples=Examples(
            replicas(naming.SOURCE_STATE, Ramp(1), **state), replicas(naming.SOURCE_STATE, Ramp(0), **state)
        ),
        for_=_SHORTEST_FOR,
        labels=labels,
    )
