"""The oracle's targets: what a scope should reach, and what is due by now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tests.oracle.dates import DAY, CompanyCalendar, Span, date_of, dates_of, local_date, midnight
from tests.oracle.people import Staff

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
    """A KPI's period at an as-of instant, and who is in which team then."""

    span: Span
    at: datetime
    calendar: CompanyCalendar
    kind: Kind
    staff: Staff

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
    if not isinstance(target, list) and who != (None, None) and not moment.kind.applies_to_all:
        return None
    if isinstance(target, dict) and "growth" in target:
        if final is None or not final.value or final.coverage < 0.95:
            return None
        number = final.value + float(target["growth"].rstrip("%")) / 100 * abs(final.value)
        return number, number
    if isinstance(target, dict):
        return tuple(target["within"]) if "within" in target else (target["to"], target["to"])
    return _dated(target, who, moment) if isinstance(target, list) else (target, target)


def _dated(entries: list[Any], who: Who, moment: Moment) -> Range | None:
    """What applies on the as-of date; for a flow the mean over the period's dates, by their weights."""
    scopes = _Scopes(entries, moment)
    today = scopes.aim(local_date(moment.at, moment.calendar.zone), who)
    if today is None or not moment.kind.flow:
        return today
    weights = moment.calendar.weights(moment.span, moment.kind.pace)
    aims = [(weights[day], aim) for day in dates_of(moment.span) if (aim := scopes.aim(day, who)) is not None]
    total = sum(weight for weight, _ in aims)
    if not total:
        return today
    return sum(w * aim[0] for w, aim in aims) / total, sum(w * aim[1] for w, aim in aims) / total


class _Scopes:
    """Dated entries: the company's, and what teams and people get from them."""

    def __init__(self, entries: list[Any], moment: Moment) -> None:
        self._entries = entries
        self._everyone = moment.kind.applies_to_all
        self._staff = moment.staff
        self._members = moment.staff.members(moment.at)

    def aim(self, day: date, who: Who) -> Range | None:
        """What one scope should reach on a date."""
        team, person = who
        if person is not None:
            return self._persons(day, person, team)
        return self._companys(day) if team is None else self._teams(day, team)

    def _companys(self, day: date) -> Range | None:
        return _range(self._latest(day, lambda e: not {"team", "person"} & e.keys() and {"value", "within"} & e.keys()))

    def _teams(self, day: date, team: str) -> Range | None:
        key = team.casefold()
        own = self._latest(day, lambda e: e.get("team", "").casefold() == key)
        if own is not None:
            return _range(own)
        named = self._latest(day, lambda e: _share(e, key) is not None)
        if named is not None:
            return _part(self._companys(day), _share(named, key) or 0.0)
        rule = self._latest(day, lambda e: "per_team" in e or e.get("share") == "equal")
        if rule is None:
            return self._companys(day) if self._everyone else None
        if "per_team" in rule:
            return rule["per_team"], rule["per_team"]
        return _part(self._companys(day), 1 / len(self._members)) if key in self._members else None

    def _persons(self, day: date, person: str, team: str | None) -> Range | None:
        own = self._latest(day, lambda e: "person" in e and self._is(e["person"], person))
        if own is not None:
            return _range(own)
        rule = self._latest(day, lambda e: "per_person" in e or e.get("share") == "equal")
        if rule is not None and "per_person" in rule:
            return rule["per_person"], rule["per_person"]
        if rule is not None:
            members = self._members.get(team.casefold(), set()) if team is not None else set()
            return _part(self._teams(day, team or ""), 1 / len(members)) if person in members else None
        if not self._everyone:
            return None
        key = (team or "").casefold()
        teams = self._latest(day, lambda e: team is not None and e.get("team", "").casefold() == key)
        return self._companys(day) if teams is None else _range(teams)

    def _is(self, text: str, person: str) -> bool:
        name = self._staff.label(text)
        return name is not None and name.casefold() == person.casefold()

    def _latest(self, day: date, applies: Callable[[Any], Any]) -> Any:
        """The entry in force with the latest `since`, of equal ones the later line."""
        started = [
            (date_of(entry.get("since"), date.min), line)
            for line, entry in enumerate(self._entries)
            if date_of(entry.get("since"), date.min) <= day <= date_of(entry.get("until"), date.max) and applies(entry)
        ]
        return self._entries[max(started)[1]] if started else None


def _share(entry: Mapping[str, Any], team: str) -> float | None:
    shares = entry.get("share")
    by_team = {name.casefold(): percent for name, percent in shares.items()} if isinstance(shares, dict) else {}
    return float(by_team[team].rstrip("%")) / 100 if team in by_team else None


def _part(aim: Range | None, share: float) -> Range | None:
    return None if aim is None else (aim[0] * share, aim[1] * share)


def _range(entry: Mapping[str, Any] | None) -> Range | None:
    if entry is None:
        return None
    return tuple(entry["within"]) if "within" in entry else (entry["value"], entry["value"])
