"""The questions that dashboards and rules ask, as PromQL.

Every answer is free of `instance` and `job`, so that replicas, restarts and backfilled history read as one series.
"""

from __future__ import annotations

from dashboards.promql import Match, equal, first_of, joined, latest, merged, one_of, select
from exporter import naming
from exporter.config.fields import Scope, Status
from exporter.naming import SCOPE_LABELS, Family, scoped
from exporter.statuses import BY_CODE, VERDICTS

GOOD = (Status.EXCEEDED, Status.ON_TRACK)
BAD = (Status.AT_RISK, Status.OFF_TRACK)

DESCRIPTION = ("kpi", "title", "unit", "department", "objective", "owner")


def whose(scope: Scope) -> tuple[str, ...]:
    """The labels that tell one KPI value of a scope from the next."""
    return ("kpi", *SCOPE_LABELS[scope])


def number(family: Family, *matches: Match, scope: Scope = Scope.COMPANY) -> str:
    """The latest value of a KPI family at a scope."""
    return latest(scoped(family, scope), *matches)


def current_status(*matches: Match, scope: Scope = Scope.COMPANY) -> str:
    """1 for each KPI, with its `status` as a label."""
    return first_of(f"{number(naming.STATUS, *matches, scope=scope)} == 1", whose(scope))


def worded_status(*matches: Match, scope: Scope = Scope.COMPANY) -> str:
    """The same with the label `verdict`: the status in words."""
    plain = f'label_replace({current_status(*matches, scope=scope)}, "verdict", "$1", "status", "(.*)")'
    return f'label_replace({plain}, "verdict", "$1 $2", "status", "([^_]+)_(.+)")'


def described(*matches: Match, bring: tuple[str, ...] = DESCRIPTION) -> str:
    """1 for each KPI, with what it is as labels."""
    return first_of(latest(naming.INFO, *matches, by=tuple(dict.fromkeys(("kpi", *bring)))), ("kpi",))


def with_title(expression: str, *bring: str) -> str:
    """The same with the KPI's title (and more of what it is) as labels."""
    labels = ("title", *bring)
    return joined(expression, described(bring=("kpi", *labels)), ("kpi",), labels)


def judged(family: Family, *matches: Match, scope: Scope = Scope.COMPANY) -> str:
    """A number of each KPI with its status, verdict and title as labels; NaN where the number is unknown."""
    labels = whose(scope)
    unknown = f"{latest(scoped(naming.STATUS, scope), *matches, by=labels)} * NaN"
    value = f"({number(family, *matches, scope=scope)} or {unknown})"
    return with_title(joined(value, worded_status(*matches, scope=scope), labels, ("status", "verdict")))


def against_plan(*matches: Match, scope: Scope = Scope.COMPANY) -> str:
    """The ratio a verdict rests on: value against what is expected by now, else against the whole target."""
    pace = number(naming.PACE_RATIO, *matches, scope=scope)
    return f"({pace} or {number(naming.TARGET_RATIO, *matches, scope=scope)})"


def judged_plan(*matches: Match, scope: Scope = Scope.COMPANY) -> str:
    """`against_plan` with status, verdict and title as labels."""
    told = worded_status(*matches, scope=scope)
    value = against_plan(*matches, scope=scope)
    return with_title(joined(value, told, whose(scope), ("status", "verdict")))


def readable(expression: str) -> str:
    """The same numbers with ratios in percent, for tables whose unit is a text column."""
    percent = f"{latest(naming.INFO, equal('unit', 'ratio'), by=('kpi',))} * 100"
    return joined(expression, f"({percent} or {latest(naming.INFO, by=('kpi',))})", ("kpi",))


def status_code(*matches: Match, scope: Scope = Scope.COMPANY) -> str:
    """The code of each KPI's status."""
    family = scoped(naming.STATUS, scope)
    codes = (f"{select(family, equal('status', spec.status), *matches)} * {spec.code}" for spec in BY_CODE)
    return merged("max", " or ".join(codes), whose(scope))


def with_status(statuses: tuple[Status, ...], *matches: Match, scope: Scope = Scope.COMPANY) -> str:
    """1 for each KPI and status of these that it has, 0 for those it has not."""
    return number(naming.STATUS, one_of("status", statuses), *matches, scope=scope)


def on_target(*matches: Match, scope: Scope = Scope.COMPANY, by: tuple[str, ...] = ()) -> str:
    """Share of the KPIs with a verdict that are on track or better; absent where none has one.

    `by` groups by labels of the scope.
    """
    good, all_judged = (
        merged("sum", with_status(statuses, *matches, scope=scope), by) for statuses in (GOOD, VERDICTS)
    )
    return f"{good} / ({all_judged} > 0)"


def on_target_by(label: str) -> str:
    """The same for each department or objective."""
    good, all_judged = (
        merged("sum", joined(with_status(statuses), described(bring=("kpi", label)), ("kpi",), (label,)), (label,))
        for statuses in (GOOD, VERDICTS)
    )
    return f"{good} / ({all_judged} > 0)"


def count_by_status(*matches: Match, scope: Scope = Scope.COMPANY) -> str:
    """Number of KPIs with each status: the four verdicts always, the others where there are any."""
    quiet = tuple(status for status in Status if status not in VERDICTS)
    some = merged("sum", with_status(quiet, *matches, scope=scope), ("status",))
    return f"{merged('sum', with_status(VERDICTS, *matches, scope=scope), ('status',))} or {some} > 0"


def score(scope: Scope, *matches: Match) -> str:
    """Mean of a team's or person's target ratios, each between 0 and 1, as in an objective's score."""
    ratio = number(naming.TARGET_RATIO, *matches, scope=scope)
    return merged("avg", f"clamp({ratio}, 0, 1)", SCOPE_LABELS[scope])


def data_age(*matches: Match) -> str:
    """Seconds since the data of each KPI was known to be complete."""
    return f"time() - {latest(naming.ASOF, *matches)}"
