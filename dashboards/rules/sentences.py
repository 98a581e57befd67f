"""What alerts say about a KPI: `Revenue won is off track: CHF 1.28M of 1.60M, 84 % of plan, 2 workdays left`.

The same sentences serve the company's KPIs and those of teams and persons, for whom they add the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from dashboards import expressions
from dashboards.number_texts import aggregate_text, unit_text
from dashboards.promql import Matcher, equals, latest, quote, with_label
from dashboards.rules.model import Ramp, replicas
from dashboards.rules.texts import TEXT, LabelValue, Sentence, SeriesText
from dashboards.selection import Selection
from exporter import naming
from exporter.config.fields import Better, Pace, Scope, Status
from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.naming import SCOPE_LABELS, Family, scoped
from exporter.statuses import VERDICTS

STATUS_TEXTS = {
    Status.OFF_TRACK: ("is off track", "is no longer off track"),
    Status.AT_RISK: ("is at risk", "is no longer at risk"),
    Status.EXCEEDED: ("is ahead of its target", "is no longer ahead of its target"),
    Status.ON_TRACK: ("is on track", "is no longer on track"),
    Status.NO_DATA: ("has no data", "has data again"),
    Status.NO_TARGET: ("has no target", "has a target again"),
    Status.TOO_EARLY: ("has no verdict yet: too little of its period has passed", "has a verdict"),
    Status.TOO_FEW: ("has no verdict: too few records", "has a verdict again"),
}
"""What an alert says about a KPI with the status, and once it no longer has it."""

EXAMPLE_NAMES = {"team": "North", "person": "Ann Example"}
"""The team and the person of examples."""

_EXAMPLES = {
    "currency": (1_284_000, "1.28M"), "ratio": (0.313, "31.3 %"), "seconds": (33, "33 s"), "score": (4.24, "4.24"),
    "count": (2150, "2,150"), "points": (42, "42 pts"), "hours": (42, "42 h"), "minutes": (42, "42 min"),
    "days": (42, "42 d"), "number": (42, "42"),
}  # fmt: skip
"""A number of each unit, and how it is written."""


@dataclass(frozen=True, slots=True)
class AlertSubject:
    """The KPI that an alert is about: the company's, or that of each team or person."""

    config: Config
    kpi: Kpi
    scope: Scope = Scope.COMPANY

    @property
    def name(self) -> Sentence:
        """The KPI's title, and whose it is."""
        if self.scope is Scope.COMPANY:
            return (self.kpi.title,)
        whose = SCOPE_LABELS[self.scope][-1]
        return f"{self.kpi.title} of ", LabelValue(whose, EXAMPLE_NAMES[whose])

    @property
    def matcher(self) -> Matcher:
        """Selects the KPI's series."""
        return equals("kpi", self.kpi.name)

    @property
    def selection(self) -> Selection:
        """The KPI at the scope, for queries."""
        return Selection(self.scope, (self.matcher,))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that tell its values apart."""
        return self.selection.labels

    def value(self, family: Family) -> str:
        """The latest value of one of the KPI's families."""
        return self.selection.latest(family)

    def example(self, family: Family, value: float) -> Mapping[str, float]:
        """Series of a family with this value, for the example team or person."""
        names = {label: EXAMPLE_NAMES[label] for label in SCOPE_LABELS[self.scope]}
        return dict.fromkeys(replicas(scoped(family, self.scope), Ramp(value), kpi=self.kpi.name, **names), value)

    def number(self, family: Family, before: str = "", after: str = "", *, currency: bool = True) -> SeriesText:
        """The latest number of a family in the KPI's unit; without its currency if that stands before it already."""
        unit, symbol = self.config.unit(self.kpi), self.config.company.currency if currency else ""
        example, text = _EXAMPLES.get(unit, (42, f"42 {unit}"))
        return SeriesText(
            unit_text(self.value(family), unit, symbol, TEXT, self.labels, aligned=True),
            self.example(family, example),
            f"{symbol} {text}" if unit == "currency" and currency else text,
            before,
            after,
            by=SCOPE_LABELS[self.scope],
        )


def status_headline(subject: AlertSubject, status: Status) -> Sentence:
    """The KPI has the status."""
    return *subject.name, f" {STATUS_TEXTS[status][0]}"


def status_sentence(subject: AlertSubject, status: Status) -> Sentence:
    """The KPI has the status: its value against the target, and the time left to change it."""
    sentence = status_headline(subject, status)
    if status is Status.NO_TARGET:
        return *sentence, subject.number(naming.VALUE, before=": ", after=" so far")
    if status not in VERDICTS:
        return sentence
    if status is Status.AT_RISK and subject.kpi.guard is not None:
        return *sentence, _guard_or_nothing(subject, subject.kpi.guard), *figures(subject)
    return *sentence, *figures(subject, before=": ")


def status_resolved(subject: AlertSubject, status: Status) -> Sentence:
    """The KPI no longer has the status."""
    return *subject.name, f" {STATUS_TEXTS[status][1]}"


