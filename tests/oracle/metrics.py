"""What a metric measures over a window, record by record."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.oracle.dates import CompanyCalendar, day_beginning_at, latest, local_date
from tests.oracle.history import Reading, Records
from tests.oracle.people import PERSON_COLUMNS, Staff

Group = tuple[str | None, str | None, tuple[str, ...]]
"""Team, person, and the values of `by`."""

COMPANY: Group = (None, None, ())
AGGREGATES = ("count", "sum", "mean", "min", "max", "distinct", "percentile")
MONEY = ("amount", "refunded", "monthly_amount")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}


@dataclass(frozen=True)
class Measured:
    """The number of one group, the rows it rests on, and those held out because no rate is known."""

    value: float | None
    rows: int = 0
    held_out: int = 0


@dataclass(frozen=True)
class Asked:
    """A metric over [start, end) at a scope, from what was known at `known_at` (None: now)."""

    metric: Mapping[str, Any]
    start: datetime
    end: datetime
    scope: str = "company"
    by: bool = False
    known_at: datetime | None = None


class MetricOracle:
    """Measures the metrics of one company."""

    def __init__(self, config: Mapping[str, Any], records: Records) -> None:
        self._company = config["company"]
        self._teams = config.get("teams", ())
        self._records = records
        self.calendar = CompanyCalendar(self._company)

    def answer(self, asked: Asked) -> dict[Group, Measured]:
        """The groups with a row in the window; always the company."""
        level = "during" in asked.metric
        groups: dict[Group, list[Reading]] = {}
        if asked.scope == "company" and not (asked.by and asked.metric.get("by")):
            groups[COMPANY] = []
        staff = self.staff(asked.known_at)
        for reading in self._records.readings(asked.metric["entity"], asked.end, asked.known_at, level=level):
            if _counts(asked, reading):
                group = _group(asked, reading, staff)
                if group is not None:
                    groups.setdefault(group, []).append(reading)
        return {group: self._measured(asked, readings) for group, readings in groups.items()}

    def staff(self, known_at: datetime | None) -> Staff:
        """Everybody, from what was known at an instant."""
        return Staff(self._records, known_at, self._teams, self.calendar.zone)

    def _measured(self, asked: Asked, readings: list[Reading]) -> Measured:
        tested = [(reading, self._holds(asked, reading)) for reading in readings]
        matching = [reading for reading, holds in tested if holds]
        unknown = sum(holds is None for _, holds in tested)
        aggregate = next(name for name in AGGREGATES if name in asked.metric)
        of = asked.metric[aggregate]
        if aggregate == "count":
            return Measured(float(len(matching)), len(matching), unknown)
        column = of["of"] if aggregate == "percentile" else of
        values = [(reading, value) for reading in matching if (value := self._measurable(reading, column)) is not None]
        if aggregate == "distinct":
            return Measured(float(len({value for _, value in values})), len(values), unknown)
        money: list[Any]
        if column in MONEY:
            money = [self._converted(asked, reading, value) for reading, value in values]
        else:
            money = [_number(value) for _, value in values]
            money = [value for value in money if value is not None]
        usable = [value for value in money if value is not None]
        held_out = unknown + len(money) - len(usable)
        if not usable:
            return Measured(0.0 if aggregate == "sum" and not held_out else None, 0, held_out)
        return Measured(_aggregated(aggregate, of, usable), len(usable), held_out)

    def _measurable(self, reading: Reading, column: str) -> Any:
        later, minus, earlier = column.partition(" - ")
        if not minus:
            return reading.value(column)
        ends = reading.value(later), reading.value(earlier)
        if None in ends:
            return None
        later_day, earlier_day = (day_beginning_at(end, self.calendar.zone) for end in ends)
        if later_day is None or earlier_day is None:
            return (ends[0] - ends[1]).total_seconds()
        return (later_day - earlier_day).total_seconds()

    def _holds(self, asked: Asked, reading: Reading) -> bool | None:
        """True or False; None if only a missing exchange rate leaves it open."""
        results = [self._holds_for(asked, reading, *item) for item in asked.metric.get("where", {}).items()]
        return False if False in results else None if None in results else True

    def _holds_for(self, asked: Asked, reading: Reading, name: str, test: Any) -> bool | None:
        value = reading.value(name)
        if not isinstance(test, dict):
            return value is not None and value in (test if isinstance(test, list) else [test])
        bounds = {key: bound for key, bound in test.items() if key in _COMPARISONS}
        if bounds and value is None:
            return False
        number: Any = value
        if bounds and name in MONEY:
            number = self._converted(asked, reading, value)
        elif bounds:
            number = value.replace(tzinfo=UTC).timestamp() if isinstance(value, datetime) else _number(value)
        if "not" in test:
            refused = test["not"] if isinstance(test["not"], list) else [test["not"]]
            if value is not None and value in refused:
                return False
        if "present" in test and test["present"] is not (value is not None):
            return False
        if "matches" in test and (value is None or re.search(test["matches"], str(value)) is None):
            return False
        if bounds and number is None:
            return None if name in MONEY else False
        return all(_COMPARISONS[key](number, bound) for key, bound in bounds.items())

    def _converted(self, asked: Asked, reading: Reading, amount: Any) -> Decimal | None:
        currency, home = reading.raw.get("currency"), self._company.get("currency", "EUR")
        if not currency or currency == home:
            return Decimal(str(amount))
        at = asked.end if "during" in asked.metric else reading.raw[asked.metric["at"]]
        dated = self._company.get("rates", {}).get(currency, [])
        entries = dated if isinstance(dated, list) else [{"rate": dated}]
        rate = latest(entries, local_date(at, self.calendar.zone), lambda entry: entry["rate"], None)
        return None if rate is None else Decimal(str(amount)) * Decimal(str(rate))


def _counts(asked: Asked, reading: Reading) -> bool:
    if "during" not in asked.metric:
        at = reading.raw.get(asked.metric["at"])
        return at is not None and asked.start <= at < asked.end
    opens, closes = (reading.raw.get(asked.metric["during"][name]) for name in ("from", "until"))
    return opens is not None and opens <= asked.end and (closes is None or closes > asked.end)


def _group(asked: Asked, reading: Reading, staff: Staff) -> Group | None:
    if asked.scope == "company":
        names = asked.metric.get("by", ()) if asked.by else ()
        return None, None, tuple(_label(reading.value(name)) for name in names)
    owner = str(reading.value(PERSON_COLUMNS[asked.metric["entity"]]) or "").strip()
    if not owner:
        return None
    name = staff.name(reading.record.source, owner)
    if asked.scope == "person":
        return staff.team(name, asked.end), name, ()
    level = "during" in asked.metric
    team = staff.team(name, asked.end if level else reading.raw[asked.metric["at"]])
    return (team, None, ()) if team else None


def _label(value: Any) -> str:
    return "" if value is None else str(value)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) <= 1e15 else None


def _aggregated(aggregate: str, of: Any, values: list[Any]) -> float:
    if aggregate == "percentile":
        ordered = sorted(map(float, values))
        position = (len(ordered) - 1) * of["at"]
        low = math.floor(position)
        high = min(low + 1, len(ordered) - 1)
        return float(ordered[low] + (ordered[high] - ordered[low]) * (position - low))
    total = sum(values) if isinstance(values[0], Decimal) else math.fsum(values)
    if aggregate == "mean":
        return float(total) / len(values)
    return float({"sum": total, "min": min(values), "max": max(values)}[aggregate])
