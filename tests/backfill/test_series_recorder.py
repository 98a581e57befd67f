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
from exporter.exposition.series_tables import Column, SeriesTable
from exporter.naming import Family

START = datetime(2025, 1, 1, tzinfo=UTC)
FAMILY = Family("calls", 'Calls of "today".', ("team",))
OTHER = Family("total", "All.")

Taken = tuple[str, SeriesTable[Any], Sequence[Any]]
"""A table at a step: its name, the table and its rows."""


Row = tuple[Hashable, float | None]


def table(family: Family = FAMILY, labels_of: Callable[[Any], tuple[object, ...]] = tuple) -> SeriesTable[Row]:
    return SeriesTable((Column(family),), lambda row: row[0], lambda row: row[1:], labels_of)


def rows(**values: float | None) -> Taken:
    return "calls", table(), [((name,), value) for name, value in values.items()]


def total(value: float) -> Taken:
    return "total", table(OTHER), [((), value)]


def lines(tmp_path: Path, steps: Sequence[Sequence[Taken]]) -> dict[str, list[str]]:
    """What is written of each series, without its name, after recording these steps."""
    spool = Spool(tmp_path / "spool")
    recorder = SeriesRecorder(spool, [START + timedelta(seconds=n) for n in range(len(steps))])
    for number, taken in enumerate(steps):
        for name, each, members in taken:
            recorder.take(name, each, members, number)
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
    steps = [[rows(a=1, b=5), total(1)], [rows(a=1, b=6)], [rows(a=2, b=6)]]
    assert lines(tmp_path, steps) == {
        'calls{team="a"}': ["1.0@0", "1.0@1", "2.0@2"],
        'calls{team="b"}': ["5.0@0", "6.0@1", "6.0@2"],
        "total": ["1.0@0", "1.0@1", "1.0@2"],
    }


def test_a_series_that_disappears_and_returns_has_a_gap(tmp_path: Path) -> None:
    no_total = "total", table(OTHER), ()
    steps = [[rows(a=1)], [rows(b=2, a=1)], [rows(b=3)], [rows(), total(9)], [rows(b=3, a=4), no_total]]
    assert lines(tmp_path, steps) == {
        'calls{team="a"}': ["1.0@0", "1.0@1", "4.0@4"],
        'calls{team="b"}': ["2.0@1", "3.0@2", "3.0@4"],
        "total": ["9.0@3"],
    }


def test_a_cell_that_is_empty_has_no_sample(tmp_path: Path) -> None:
    steps = [[rows(a=None, b=1)], [rows(a=2, b=None)], [rows(a=2, b=3)], [rows(a=None, b=3)]]
    assert lines(tmp_path, steps) == {
        'calls{team="a"}': ["2.0@1", "2.0@2"],
        'calls{team="b"}': ["1.0@0", "3.0@2", "3.0@3"],
    }


def test_rows_that_are_the_same_objects_go_on(tmp_path: Path) -> None:
    same, first, second = (("a",), 1.0), (("b",), 2.0), (("b",), 5.0)
    name, each, _ = rows()
    steps = [[(name, each, [same, first])], [(name, each, [same, second])], [(name, each, [second, same])]]
    assert lines(tmp_path, steps) == {
        'calls{team="a"}': ["1.0@0", "1.0@1", "1.0@2"],
        'calls{team="b"}': ["2.0@0", "5.0@1", "5.0@2"],
    }


def test_nan_and_infinity_are_not_samples(tmp_path: Path) -> None:
    steps = [[rows(a=1, b=float("nan"))], [rows(a=float("inf"), b=2)], [rows(a=float("inf"), b=float("nan"))]]
    assert lines(tmp_path, steps) == {'calls{team="a"}': ["1.0@0"], 'calls{team="b"}': ["2.0@1"]}


def test_of_two_series_with_the_same_labels_one_is_written(tmp_path: Path) -> None:
    last_letter = table(labels_of=lambda key: (str(key[0])[-1],))
    twice = [(("a",), 1.0), (("a",), 2.0), ((b"a",), 3.0)]
    assert lines(tmp_path, [[("calls", last_letter, twice)], [("calls", last_letter, list(twice))]]) == {
        'calls{team="a"}': ["1.0@0", "1.0@1"],
        'calls{team="\'"}': ["3.0@0", "3.0@1"],
    }
    same = [(("a\x00",), 1.0), (("a\x01",), 2.0)]
    assert list(lines(tmp_path, [[("calls", table(), same)]]).values()) == [["1.0@0"]]


def test_a_family_has_no_more_series_than_on_a_scrape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_recorder, "MAX_SERIES", 2)
    result = lines(tmp_path, [[rows(a=1, b=2)], [rows(c=3, b=2)]])
    assert result == {'calls{team="a"}': ["1.0@0"], 'calls{team="b"}': ["2.0@0", "2.0@1"]}
