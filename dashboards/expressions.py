"""The PromQL expressions of dashboards and rules.

No result has the labels `instance` or `job`, so that replicas, restarts and backfilled history read as one series.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from dashboards.promql import Matcher, aggregate, equals, join, latest, one_of, one_series_for_each, select, with_label
from dashboards.selection import Selection
from exporter import naming
from exporter.config.fields import Scope, Status
from exporter.naming import SCOPE_LABELS, Family
from exporter.statuses import BY_RANK, STATUSES, VERDICTS

GOOD = (Status.EXCEEDED, Status.ON_TRACK)
BAD = (Status.AT_RISK, Status.OFF_TRACK)

ALL = tuple(spec.status for spec in BY_RANK)
"""Every status, in the order of every board: worst verdict first, then the reasons for having none, no data last."""


def status_codes(selection: Selection) -> str:
    """The code of each KPI's status, which charts of its history are drawn with."""
    has = aggregate("max", selection.series(naming.STATUS), (*selection.labels, "status"))
    codes = (with_label(f"vector({spec.code})", "status", spec.status.value) for spec in STATUSES.values())
    coded = f"({has} == 1) * on (status) group_left () ({' or '.join(codes)})"
    return limited(aggregate("max", coded, selection.labels), selection)


def shown_value(selection: Selection, family: Family) -> str:
    """A number of each KPI as panels show it: ratios in percent."""
    return as_shown(selection.latest(family), selection)


def as_shown(values: str, selection: Selection) -> str:
    """Values of KPIs as panels show them: ratios in percent."""
    end = selection.at_end
    ratios, all_kpis = (
        aggregate("max", end.read(select(naming.INFO, *matchers)), ("kpi",))
        for matchers in ((equals("unit", "ratio"),), ())
    )
    return join(f"({values})", f"(100 * {ratios} or {all_kpis})", ("kpi",))


def data_age(selection: Selection) -> str:
    """Seconds since the data of each KPI was last known to be complete."""
    return f"time() - {limited(selection.latest(naming.ASOF), selection)}"


def against_plan(selection: Selection) -> str:
    """Value against what is expected by now, without a pace against the target: 1 is on plan; never below 0."""
    pace, target = selection.latest(naming.PACE_RATIO), selection.latest(naming.TARGET_RATIO)
    return f"clamp_min({pace} or {target}, 0)"


def judged_plan(selection: Selection) -> str:
    """`against_plan` where the KPI has a verdict: in the first hours of a period the ratio says nothing."""
    verdict = f"{selection.latest(naming.STATUS, one_of('status', VERDICTS))} == 1"
    return f"({against_plan(selection)} and on ({', '.join(selection.labels)}) ({verdict}))"


def plan_range(selection: Selection) -> tuple[float, float]:
    """The lowest and the highest ratio to plan that lines show, so that one outlier does not flatten the others.

    Single people are often far from plan: their range is wider.
    """
    return (0, 2) if selection.scope is Scope.PERSON else (0.5, 1.5)


def drawn_plan(ratio: str, selection: Selection) -> str:
    """A ratio to plan, limited to the range that lines show."""
    low, high = plan_range(selection)
    return f"clamp({ratio}, {low:g}, {high:g})"


def rank(selection: Selection, statuses: Iterable[Status] = ALL, labels: Iterable[str] = ()) -> str:
    """The rank of each KPI that has one of the statuses, with the status as a label.

    `labels` adds the labels `mark` (the status's symbol) and `word`. Where replicas disagree the worse status counts.
    """
    statuses, labels = tuple(statuses), tuple(labels)
    has = aggregate("max", selection.series(naming.STATUS, *_any(statuses)), (*selection.labels, "status"))
    table = f"({' or '.join(_row(status, labels) for status in statuses)})"
    ranked = f"({has} == 1) * on (status) group_left ({', '.join(labels)}) {table}"
    return limited(f"bottomk by ({', '.join(selection.labels)}) (1, {ranked})", selection)


def _any(statuses: tuple[Status, ...]) -> tuple[Matcher, ...]:
    return () if len(statuses) == len(ALL) else (one_of("status", statuses),)


def _row(status: Status, labels: Iterable[str]) -> str:
    row = with_label(f"vector({STATUSES[status].rank})", "status", status.value)
    texts = {"mark": STATUSES[status].symbol, "word": STATUSES[status].label}
    for label in labels:
        row = with_label(row, label, texts[label])
    return row


def marks(selection: Selection, statuses: Iterable[Status] = ALL, labels: Iterable[str] = ("mark",)) -> str:
    """1 for each KPI that has one of the statuses, with the status, and by default its symbol, as labels."""
    return f"({rank(selection, statuses, labels)}) ^ 0"


def order(selection: Selection, statuses: Iterable[Status] = ALL, labels: Iterable[str] = ()) -> str:
    """The rank, and within a rank the KPI furthest behind plan first: 1.63 is off track at 63 % of plan."""
    everything = selection.everything
    behind = f"clamp_max({against_plan(everything)}, 9) / 10 or 0 * {everything.latest(naming.STATUS)}"
    scope_labels = ", ".join(selection.labels)
    return limited(f"{rank(everything, statuses, labels)} + on ({scope_labels}) group_left () ({behind})", selection)


def limited(expression: str, selection: Selection) -> str:
    """The expression for the KPIs that `where` and `worst` leave; it needs the label `kpi`."""
    limits = []
    end = selection.at_end
    if selection.where:
        limits.append(end.read(select(naming.INFO, *selection.where)))
    if selection.worst is not None:
        limits.append(f"bottomk({selection.worst}, {order(replace(end, worst=None))})")
    return f"({expression})" + "".join(f" and on (kpi) {limit}" for limit in limits) if limits else expression


def titles(selection: Selection, *labels: str) -> str:
    """1 for each KPI with its title, and other labels of `kpi_info`, as labels."""
    end = selection.at_end
    names = tuple(dict.fromkeys(("kpi", "title", *labels)))
    return one_series_for_each(aggregate("max", end.read(naming.INFO.name), names), ("kpi",))


def with_titles(expression: str, selection: Selection, *labels: str) -> str:
    """The expression with the KPI's title, and other labels of `kpi_info`, as labels."""
    return join(expression, titles(selection, *labels), ("kpi",), ("title", *labels))


def on_plan_share(selection: Selection) -> str:
    """Share of the KPIs with a verdict that are on track or better; absent if no KPI has a verdict."""

    def count(statuses: tuple[Status, ...]) -> str:
        return aggregate("sum", limited(selection.latest(naming.STATUS, one_of("status", statuses)), selection))

    return _share(count)


def recorded_share(label: str | None = None) -> str:
    """The company's `on_plan_share` as it is recorded; with `label`, that of each department or objective.

    While replicas disagree about a KPI, it counts once for each status that they report.
    """

    def count(statuses: tuple[Status, ...]) -> str:
        has_status = latest(naming.STATUS, one_of("status", statuses))
        if label is None:
            return aggregate("sum", has_status)
        info = one_series_for_each(latest(naming.INFO, by=("kpi", label)), ("kpi",))
        return aggregate("sum", join(has_status, info, ("kpi",), (label,)), (label,))

    return _share(count)


def _share(count: Callable[[tuple[Status, ...]], str]) -> str:
    return f"{count(GOOD)} / ({count(VERDICTS)} > 0)"


def mean_score(selection: Selection) -> str:
    """Mean of a team's or person's target ratios, each limited to 0 to 1, as in an objective's score."""
    return aggregate("avg", f"clamp({selection.latest(naming.TARGET_RATIO)}, 0, 1)", SCOPE_LABELS[selection.scope])
