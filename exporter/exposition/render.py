"""Families to bytes: only what changed since the last time is written and compressed again."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from exporter.config.fields import Scope
from exporter.exposition.families import LabelValues, Rows
from exporter.exposition.text import escaped, escaped_help, label_value, numbers
from exporter.naming import Family

MOST_SERIES = 10_000
"""Series one family may have; what is beyond is left out and counted."""

_GZIP_WINDOW = 31  # zlib's way to ask for a gzip member


@dataclass(frozen=True, slots=True)
class Body:
    """An answer in both transfer forms."""

    plain: bytes
    gzip: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """One family in both formats; where they do not differ the two are the same object."""

    text: Body
    openmetrics: Body
    series: int


@dataclass(frozen=True, slots=True)
class Rendering:
    """All families: those of the company and the teams, and those of single people.

    `dropped` counts series left out, by family and reason (duplicate, not_finite, over_limit).
    """

    shared: tuple[Chunk, ...]
    people: tuple[Chunk, ...]
    dropped: Mapping[tuple[str, str], int]


@dataclass(slots=True)
class _Layout:
    """Where each key's number goes: rows in the order of their text, each with the bytes before its number."""

    keys: Sequence[Hashable]
    order: list[int] | None
    prefixes: list[bytes]
    known: dict[Hashable, bytes]
    dropped: Counter[str]


@dataclass(slots=True)
class _Written:
    layout: _Layout
    values: list[float]
    chunk: Chunk


def compress(plain: bytes) -> bytes:
    """One gzip member at the fastest level: metrics text shrinks tenfold at any level."""
    packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP_WINDOW)
    return packer.compress(plain) + packer.flush()


class Renderer:
    """Keeps each family's bytes from one evaluation to the next."""

    def __init__(self, most_series: int = MOST_SERIES) -> None:
        self._most_series = most_series
        self._written: dict[str, _Written] = {}

    def render(self, families: Iterable[Rows]) -> Rendering:
        """The bytes of all families; a family that is not given any more is forgotten."""
        written: dict[str, _Written] = {}
        shared: list[Chunk] = []
        people: list[Chunk] = []
        dropped: Counter[tuple[str, str]] = Counter()
        for rows in families:
            name = rows.family.name
            if name in written:
                dropped[name, "duplicate"] += len(rows.keys)
                continue
            keys, values, refused = finite(rows.keys, rows.values)
            entry = self._write(rows, keys, values)
            written[name] = entry
            for reason, count in (entry.layout.dropped + Counter(not_finite=refused)).items():
                dropped[name, reason] += count
            if entry.chunk.series:
                (people if rows.scope is Scope.PERSON else shared).append(entry.chunk)
        self._written = written
        return Rendering(tuple(shared), tuple(people), dropped)

    def _write(self, rows: Rows, keys: Sequence[Hashable], values: list[float]) -> _Written:
        last = self._written.get(rows.family.name)
        if last is None or last.layout.keys != keys:
            layout = _lay_out(rows, keys, last.layout.known if last else {}, self._most_series)
        elif last.values == values:
            return last
        else:
            layout = last.layout
        placed = values if layout.order is None else [values[index] for index in layout.order]
        return _Written(layout, values, _chunk(rows.family, layout.prefixes, placed))


def finite(keys: Sequence[Hashable], values: Sequence[Any]) -> tuple[Sequence[Hashable], list[float], int]:
    """Keys and values without those that are no finite number, and how many that were."""
    try:
        floats = list(map(float, values))
    except (TypeError, ValueError, OverflowError):
        floats = [_float(value) for value in values]
    if all(map(isfinite, floats)):
        return keys, floats, 0
    good = [index for index, value in enumerate(floats) if isfinite(value)]
    return [keys[index] for index in good], [floats[index] for index in good], len(floats) - len(good)


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _lay_out(rows: Rows, keys: Sequence[Hashable], known: dict[Hashable, bytes], most: int) -> _Layout:
    prefixes = [known.get(key) or series_head(rows.family, rows.labels_of, key) for key in keys]
    first: dict[bytes, int] = {}
    for index, prefix in enumerate(prefixes):
        first.setdefault(prefix, index)
    dropped = Counter(duplicate=len(prefixes) - len(first), over_limit=max(0, len(first) - most))
    order = sorted(first.values(), key=prefixes.__getitem__)
    if len(order) > most:
        # whoever was exported before stays, or series would come and go with every newcomer
        order.sort(key=lambda index: keys[index] not in known)
        order = sorted(order[:most], key=prefixes.__getitem__)
    kept = {keys[index]: prefixes[index] for index in order}
    unmoved = order == list(range(len(keys)))
    return _Layout(keys, None if unmoved else order, list(kept.values()), kept, +dropped)


def series_head(family: Family, labels_of: Callable[[Any], LabelValues], key: Hashable) -> bytes:
    """A series' line up to its number, with the line break before it."""
    pairs = sorted(zip(family.labels, labels_of(key), strict=True))
    labels = ",".join(f'{name}="{escaped(label_value(value))}"' for name, value in pairs)
    return (f"\n{family.name}{{{labels}}} " if labels else f"\n{family.name} ").encode()


def _chunk(family: Family, prefixes: list[bytes], values: list[float]) -> Chunk:
    parts = [b""] * (2 * len(prefixes))
    parts[::2] = prefixes
    parts[1::2] = numbers(values)
    samples = b"".join(parts)
    text = _headed(family, escaped_help(family.help), samples)
    plain = escaped_help(family.help) == escaped(family.help)
    return Chunk(text, text if plain else _headed(family, escaped(family.help), samples), len(prefixes))


def _headed(family: Family, help_text: str, samples: bytes) -> Body:
    head = f"# HELP {family.name} {help_text}\n# TYPE {family.name} {family.type}"
    whole = b"".join((head.encode(), samples, b"\n"))
    return Body(whole, compress(whole))
