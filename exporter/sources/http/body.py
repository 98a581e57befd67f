"""Bodies of answers: read and unpacked under a cap, then parsed as JSON that is still free of surprises."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from exporter.errors import Reason, SourceRejectedError, SourceUnavailableError

if TYPE_CHECKING:
    from zlib import _Decompress as _Stream

MAX_BYTES = 64 * 1024 * 1024
"""Largest body, unpacked."""

_STEP = 1024 * 1024
_ANY_HEADER = zlib.MAX_WBITS | 32
_DIGITS = 400

# Beyond fifteen significant digits a float no longer tells two cents apart. The point comes first because
# that is what a body is quickly searched for.
_INEXACT = re.compile(rb"\.(?<=[0-9]{13}\.)(?:(?<=[0-9]{14}\.)[0-9]|[0-9]{3})")


async def read_body(chunks: AsyncIterator[bytes], encoding: str, limit: int = MAX_BYTES) -> bytes:
    """The whole body, unpacked (gzip or deflate).

    Raises SourceRejectedError(TOO_LARGE) above `limit` bytes, SourceUnavailableError(PROTOCOL) where the
    packing is broken, cut short or unknown.
    """
    body = bytearray()
    unpack = _unpacker(encoding)
    async for chunk in chunks:
        if unpack is None:
            _grow(body, chunk, limit)
        else:
            unpack.feed(chunk, body, limit)
    if unpack is not None and not unpack.whole:
        raise _broken("the packed body is cut short")
    return bytes(body)


class _Unpacker:
    """Unpacks in bounded steps, so that a bomb is noticed before it fills the memory."""

    def __init__(self) -> None:
        self._start = b""
        self._stream: _Stream | None = None

    @property
    def whole(self) -> bool:
        """True after the end mark, or where nothing came at all."""
        return self._stream.eof if self._stream is not None else not self._start

    def feed(self, chunk: bytes, body: bytearray, limit: int) -> None:
        """Adds what the chunk unpacks to; further gzip members are unpacked too."""
        if self._stream is None:
            chunk = self._start = self._start + chunk
            if len(chunk) < 2:
                return
            self._stream = zlib.decompressobj(_packing(chunk))
        try:
            more = bool(chunk)
            while more:
                if self._stream.eof:
                    self._stream = zlib.decompressobj(_ANY_HEADER)
                piece = self._stream.decompress(chunk, _STEP)
                _grow(body, piece, limit)
                chunk = self._stream.unconsumed_tail or self._stream.unused_data
                more = bool(chunk) or (len(piece) == _STEP and not self._stream.eof)
        except zlib.error:
            raise _broken("the packed body is damaged") from None


def _packing(start: bytes) -> int:
    """zlib's name for the packing: gzip, deflate with its zlib header, or the bare deflate that some servers send."""
    has_header = start[:2] == b"\x1f\x8b" or (start[0] & 15 == zlib.DEFLATED and (start[0] * 256 + start[1]) % 31 == 0)
    return _ANY_HEADER if has_header else -zlib.MAX_WBITS


def _unpacker(encoding: str) -> _Unpacker | None:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip", "deflate"):
        return _Unpacker()
    raise _broken("the body is packed in a way that was not asked for")


def _grow(body: bytearray, piece: bytes, limit: int) -> None:
    if len(body) + len(piece) > limit:
        raise SourceRejectedError(Reason.TOO_LARGE, f"the answer is larger than {limit >> 20} MiB")
    body += piece


def _broken(message: str) -> SourceUnavailableError:
    return SourceUnavailableError(Reason.PROTOCOL, message)


def parse_json(body: bytes, content_type: str) -> Any:
    """The parsed JSON. Numbers that no number can hold arrive as NaN or infinity, for the record to be rejected.

    Decimals of more than fifteen digits arrive as Decimal. Raises SourceRejectedError(NOT_JSON) for HTML and
    the like and (SCHEMA) for an empty body, SourceUnavailableError(PROTOCOL) for JSON that is cut or damaged.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    if not body.strip():
        raise SourceRejectedError(Reason.SCHEMA, "the answer is empty")
    if not _looks_like_json(body, content_type):
        raise SourceRejectedError(Reason.NOT_JSON, "the answer is not JSON (a login or error page?)")
    if not _INEXACT.search(body):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
    return _parse_leniently(body, content_type)


def _looks_like_json(body: bytes, content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    if kind.endswith(("json", "javascript")):
        return True
    return "html" not in kind and "xml" not in kind and body.lstrip()[:1] in b'[{"-0123456789tfn'


def _parse_leniently(body: bytes, content_type: str) -> Any:
    try:
        return json.loads(
            _text(body, content_type),
            parse_constant=float,
            parse_int=_whole_number,
            parse_float=_fraction,
        )
    except (ValueError, RecursionError, LookupError):
        raise SourceUnavailableError(Reason.PROTOCOL, "the answer is not whole JSON, or nested too deep") from None


def _text(body: bytes, content_type: str) -> str:
    """JSON is UTF-8 by its standard, so a declared charset counts only where that fails."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode(charset(content_type))


def charset(content_type: str) -> str:
    """The declared charset, or utf-8."""
    for part in content_type.split(";")[1:]:
        key, _, value = part.partition("=")
        if key.strip().lower() == "charset":
            return value.strip().strip("\"'") or "utf-8"
    return "utf-8"


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) <= _DIGITS else math.inf


def _fraction(digits: str) -> float | Decimal:
    short = len(digits) <= 16
    value = float(digits)
    return value if short or not math.isfinite(value) else Decimal(digits)
