"""Validation of pages before they are stored."""

from __future__ import annotations

import pytest

from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.passes import Page
from exporter.records import Call, Deal
from exporter.sync.page_validation import PageValidator
from tests.sync.fakes import NOON, deals


def test_a_valid_page_is_returned_unchanged() -> None:
    validator, page = PageValidator("deals"), Page(deals(1, 2), resume="r")
    assert validator.check(page, NOON) is page
    assert (validator.pages, validator.records, validator.rejected.total()) == (1, 2, 0)
    validator.finish()


def test_an_implausible_record_is_rejected_with_its_id() -> None:
    call = Call(id="7", talk_seconds=-1.0)
    page = PageValidator("calls").check(Page((call,), resume="r"), NOON)
    assert page.records == ()
    assert page.resume == "r"
    assert [(error.reason, error.record_id) for error in page.rejected] == [(Reason.NEGATIVE_DURATION, "7")]


def page_of(rows: int, rejected: int) -> Page:
    return Page(deals(*range(rows - rejected)), (InvalidRecordError(Reason.BAD_TYPE, "amount"),) * rejected)


@pytest.mark.parametrize(("rows", "rejected"), [(1, 1), (2, 1), (10, 1), (20, 1), (100, 5), (1000, 50)])
def test_up_to_five_percent_and_a_single_row_may_be_rejected(rows: int, rejected: int) -> None:
    validator = PageValidator("deals")
    assert len(validator.check(page_of(rows, rejected), NOON).rejected) == rejected
    validator.finish()


@pytest.mark.parametrize(("rows", "rejected"), [(20, 2), (100, 6), (500, 250), (1000, 51)])
def test_a_page_with_more_rejections_ends_the_pass_at_once(rows: int, rejected: int) -> None:
    with pytest.raises(SourceRejectedError, match=f"{rejected} of {rows} rows .* amount: bad_type") as caught:
        PageValidator("deals").check(page_of(rows, rejected), NOON)
    assert caught.value.reason is Reason.TOO_MANY_REJECTED


def test_implausible_records_count_as_rejected() -> None:
    calls = (*(Call(id=str(number)) for number in range(18)), *(Call(id="x", talk_seconds=-1.0),) * 2)
    with pytest.raises(SourceRejectedError, match=r"2 of 20 rows .* talk_seconds: negative_duration"):
        PageValidator("calls").check(Page(calls), NOON)


@pytest.mark.parametrize(("rows", "rejected"), [(2, 2), (3, 2), (19, 19)])
def test_a_small_page_is_judged_at_the_end_of_its_pass(rows: int, rejected: int) -> None:
    validator = PageValidator("deals")
    validator.check(page_of(rows, rejected), NOON)
    with pytest.raises(SourceRejectedError, match=f"{rejected} of {rows} rows") as caught:
        validator.finish()
    assert caught.value.reason is Reason.TOO_MANY_REJECTED


def test_a_small_page_within_a_large_pass_may_have_several_rejections() -> None:
    validator = PageValidator("deals")
    validator.check(page_of(1000, 0), NOON)
    validator.check(page_of(10, 5), NOON)
    validator.finish()


def test_rejections_are_counted_over_all_pages() -> None:
    validator = PageValidator("deals")
    for _ in range(10):
        validator.check(page_of(100, 5), NOON)
    validator.finish()
    validator.check(page_of(1, 1), NOON)
    with pytest.raises(SourceRejectedError, match="51 of 1001 rows"):
        validator.finish()


@pytest.mark.parametrize("record", [Call(id="1"), Deal(id="")])
def test_a_record_of_another_entity_or_without_id_ends_the_pass(record: Deal) -> None:
    with pytest.raises(SourceRejectedError) as caught:
        PageValidator("deals").check(Page((record,)), NOON)
    assert caught.value.reason is Reason.SCHEMA
