"""Samples grouped by series instead of by step."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exporter.backfill import series_recorder
from exporter.backfill.series_recorder import SeriesRecorder
from exporter.backfill.spool import Spool
from exporter.exposition.series_tables import Cells, Column, SeriesTable
from exporter.metrics.runs import Runs, runs_of
from exporter.naming import Family

START = datetime(2025, 1, 1, tzinfo=UTC)
FAMILY = Family("calls", 'Calls of "today".', ("team",))
OTHER = Family("total", "All.")
GAUGE = Family("gauge", "Some.")

Taken = tuple[SeriesTable[Any], Hashable, Runs[Cells]]
"""A table, the key of a row and its cells."""

NAN, INFINITE = float("nan"), float("inf")


def table(family: Family = FAMILY, labels_of: Callable[[Any], tuple[object, ...]] = tuple) -> SeriesTable[Any]:
    return SeriesTable((Column(family),), lambda row: row[0], lambda row: row[1:], labels_of)


def row(name: str, *values: float | None, family: Family = FAMILY) -> Taken:
    """A row with one cell, from step 0 on."""
    key = () if family is OTHER else (name,)
    return table(family), key, runs_of(None if value is None else (value,) for value in values)


def lines(tmp_path: Path, *parts: Sequence[Taken], steps: int = 3) -> dict[str, list[str]]:
    """What is written of each series, without its name, after recording parts of so many steps."""
    spool = Spool(tmp_path / "spool")
    recorder = SeriesRecorder(spool, [START + timedelta(seconds=n) for n in range(steps * len(parts))])
    for rows in parts:
        for each, key, cells in rows:
            recorder.take(each, key, cells)
        recorder.end_part(steps)
    recorded = recorder.end()
    zero, result = int(START.timestamp()), {}
    with recorded.runs.path.open("rb") as file:
        for _, heads in recorded.families.values():
            for head in heads:
                text = b"".join(recorded.lines(file, head)).decode()
                assert text.count("\n") == text.count(head.decode())
                rest = [line.removeprefix(head.decode().strip()).split() for line in text.strip().splitlines()]
                result[head.decode().strip()] = [f"{value}@{int(at) - zero}" for value, at in rest]
    return result


def test_each_step_has_a_sample_even_if_unchanged(tmp_path: Path) -> None:
    assert lines(tmp_path, [row("a", 1, 1, 2), row("b", 5, 6, 6), row("", 1, 1, 1, family=OTHER)]) == {
        'calls{team="a"}': ["1.0@0", "1.0@1", "2.0@2"],
        'calls{team="b"}': ["5.0@0", "6.0@1", "6.0@2"],
        "total": ["1.0@0", "1.0@1", "1.0@2"],
    }


def test_a_series_that_disappears_and_returns_has_a_gap(tmp_path: Path) -> None:
    first = [row("a", 1, None, 1), row("b", None, 2, 2)]
    assert lines(tmp_path, first, [row("", 9, family=OTHER)], [row("a", 4, None, 4)]) == {
        'calls{team="a"}': ["1.0@0", "1.0@2", "4.0@6", "4.0@8"],
        'calls{team="b"}': ["2.0@1", "2.0@2"],
        "total": ["9.0@3"],
    }


def test_a_cell_that_is_empty_has_no_sample(tmp_path: Path) -> None:
    cells = [(0, 1, (None, 1.0)), (1, 2, (2.0, None)), (2, 3, (2.0, 3.0))]
    two = SeriesTable((Column(OTHER), Column(GAUGE)), lambda row: row, lambda row: row, lambda key: key)
    assert lines(tmp_path, [(two, (), cells)]) == {"total": ["2.0@1", "2.0@2"], "gauge": ["1.0@0", "3.0@2"]}


def test_nan_and_infinity_are_not_samples(tmp_path: Path) -> None:
    rows = [row("a", 1, INFINITE, INFINITE), row("b", NAN, 2, NAN), row("c", NAN, NAN, NAN)]
    assert lines(tmp_path, rows) == {'calls{team="a"}': ["1.0@0"], 'calls{team="b"}': ["2.0@1"]}


def test_of_two_series_with_the_same_labels_the_one_that_begins_first_is_written(tmp_path: Path) -> None:
    late, early = row("a\x00", None, 2, 2), row("a\x01", 1, None, 1)
    assert list(lines(tmp_path, [late, early], [late, early]).values()) == [["1.0@0", "1.0@2", "1.0@3", "1.0@5"]]


def test_a_family_has_no_more_series_than_on_a_scrape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_recorder, "MAX_SERIES", 2)
    first = [row("c", None, 3), row("b", 2, 2), row("a", 1)]
    assert lines(tmp_path, first, [row("c", 3), row("b", 2)], steps=2) == {
        'calls{team="a"}': ["1.0@0"],
        'calls{team="b"}': ["2.0@0", "2.0@1", "2.0@2"],
    }
