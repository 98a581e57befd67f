"""One immutable picture of all series: what scrapes are served from, and what outlives a restart."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from exporter.exposition.render import Chunk, Rendering, compress

_EMPTY = (b"", b"")


@dataclass(frozen=True, slots=True)
class Document:
    """An exposition without its end mark: the plain text in pieces, and as concatenated gzip members."""

    plain: tuple[bytes, ...] = ()
    gzip: bytes = b""

    def then(self, plain: bytes, member: bytes) -> Document:
        """The same with one more piece at its end."""
        return Document((*self.plain, plain), self.gzip + member)


@dataclass(frozen=True, slots=True)
class Formats:
    """The same samples as text 0.0.4 and as OpenMetrics 1.0; one object where the two are alike."""

    text: Document = Document()
    openmetrics: Document = Document()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All series as of one evaluation.

    `people` holds the series of single people where the config separates them, else they are part of `shared`.
    `at` is the instant of the evaluation in UTC; None before the first one.
    """

    at: datetime | None = None
    shared: Formats = Formats()
    people: Formats | None = None
    series: int = 0
    dropped: Mapping[tuple[str, str], int] = field(default_factory=dict)


def take(rendering: Rendering, at: datetime, *, separate: bool) -> Snapshot:
    """The snapshot of a rendering; `separate` keeps people apart (privacy.people)."""
    shared = rendering.shared if separate else (*rendering.shared, *rendering.people)
    series = sum(chunk.series for chunk in (*rendering.shared, *rendering.people))
    people = _formats(rendering.people) if separate else None
    return Snapshot(at, _formats(shared), people, series, rendering.dropped)


def _formats(chunks: Iterable[Chunk]) -> Formats:
    chunks = tuple(chunks)
    text = Document(tuple(c.text.plain for c in chunks), b"".join(c.text.gzip for c in chunks))
    if all(c.openmetrics is c.text for c in chunks):
        return Formats(text, text)
    strict = Document(tuple(c.openmetrics.plain for c in chunks), b"".join(c.openmetrics.gzip for c in chunks))
    return Formats(text, strict)


def freeze(snapshot: Snapshot, digest: str) -> bytes:
    """The snapshot as bytes for the store. `digest` says which config it was taken under."""
    documents = [d for formats in (snapshot.shared, snapshot.people) if formats for d in _documents(formats)]
    head = {
        "digest": digest,
        "at": snapshot.at.isoformat() if snapshot.at else None,
        "series": snapshot.series,
        "lengths": [len(document) for document in documents],
    }
    return b"\n".join((orjson.dumps(head), b"".join(documents)))


def _documents(formats: Formats) -> tuple[bytes, bytes]:
    alike = formats.openmetrics is formats.text
    return formats.text.gzip, b"" if alike else formats.openmetrics.gzip


def thaw(data: bytes, digest: str) -> Snapshot | None:
    """The snapshot that `freeze` wrote; None where it was taken under another config or does not read back."""
    head, _, body = data.partition(b"\n")
    try:
        said = orjson.loads(head)
        if said["digest"] != digest:
            return None
        at = datetime.fromisoformat(said["at"])
        text, strict, *people = _cut(body, said["lengths"])
        separate = _thawed(*people) if people else None
        return Snapshot(at, _thawed(text, strict), separate, int(said["series"]))
    except (ValueError, KeyError, TypeError, OSError, EOFError, zlib.error):
        return None


def _cut(body: bytes, lengths: list[int]) -> list[bytes]:
    if sum(lengths) != len(body):
        raise ValueError("the snapshot was cut short")
    ends = [sum(lengths[: index + 1]) for index in range(len(lengths))]
    return [body[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def _thawed(text: bytes, strict: bytes) -> Formats:
    whole = Document((gzip.decompress(text),), text)
    return Formats(whole, Document((gzip.decompress(strict),), strict) if strict else whole)


END = b"# EOF\n"
"""What closes an OpenMetrics exposition."""


def closed(formats: Formats) -> Formats:
    """The same formats, complete on their own: OpenMetrics with its end mark."""
    return Formats(formats.text, formats.openmetrics.then(END, compress(END)))
