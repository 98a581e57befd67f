"""Renders families to bytes and compresses them; a family that did not change keeps its bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from math import isfinite
from typing import Any

from exporter.config.fields import Scope
from exporter.exposition.families import FamilySamples
from exporter.exposition.series_tables import LabelValues
from exporter.exposition.text_format import EncodedText, Formats, encode, escaped, escaped_help, numbers
from exporter.metrics.label_values import label_value
from exporter.naming import Family

MAX_SERIES = 10_000
"""Series of one family; further ones are dropped and counted."""


@dataclass(frozen=True, slots=True)
class RenderedFamily:
    """One family in both formats."""

    formats: Formats
    series: int


@dataclass(frozen=True, slots=True)
class Rendering:
    """All families: `shared` are those of the company and the teams, `people` those of single people.

    `dropped` counts the series left out, by family and reason (duplicate, not_finite, over_limit).
    """

    shared: tuple[RenderedFamily, ...]
    people: tuple[RenderedFamily, ...]
    dropped: Mapping[tuple[str, str], int]


@dataclass(slots=True)
class _SeriesLayout:
    """The series of a family in the order of their text, each with the bytes that precede its number.

    `order` lists their positions in `keys`; None if the keys are in order already.
    """

    keys: Sequence[Hashable]
    order: list[int] | None
    prefixes: list[bytes]
    prefix_by_key: dict[Hashable, bytes]
    dropped: Counter[str]


@dataclass(slots=True)
class _CachedFamily:
    layout: _SeriesLayout
    values: list[float]
    rendered: RenderedFamily


class Renderer:
    """Caches each family's bytes from one evaluation to the next."""

    def __init__(self, max_series: int = MAX_SERIES) -> None:
        self._max_series = max_series
        self._cache: dict[str, _CachedFamily] = {}

    def render(self, families: Iterable[FamilySamples]) -> Rendering:
        """The bytes of all families; a family that is missing from `families` leaves the cache."""
        cache: dict[str, _CachedFamily] = {}
        shared: list[RenderedFamily] = []
        people: list[RenderedFamily] = []
        dropped: Counter[tuple[str, str]] = Counter()
        for samples in families:
            name = samples.family.name
            if name in cache:
                dropped[name, "duplicate"] += len(samples.keys)
                continue
            finite_keys, finite_values, not_finite = finite(samples.keys, samples.values)
            keys, values = self._within_limit(samples, finite_keys, finite_values)
            entry = cache[name] = self._render(samples, keys, values)
            over_limit = len(finite_keys) - len(keys)
            for reason, count in (entry.layout.dropped + Counter(not_finite=not_finite, over_limit=over_limit)).items():
                dropped[name, reason] += count
            if entry.rendered.series:
                (people if samples.scope is Scope.PERSON else shared).append(entry.rendered)
        self._cache = cache
        return Rendering(tuple(shared), tuple(people), dropped)

    def _within_limit(
        self, samples: FamilySamples, keys: Sequence[Hashable], values: list[float]
    ) -> tuple[Sequence[Hashable], list[float]]:
        """The series to export. Nothing is computed or remembered about the others, however many there are."""
        if len(keys) <= self._max_series:
            return keys, values
        cached = self._cache.get(samples.family.name)
        exported = cached.layout.prefix_by_key if cached else {}
        indexes = _first(samples, keys, exported, self._max_series)
        return [keys[index] for index in indexes], [values[index] for index in indexes]

    def _render(self, samples: FamilySamples, keys: Sequence[Hashable], values: list[float]) -> _CachedFamily:
        cached = self._cache.get(samples.family.name)
        if cached is None or cached.layout.keys != keys:
            layout = _lay_out(samples, keys, cached.layout.prefix_by_key if cached else {})
        elif cached.values == values:
            return cached
        else:
            layout = cached.layout
        ordered = values if layout.order is None else [values[index] for index in layout.order]
        return _CachedFamily(layout, values, _rendered(samples.family, layout.prefixes, ordered))


def finite(keys: Sequence[Hashable], values: Sequence[Any]) -> tuple[Sequence[Hashable], list[float], int]:
    """Keys and values without those that are not finite numbers, and how many were left out."""
    try:
        floats = list(map(float, values))
    except (TypeError, ValueError, OverflowError):
        floats = [_float(value) for value in values]
    if all(map(isfinite, floats)):
        return keys, floats, 0
    indexes = [index for index, value in enumerate(floats) if isfinite(value)]
    return [keys[index] for index in indexes], [floats[index] for index in indexes], len(floats) - len(indexes)


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _first(
    samples: FamilySamples, keys: Sequence[Hashable], exported: Mapping[Hashable, bytes], count: int
) -> list[int]:
    """The positions of so many series: those exported before, and further ones in the order of their text.

    Otherwise series would come and go with every new one.
    """
    before = [index for index, key in enumerate(keys) if key in exported][:count]
    if len(before) == count:
        return before
    others = (index for index, key in enumerate(keys) if key not in exported)
    heads = ((series_head(samples.family, samples.labels_of, keys[index]), index) for index in others)
    return sorted([*before, *(index for _, index in nsmallest(count - len(before), heads))])


def _lay_out(samples: FamilySamples, keys: Sequence[Hashable], exported: Mapping[Hashable, bytes]) -> _SeriesLayout:
    prefixes = [exported.get(key) or series_head(samples.family, samples.labels_of, key) for key in keys]
    first: dict[bytes, int] = {}
    for index, prefix in enumerate(prefixes):
        first.setdefault(prefix, index)
    dropped = Counter(duplicate=len(prefixes) - len(first))
    order = sorted(first.values(), key=prefixes.__getitem__)
    prefix_by_key = {keys[index]: prefixes[index] for index in order}
    unchanged = order == list(range(len(keys)))
    return _SeriesLayout(keys, None if unchanged else order, list(prefix_by_key.values()), prefix_by_key, +dropped)


def series_head(family: Family, labels_of: Callable[[Any], LabelValues], key: Hashable) -> bytes:
    """The line of a series up to its number, preceded by a line break."""
    pairs = sorted(zip(family.labels, labels_of(key), strict=True))
    labels = ",".join(f'{name}="{escaped(label_value(value))}"' for name, value in pairs)
    return (f"\n{family.name}{{{labels}}} " if labels else f"\n{family.name} ").encode()


def _rendered(family: Family, prefixes: list[bytes], values: list[float]) -> RenderedFamily:
    parts = [b""] * (2 * len(prefixes))
    parts[::2] = prefixes
    parts[1::2] = numbers(values)
    samples = b"".join(parts)
    text = _with_header(family, escaped_help(family.help), samples)
    same_help = escaped_help(family.help) == escaped(family.help)
    strict = text if same_help else _with_header(family, escaped(family.help), samples)
    return RenderedFamily(Formats(text, strict), len(prefixes))


def _with_header(family: Family, help_text: str, samples: bytes) -> EncodedText:
    header = f"# HELP {family.name} {help_text}\n# TYPE {family.name} {family.type}"
    return encode(b"".join((header.encode(), samples, b"\n")))
