"""Answers computed record by record in plain Python, from the definitions and not from our SQL."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from exporter.config.fields import Scope
from exporter.config.metrics import Condition, Metric
from exporter.config.root import Config
from exporter.metrics.values import Group, MeasuredValue, Question
from exporter.records import ColumnKind, column, person_column

Record = Mapping[str, Any]
_PAIRS: Mapping[str, Callable[[float, float], bool]] = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}


class Oracle:
    """Knows all records of a small company and answers questions about them the slow way."""

    def __init__(self, config: Config, entities: Mapping[str, Sequence[Record]]) -> None:
        self._config = config
        self._entities = entities
        self._zone = config.company.timezone

    def answer(self, question: Question) -> dict[Group, MeasuredValue]:
        metric = self._config.metric_by_name[question.metric]
        groups: dict[Group, list[Record]] = {}
        if question.scope is Scope.COMPANY and not (question.by and metric.by):
            groups[Group()] = []
        for record in self._entities.get(metric.entity, ()):
            if not record.get("deleted") and _counts(metric, question, record):
                seen = as_of(metric, question.window.end, record)
                group = self._group(metric, question, seen)
                if group is not None:
                    groups.setdefault(group, []).append(seen)
        return {group: self._measured(metric, question, records) for group, records in groups.items()}

    def _group(self, metric: Metric, question: Question, record: Record) -> Group | None:
        if question.scope is Scope.COMPANY:
            names = metric.by if question.by else ()
            return Group(labels=tuple(str(_value(record, name) or "") for name in names))
        owner = str(record.get(str(person_column(metric.entity))) or "").strip()
        if not owner:
            return None
        person = self._person(record["source"], owner)
        label, home = (person["name"], person.get("team")) if person else (owner, None)
        if question.scope is Scope.PERSON:
            return Group(self._team(label, home, question.window.end), label)
        team = self._team(label, home, _instant(metric, question, record))
        return Group(team=team) if team else None

    def _person(self, source: str, owner: str) -> Record | None:
        people = [person for person in self._entities.get("people", ()) if not person.get("deleted")]
        for test in (
            lambda p: p["id"] == owner and p["source"] == source,
            lambda p: p["id"] == owner,
            lambda p: p["email"].casefold() == owner.casefold(),
            lambda p: p["name"].casefold() == owner.casefold(),
        ):
            result = {person["email"]: person for person in people if test(person)}
            if len(result) == 1:
                return next(iter(result.values()))
        return None

    def _team(self, name: str, home: str | None, at: datetime) -> str | None:
        day = at.astimezone(self._zone).date()
        for team in self._config.teams:
            for member in team.members:
                if member.person == name and (member.since or date.min) <= day <= (member.until or date.max):
                    return team.name
        return home

    def _measured(self, metric: Metric, question: Question, records: Iterable[Record]) -> MeasuredValue:
        matching = [
            r for r in records if all(_holds(metric, r, name, filter_) for name, filter_ in metric.where.items())
        ]
        if metric.measured is None:
            return MeasuredValue(float(len(matching)), len(matching))
        entity_column = column(metric.entity, metric.measured)
        with_value = [(r, v) for r in matching if (v := self._of_row(metric.measured, r)) is not None]
        if entity_column and entity_column.kind is ColumnKind.MONEY and metric.aggregate != "distinct":
            money = [self._converted(metric, question, r, v) for r, v in with_value]
            values = [value for value in money if value is not None]
        elif metric.aggregate == "distinct":
            return MeasuredValue(float(len({v for _, v in with_value})), len(with_value))
        else:
            values = [n for _, v in with_value if (n := _number(v)) is not None]
            money = values
        held_out = len(money) - len(values)
        value = _aggregated(metric, values)
        if value is None and metric.aggregate == "sum" and not held_out:
            value = 0.0
        return MeasuredValue(value, len(values), held_out)

    def _of_row(self, name: str, record: Record) -> Any:
        """A column, or the seconds between two: whole days if both are the midnights of dates."""
        later, between, earlier = name.partition(" - ")
        if not between:
            return _value(record, name)
        ends = [record.get(later), record.get(earlier)]
        if None in ends:
            return None
        local = [end.astimezone(self._zone) for end in ends]  # type: ignore[union-attr]
        if all(end.time() == time() for end in local):
            return (local[0].date() - local[1].date()).days * 86_400.0
        return (ends[0] - ends[1]).total_seconds()  # type: ignore[operator]

    def _converted(self, metric: Metric, question: Question, record: Record, amount: Any) -> Decimal | None:
        company, currency = self._config.company, record.get("currency")
        if not currency or currency == company.currency:
            return Decimal(str(amount))
        day = _instant(metric, question, record).astimezone(self._zone).date()
        dated = [rate for rate in company.rates.get(currency, ()) if rate.since <= day]
        return Decimal(str(amount)) * Decimal(str(max(dated, key=lambda r: r.since).rate)) if dated else None


def close(left: MeasuredValue, right: MeasuredValue) -> bool:
    """Equal but for the last digits of sums of floats."""
    if (left.rows, left.held_out) != (right.rows, right.held_out) or (left.value is None) != (right.value is None):
        return False
    return left.value is None or math.isclose(left.value, right.value or 0.0, rel_tol=1e-9, abs_tol=1e-9)


def same_values(left: Mapping[Group, MeasuredValue], right: Mapping[Group, MeasuredValue]) -> bool:
    """The same groups with the same numbers."""
    return left.keys() == right.keys() and all(close(left[group], right[group]) for group in left)


def as_of(metric: Metric, end: datetime, record: Record) -> Record:
    """The deal as it was at an instant: events to come are empty, and a deal that is not closed yet is open."""

    def to_come(instant: datetime | None) -> bool:
        return instant is not None and (instant > end if metric.is_level else instant >= end)

    seen = {name: None if name.endswith("_at") and to_come(value) else value for name, value in record.items()}
    if to_come(record.get("closed_at")) and record.get("status") in ("won", "lost"):
        seen["status"] = "open"
    opens = metric.during.from_ if metric.during else str(metric.at)
    return {**seen, opens: record.get(opens)}


def _counts(metric: Metric, question: Question, record: Record) -> bool:
    window = question.window
    if metric.during is None:
        at = record.get(str(metric.at))
        return at is not None and window.start <= at < window.end
    since, until = record.get(metric.during.from_), record.get(metric.during.until)
    return since is not None and since <= window.end and (until is None or until > window.end)


def _instant(metric: Metric, question: Question, record: Record) -> datetime:
    return question.window.end if metric.is_level else record[str(metric.at)]


def _value(record: Record, name: str) -> Any:
    if name.startswith("attributes."):
        value = record.get("attributes", {}).get(name.removeprefix("attributes."))
    else:
        value = record.get(name)
    return None if value == "" else value


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) <= 1e15 else None


def _holds(metric: Metric, record: Record, name: str, filter_: Any) -> bool:
    value = _value(record, name)
    if not isinstance(filter_, Condition):
        return value in (filter_ if isinstance(filter_, tuple) else (filter_,)) and value is not None
    number = None if value is None else _number(value) if not isinstance(value, datetime) else None
    for test, compare in _PAIRS.items():
        bound = getattr(filter_, test)
        if bound is not None and (number is None or not compare(number, bound)):
            return False
    refused = filter_.is_not if isinstance(filter_.is_not, tuple) else (filter_.is_not,)
    if filter_.is_not is not None and value is not None and value in refused:
        return False
    if filter_.present is not None and filter_.present is not (value is not None):
        return False
    return filter_.matches is None or (value is not None and re.search(filter_.matches, str(value)) is not None)


def _aggregated(metric: Metric, values: list[Any]) -> float | None:
    if not values:
        return None
    if metric.percentile is not None:
        ordered = sorted(map(float, values))
        position = (len(ordered) - 1) * float(metric.percentile.at)
        low = math.floor(position)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (position - low)
    total = sum(values) if isinstance(values[0], Decimal) else math.fsum(values)
    if metric.aggregate == "mean":
        return float(total) / len(values)
    return float({"sum": total, "min": min(values), "max": max(values)}[metric.aggregate])


def days(count: int, start: datetime) -> list[datetime]:
    """Midnights in UTC."""
    return [start + timedelta(days=day) for day in range(count)]
