"""Response bodies: read and decompressed up to a size limit, then parsed as JSON."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from exporter.errors import Reason, SourceRejectedError, SourceUnavailableError

if TYPE_CHECKING:
    from zlib import _Decompress as _Stream

MAX_BYTES = 64 * 1024 * 1024
"""Largest body, decompressed."""

_CHUNK_BYTES = 1024 * 1024
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_MAX_DIGITS = 400

# A float holds fifteen digits of any number, so that longer numbers are parsed exactly: ids and cents depend on it.
# Searching a copy in which all digits are equal takes a twentieth of the time of a regular expression.
_EQUAL_DIGITS = bytes.maketrans(b"123456789.E", b"0000000000e")
_INEXACT = (b"0" * 17, b"0" * 16 + b"e")


async def read_body(chunks: AsyncIterator[bytes], encoding: str, limit: int = MAX_BYTES) -> bytes:
    """The complete body, decompressed (gzip or deflate).

    Raises SourceRejectedError(TOO_LARGE) above `limit` bytes, SourceUnavailableError(PROTOCOL) if the compressed
    data is damaged, incomplete or in an unknown encoding.
    """
    name = encoding.strip().lower()
    if name not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise _broken("the body has a content encoding that was not requested")
    body = bytearray()
    decompressor = None if name in ("", "identity") else _Decompressor()
    async for chunk in chunks:
        if decompressor is None:
            _append(body, chunk, limit)
        else:
            decompressor.feed(chunk, body, limit)
    if decompressor is not None and not decompressor.complete:
        raise _broken("the compressed body is incomplete")
    return bytes(body)


class _Decompressor:
    """Decompresses in bounded steps, so that a decompression bomb is detected before it fills the memory."""

    def __init__(self) -> None:
        self._start = b""
        self._stream: _Stream | None = None

    @property
    def complete(self) -> bool:
        """True after the end marker, or if there was no data at all."""
        return self._stream.eof if self._stream is not None else not self._start

    def feed(self, chunk: bytes, body: bytearray, limit: int) -> None:
        """Appends the decompressed chunk to `body`, including any further gzip members."""
        if self._stream is None:
            chunk = self._start = self._start + chunk
            if len(chunk) < 2:
                return
            self._stream = zlib.decompressobj(_window_bits(chunk))
        try:
            pending = bool(chunk)
            while pending:
                if self._stream.eof:
                    self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
                piece = self._stream.decompress(chunk, _CHUNK_BYTES)
                _append(body, piece, limit)
                chunk = self._stream.unconsumed_tail or self._stream.unused_data
                pending = bool(chunk) or (len(piece) == _CHUNK_BYTES and not self._stream.eof)
        except zlib.error:
            raise _broken("the compressed body is damaged") from None


def _window_bits(start: bytes) -> int:
    """zlib's parameter for gzip, for deflate with a zlib header, or for the raw deflate that some servers send."""
    has_header = start[:2] == b"\x1f\x8b" or (start[0] & 15 == zlib.DEFLATED and (start[0] * 256 + start[1]) % 31 == 0)
    return _GZIP_OR_ZLIB if has_header else -zlib.MAX_WBITS


def _append(body: bytearray, piece: bytes, limit: int) -> None:
    if len(body) + len(piece) > limit:
        raise SourceRejectedError(Reason.TOO_LARGE, f"the response is larger than {limit >> 20} MiB")
    body += piece


def _broken(message: str) -> SourceUnavailableError:
    return SourceUnavailableError(Reason.PROTOCOL, message)


def parse_json(body: bytes, content_type: str) -> Any:
    """The parsed JSON. Numbers out of range become NaN or infinity, so that their record is rejected.

    Whole numbers keep all digits; others of more than fifteen digits become Decimal. Raises
    SourceRejectedError(NOT_JSON) for HTML and the like and (SCHEMA) for an empty body,
    SourceUnavailableError(PROTOCOL) for incomplete or damaged JSON.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    if not body.strip():
        raise SourceRejectedError(Reason.SCHEMA, "the response is empty")
    if not _looks_like_json(body, content_type):
        raise SourceRejectedError(Reason.NOT_JSON, "the response is not JSON (a login or error page?)")
    if not _has_long_number(body):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
    try:
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:  # JSON is UTF-8 by its standard, so the declared charset comes second
            text = body.decode(charset(content_type))
        return json.loads(text, parse_constant=float, parse_int=_parse_int, parse_float=_parse_float)
    except (ValueError, RecursionError, LookupError):
        message = "the response is incomplete JSON, or nested too deeply"
        raise SourceUnavailableError(Reason.PROTOCOL, message) from None


def _has_long_number(body: bytes) -> bool:
    digits = body.translate(_EQUAL_DIGITS)
    return any(run in digits for run in _INEXACT)


def _looks_like_json(body: bytes, content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type.endswith(("json", "javascript")):
        return True
    return "html" not in media_type and "xml" not in media_type and body.lstrip()[:1] in b'[{"-0123456789tfn'


def charset(content_type: str) -> str:
    """The declared charset, or utf-8."""
    for parameter in content_type.split(";")[1:]:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "charset":
            return value.strip().strip("\"'") or "utf-8"
    return "utf-8"


def _parse_int(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_DIGITS else math.inf


def _parse_float(digits: str) -> float | Decimal:
    value = float(digits)
    if len(digits) <= 16 or not value or not math.isfinite(value):
        return value
    exact = Decimal(digits)
    return int(exact) if exact == exact.to_integral_value() else exact
