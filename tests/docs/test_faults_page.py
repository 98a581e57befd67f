"""Every fault of the catalogue has tests that exist, or a reason why it needs none."""

from __future__ import annotations

import os

import pytest

from tests.docs.faults_page import PAGE, Fault, exists, page, sections

FAULTS = [fault for faults in sections().values() for fault in faults]


def test_the_page_is_up_to_date() -> None:
    if os.environ.get("UPDATE_GOLDENS"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "make generate writes it"


def test_the_faults_are_numbered_from_1_to_90() -> None:
    assert [fault.number for fault in FAULTS] == list(range(1, 91))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.number))
def test_each_fault_has_tests_that_exist_or_a_reason(fault: Fault) -> None:
    assert [test for test in fault.tests if not exists(test)] == []
    assert bool(fault.tests) != bool(fault.reason)
    assert fault.reason or len(fault.seen) > 20


def test_a_test_that_does_not_exist_is_noticed() -> None:
    assert exists("tests/docs/test_faults_page.py::test_a_test_that_does_not_exist_is_noticed")
    assert not exists("tests/docs/test_faults_page.py::test_another")
    assert not exists("tests/docs/test_no_page.py::test_a_test_that_does_not_exist_is_noticed")
    assert not exists("tests/docs/test_faults_page.py")
