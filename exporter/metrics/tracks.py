"""What a metric's rows bring over time: the same rows, owners and amounts as in its query, not yet added up."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from functools import lru_cache
from itertools import repeat
from typing import Any

from exporter.config.metrics import Metric
from exporter.metrics.aggregates import Parts, parts
from exporter.metrics.columns import Terms
from exporter.metrics.connection import Reader
from exporter.metrics.query import Pinned, keys
from exporter.metrics.rows import Shape
from exporter.metrics.statement import write
from exporter.metrics.tracking import tracking
from exporter.naming import OTHER

_BATCH = 20_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MONEY_SCALE = 10**18
_BINARY_SCALE = 2**64
_WIDE = Context(prec=60)

Name = tuple[Any, ...]
"""What tells a group from others: the number of a team or a person, or the values of labels."""

Codes = dict[Name, int]
"""Numbers for groups as they turn up, counting up from 0."""

Value = float | None
"""What a row brings; None where an amount is held out."""

Convert = Callable[[Any], Value]


@dataclass(slots=True)
class Track:
    """Changes in the order of time: when (microseconds since 1970), to which group, by which value.

    `signs` is -1 where a level loses a row; flows, which only gain rows, have none. Rows that are only
    counted have no values. Values that are summed are whole numbers of `scale` to the unit.
    """

    scale: int = 1
    times: array[int] = field(default_factory=lambda: array("q"))
    groups: array[int] = field(default_factory=lambda: array("l"))
    values: list[Value] = field(default_factory=list)
    signs: array[int] = field(default_factory=lambda: array("b"))

    def changes(self, first: int, last: int) -> Iterator[tuple[int, Value, int]]:
        """(group, value, sign) of the changes from the first up to but not including the last."""
        values: Iterator[Value] = iter(self.values[first:last]) if self.values else repeat(0)
        signs: Iterator[int] = iter(self.signs[first:last]) if self.signs else repeat(1)
        return zip(self.groups[first:last], values, signs, strict=False)


def micros(instant: datetime) -> int:
    """An aware instant in microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_at(at: int) -> datetime:
    """The instant that `micros` gave the number of."""
    return _EPOCH + at * _MICROSECOND


def load(reader: Reader, shape: Shape, metric: Metric | None, terms: Terms, codes: Codes) -> Track:
    """The track of a metric, or of all rows of the shape whatever metrics ask of them.

    Groups become numbers in `codes`. Raises LookupError for what makes no sense, and QueryError.
    """
    sql, money, valued = _compiled(shape, Pinned(metric) if metric else None, terms)
    track = Track(_MONEY_SCALE if money else _BINARY_SCALE)
    convert = _conversion(metric, money) if metric and valued else None
    reader.execute(sql)
    while batch := reader.fetchmany(_BATCH):
        _take(track, shape, list(zip(*batch, strict=True)), codes, convert)
    return _in_order(track) if shape.closes else track


@lru_cache(maxsize=512)
def _compiled(shape: Shape, pinned: Pinned | None, terms: Terms) -> tuple[str, bool, bool]:
    """The query's text, and whether its values are money, and whether there are any."""
    taken = parts(pinned.metric, terms) if pinned else Parts(None)
    return write(tracking(shape, taken)), taken.native is not None, taken.value is not None


def _take(track: Track, shape: Shape, columns: list[Any], codes: Codes, convert: Convert | None) -> None:
    """Adds a batch of rows; a row of a level is two changes."""
    width = 1 if shape.closes is None else 2
    names = columns[width : width + len(keys(shape))]
    groups = [codes.setdefault(name, len(codes)) for name in zip(*names, strict=True)] or [0] * len(columns[0])
    values = list(map(convert, columns[-1])) if convert else []
    for mark, sign in zip(columns[:width], (1, -1), strict=False):
        track.times.extend(mark)
        track.groups.extend(groups)
        track.values.extend(values)
        if width > 1:
            track.signs.extend([sign] * len(groups))


def _in_order(track: Track) -> Track:
    order = sorted(range(len(track.times)), key=track.times.__getitem__)
    return Track(
        track.scale,
        array("q", map(track.times.__getitem__, order)),
        array("l", map(track.groups.__getitem__, order)),
        list(map(track.values.__getitem__, order)) if track.values else [],
        array("b", map(track.signs.__getitem__, order)),
    )


def _conversion(metric: Metric, money: bool) -> Convert:
    """From what the store gives to what the aggregate needs: a number of its own, a whole number, or a float."""
    if metric.aggregate == "distinct":
        known: dict[Hashable, int] = {}
        return lambda value: known.setdefault(value, len(known))
    if metric.aggregate in ("sum", "mean"):
        return _whole_money if money else _whole
    return lambda value: None if value is None else float(value)


def _whole_money(value: Decimal | None) -> int | None:
    return None if value is None else int(_WIDE.multiply(value, _MONEY_SCALE))


def _whole(value: float) -> int:
    return int(value * _BINARY_SCALE)


def folding(names: Sequence[Name], presence: Track, most: int) -> list[Name]:
    """The names of groups with all but the `most` frequent values of each label folded into one."""
    rows = Counter(presence.groups)
    kept = [_largest(place, names, rows, most) for place in range(len(names[0]))] if names else []
    return [tuple(v if v in stays else OTHER for v, stays in zip(name, kept, strict=True)) for name in names]


def recoded(track: Track, codes: Sequence[int]) -> None:
    """Gives the groups of a track other codes."""
    track.groups = array("l", map(codes.__getitem__, track.groups))


def _largest(place: int, names: Sequence[Name], rows: Counter[int], most: int) -> frozenset[str]:
    sizes: Counter[str] = Counter()
    for code, name in enumerate(names):
        sizes[name[place]] += rows[code]
    return frozenset(sorted(sizes, key=lambda value: (-sizes[value], value))[:most])
