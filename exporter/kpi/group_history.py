"""The readings of a KPI's groups over the steps of a history, computed only where an input changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from exporter.kpi.readings import Formula, KpiReading, groups_of, name_of
from exporter.metrics.runs import Run, Runs, aligned, clipped
from exporter.metrics.values import Group, GroupRuns

RunsByWindow = Sequence[Sequence[GroupRuns]]
"""For each window of a KPI the answers about the metrics of its formula."""

_FinalRuns = Mapping[str | None, Runs[KpiReading]]


class GroupHistory(NamedTuple):
    """One group: its readings so far, of the previous period, and of the period that growth is measured against."""

    group: Group
    current: Runs[KpiReading]
    previous: Runs[KpiReading]
    reference: Runs[KpiReading]


def group_histories(
    formulas: Sequence[Formula], by_window: RunsByWindow, first: int, until: int
) -> Iterator[GroupHistory]:
    """The histories of all groups with records in the period so far or in the previous one, in a span of steps."""
    answers, *earlier = by_window
    current = {group: _readings(formulas[0], answers, group, first, until) for group in groups_of(answers)}
    finals = [_finals(*pair, first, until) for pair in zip(formulas[1:], earlier, strict=True)]
    for group, runs in list(_without_records_yet(formulas[0], current, earlier[0], first, until)):
        current[group] = sorted([*current.get(group, ()), *runs], key=lambda run: run[0])
    for group, runs in current.items():
        name = name_of(group)
        reference = finals[1].get(name, ()) if len(finals) > 1 else ()
        yield GroupHistory(group, runs, finals[0].get(name, ()), reference)


def _readings(
    formula: Formula, answers: Sequence[GroupRuns], group: Group, first: int, until: int
) -> list[Run[KpiReading]]:
    columns = [answer.get(group, ()) for answer in answers]
    if len(columns) == 1:
        return [(begin, end, formula.read((value,))) for begin, end, value in clipped(columns[0], first, until)]
    spans = aligned(columns, first, until)
    return [(begin, end, formula.read(values)) for begin, end, *values in spans if any(values)]


def _finals(formula: Formula, answers: Sequence[GroupRuns], first: int, until: int) -> _FinalRuns:
    """The readings of whole periods, by the name of the group: a person keeps it when the team changes."""
    finals: dict[str | None, list[Run[KpiReading]]] = {}
    for group in groups_of(answers):
        finals.setdefault(name_of(group), []).extend(_readings(formula, answers, group, first, until))
    return {name: sorted(runs, key=lambda run: run[0]) for name, runs in finals.items()}


def _without_records_yet(
    formula: Formula, current: Mapping[Group, Runs[KpiReading]], earlier: Sequence[GroupRuns], first: int, until: int
) -> Iterator[tuple[Group, list[Run[KpiReading]]]]:
    """The groups of the previous period while nobody of that name has records: their counts and sums are a true 0."""
    by_name: dict[str | None, list[Runs[KpiReading]]] = {}
    for group, runs in current.items():
        by_name.setdefault(name_of(group), []).append(runs)
    empty = formula.read([None] * len(formula.metrics))
    for group in groups_of(earlier):
        before = [answer[group] for answer in earlier if group in answer]
        spans = aligned([*before, *by_name.get(name_of(group), ())], first, until)
        runs = [
            (begin, end, empty)
            for begin, end, *values in spans
            if any(values[: len(before)]) and not any(values[len(before) :])
        ]
        if runs:
            yield group, runs
