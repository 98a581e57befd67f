"""What of a page is taken."""

from __future__ import annotations

import pytest

from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.passes import Page
from exporter.records import Call, Deal
from exporter.sync.intake import Intake
from tests.sync.fakes import NOON, deals


def test_a_page_without_faults_is_taken_as_it_is() -> None:
    intake, page = Intake("deals"), Page(deals(1, 2), resume="r")
    assert intake.check(page, NOON) is page
    assert (intake.pages, intake.records, intake.rejected.total()) == (1, 2, 0)
    intake.conclude()


def test_a_rejected_record_is_known_by_its_id() -> None:
    call = Call(id="7", talk_seconds=-1.0)
    page = Intake("calls").check(Page((call,), resume="r"), NOON)
    assert page.records == ()
    assert page.resume == "r"
    assert [(error.reason, error.record_id) for error in page.rejected] == [(Reason.NEGATIVE_DURATION, "7")]


def test_one_small_page_says_nothing_about_the_format_but_many_do() -> None:
    intake = Intake("deals")
    bad = (InvalidRecordError(Reason.BAD_TYPE, "amount"),)
    for _ in range(3):
        intake.check(Page(deals(*range(5)), bad), NOON)
        intake.conclude()
    intake.check(Page(deals(*range(5)), bad), NOON)
    with pytest.raises(SourceRejectedError, match="4 of 24 records"):
        intake.conclude()


@pytest.mark.parametrize("record", [Call(id="1"), Deal(id="")])
def test_what_is_no_record_of_the_entity_ends_the_pass(record: Deal) -> None:
    with pytest.raises(SourceRejectedError) as caught:
        Intake("deals").check(Page((record,)), NOON)
    assert caught.value.reason is Reason.SCHEMA
