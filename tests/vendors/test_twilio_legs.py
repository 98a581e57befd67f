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


def outcomes(**overrides: Any) -> list[tuple[str, int | None]]:
    """Each leg's final status and its talk time in seconds."""
    call = phone_call(1, 0, **overrides)
    return [(leg.outcome, leg.duration(at(60))) for leg in legs(call, PEOPLE)]


def test_only_one_agent_is_called_if_the_answer_is_immediate() -> None:
    assert outcomes() == [("completed", 160), ("completed", 160)]
    assert legs(phone_call(1, 0), PEOPLE)[1].receiver == client(PEOPLE[25])


def test_a_call_that_waits_long_was_first_offered_to_another_agent() -> None:
    caller_leg, first, second = legs(phone_call(1, 0, answered_at=at(1)), PEOPLE)
    assert (caller_leg.outcome, first.outcome, second.outcome) == ("completed", "no-answer", "completed")
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
    voicemail_legs = legs(call, PEOPLE)
    assert [(leg.outcome, leg.machine) for leg in voicemail_legs] == [
        ("completed", False), ("no-answer", False), ("no-answer", False), ("completed", True),
    ]  # fmt: skip
    assert (voicemail_legs[-1].receiver, voicemail_legs[-1].duration(at(60))) == (MAILBOX, 20)


def test_a_call_at_night_only_leaves_a_voicemail() -> None:
    call = phone_call(1, 0, answered_at=None, agent=None, missed_reason="out_of_opening_hours", voicemail=True)
    caller_leg, mailbox = legs(call, PEOPLE)
    assert (caller_leg.outcome, mailbox.receiver, mailbox.machine) == ("completed", MAILBOX, True)


def test_an_outbound_call_starts_in_a_browser_and_shows_the_number_of_the_line() -> None:
    caller_leg, dialled = legs(phone_call(1, 0, inbound=False, line="Sales line", agent=4), PEOPLE)
    assert (caller_leg.sender, dialled.sender) == ("client:elif_yilmaz", NUMBERS["Sales line"])
    assert caller_leg.receiver == dialled.receiver
    assert (caller_leg.duration(at(60)), dialled.duration(at(60))) == (180, 160)


def test_the_legs_of_every_call_are_consecutive_and_within_the_call(company: DemoCompany) -> None:
    for call in company.calls.records:
        call_legs = legs(call, company.people)
        assert all(call.started_at <= leg.started_at <= leg.ended_at <= call.ended_at for leg in call_legs), call
        agent_legs = call_legs[1:]
        assert all(earlier.ended_at <= later.started_at for earlier, later in pairwise(agent_legs)), call
