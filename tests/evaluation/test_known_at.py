"""What an evaluation says depends on what the store knew: before an edit, a late record or a deletion."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from exporter.config.fields import Scope
from exporter.evaluation.evaluator import Evaluator
from exporter.store.known import first_version
from exporter.store.store import Store
from tests.evaluation.records import ADA, NOW, deal, put, small_config

DAY = timedelta(days=1)
WON = NOW - 3 * DAY


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "data")
    put(opened, "hr", "people", [ADA], NOW)
    put(opened, "crm", "deals", [deal(1, 400, WON), deal(2, 100, WON)], NOW)
    yield opened
    opened.close()


def revenue(store: Store, known_at: datetime | None = None, at: datetime = NOW) -> float | None:
    result = Evaluator(small_config(), store, known_at).evaluate(at, None)
    return next(v.value for v in result.evaluation.kpis if v.scope is Scope.COMPANY)


def test_an_edit_is_unknown_before_it_was_read(store: Store) -> None:
    put(store, "crm", "deals", [deal(1, 700, WON), deal(2, 100, WON)], NOW + DAY)
    assert revenue(store) == revenue(store, NOW + DAY) == 800
    assert revenue(store, NOW) == revenue(store, NOW + DAY / 2) == 500


def test_a_late_record_is_unknown_before_it_was_read(store: Store) -> None:
    put(store, "crm", "deals", [deal(1, 400, WON), deal(2, 100, WON), deal(3, 50, WON)], NOW + DAY)
    assert (revenue(store), revenue(store, NOW)) == (550, 500)


def test_a_deletion_is_unknown_before_it_was_read(store: Store) -> None:
    put(store, "crm", "deals", [deal(1, 400, WON)], NOW + DAY)
    assert (revenue(store), revenue(store, NOW)) == (400, 500)


def test_each_of_several_edits_is_known_in_its_span(store: Store) -> None:
    for day, amount in enumerate((500, 600, 700), start=1):
        put(store, "crm", "deals", [deal(1, amount, WON), deal(2, 100, WON)], NOW + day * DAY)
    assert [revenue(store, NOW + day * DAY) for day in range(4)] == [500, 600, 700, 800]


def test_nothing_is_known_before_the_first_pass(store: Store) -> None:
    assert not revenue(store, NOW - DAY)
    with store.reading() as reader:
        assert first_version(reader) == NOW
