"""Alerts about KPIs: their status, the age of their data, and their review.

They test the status that the exporter exposes, which has its hysteresis already; nothing is judged again here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from dashboards import expressions
from dashboards.boards.kpi_detail import MAIN_PANEL
from dashboards.defaults import DETAIL
from dashboards.promql import Match, equal, latest
from dashboards.rules import contacts
from dashboards.rules.model import CLOCK, AlertRule, Condition, Course, Examples, Place, Severity, replicas
from dashboards.rules.texts import PLAIN, SHARE, SPAN, Form, Number, Sentence
from dashboards.timing import seconds
from exporter import naming
from exporter.config.expression import metrics_of
from exporter.config.fields import Pace, Scope, Status
from exporter.config.kpis import Alerts, Kpi
from exporter.config.root import Config
from exporter.statuses import STATUSES, VERDICTS

STATUS_ALERTS = {
    Status.OFF_TRACK: ("KpiOffTrack", Severity.CRITICAL),
    Status.AT_RISK: ("KpiAtRisk", Severity.WARNING),
    Status.EXCEEDED: ("KpiTargetReached", Severity.INFO),
    Status.ON_TRACK: ("KpiOnTrack", Severity.INFO),
    Status.NO_DATA: ("KpiNoData", Severity.WARNING),
    Status.NO_TARGET: ("KpiNoTarget", Severity.WARNING),
    Status.TOO_EARLY: ("KpiTooEarly", Severity.INFO),
    Status.TOO_FEW: ("KpiTooFew", Severity.INFO),
}
"""What a status is called as an alert. A stale KPI has KpiDataStale, whether asked for or not."""
KEEP = timedelta(minutes=15)
"""For how long an alert stays when its series vanish, so that a restart or a withheld value resolves nothing."""


def kpi_alerts(config: Config) -> Iterator[AlertRule]:
    """All alerts about KPIs. One that has no value for the company has no status to alert on."""
    for kpi in config.kpis:
        asked = kpi.alerts or Alerts()
        statuses = asked.on if Scope.COMPANY in kpi.scopes else ()
        for status in dict.fromkeys(statuses):
            if status in STATUS_ALERTS:
                yield _status_alert(config, kpi, status, asked.for_)
        yield _stale_alert(config, kpi)
        if kpi.review and kpi.reviewed:
            yield _review_alert(config, kpi)


def _status_alert(config: Config, kpi: Kpi, status: Status, hold: timedelta) -> AlertRule:
    name, severity = STATUS_ALERTS[status]
    has_status = latest(naming.STATUS, _is(kpi), equal("status", status), by=("kpi",))
    value = Number(naming.VALUE, (_is(kpi),), _form(config, kpi))
    known = expressions.number(naming.VALUE, _is(kpi))
    judged = status in VERDICTS
    verdict: Sentence = (f"{kpi.title} is {_PHRASES.get(status, STATUSES[status].words)}",)
    return AlertRule(
        name=name,
        subject=kpi.name,
        severity=severity,
        expr=f"{has_status} == 1",
        condition=Condition(f"{known} and on (kpi) {has_status} == 1", "is_number($A)")
        if judged
        else Condition(has_status, "$A == 1"),
        summary=(*verdict, ": ", value) if judged else verdict,
        description=(*_figures(config, kpi, value), *_reasons(kpi)) if judged else _reasons(kpi),
        place=_place(kpi),
        examples=Examples(
            replicas(naming.STATUS, Course(1), kpi=kpi.name, status=status),
            replicas(naming.STATUS, Course(0), kpi=kpi.name, status=status),
        ),
        hold=hold,
        keep=KEEP,
        labels=_labels(config, kpi),
        own=value if judged else None,
    )


_PHRASES = {Status.EXCEEDED: "ahead of its target", Status.NO_DATA: "without data", Status.NO_TARGET: "without target"}


def _figures(config: Config, kpi: Kpi, value: Number) -> tuple[Sentence, ...]:
    """The numbers behind the verdict."""
    target = Number(naming.TARGET, (_is(kpi),), value.form)
    sentence: Sentence = (f"The target of the {kpi.period} is ", target, ".")
    if config.pace(kpi) is Pace.NONE:
        ratio = Number(naming.TARGET_RATIO, (_is(kpi),), SHARE)
        return (sentence, ("It stands at ", ratio, " of its target."))
    expected = Number(naming.EXPECTED, (_is(kpi),), value.form)
    return (("By now ", expected, " was expected."), sentence)


def _reasons(kpi: Kpi) -> tuple[Sentence, ...]:
    decision = ((f"It helps to decide: {kpi.decision}",),) if kpi.decision else ()
    return ((f"Why it matters: {kpi.why}",), *decision)


def _stale_alert(config: Config, kpi: Kpi) -> AlertRule:
    withheld = withheld_after(config, kpi)
    late = withheld * 2 / 3
    age = expressions.data_age(_is(kpi))
    missing = f"{latest(naming.KPI_UP, _is(kpi))} == 0"
    return AlertRule(
        name="KpiDataStale",
        subject=kpi.name,
        severity=Severity.WARNING,
        expr=f"{age} > {seconds(late)} or {missing}",
        condition=Condition(f"{age} or ({missing}) + {seconds(withheld)}", f"$A > {seconds(late)}"),
        summary=(f"The data of {kpi.title} is out of date",),
        description=(
            (f"Its numbers are withheld once they are {_spoken(withheld)} old; its other alerts then fall silent.",),
            ("A source is down, slow or refused: see the exporter's health.",),
        ),
        place=_place(kpi),
        examples=Examples(
            replicas(naming.ASOF, Course(0), kpi=kpi.name),
            replicas(naming.ASOF, CLOCK, kpi=kpi.name) | replicas(naming.KPI_UP, Course(1), kpi=kpi.name),
            after=late,
        ),
        hold=min(timedelta(minutes=1), withheld / 12),
        keep=KEEP,
        labels=_labels(config, kpi),
    )


def withheld_after(config: Config, kpi: Kpi) -> timedelta:
    """The age at which the KPI's numbers are withheld: the shortest of the sources that read its entities."""
    entities = {config.metric_by_name[name].entity for name in metrics_of(kpi.value)}
    ages = [source.withheld_after for source in config.sources if entities.intersection(source.reads)]
    return min(ages or [source.withheld_after for source in config.sources])


