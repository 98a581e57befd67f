"""Why a KPI has its status where its number alone does not tell: a guard holds it back, or it is outside its range."""

from __future__ import annotations

from dataclasses import replace

from dashboards.expressions import limited, titles
from dashboards.promql import Matcher, aggregate, equals, join, one_series_for_each, select, with_label
from dashboards.selection import Selection
from exporter import naming
from exporter.config.fields import Scope, Status
from exporter.naming import SCOPE_LABELS


def notes(selection: Selection, label: str) -> str:
    """1 for each KPI whose number alone does not explain its status, with the reason in a label.

    The reason is the end of the range beyond which the value is, or the guard that is off track and holds the KPI back.
    """
    labels = ", ".join(selection.labels)
    company = replace(selection, scope=Scope.COMPANY, matchers=tuple(m for m in selection.matchers if m.label == "kpi"))
    value, low, high = (
        selection.latest(naming.VALUE),
        company.latest(naming.TARGET_LOW),
        company.latest(naming.TARGET_HIGH),
    )
    above = with_label(f"({value} > on (kpi) group_left () {high}) ^ 0", label, "above the range")
    below = with_label(f"({value} < on (kpi) group_left () {low}) ^ 0", label, "below the range")
    return limited(f"{_held_back(selection, label)} or on ({labels}) {above} or on ({labels}) {below}", selection)


def _held_back(selection: Selection, label: str) -> str:
    """1 for each KPI at risk whose guard is off track: that of the same team or person, or the company's if none is."""
    guard_labels = ("guard", *SCOPE_LABELS[selection.scope])
    guards = one_series_for_each(
        aggregate("max", selection.at_end.read(select(naming.INFO, Matcher("guard", "!=", '""'))), ("kpi", "guard")),
        ("kpi",),
    )
    at_risk = f"{selection.latest(naming.STATUS, equals('status', Status.AT_RISK))} == 1"
    guarded = join(f"({at_risk})", guards, ("kpi",), ("guard",))
    others = replace(selection, matchers=tuple(m for m in selection.matchers if m.label != "kpi"))
    own, company = (
        _as_guards(aggregate("max", reading.series(naming.STATUS, equals("status", Status.OFF_TRACK)), reading.labels))
        for reading in (others, Selection(reading=selection.reading))
    )
    judged = (
        f"({join(guarded, own, guard_labels)} or on ({', '.join(selection.labels)}) "
        f"{join(guarded, company, ('guard',))})"
    )
    named = join(f"({judged} == 1)", f"({_guard_titles(selection, label)})", ("guard",), (label,))
    return f"({named})"


def _as_guards(statuses: str) -> str:
    return f'label_replace({statuses}, "guard", "$1", "kpi", "(.+)")'


def _guard_titles(selection: Selection, label: str) -> str:
    return f'label_replace({_as_guards(titles(selection))}, "{label}", "guard ${{1}} is off track", "title", "(.*)")'
