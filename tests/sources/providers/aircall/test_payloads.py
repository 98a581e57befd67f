"""Calls and users out of Aircall's payloads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from exporter.errors import InvalidRecordError, Reason
from exporter.records import Call, Person
from exporter.sources.providers.aircall.payloads import call, person, teams_by_user

START = 1772442000
"""2026-03-02 09:00 UTC."""


def row(**changes: Any) -> dict[str, Any]:
    known = {
        "id": 812, "direction": "inbound", "status": "done", "missed_call_reason": None, "started_at": START,
        "answered_at": START + 25, "ended_at": START + 205, "duration": 205, "raw_digits": "+41 44 000 00 00",
        "user": {"id": 17, "name": "Anna Keller"}, "number": {"id": 3, "name": "Support line"}, "voicemail": None,
        "teams": [{"id": 1, "name": "Support"}], "tags": [{"id": 2, "name": "Refund"}, {"id": 3, "name": "Billing"}],
        "archived": True, "cost": "0.000",
    }  # fmt: skip
    return {**known, **changes}


def test_waiting_and_talking_are_told_apart_and_the_vendors_duration_is_neither() -> None:
    assert call(row()) == Call(
        id="812",
        attributes={"tags": "Billing, Refund", "teams": "Support"},
        direction="inbound",
        status="answered",
        queue="Support line",
        agent="17",
        started_at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
        answered_at=datetime(2026, 3, 2, 9, 0, 25, tzinfo=UTC),
        ended_at=datetime(2026, 3, 2, 9, 3, 25, tzinfo=UTC),
        wait_seconds=25.0,
        talk_seconds=180.0,
    )


@pytest.mark.parametrize(
    ("phase", "answered", "reason", "voicemail", "status"),
    [
        ("done", True, None, None, "answered"),
        ("done", False, "out_of_opening_hours", None, "missed"),
        ("done", False, "no_available_agent", None, "missed"),
        ("done", False, "agents_did_not_answer", None, "missed"),
        ("done", False, "short_abandoned", None, "abandoned"),
        ("done", False, "abandoned_in_ivr", None, "abandoned"),
        ("done", False, "abandoned_in_classic", None, "abandoned"),
        ("done", False, "a_reason_of_next_year", None, "missed"),
        ("done", False, None, None, "missed"),
        ("done", False, "out_of_opening_hours", "https://voicemail.example", "voicemail"),
        ("initial", False, None, None, None),
        ("answered", True, None, None, "answered"),
        ("answered", False, None, None, None),
    ],
)
def test_the_status_of_a_call(
    phase: str, answered: bool, reason: str | None, voicemail: str | None, status: str | None
) -> None:
    given = row(
        status=phase, answered_at=START + 5 if answered else None, missed_call_reason=reason, voicemail=voicemail
    )
    assert call(given).status == status


@pytest.mark.parametrize(
    ("phase", "reason", "waited"),
    [
        ("done", "short_abandoned", 8.0),
        ("done", "agents_did_not_answer", 8.0),
        ("done", None, 8.0),
        ("done", "out_of_opening_hours", None),
        ("initial", None, None),
    ],
)
def test_a_call_nobody_answered_waited_until_it_ended_if_there_was_somebody_to_wait_for(
    phase: str, reason: str | None, waited: float | None
) -> None:
    ended_at = START + 8 if phase == "done" else None
    found = call(row(status=phase, answered_at=None, ended_at=ended_at, user=None, missed_call_reason=reason))
    assert (found.wait_seconds, found.talk_seconds, found.agent) == (waited, None, None)
    assert found.attributes.get("missed_call_reason") == reason


def test_a_call_that_goes_on_has_no_end() -> None:
    found = call(row(status="answered", ended_at=None))
    assert (found.wait_seconds, found.talk_seconds, found.ended_at) == (25.0, None, None)


def test_neither_numbers_nor_links_to_recordings_are_kept() -> None:
    found = call(
        row(raw_digits="+41 44 123 45 67", recording="https://recording.example/secret", asset="https://a.example")
    )
    assert "123 45 67" not in repr(found)
    assert "example" not in repr(found)


@pytest.mark.parametrize("empty", [None, [], [{"id": 1, "name": None}]])
def test_calls_may_have_no_tags_teams_or_line(empty: Any) -> None:
    found = call(row(tags=empty, teams=empty, number=None))
    assert (found.attributes, found.queue) == ({}, None)


@pytest.mark.parametrize("unset", [None, 0])
def test_an_instant_that_is_unset_did_not_happen(unset: int | None) -> None:
    assert call(row(answered_at=unset)).answered_at is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "paused"}, Reason.UNKNOWN_VALUE),
        ({"direction": "diagonal"}, Reason.UNKNOWN_VALUE),
        ({"ended_at": START + 10}, Reason.NEGATIVE_DURATION),
        ({"answered_at": START - 10}, Reason.NEGATIVE_DURATION),
        ({"started_at": "now"}, Reason.BAD_TIME),
        ({"started_at": {}}, Reason.BAD_TIME),
        ({"id": None}, Reason.MISSING_FIELD),
        ({"tags": [{"name": {}}]}, Reason.BAD_TYPE),
    ],
)
def test_what_makes_no_sense_rejects_the_call(changes: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(InvalidRecordError) as raised:
        call(row(**changes))
    assert raised.value.reason is reason


@pytest.mark.parametrize("missing", ["direction", "status", "started_at", "answered_at", "ended_at"])
def test_a_field_that_is_gone_is_not_taken_for_empty(missing: str) -> None:
    given = row()
    del given[missing]
    with pytest.raises(KeyError):
        call(given)


TEAMS = [
    {"id": 1, "name": "Support", "users": [{"id": 17}, {"id": 18}]},
    {"id": 2, "name": "Sales", "users": [{"id": 17}]},
    {"id": 3, "name": None, "users": [{"id": 18}]},
    {"id": 4, "name": "Empty", "users": None},
]


def test_users_are_people_in_the_first_of_their_teams() -> None:
    teams = teams_by_user(TEAMS)
    anna = person({"id": 17, "name": "Anna Keller", "email": "a@b.example"}, teams)
    assert anna == Person(
        id="17",
        name="Anna Keller",
        email="a@b.example",
        team="Support",
        active=True,
        attributes={"teams": "Support, Sales"},
    )
    assert person({"id": 18, "name": "Beat"}, teams).attributes == {}
    assert person({"id": 19, "name": "Chiara"}, teams).team is None
