from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import Reason, SourceError, SourceRejectedError, SourceUnavailableError
from exporter.sources.http.body import charset, parse_json, read_body
from tests.sources.source_context import run

JSON = "application/json"


async def _stream(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def unpacked(chunks: Iterable[bytes], encoding: str, limit: int = 1 << 20) -> bytes:
    return run(read_body(_stream(chunks), encoding, limit))


def raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


@given(
    st.binary(max_size=5000),
    st.sampled_from([("", bytes), ("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)]),
    st.integers(1, 100),
)
def test_a_body_is_decompressed_unchanged_whatever_its_encoding_and_chunks(
    content: bytes, packing: tuple[str, Any], step: int
) -> None:
    encoding, pack = packing
    packed = pack(content)
    chunks = [packed[index : index + step] for index in range(0, len(packed), step)]
    assert unpacked(chunks, encoding) == content


@pytest.mark.parametrize("extra", [-1, 0, 1, 257, 1 << 20])
def test_a_body_longer_than_one_step_is_complete(extra: int) -> None:
    content = b"\0" * ((1 << 20) + extra)
    assert unpacked([gzip.compress(content)], "gzip", limit=1 << 23) == content


def test_several_gzip_members_are_one_body() -> None:
    assert unpacked([gzip.compress(b"[1,") + gzip.compress(b"2]")], "gzip") == b"[1,2]"


@given(st.binary(min_size=1, max_size=200))
def test_invalid_compressed_data_is_a_protocol_error(content: bytes) -> None:
    with pytest.raises(SourceUnavailableError) as caught:
        unpacked([b"\xff", content], "gzip")
    assert caught.value.reason is Reason.PROTOCOL


def test_a_decompression_bomb_is_stopped_before_it_fills_the_memory() -> None:
    layer = zlib.compressobj(9, wbits=31)
    bomb = b"".join([layer.compress(b"\0" * 1_000_000) for _ in range(200)]) + layer.flush()
    with pytest.raises(SourceRejectedError) as caught:
        unpacked([bomb], "gzip", limit=2_000_000)
    assert caught.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    ("content", "kind", "value"),
    [
        (b"[]", JSON, []),
        (b"\xef\xbb\xbf[1]", JSON, [1]),
        (b'{"a": "Zo\xc3\xab"}', "application/json; charset=latin-1", {"a": "Zoë"}),
        ('{"a": "Zoë"}'.encode("latin-1"), "application/json; charset=latin-1", {"a": "Zoë"}),
        ('{"a": "Zoë"}'.encode("latin-1"), 'text/plain; x=y; charset="ISO-8859-1"', {"a": "Zoë"}),
        (b'{"a": 1, "a": 2}', "application/vnd.api+json", {"a": 2}),
        (b"[1]", "", [1]),
        (b'["\\ud800"]', JSON, ["\ud800"]),
        (b"[12345678901234.56]", JSON, [Decimal("12345678901234.56")]),
        (b"[90071992547409.93]", JSON, [Decimal("90071992547409.93")]),
        (b"[9007199254740993]", JSON, [9007199254740993]),
        (b"[1234567890123456789012]", JSON, [1234567890123456789012]),
        (
            b"[9007199254740993.0, 9007199254740993e0, 1.2345678901234567e20]",
            JSON,
            [9007199254740993, 9007199254740993, 123456789012345670000],
        ),
        (b"[0.12345678901234567]", JSON, [Decimal("0.12345678901234567")]),
        (b"[1234567.1234567891]", JSON, [Decimal("1234567.1234567891")]),
        (b"[1.000000000000000000e-99999999]", JSON, [0.0]),
    ],
)
def test_json_is_parsed_with_the_intended_values(content: bytes, kind: str, value: Any) -> None:
    assert parse_json(content, kind) == value


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 401, "9" * 5000])
def test_numbers_out_of_range_do_not_fail_the_page(number: str) -> None:
    good, bad = parse_json(f'[{{"v": 1}}, {{"v": {number}}}]'.encode(), JSON)
    assert good == {"v": 1}
    assert not math.isfinite(bad["v"])


def test_integers_of_more_than_400_digits_become_infinity() -> None:
    assert parse_json(b"[" + b"9" * 400 + b"]", JSON) == [int("9" * 400)]


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (b"<html>", JSON.replace("json", "xhtml+xml"), Reason.NOT_JSON),
        (b"<html>", "text/plain", Reason.NOT_JSON),
        (b"[1]", "text/html", Reason.NOT_JSON),
        (b"hello", "", Reason.NOT_JSON),
        (b"", JSON, Reason.SCHEMA),
        (b"\xef\xbb\xbf ", JSON, Reason.SCHEMA),
        (b"<html>", JSON, Reason.PROTOCOL),
        (b'[{"a": 1}, {"a"', JSON, Reason.PROTOCOL),
        (b'["\xff"]', JSON, Reason.PROTOCOL),
        (b'["\xff"]', "application/json; charset=no-such-set", Reason.PROTOCOL),
        (b"[" * 100_000 + b"]" * 100_000, JSON, Reason.PROTOCOL),
    ],
)
def test_a_body_that_is_not_json_is_rejected_with_a_reason(content: bytes, kind: str, reason: Reason) -> None:
    with pytest.raises(SourceError) as caught:
        parse_json(content, kind)
    assert caught.value.reason is reason


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), st.lists, max_leaves=20))
def test_any_json_is_parsed_like_the_standard_library(value: Any) -> None:
    assert parse_json(json.dumps([value]).encode(), JSON) == [value]


NUMERALS = st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)


@given(NUMERALS, NUMERALS)
def test_two_different_numbers_stay_different(first: str, second: str) -> None:
    values = parse_json(f"[{first}, {second}]".encode(), JSON)
    assert (values[0] == values[1]) is (Decimal(first) == Decimal(second))


@given(st.binary(max_size=300), st.sampled_from([JSON, "", "text/html", "text/json; charset=utf-16"]))
def test_any_bytes_parse_or_raise_a_source_error(content: bytes, kind: str) -> None:
    with suppress(SourceError):
        parse_json(content, kind)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("text/csv", "utf-8"), ("a/b; charset=", "utf-8"), ("a/b; q=1; CHARSET='cp1252'", "cp1252")],
)
def test_the_charset_is_the_declared_one_or_utf8(kind: str, name: str) -> None:
    assert charset(kind) == name
