"""Records show at an instant only what has happened until then."""

from __future__ import annotations

from decimal import Decimal

import pytest

from exporter.demo.company.entities import RecordHistory
from tests.demo.tiny_company import at, deal, phone_call, ticket


def test_a_record_passes_through_its_stages() -> None:
    record = deal(1, (0, "discovery"), (10, "demo"), (20, "won"))
    assert [record.stage(at(minute)) for minute in (0, 9, 10, 30)] == ["discovery", "discovery", "demo", "won"]
    assert (record.created_at, record.closed_at(at(19)), record.closed_at(at(20))) == (at(0), None, at(20))


def test_a_record_exists_from_its_creation_until_it_is_merged() -> None:
    record = deal(1, merged_at=at(30))
    assert [record.exists(at(minute)) for minute in (-1, 0, 29, 30)] == [False, True, True, False]


def test_an_archived_record_still_exists() -> None:
    record = deal(1, archived_at=at(30))
    assert [(record.exists(at(minute)), record.archived(at(minute))) for minute in (29, 30)] == [
        (True, False),
        (True, True),
    ]
    assert record.changed_at(at(99)) == at(30)


def test_a_correction_is_a_change_that_appears_later() -> None:
    record = deal(1, (0, "discovery"), (10, "won"), corrected_at=at(60), corrected=Decimal(80))
    assert [record.amount_at(at(minute)) for minute in (10, 59, 60)] == [Decimal(100), Decimal(100), Decimal(80)]
    assert record.change_times() == (at(0), at(10), at(60))
    assert (record.changed_at(at(59)), record.changed_at(at(60))) == (at(10), at(60))


def test_a_stage_entered_twice_counts_from_the_last_time() -> None:
    record = ticket(1, (0, "new"), (10, "closed"), (20, "waiting_on_us"), (30, "closed"))
    assert [record.entered("closed", at(minute)) for minute in (9, 15, 35)] == [None, at(10), at(30)]


def test_a_rating_is_a_change() -> None:
    assert at(90) in ticket(1, rating=5, rated_at=at(90)).change_times()
    assert ticket(1).change_times() == (at(0), at(60))


def test_a_call_is_recorded_at_its_end() -> None:
    record = phone_call(1, 10, topic="Billing", tagged_at=at(20))
    assert record.change_times() == (at(13), at(20))
    assert phone_call(1, 10).change_times() == (at(13),)


def test_every_kind_of_record_must_define_its_change_times() -> None:
    with pytest.raises(NotImplementedError):
        RecordHistory(id=1).change_times()
