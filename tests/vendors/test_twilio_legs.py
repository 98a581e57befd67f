"""The legs of a call and its result."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from exporter.demo.company.company import DemoCompany
from exporter.demo.company.staff import Staff
from tests.demo.tiny_company import at, phone_call
from tests.vendors.twilio.legs import MAILBOX, NUMBERS, client, legs

PEOPLE = Staff(1).members


def outcomes(**further: Any) -> list[tuple[str, int | None]]:
    """Each leg's end, with the seconds of talk that it shows."""
    call = phone_call(1, 0, **further)
    return [(leg.outcome, leg.duration(at(60))) for leg in legs(call, PEOPLE)]


def test_an_agent_who_answers_at_once_is_the_only_one_rung() -> None:
    assert outcomes() == [("completed", 160), ("completed", 160)]
    assert legs(phone_call(1, 0), PEOPLE)[1].receiver == client(PEOPLE[25])


def test_a_call_that_waits_long_was_first_offered_to_another_agent() -> None:
    own, first, second = legs(phone_call(1, 0, answered_at=at(1)), PEOPLE)
    assert (own.outcome, first.outcome, second.outcome) == ("completed", "no-answer", "completed")
    assert first.ended_at == second.started_at
    assert first.receiver != second.receiver == client(PEOPLE[25])


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("short_abandoned", [("canceled", 0), ("canceled", 0)]),
        ("abandoned_in_ivr", [("canceled", 0), ("canceled", 0)]),
        ("no_available_agent", [("no-answer", 0), ("no-answer", 0), ("no-answer", 0)]),
        ("out_of_opening_hours", [("no-answer", 0)]),
    ],
)
def test_an_unanswered_caller_is_never_connected(reason: str, expected: list[tuple[str, int]]) -> None:
    assert outcomes(answered_at=None, agent=None, missed_reason=reason) == expected


def test_voicemail_answers_after_no_agent_did() -> None:
    call = phone_call(1, 0, answered_at=None, agent=None, missed_reason="agents_did_not_answer", voicemail=True)
    found = legs(call, PEOPLE)
    assert [(leg.outcome, leg.machine) for leg in found] == [
        ("completed", False), ("no-answer", False), ("no-answer", False), ("completed", True),
    ]  # fmt: skip
    assert (found[-1].receiver, found[-1].duration(at(60))) == (MAILBOX, 20)


def test_a_call_at_night_only_leaves_a_voicemail() -> None:
    call = phone_call(1, 0, answered_at=None, agent=None, missed_reason="out_of_opening_hours", voicemail=True)
    own, mailbox = legs(call, PEOPLE)
    assert (own.outcome, mailbox.receiver, mailbox.machine) == ("completed", MAILBOX, True)


def test_an_outbound_call_starts_in_a_browser_and_shows_the_number_of_the_line() -> None:
    own, dialled = legs(phone_call(1, 0, inbound=False, line="Sales line", agent=4), PEOPLE)
    assert (own.sender, dialled.sender) == ("client:elif_yilmaz", NUMBERS["Sales line"])
    assert own.receiver == dialled.receiver
    assert (own.duration(at(60)), dialled.duration(at(60))) == (180, 160)


def test_the_legs_of_every_call_lie_within_it_one_after_the_other(company: DemoCompany) -> None:
    for call in company.calls.records:
        found = legs(call, company.people)
        assert all(call.started_at <= leg.started_at <= leg.ended_at <= call.ended_at for leg in found), call
        rung = found[1:]
        assert all(one.ended_at <= other.started_at for one, other in pairwise(rung)), call
