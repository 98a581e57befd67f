"""Alerts about the exporter as a whole: whether it can be scraped, stores, evaluates, and what it had to leave out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from dashboards import foreign
from dashboards.boards.exporter_health import SOURCES_PANEL
from dashboards.defaults import HEALTH
from dashboards.promql import Match, equal, labelled, latest, merged, select
from dashboards.rules import contacts
from dashboards.rules.model import CLOCK, AlertRule, Condition, Course, Examples, Place, Severity, replicas
from exporter import naming
from exporter.config.root import Config
from exporter.naming import Family

SAMPLE_LIMIT = 500_000
"""Samples in one scrape beyond which Prometheus refuses it whole: five times what the exporter is built for."""
OWN_PROMETHEUS = frozenset({"KpiSamplesDropped"})
"""Alerts that make sense only where Prometheus scrapes nothing but the exporter."""
_HOLD = timedelta(minutes=5)
_RECORD = {"source": "crm", "entity": "deals"}


@dataclass(frozen=True, slots=True)
class _Trouble:
    """An alert of which only this differs; `says` is its summary, `means` its description."""

    name: str
    severity: Severity
    expr: str
    says: str
    means: str
    family: Family
    bad: Course
    good: Course
    labels: Mapping[str, str] = field(default_factory=dict)
    after: timedelta = timedelta()


def exporter_alerts(config: Config) -> Iterator[AlertRule]:
    """Alerts about the exporter as a whole."""
    yield _unreachable(config)
    for trouble in (*_switches(), *_losses(), *_measures(), *_counters()):
        yield _alert(
            config,
            trouble,
            Examples(
                replicas(trouble.family, trouble.bad, **trouble.labels),
                replicas(trouble.family, trouble.good, **trouble.labels),
                trouble.after,
                trouble.labels,
            ),
        )
    yield _rejected(config)


def _unreachable(config: Config) -> AlertRule:
    seen = select(naming.BUILD_INFO)
    return AlertRule(
        name="KpiExporterUnreachable",
        subject="",
        severity=Severity.CRITICAL,
        expr=f"absent({seen})",
        condition=Condition(f"count({seen}) or vector(0)", "$A < 1", no_data="Alerting"),
        summary=("No KPI exporter can be scraped",),
        description=(("Dashboards show nothing new, and KPI alerts say nothing, until it is back.",),),
        place=Place(HEALTH, SOURCES_PANEL),
        examples=Examples({}, replicas(naming.BUILD_INFO, Course(1), version="1", python="3"), fires_on_nothing=True),
        hold=_HOLD,
        labels=contacts.label(contacts.of_operators(config)),
    )


def _switches() -> tuple[_Trouble, ...]:
    """What has to be 1 on every replica."""
    wanted = (
        (
            "KpiStoreUnusable",
            Severity.CRITICAL,
            naming.STORE_UP,
            "The exporter's store cannot be written",
            "The disk is full or read-only. Scrapes get the last numbers; sources are not read until it works again.",
        ),
        (
            "KpiConfigRefused",
            Severity.WARNING,
            naming.RELOAD_SUCCESS,
            "The exporter's config was refused",
            "The config before it runs on. `kpi-exporter check` says what is wrong with the new one.",
        ),
        (
            "KpiEvaluationFailed",
            Severity.WARNING,
            naming.EVALUATION_SUCCESS,
            "Some metrics or KPIs cannot be worked out",
            "The others are not touched. The health dashboard lists them, the log says why.",
        ),
    )
    return tuple(
        _Trouble(name, severity, f"min({select(family)}) == 0", says, means, family, Course(0), Course(1))
        for name, severity, family, says, means in wanted
    )


def _losses() -> tuple[_Trouble, ...]:
    """What has to be 0."""
    unwanted = (
        (
            "KpiListingCapped",
            naming.CAPPED,
            _RECORD,
            "A vendor cut a listing short, so it was not taken over",
            "A partial list would invent numbers. Read a shorter span, or another way.",
        ),
        (
            "KpiLabelValuesFolded",
            naming.LABEL_OVERFLOW,
            {"metric": "calls", "label": "queue"},
            "A label has too many values",
            "All beyond the first hundred are one series named __other__; sums stay right. Choose a coarser column.",
        ),
        (
            "KpiSeriesLeftOut",
            naming.SERIES_DROPPED,
            {"family": "kpi_value", "reason": "over_limit"},
            "Series were left out of the scrape",
            "A family has more series than it may, or numbers that cannot be exposed.",
        ),
    )
    return tuple(
        _Trouble(name, Severity.WARNING, f"{latest(family)} > 0", says, means, family, Course(1), Course(0), labels)
        for name, family, labels, says, means in unwanted
    )


def _measures() -> tuple[_Trouble, ...]:
    """What has to stay within bounds."""
    return (
        _Trouble(
            "KpiEvaluationStuck",
            Severity.CRITICAL,
            f"time() - {latest(naming.EVALUATION_TIME, by=())} > 900",
            "Metrics and KPIs have not been worked out for 15 minutes",
            "The evaluation hangs or is overloaded; numbers and their age stand still.",
            naming.EVALUATION_TIME,
            Course(0),
            CLOCK,
            after=timedelta(minutes=15),
        ),
        _Trouble(
            "KpiSourceClockSkewed",
            Severity.WARNING,
            f"abs({latest(naming.CLOCK_SKEW)}) > 300",
            "A source's clock and ours are more than five minutes apart",
            "Compare our clock with the true time first.",
            naming.CLOCK_SKEW,
            Course(-600),
            Course(2),
            {"source": "crm"},
        ),
        _Trouble(
            "KpiScrapeNearLimit",
            Severity.WARNING,
            f"{latest(naming.SERIES, by=())} > {SAMPLE_LIMIT * 8 // 10}",
            "A scrape comes close to Prometheus' sample limit",
            "Beyond it the whole scrape is refused. Raise sample_limit, or drop person scopes.",
            naming.SERIES,
            Course(SAMPLE_LIMIT),
            Course(1000),
        ),
    )


def _counters() -> tuple[_Trouble, ...]:
    """What must not have happened within the last hour."""
    rebuilt = merged("max", f"increase({select(naming.STORE_REBUILDS)}[1h])")
    ours = Match("rule_group", "=~", '".*kpi.*"')
    failing = merged("max", f"increase({select(foreign.RULE_FAILURES, ours)}[1h])", ("rule_group",))
    return (
        _Trouble(
            "KpiStoreRebuilt",
            Severity.WARNING,
            f"{rebuilt} > 0",
            "A damaged store was moved aside and is being built anew",
            "KPIs are missing until the sources have been read again.",
            naming.STORE_REBUILDS,
            Course(0, 0.01),
            Course(1),
        ),
        _Trouble(
            "KpiRuleFailing",
            Severity.WARNING,
            f"{failing} > 0",
            "Prometheus cannot evaluate a KPI rule",
            "Its log says why: most often two series where one was expected.",
            foreign.RULE_FAILURES,
            Course(0, 0.01),
            Course(1),
            {"rule_group": "/etc/kpi/rules/kpi-alerts.yml;kpi-sources"},
        ),
        _Trouble(
            "KpiSamplesDropped",
            Severity.WARNING,
            f"{_dropped()} > 0",
            "Prometheus drops samples as duplicates or out of time",
            "Two targets expose the same series, or a clock jumped.",
            foreign.SAMPLES_DUPLICATE,
            Course(0, 0.01),
            Course(1),
        ),
    )


def _dropped() -> str:
    kinds = {"duplicate": foreign.SAMPLES_DUPLICATE, "out of bounds": foreign.SAMPLES_OUT_OF_BOUNDS}
    counted = (labelled(f"increase({select(family)}[1h])", "kind", kind) for kind, family in kinds.items())
    return merged("sum", " or ".join(counted))


def _rejected(config: Config) -> AlertRule:
    by = ("source", "entity")
    bad, read = (
        merged("sum", f"increase({select(naming.RECORDS, *matches)}[1h])", by)
        for matches in ((equal("result", "rejected"),), ())
    )
    trouble = _Trouble(
        "KpiRecordsRejected",
        Severity.WARNING,
        f"{bad} / {read} > 0.01",
        "More than one record in a hundred cannot be taken",
        "They count in no KPI. The health dashboard shows why they are rejected.",
        naming.RECORDS,
        Course(0, 0.1),
        Course(0),
    )
    taken = replicas(naming.RECORDS, Course(0, 1), **_RECORD, result="new")
    fires, silent = (
        taken | replicas(naming.RECORDS, course, **_RECORD, result="rejected") for course in (trouble.bad, trouble.good)
    )
    return _alert(config, trouble, Examples(fires, silent, labels=_RECORD))


def _alert(config: Config, trouble: _Trouble, examples: Examples) -> AlertRule:
    return AlertRule(
        name=trouble.name,
        subject="",
        severity=trouble.severity,
        expr=trouble.expr,
        condition=Condition(trouble.expr, "is_number($A)"),
        summary=(trouble.says,),
        description=((trouble.means,),),
        place=Place(HEALTH, SOURCES_PANEL),
        examples=examples,
        hold=_HOLD,
        labels=contacts.label(contacts.of_operators(config)),
    )
