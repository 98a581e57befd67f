"""Samples grouped by series instead of by step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exporter.backfill import series_recorder
from exporter.backfill.series_recorder import SeriesRecorder
from exporter.backfill.spool import Spool
from exporter.config.fields import Scope
from exporter.exposition.families import FamilySamples
from exporter.naming import Family

START = datetime(2025, 1, 1, tzinfo=UTC)
FAMILY = Family("calls", 'Calls of "today".', ("team",))
OTHER = Family("total", "All.")


def rows(family: Family = FAMILY, **values: float) -> FamilySamples:
    return FamilySamples(family, Scope.COMPANY, [(name,) for name in values], list(values.values()), tuple)


def total(value: float) -> FamilySamples:
    return FamilySamples(OTHER, Scope.COMPANY, [()], [value], tuple)


def lines(tmp_path: Path, steps: Sequence[Sequence[FamilySamples]]) -> dict[str, list[str]]:
    """What is written of each series, without its name, after recording these steps."""
    spool = Spool(tmp_path / "spool")
    recorder = SeriesRecorder(spool, [START + timedelta(seconds=n) for n in range(len(steps))])
    for number, families in enumerate(steps):
        recorder.record(number, families)
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
    steps = [[rows(a=1, b=5), total(1)], [rows(a=1, b=6), total(1)], [rows(a=2, b=6), total(1)]]
    assert lines(tmp_path, steps) == {
        'calls{team="a"}': ["1.0@0", "1.0@1", "2.0@2"],
        'calls{team="b"}': ["5.0@0", "6.0@1", "6.0@2"],
        "total": ["1.0@0", "1.0@1", "1.0@2"],
    }


def test_a_series_that_disappears_and_returns_has_a_gap(tmp_path: Path) -> None:
    steps = [[rows(a=1)], [rows(b=2, a=1)], [rows(b=3)], [total(9)], [rows(b=3, a=4)]]
    assert lines(tmp_path, steps) == {
        'calls{team="a"}': ["1.0@0", "1.0@1", "4.0@4"],
        'calls{team="b"}': ["2.0@1", "3.0@2", "3.0@4"],
        "total": ["9.0@3"],
    }


def test_nan_and_infinity_are_not_samples(tmp_path: Path) -> None:
    steps = [[rows(a=1, b=float("nan"))], [rows(a=float("inf"), b=2)]]
    assert lines(tmp_path, steps) == {'calls{team="a"}': ["1.0@0"], 'calls{team="b"}': ["2.0@1"]}


def test_of_two_series_with_the_same_labels_one_is_written(tmp_path: Path) -> None:
    twice = FamilySamples(
        FAMILY, Scope.COMPANY, [("a",), ("a",), (b"a",)], [1.0, 2.0, 3.0], lambda key: (str(key[0])[-1],)
    )
    assert lines(tmp_path, [[twice, rows(a=7)], [twice]]) == {
        'calls{team="a"}': ["1.0@0", "1.0@1"],
        'calls{team="\'"}': ["3.0@0", "3.0@1"],
    }
    same = FamilySamples(FAMILY, Scope.COMPANY, [("a\x00",), ("a\x01",)], [1.0, 2.0], tuple)
    assert list(lines(tmp_path, [[same]]).values()) == [["1.0@0"]]


def test_a_family_has_no_more_series_than_on_a_scrape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_recorder, "MAX_SERIES", 2)
    result = lines(tmp_path, [[rows(a=1, b=2)], [rows(c=3, b=2)]])
    assert result == {'calls{team="a"}': ["1.0@0"], 'calls{team="b"}': ["2.0@0", "2.0@1"]}
