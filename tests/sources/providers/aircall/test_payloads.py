"""How calls and people are read from Aircall's rows."""

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
    defaults = {
        "id": 812, "direction": "inbound", "status": "done", "missed_call_reason": None, "started_at": START,
        "answered_at": START + 25, "ended_at": START + 205, "duration": 205, "raw_digits": "+41 44 000 00 00",
        "user": {"id": 17, "name": "Anna Keller"}, "number": {"id": 3, "name": "Support line"}, "voicemail": None,
        "teams": [{"id": 1, "name": "Support"}], "tags": [{"id": 2, "name": "Refund"}, {"id": 3, "name": "Billing"}],
        "archived": True, "cost": "0.000",
    }  # fmt: skip
    return {**defaults, **changes}


def test_waiting_and_talking_are_calculated_without_the_vendors_duration() -> None:
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
    changed = row(
        status=phase, answered_at=START + 5 if answered else None, missed_call_reason=reason, voicemail=voicemail
    )
    assert call(changed).status == status


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
def test_an_unanswered_call_waits_until_it_ends_except_outside_opening_hours(
    phase: str, reason: str | None, waited: float | None
) -> None:
    ended_at = START + 8 if phase == "done" else None
    record = call(row(status=phase, answered_at=None, ended_at=ended_at, user=None, missed_call_reason=reason))
    assert (record.wait_seconds, record.talk_seconds, record.agent) == (waited, None, None)
    assert record.attributes.get("missed_call_reason") == reason


def test_a_call_in_progress_has_no_end() -> None:
    record = call(row(status="answered", ended_at=None))
    assert (record.wait_seconds, record.talk_seconds, record.ended_at) == (25.0, None, None)


def test_telephone_numbers_and_links_to_recordings_are_not_stored() -> None:
    record = call(
        row(raw_digits="+41 44 123 45 67", recording="https://recording.example/secret", asset="https://a.example")
    )
    assert "123 45 67" not in repr(record)
    assert "example" not in repr(record)


@pytest.mark.parametrize("empty", [None, [], [{"id": 1, "name": None}]])
def test_calls_may_have_no_tags_teams_or_line(empty: Any) -> None:
    record = call(row(tags=empty, teams=empty, number=None))
    assert (record.attributes, record.queue) == ({}, None)


@pytest.mark.parametrize("unset", [None, 0])
def test_an_unset_time_is_none(unset: int | None) -> None:
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
def test_an_invalid_value_rejects_the_call(changes: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(InvalidRecordError) as raised:
        call(row(**changes))
    assert raised.value.reason is reason


@pytest.mark.parametrize("missing", ["direction", "status", "started_at", "answered_at", "ended_at"])
def test_a_missing_field_rejects_the_call(missing: str) -> None:
    changed = row()
    del changed[missing]
    with pytest.raises(KeyError):
        call(changed)


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
