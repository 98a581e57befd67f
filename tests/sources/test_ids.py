"""Ids stay what they were on the way from a vendor's text to the store, whichever way they take."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.errors import Reason
from exporter.passes import Page
from exporter.push.body import Post
from exporter.sources.base import Source
from exporter.sources.registry import create
from exporter.store.store import Store
from tests.fakes.api import FakeApi
from tests.push.posts import inbox
from tests.sources.providers.rest_passes import source as rest_source
from tests.sources.source_context import NOW, options, pages_of, records_of, run, source_context
from tests.store.samples import live, read

TWINS = [1234567890123456789000 + number for number in range(200)]
"""Ids of 22 digits, which are all the same number as a float."""


def rows_of(ids: Sequence[object]) -> str:
    return ", ".join(f'{{"id": {value}, "amount": 1, "owner": {value}}}' for value in ids)


def listing(ids: Sequence[object]) -> Source:
    body = f'{{"data": [{rows_of(ids)}]}}'.encode()
    kind = {"content-type": "application/json"}
    api = FakeApi(before=lambda api, request: httpx.Response(200, content=body, headers=kind))
    columns = {"id": "id", "amount": "amount", "owner": "owner"}
    return rest_source(api, columns=columns)


def stored(store: Store, pages: Sequence[Page]) -> list[str]:
    read(store, *records_of(pages), full=True)
    return live(store)


def test_long_ids_of_an_api_stay_different(store: Store) -> None:
    pages = run(pages_of(listing(TWINS)))
    assert stored(store, pages) == list(map(str, TWINS))
    assert [record.owner for record in records_of(pages)] == list(map(str, TWINS))


def test_long_ids_of_a_post_stay_different(store: Store) -> None:
    parsed = inbox().parse(Post(f"[{rows_of(TWINS)}]".encode()), NOW)
    records = [record for _, record in parsed.entities["deals"].records]
    read(store, *records)
    assert live(store) == list(map(str, TWINS))


def file_source(**values: Any) -> Source:
    return create(options(**values), source_context(base=Path(values["path"]).parent))


def test_long_ids_of_a_csv_stay_different(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "deals.csv"
    path.write_text("id\n" + "\n".join(map(str, TWINS)) + "\n")
    csv = file_source(provider="csv", path=str(path), entity="deals", columns={"id": "id"})
    assert stored(store, run(pages_of(csv))) == list(map(str, TWINS))


def _in_duckdb(path: Path) -> None:
    with duckdb.connect(str(path)) as owner:
        owner.execute("CREATE TABLE deals (id HUGEINT)")
        owner.executemany("INSERT INTO deals VALUES (?)", [[value] for value in TWINS])


def _in_sqlite(path: Path) -> None:
    with sqlite3.connect(path) as owner:
        owner.execute("CREATE TABLE deals (id TEXT)")
        owner.executemany("INSERT INTO deals VALUES (?)", [[str(value)] for value in TWINS])
    owner.close()


@pytest.mark.parametrize(("engine", "fill"), [("duckdb", _in_duckdb), ("sqlite", _in_sqlite)])
def test_long_ids_of_a_database_stay_different(store: Store, tmp_path: Path, engine: str, fill: Any) -> None:
    path = tmp_path / "erp.db"
    fill(path)
    deals = {"entity": "deals", "table": "deals", "columns": {"id": "id"}}
    sql = file_source(provider="sql", engine=engine, path=str(path), entities=[deals])
    assert stored(store, run(pages_of(sql))) == list(map(str, TWINS))


NUMERALS = st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"\\\x00'), min_size=1, max_size=20)


@given(st.lists(st.integers(0, 10**24) | NUMERALS, min_size=2, max_size=20))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_different_numbers_are_different_ids_and_the_same_text_is_the_same_id(
    store: Store, tmp_path: Path, numerals: list[object]
) -> None:
    found = [record.id for record in records_of(run(pages_of(listing(numerals))))]
    assert len(found) == len(numerals)
    for numeral, record_id in zip(numerals, found, strict=True):
        assert Decimal(record_id) == Decimal(str(numeral))
    again = [record.id for record in records_of(run(pages_of(listing(numerals))))]
    assert found == again
    parsed = inbox().parse(Post(f"[{rows_of(numerals)}]".encode()), NOW)
    assert [record.id for _, record in parsed.entities["deals"].records] == found


@given(st.lists(TEXTS, min_size=1, max_size=20))
@settings(max_examples=25, deadline=None)
def test_different_texts_are_different_ids_in_the_store(texts: list[str]) -> None:
    rows = json.dumps([{"id": text} for text in texts]).encode()
    records = [record for _, record in inbox().parse(Post(rows), NOW).entities["deals"].records]
    with tempfile.TemporaryDirectory() as folder, closing(Store.open(Path(folder))) as store:
        read(store, *{record.id: record for record in records}.values())
        assert sorted(live(store)) == sorted({text.strip() for text in texts} - {""})


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("NaN", Reason.NOT_A_NUMBER), ("Infinity", Reason.OUT_OF_RANGE), ("-Infinity", Reason.OUT_OF_RANGE),
        ("1e999", Reason.OUT_OF_RANGE), ("9" * 401, Reason.OUT_OF_RANGE), ("9" * 5000, Reason.OUT_OF_RANGE),
        ("true", Reason.BAD_TYPE), ("[1]", Reason.BAD_TYPE), ("null", Reason.MISSING_FIELD), ('""', Reason.MISSING_FIELD),
        ('"a\\ud800"', Reason.BAD_TYPE), ('"a\\u0000"', Reason.BAD_TYPE),
    ],
)  # fmt: skip
def test_what_is_no_id_costs_one_record_and_is_counted(value: str, reason: Reason) -> None:
    """499 good records and one bad."""
    pages = run(pages_of(listing([*range(499), value])))
    assert len(records_of(pages)) == 499
    assert [error.reason for page in pages for error in page.rejected] == [reason]
    parsed = inbox().parse(Post(f"[{rows_of([*range(499), value])}]".encode()), NOW)
    batch = parsed.entities["deals"]
    assert len(batch.records) == 499
    assert len(batch.rejected) + len(parsed.unassigned) == 1
