"""The oracle's targets: what a scope should reach, and what is due by now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tests.oracle.dates import DAY, CompanyCalendar, Span, date_of, dates_of, local_date, midnight

Range = tuple[float, float]
Who = tuple[str | None, str | None]
"""Team and person."""


@dataclass(frozen=True)
class Kind:
    """What decides the maths of a KPI: flow, level or ratio, its pace, and whether any scope has the same target."""

    flow: bool
    level: bool
    pace: str
    applies_to_all: bool


@dataclass(frozen=True)
class Moment:
    """A KPI's period at an as-of instant."""

    span: Span
    at: datetime
    calendar: CompanyCalendar
    kind: Kind

    @property
    def share(self) -> float:
        """The elapsed share by pace."""
        return self.calendar.share(self.span, self.kind.pace, self.at)


@dataclass(frozen=True)
class Standard:
    """What to reach, the miss that counts as failure, and both for what is due by now."""

    aim: Range
    scale: float
    due: Range
    due_scale: float
    share: float | None = None
    baseline: float | None = None


@dataclass(frozen=True)
class Final:
    """A value of a whole reference period, and how much of its records it covers."""

    value: float | None
    coverage: float


def standard(kpi: Mapping[str, Any], who: Who, moment: Moment, final: Final | None) -> Standard | None:
    """What a scope's value is held against; None without a target."""
    if moment.calendar.is_day_off(moment.span, moment.kind.pace):
        return None
    aim = _aim(kpi, who, moment, final)
    if aim is None:
        return None
    target, scale = kpi["target"], kpi.get("scale")
    miss = scale if scale is not None else _miss(kpi, aim)
    accrues = moment.kind.flow and moment.kind.pace != "none"
    if isinstance(target, dict) and "to" in target:
        return _towards(target, aim, (miss, scale), moment, accrues=accrues)
    if accrues:
        share = moment.share
        return Standard(aim, miss, (aim[0] * share, aim[1] * share), miss * share, share)
    return Standard(aim, miss, aim, miss)


def _towards(
    goal: Mapping[str, Any], aim: Range, scales: tuple[float, float | None], moment: Moment, *, accrues: bool
) -> Standard:
    miss, scale = scales
    base, calendar = goal["from"], moment.calendar
    way = date_of(goal["start"], date.min), date_of(goal["by"], date.min) + DAY
    distance = goal["to"] - base
    if accrues:
        end = midnight(moment.span[1], calendar.zone)
        step = base + distance * calendar.share(way, moment.kind.pace, end)
        due = step * moment.share
        step_miss = scale if scale is not None else abs(step)
        return Standard(aim, miss, (due, due), step_miss * moment.share, moment.share, base)
    if moment.kind.pace == "none":
        return Standard(aim, miss, aim, miss, None, base)
    share = calendar.share(way, moment.kind.pace, moment.at)
    due = base + distance * share
    return Standard(aim, miss, (due, due), max(abs(distance), scale or 0.0), share if share < 1 else None, base)


def _miss(kpi: Mapping[str, Any], aim: Range) -> float:
    return (aim[1] - aim[0]) / 2 if _is_range(kpi) else abs(aim[0])


def _is_range(kpi: Mapping[str, Any]) -> bool:
    return bool(kpi["better"] == "within")


def _aim(kpi: Mapping[str, Any], who: Who, moment: Moment, final: Final | None) -> Range | None:
    target = kpi.get("target")
    if target is None:
        return None
    if isinstance(target, dict) and "growth" in target:
        if final is None or not final.value or final.coverage < 0.95:
            return None
        number = final.value + float(target["growth"].rstrip("%")) / 100 * abs(final.value)
        return number, number
    if not isinstance(target, list):
        if who != (None, None) and not moment.kind.applies_to_all:
            return None
        if isinstance(target, dict):
            return tuple(target["within"]) if "within" in target else (target["to"], target["to"])
        return target, target
    return _dated(target, who, moment)


def _dated(entries: list[Any], who: Who, moment: Moment) -> Range | None:
    today = _entry(entries, local_date(moment.at, moment.calendar.zone), who, moment.kind)
    if today is None:
        return None
    if not moment.kind.flow:
        return _range(today)
    weights = moment.calendar.weights(moment.span, moment.kind.pace)
    low = high = total = 0.0
    for day in dates_of(moment.span):
        entry = _entry(entries, day, who, moment.kind)
        if entry is not None and ("within" in entry) is ("within" in today):
            bounds = _range(entry)
            low, high = low + weights[day] * bounds[0], high + weights[day] * bounds[1]
            total += weights[day]
    return (low / total, high / total) if total else _range(today)


def _entry(entries: list[Any], day: date, who: Who, kind: Kind) -> Mapping[str, Any] | None:
    ranked = [
        (rank, date_of(entry.get("since"), date.min), line)
        for line, entry in enumerate(entries)
        if date_of(entry.get("since"), date.min) <= day <= date_of(entry.get("until"), date.max)
        and (rank := _rank(entry, who, kind)) is not None
    ]
    return entries[max(ranked)[2]] if ranked else None


def _rank(entry: Mapping[str, Any], who: Who, kind: Kind) -> int | None:
    team, person = who
    if "person" in entry:
        return 2 if person is not None and entry["person"].casefold() == person.casefold() else None
    if "team" in entry:
        same = team is not None and entry["team"].casefold() == team.casefold()
        return 1 if same and (person is None or kind.applies_to_all) else None
    return 0 if who == (None, None) or kind.applies_to_all else None


def _range(entry: Mapping[str, Any]) -> Range:
    return tuple(entry["within"]) if "within" in entry else (entry["value"], entry["value"])
