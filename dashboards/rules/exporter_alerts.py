"""Alerts about the exporter as a whole: scraping, store, config, evaluation, and data that was left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from dashboards import promql
from dashboards.promql import Matcher, aggregate, equals, latest, select, with_label
from dashboards.rules.model import CLOCK, AlertRule, Examples, GrafanaCondition, PanelLink, Ramp, Severity, replicas
from dashboards.rules.notifications import operator_contacts
from dashboards.site import HEALTH, SOURCES_PANEL
from exporter import naming
from exporter.config.root import Config
from exporter.naming import Family

SAMPLE_LIMIT = 500_000
"""Samples in one scrape beyond which Prometheus rejects it: five times what the exporter is designed for."""
OWN_PROMETHEUS = frozenset({"KpiSamplesDropped"})
"""Alerts that only make sense for a Prometheus that scrapes nothing but the exporter."""
_FOR = timedelta(minutes=5)
_RECORD = {"source": "crm", "entity": "deals"}


@dataclass(frozen=True, slots=True)
class _Definition:
    """What differs between these alerts. It fires if the family's series have the values `bad`, not if `good`."""

    name: str
    severity: Severity
    expr: str
    summary: str
    description: str
    family: Family
    bad: Ramp
    good: Ramp
    labels: Mapping[str, str] = field(default_factory=dict)
    after: timedelta = timedelta()


def exporter_alerts(config: Config) -> Iterator[AlertRule]:
    """The alerts about the exporter as a whole."""
    yield _unreachable(config)
    for definition in (
        *_must_be_one(),
        _push_token_unusable(),
        *_must_be_zero(),
        *_must_happen_in_time(),
        *_must_stay_within_bounds(),
        *_must_not_increase(),
    ):
        yield _alert(config, definition)
    yield _rejected(config)


def _unreachable(config: Config) -> AlertRule:
    build_info = select(naming.BUILD_INFO)
    up = replicas(naming.BUILD_INFO, Ramp(1), version="1", python="3")
    definition = _Definition(
        "KpiExporterUnreachable",
        Severity.CRITICAL,
        f"absent({build_info})",
        "No KPI exporter can be scraped",
        "Until it is back, dashboards show no new data and KPI alerts cannot fire.",
        naming.BUILD_INFO,
        Ramp(0),
        Ramp(1),
    )
    condition = GrafanaCondition(f"count({build_info}) or vector(0)", "$A < 1", no_data="Alerting")
    return replace(_alert(config, definition, Examples({}, up, fires_on_nothing=True)), condition=condition)


def _must_be_one() -> Iterator[_Definition]:
    """On every replica."""
    definitions = (
        (
            "KpiStoreUnusable",
            Severity.CRITICAL,
            naming.STORE_UP,
            "The exporter cannot write to its store",
            "The disk is full or read-only. Scrapes return the last numbers; sources are not read until this is fixed.",
        ),
        (
            "KpiConfigRefused",
            Severity.WARNING,
            naming.RELOAD_SUCCESS,
            "The exporter rejected a changed config",
            "The previous config stays active. `kpi-exporter check` lists the problems of the new one.",
        ),
        (
            "KpiWebConfigRefused",
            Severity.WARNING,
            naming.WEB_RELOAD_SUCCESS,
            "The exporter rejected a changed web config, certificate or key",
            "The previous ones stay active: removed users keep access, and a certificate may expire. See the log.",
        ),
        (
            "KpiEvaluationFailed",
            Severity.WARNING,
            naming.EVALUATION_SUCCESS,
            "Some metrics or KPIs cannot be evaluated",
            "The others are not affected. The exporter health dashboard lists them; the log has the reason.",
        ),
    )
    for name, severity, family, summary, description in definitions:
        expr = f"min({select(family)}) == 0"
        yield _Definition(name, severity, expr, summary, description, family, Ramp(0), Ramp(1))


def _push_token_unusable() -> _Definition:
    return _Definition(
        "KpiPushTokenUnusable",
        Severity.WARNING,
        f"{aggregate('min', select(naming.PUSH_TOKEN_USABLE), ('source',))} == 0",
        "The token of a push source cannot be used",
        "Its file is missing, empty or too short, so its posts get 503. Senders keep their records.",
        naming.PUSH_TOKEN_USABLE,
        Ramp(0),
        Ramp(1),
        {"source": "shop"},
    )


def _must_be_zero() -> Iterator[_Definition]:
    definitions: tuple[tuple[str, Family, dict[str, str], str, str], ...] = (
        (
            "KpiListingCapped",
            naming.CAPPED,
            _RECORD,
            "A vendor truncated a listing, so it was discarded",
            "Importing part of a list would produce wrong numbers. Sync more often, or limit what the source reads.",
        ),
        (
            "KpiLabelValuesFolded",
            naming.LABEL_OVERFLOW,
            {"metric": "calls", "label": "queue"},
            "A label has too many values",
            "Values beyond the first hundred share one series named __other__; sums stay right. Use a coarser column.",
        ),
        (
            "KpiSeriesLeftOut",
            naming.SERIES_DROPPED,
            {"family": "kpi_value", "reason": "over_limit"},
            "Series were left out of the scrape",
            "A family has more series than allowed, or numbers that cannot be exposed.",
        ),
        (
            "KpiStoreRebuilt",
            naming.STORE_REBUILDS_UNACCEPTED,
            {},
            "A damaged store was moved aside and rebuilt",
            "KPIs that rest on pushed records are withheld until a backup is restored or the loss is accepted.",
        ),
    )
    for name, family, labels, summary, description in definitions:
        expr = f"{latest(family)} > 0"
        yield _Definition(name, Severity.WARNING, expr, summary, description, family, Ramp(1), Ramp(0), labels)