def figures(subject: AlertSubject, before: str = "") -> Sentence:
    """`CHF 1.28M of 1.60M, 84 % of plan, 2 workdays left`; for a range and a team what is known of it."""
    return subject.number(naming.VALUE, before), *_target(subject), *_against_plan(subject), _time_left(subject)


def _target(subject: AlertSubject) -> Sentence:
    config, kpi = subject.config, subject.kpi
    if kpi.better is Better.WITHIN:
        if subject.scope is not Scope.COMPANY:
            return ()
        low = subject.number(naming.TARGET_LOW, before=", target ")
        return low, subject.number(naming.TARGET_HIGH, before=" to ", currency=False)
    if not config.is_flow(kpi):
        return (
            subject.number(naming.TARGET, before=", target at most " if kpi.better is Better.LOWER else ", target "),
        )
    before = ", at most " if kpi.better is Better.LOWER else " of "
    return (subject.number(naming.TARGET, before, currency=False),)


def _against_plan(subject: AlertSubject) -> Sentence:
    """Nothing for a range, of which a share says nothing."""
    if subject.kpi.better is Better.WITHIN:
        return ()
    has_pace = subject.config.pace(subject.kpi) is not Pace.NONE
    family = naming.PACE_RATIO if has_pace else naming.TARGET_RATIO
    return (share_text(subject, family, before=", ", after=" of plan" if has_pace else " of target"),)


def share_text(subject: AlertSubject, family: Family, before: str = "", after: str = "") -> SeriesText:
    """The latest ratio of a family as `84 %`; never below 0."""
    percent = aggregate_text(f"round(100 * clamp_min({subject.value(family)}, 0))", TEXT, subject.labels)
    return SeriesText(
        percent, subject.example(family, 0.84), "84", before, f" %{after}", by=SCOPE_LABELS[subject.scope]
    )


def _time_left(subject: AlertSubject) -> SeriesText:
    """`2 workdays left`, today included; the same for teams and persons."""
    left = latest(naming.PERIOD_LEFT, subject.matcher)
    count = aggregate_text(f"clamp_min(ceil({left} - 0.01), 0)", "n", ("kpi", "unit"))
    words = f'label_join({count}, "{TEXT}", " ", "n", "unit")'
    singular = f'label_replace({words}, "{TEXT}", {quote("1 $1")}, "{TEXT}", "1 (.*)s")'
    example = replicas(naming.PERIOD_LEFT, Ramp(1.4), kpi=subject.kpi.name, unit="workdays")
    return SeriesText(singular, dict.fromkeys(example, 1.4), "2 workdays", ", ", " left")


def _guard_or_nothing(subject: AlertSubject, guard: str) -> SeriesText:
    """The guard if it is off track, and in either case what introduces the figures."""
    text = f": guard {subject.config.kpi_by_name[guard].title} is off track, "
    named = with_label(_held_back(subject, guard), TEXT, text)
    otherwise = with_label(subject.value(naming.VALUE), TEXT, ": ")
    names = {label: EXAMPLE_NAMES[label] for label in SCOPE_LABELS[subject.scope]}
    example = replicas(scoped(naming.STATUS, subject.scope), Ramp(1), kpi=guard, **names, status=Status.OFF_TRACK)
    return SeriesText(
        f"{named} or on ({', '.join(subject.labels)}) {otherwise}",
        dict.fromkeys(example, 1.0),
        text,
        by=SCOPE_LABELS[subject.scope],
    )


def _held_back(subject: AlertSubject, guard: str) -> str:
    """A sample for each value whose guard is off track: that of the same team or person, else the company's."""

    def off_track(scope: Scope) -> str:
        selection = Selection(scope, (equals("kpi", guard),))
        statuses = selection.latest(naming.STATUS, equals("status", Status.OFF_TRACK))
        return with_label(statuses, "kpi", subject.kpi.name)

    own, company = off_track(subject.scope), off_track(Scope.COMPANY)
    if subject.scope is Scope.COMPANY:
        return f"({own} == 1)"
    others = f"{subject.value(naming.VALUE)} unless on ({', '.join(subject.labels)}) {own}"
    return f"({own} == 1 or ({others}) and on (kpi) {company} == 1)"


def stale_headline(subject: AlertSubject) -> Sentence:
    """The KPI's data is out of date."""
    return (f"The data of {subject.kpi.title} is out of date",)


def stale_sentence(subject: AlertSubject) -> Sentence:
    """The KPI's data is late or its numbers are withheld."""
    age = unit_text(expressions.data_age(subject.selection), "seconds", "", TEXT, ("kpi",))
    withheld = f"{latest(naming.KPI_UP, subject.matcher)} == 0"
    return (
        *stale_headline(subject),
        SeriesText(age, {}, _age_text, ": ", " old"),
        SeriesText(with_label(withheld, TEXT, "its numbers are withheld"), {}, None, ", "),
    )


def _age_text(age: timedelta) -> str:
    """The age in whole hours, as the number texts write it."""
    hours = round(age / timedelta(hours=1))
    return f"{hours} h" if hours > 1 else "60 min"