def _review_alert(config: Config, kpi: Kpi) -> AlertRule:
    due = latest(naming.REVIEW_DUE, _is(kpi))
    return AlertRule(
        name="KpiReviewOverdue",
        subject=kpi.name,
        severity=Severity.INFO,
        expr=f"time() > {due}",
        condition=Condition(f"time() - {due}", "$A > 0"),
        summary=(f"{kpi.title} is due for its {kpi.review} review",),
        description=((f"Last reviewed on {kpi.reviewed}. Is it still the right measure, with the right target?",),),
        place=_place(kpi),
        examples=Examples(
            replicas(naming.REVIEW_DUE, Course(1), kpi=kpi.name),
            replicas(naming.REVIEW_DUE, Course(4e9), kpi=kpi.name),
        ),
        hold=timedelta(hours=1),
        labels=_labels(config, kpi),
    )


def _is(kpi: Kpi) -> Match:
    return equal("kpi", kpi.name)


def _place(kpi: Kpi) -> Place:
    return Place(DETAIL, MAIN_PANEL, {"kpi": kpi.name})


def _labels(config: Config, kpi: Kpi) -> dict[str, str]:
    owner = {"kpi": kpi.name, "owner": kpi.owner, "department": kpi.department, "objective": kpi.objective}
    return owner | contacts.label(contacts.of_kpi(config, kpi))


def _form(config: Config, kpi: Kpi) -> Form:
    unit = config.unit(kpi)
    if unit in ("ratio", "seconds"):
        return SHARE if unit == "ratio" else SPAN
    after = {"currency": f" {config.company.currency}", "count": "", "score": ""}.get(unit, f" {unit}")
    return Form(PLAIN.function, PLAIN.sample, PLAIN.reads, after)


def _spoken(span: timedelta) -> str:
    minutes = span.total_seconds() / 60
    if minutes < 2:
        return f"{span.total_seconds():g} seconds"
    return f"{minutes:g} minutes" if minutes < 120 else f"{minutes / 60:.3g} hours"
