"""An immutable snapshot of all series: scrapes are served from it, and the store keeps it across restarts."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate

import orjson

from exporter.exposition.render import RenderedFamily, Rendering
from exporter.exposition.text_format import EncodedText, Formats


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All series as of one evaluation.

    `people` are the series of single people if the config separates them, otherwise they are part of `shared`.
    `at` is the instant of the evaluation in UTC; None before the first one.
    """

    at: datetime | None = None
    shared: Formats = field(default_factory=Formats)
    people: Formats | None = None
    series: int = 0
    dropped: Mapping[tuple[str, str], int] = field(default_factory=dict)


def take(rendering: Rendering, at: datetime, *, separate: bool) -> Snapshot:
    """The snapshot of a rendering; `separate` keeps people apart (privacy.people)."""
    families = (*rendering.shared, *rendering.people)
    shared = _joined(rendering.shared if separate else families)
    people = _joined(rendering.people) if separate else None
    return Snapshot(at, shared, people, sum(family.series for family in families), rendering.dropped)


def _joined(families: Iterable[RenderedFamily]) -> Formats:
    every = [family.formats for family in families]
    text = _concatenated(formats.text for formats in every)
    if all(formats.openmetrics is formats.text for formats in every):
        return Formats(text, text)
    return Formats(text, _concatenated(formats.openmetrics for formats in every))


def _concatenated(texts: Iterable[EncodedText]) -> EncodedText:
    pieces = tuple(texts)
    return EncodedText(tuple(p for text in pieces for p in text.plain), b"".join(text.gzip for text in pieces))


def freeze(snapshot: Snapshot, digest: str) -> bytes:
    """The snapshot as bytes for the store; `digest` identifies the config it was taken under."""
    texts: list[bytes] = []
    for formats in (snapshot.shared, snapshot.people):
        if formats is not None:
            texts += formats.text.gzip, b"" if formats.openmetrics is formats.text else formats.openmetrics.gzip
    header = {
        "digest": digest,
        "at": snapshot.at.isoformat() if snapshot.at else None,
        "series": snapshot.series,
        "lengths": [len(text) for text in texts],
    }
    return b"\n".join((orjson.dumps(header), b"".join(texts)))


def thaw(data: bytes, digest: str) -> Snapshot | None:
    """The snapshot that `freeze` wrote; None if it was taken under another config or is damaged."""
    first_line, _, body = data.partition(b"\n")
    try:
        header = orjson.loads(first_line)
        if header["digest"] != digest:
            return None
        at = datetime.fromisoformat(header["at"])
        lengths: list[int] = header["lengths"]
        if sum(lengths) != len(body):
            return None
        text, strict, *people = (
            body[end - length : end] for end, length in zip(accumulate(lengths), lengths, strict=True)
        )
        return Snapshot(at, _thawed(text, strict), _thawed(*people) if people else None, int(header["series"]))
    except (ValueError, KeyError, TypeError, OSError, EOFError, zlib.error):
        return None


def _thawed(text: bytes, strict: bytes) -> Formats:
    plain = EncodedText((gzip.decompress(text),), text)
    return Formats(plain, EncodedText((gzip.decompress(strict),), strict) if strict else plain)
