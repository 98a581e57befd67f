"""The text exposition formats: escaped texts and numbers as they are written, and texts with their gzip form."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from prometheus_client.utils import floatToGoString

END = b"# EOF\n"
"""The last line of an OpenMetrics exposition."""

_GZIP_WINDOW = 31  # makes zlib write a gzip member


@dataclass(frozen=True, slots=True)
class EncodedText:
    """Exposition text without its end line: the plain text in pieces, and the same as concatenated gzip members."""

    plain: tuple[bytes, ...] = ()
    gzip: bytes = b""


@dataclass(frozen=True, slots=True)
class Formats:
    """The same samples in text format 0.0.4 and in OpenMetrics 1.0; one object if both are equal."""

    text: EncodedText = EncodedText()
    openmetrics: EncodedText = EncodedText()

    def with_end(self) -> Formats:
        """The same samples as complete expositions: OpenMetrics gets its end line."""
        strict = self.openmetrics
        return Formats(self.text, EncodedText((*strict.plain, END), strict.gzip + compress(END)))


def encode(plain: bytes) -> EncodedText:
    """A piece of text and its gzip form."""
    return EncodedText((plain,), compress(plain))


def compress(plain: bytes) -> bytes:
    """One gzip member at the fastest level: metrics text shrinks tenfold at any level."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, _GZIP_WINDOW)
    return compressor.compress(plain) + compressor.flush()


def escaped(text: str) -> str:
    """A label value, or a HELP text of OpenMetrics, as written between double quotes."""
    if "\\" not in text and '"' not in text and "\n" not in text:
        return text
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def escaped_help(text: str) -> str:
    """A HELP text of the plain format, which does not escape quotes."""
    return text.replace("\\", r"\\").replace("\n", r"\n")


def numbers(values: Sequence[float]) -> list[bytes]:
    """Each finite float as prometheus-client writes it.

    Serialising the whole list once is several times cheaper than one call per number; only numbers that orjson
    writes differently (negative, tiny, a million and above) are written one by one.
    """
    if not values:
        return []
    texts = orjson.dumps(values)[1:-1].split(b",")
    for index, value in enumerate(values):
        if not (0.0001 <= value < 1e6 or value == 0):
            go_text: str = floatToGoString(value)  # type: ignore[no-untyped-call]
            texts[index] = go_text.encode()
    return texts