def _must_happen_in_time() -> tuple[_Definition, ...]:
    return (
        _Definition(
            "KpiEvaluationStuck",
            Severity.CRITICAL,
            f"time() - {latest(naming.EVALUATION_TIME, by=())} > 900",
            "Metrics and KPIs have not been evaluated for 15 minutes",
            "The evaluation hangs or is overloaded; numbers and their age are not updated.",
            naming.EVALUATION_TIME,
            Ramp(0),
            CLOCK,
            after=timedelta(minutes=15),
        ),
        _Definition(
            "KpiBackupOverdue",
            Severity.WARNING,
            f"time() - {latest(naming.BACKUP_OVERDUE, by=())} > 0",
            "The newest backup of the exporter's store is older than two intervals",
            "Its log has the reason: most often the disk of the backup directory is full, or the store is damaged.",
            naming.BACKUP_OVERDUE,
            Ramp(0),
            CLOCK,
            after=timedelta(minutes=15),
        ),
    )


def _must_stay_within_bounds() -> tuple[_Definition, ...]:
    return (
        _Definition(
            "KpiSourceClockSkewed",
            Severity.WARNING,
            f"abs({latest(naming.CLOCK_SKEW)}) > 300",
            "The clocks of a source and the exporter differ by more than five minutes",
            "Check the exporter's clock first.",
            naming.CLOCK_SKEW,
            Ramp(-600),
            Ramp(2),
            {"source": "crm"},
        ),
        _Definition(
            "KpiScrapeNearLimit",
            Severity.WARNING,
            f"{latest(naming.SERIES, by=())} > {SAMPLE_LIMIT * 8 // 10}",
            "A scrape is close to Prometheus' sample limit",
            "Prometheus rejects a scrape beyond the limit. Raise sample_limit, or remove person scopes.",
            naming.SERIES,
            Ramp(SAMPLE_LIMIT),
            Ramp(1000),
        ),
    )


def _must_not_increase() -> Iterator[_Definition]:
    """Within an hour."""
    kpi_rules = Matcher("rule_group", "=~", '".*kpi.*"')
    failures = aggregate("max", f"increase({select(promql.RULE_FAILURES, kpi_rules)}[1h])", ("rule_group",))
    drops = {"duplicate": promql.SAMPLES_DUPLICATE, "out of bounds": promql.SAMPLES_OUT_OF_BOUNDS}
    by_kind = (with_label(f"increase({select(family)}[1h])", "kind", kind) for kind, family in drops.items())
    definitions: tuple[tuple[str, Family, str, str, str, dict[str, str]], ...] = (
        (
            "KpiRuleFailing",
            promql.RULE_FAILURES,
            failures,
            "Prometheus cannot evaluate a KPI rule",
            "Its log has the reason: most often two series where one was expected.",
            {"rule_group": "/etc/kpi/rules/kpi-alerts.yml;kpi-sources"},
        ),
        (
            "KpiSamplesDropped",
            promql.SAMPLES_DUPLICATE,
            aggregate("sum", " or ".join(by_kind)),
            "Prometheus drops samples as duplicates or out of bounds",
            "Two targets expose the same series, or a clock jumped.",
            {},
        ),
    )
    for name, family, expr, summary, description, labels in definitions:
        yield _Definition(
            name, Severity.WARNING, f"{expr} > 0", summary, description, family, Ramp(0, 0.01), Ramp(1), labels
        )


def _rejected(config: Config) -> AlertRule:
    rejected, total = (
        aggregate("sum", f"increase({select(naming.RECORDS, *matchers)}[1h])", ("source", "entity"))
        for matchers in ((equals("result", "rejected"),), ())
    )
    definition = _Definition(
        "KpiRecordsRejected",
        Severity.WARNING,
        f"{rejected} / {total} > 0.01",
        "More than one in a hundred records of an entity was rejected",
        "Rejected records count in no KPI. The exporter health dashboard shows the reasons.",
        naming.RECORDS,
        Ramp(0, 0.1),
        Ramp(0),
    )
    accepted = replicas(naming.RECORDS, Ramp(0, 1), **_RECORD, result="new")
    fires, silent = (
        accepted | replicas(naming.RECORDS, values, **_RECORD, result="rejected")
        for values in (definition.bad, definition.good)
    )
    return _alert(config, definition, Examples(fires, silent, labels=_RECORD))


def _alert(config: Config, definition: _Definition, examples: Examples | None = None) -> AlertRule:
    fires, silent = (
        replicas(definition.family, values, **definition.labels) for values in (definition.bad, definition.good)
    )
    return AlertRule(
        name=definition.name,
        subject="",
        severity=definition.severity,
        expr=definition.expr,
        condition=GrafanaCondition(definition.expr, "is_number($A)"),
        summary=(definition.summary,),
        description=((definition.description,),),
        link=PanelLink(HEALTH, SOURCES_PANEL),
        examples=examples or Examples(fires, silent, definition.after, definition.labels),
        for_=_FOR,
        labels=operator_contacts(config),
    )
