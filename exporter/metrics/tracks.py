"""The changes of a metric over time: the same rows, owners and amounts as in its query, before aggregation."""

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
from exporter.metrics.aggregates import MetricParts, parts_of
from exporter.metrics.columns import QueryContext
from exporter.metrics.connection import Reader
from exporter.metrics.query import MetricKey, group_columns
from exporter.metrics.rows import QueryShape, to_sql
from exporter.metrics.tracking import tracking
from exporter.naming import OTHER

_BATCH = 20_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MONEY_SCALE = 10**18
_BINARY_SCALE = 2**64
_WIDE = Context(prec=60)

GroupKey = tuple[Any, ...]
"""Identifies a group: the number of a team or a person, or the values of labels."""

Codes = dict[GroupKey, int]
"""Numbers of groups in order of appearance, counting up from 0."""

TrackValue = float | None
"""What a row contributes; None for a held-out amount."""

ValueConverter = Callable[[Any], TrackValue]


@dataclass(slots=True)
class Track:
    """Changes sorted by time: when (microseconds since 1970), in which group, by which value.

    `signs` is -1 where a level loses a row; flows, which only gain rows, have none. Rows that are only counted have
    no values. Values that are summed are integers, `scale` to the unit.
    """

    scale: int = 1
    times: array[int] = field(default_factory=lambda: array("q"))
    groups: array[int] = field(default_factory=lambda: array("l"))
    values: list[TrackValue] = field(default_factory=list)
    signs: array[int] = field(default_factory=lambda: array("b"))

    def changes(self, first: int, last: int) -> Iterator[tuple[int, TrackValue, int]]:
        """(group, value, sign) of the changes [first, last)."""
        values: Iterator[TrackValue] = iter(self.values[first:last]) if self.values else repeat(0)
        signs: Iterator[int] = iter(self.signs[first:last]) if self.signs else repeat(1)
        return zip(self.groups[first:last], values, signs, strict=False)


def micros(instant: datetime) -> int:
    """An aware instant in microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_at(at: int) -> datetime:
    """The inverse of `micros`."""
    return _EPOCH + at * _MICROSECOND


def load_track(reader: Reader, shape: QueryShape, metric: Metric | None, context: QueryContext, codes: Codes) -> Track:
    """The track of a metric, or of all rows of the shape regardless of conditions.

    Groups become numbers in `codes`. Raises LookupError for what makes no sense, and QueryError.
    """
    sql, is_money, has_values = _compiled(shape, MetricKey(metric) if metric else None, context)
    track = Track(_MONEY_SCALE if is_money else _BINARY_SCALE)
    convert = _conversion(metric, is_money) if metric and has_values else None
    reader.execute(sql)
    while batch := reader.fetchmany(_BATCH):
        _append(track, shape, list(zip(*batch, strict=True)), codes, convert)
    return _in_order(track) if shape.closes else track


@lru_cache(maxsize=512)
def _compiled(shape: QueryShape, key: MetricKey | None, context: QueryContext) -> tuple[str, bool, bool]:
    """The SQL of the query, whether its values are money, and whether it has values."""
    parts = parts_of(key.metric, context) if key else MetricParts(None)
    return to_sql(tracking(shape, parts)), parts.native is not None, parts.value is not None


def _append(track: Track, shape: QueryShape, columns: list[Any], codes: Codes, convert: ValueConverter | None) -> None:
    """Appends a batch of rows; a row of a level is two changes."""
    width = 1 if shape.closes is None else 2
    names = columns[width : width + len(group_columns(shape))]
    groups = [codes.setdefault(name, len(codes)) for name in zip(*names, strict=True)] or [0] * len(columns[0])
    values = list(map(convert, columns[-1])) if convert else []
    for times, sign in zip(columns[:width], (1, -1), strict=False):
        track.times.extend(times)
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


def _conversion(metric: Metric, is_money: bool) -> ValueConverter:
    """Converts values of the store to what the aggregate needs: a code, an integer or a float."""
    if metric.aggregate == "distinct":
        codes: dict[Hashable, int] = {}
        return lambda value: codes.setdefault(value, len(codes))
    if metric.aggregate in ("sum", "mean"):
        return _whole_money if is_money else _whole
    return lambda value: None if value is None else float(value)


def _whole_money(value: Decimal | None) -> int | None:
    return None if value is None else int(_WIDE.multiply(value, _MONEY_SCALE))


def _whole(value: float) -> int:
    return int(value * _BINARY_SCALE)


def folding(names: Sequence[GroupKey], presence: Track, limit: int) -> list[GroupKey]:
    """The names of groups with all but the `limit` most frequent values of each label folded into one."""
    rows = Counter(presence.groups)
    retained = [_largest(index, names, rows, limit) for index in range(len(names[0]))] if names else []
    return [tuple(v if v in values else OTHER for v, values in zip(name, retained, strict=True)) for name in names]


def recoded(track: Track, codes: Sequence[int]) -> None:
    """Replaces the codes of a track's groups."""
    track.groups = array("l", map(codes.__getitem__, track.groups))


def _largest(index: int, names: Sequence[GroupKey], rows: Counter[int], limit: int) -> frozenset[str]:
    sizes: Counter[str] = Counter()
    for code, name in enumerate(names):
        sizes[name[index]] += rows[code]
    return frozenset(sorted(sizes, key=lambda value: (-sizes[value], value))[:limit])
