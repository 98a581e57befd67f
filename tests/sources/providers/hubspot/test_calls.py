"""How logged calls are read from HubSpot's rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from exporter.errors import InvalidRecordError, Reason
from exporter.records import Call
from exporter.sources.providers.hubspot.payloads import call
from tests.sources.providers.hubspot.rows import reader, row

BUSY = "9d9162e7-6cf3-4944-bf63-4dff82258764"
CONNECTED = "f240bbac-87c9-4f6e-bf70-924b57d47db7"
LIVE_MESSAGE = "a4c4c377-d246-4b32-a13b-75a56a4cd0ff"
VOICEMAIL = "b2cf5968-551e-4856-9783-52b3da59a7d0"
NO_ANSWER = "73a0d17f-1163-4015-bdd5-ec830791da20"
WRONG_NUMBER = "17b47fee-58de-441e-a44c-c6300d46f273"


def read(**properties: Any) -> Call:
    defaults = {"hs_call_status": "COMPLETED", "hs_call_direction": "OUTBOUND", "hs_timestamp": "2026-03-02T08:00:00Z"}
    return call(row(**{**defaults, **properties}), reader())


def test_the_duration_is_milliseconds_in_a_text() -> None:
    record = read(hs_call_duration="95500", hubspot_owner_id="70110001")
    assert (record.talk_seconds, record.wait_seconds, record.answered_at) == (95.5, None, None)
    assert record.ended_at == datetime(2026, 3, 2, 8, 1, 35, 500000, tzinfo=UTC)
    assert (record.agent, record.direction) == ("70110001", "outbound")


def test_a_call_without_a_duration_has_no_end() -> None:
    assert (read().ended_at, read(hs_call_duration="").talk_seconds) == (None, None)


def test_an_unanswered_call_has_no_talk_time() -> None:
    assert read(hs_call_status="NO_ANSWER", hs_call_duration="12000").talk_seconds is None


@pytest.mark.parametrize(
    ("state", "outcome", "status"),
    [
        ("COMPLETED", None, "answered"),
        ("NO_ANSWER", None, "missed"),
        ("MISSED", None, "missed"),
        ("BUSY", None, "busy"),
        ("FAILED", None, "failed"),
        ("CANCELED", None, "abandoned"),
        ("RINGING", None, None),
        ("QUEUED", None, None),
        ("IN_PROGRESS", None, None),
        ("CONNECTING", None, None),
        ("CALLING_CRM_USER", None, None),
        ("COMPLETED", CONNECTED, "answered"),
        ("COMPLETED", LIVE_MESSAGE, "answered"),
        ("COMPLETED", WRONG_NUMBER, "answered"),
        ("COMPLETED", NO_ANSWER, "missed"),
        ("COMPLETED", BUSY, "busy"),
        ("COMPLETED", VOICEMAIL, "voicemail"),
        ("COMPLETED", "an-outcome-of-our-own", "answered"),
        (None, NO_ANSWER, "missed"),
        (None, None, None),
        ("FAILED", CONNECTED, "failed"),
    ],
)
def test_the_status_of_a_call(state: str | None, outcome: str | None, status: str | None) -> None:
    assert read(hs_call_status=state, hs_call_disposition=outcome).status == status


def test_the_outcome_becomes_an_attribute_by_its_label() -> None:
    assert read(hs_call_disposition=VOICEMAIL).attributes == {"outcome": "Left voicemail"}


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"hs_call_status": "TELEPATHY"}, Reason.UNKNOWN_VALUE),
        ({"hs_call_direction": "SIDEWAYS"}, Reason.UNKNOWN_VALUE),
        ({"hs_call_duration": "-1"}, Reason.NEGATIVE_DURATION),
        ({"hs_call_duration": "long"}, Reason.NOT_A_NUMBER),
        ({"hs_timestamp": "yesterday"}, Reason.BAD_TIME),
    ],
)
def test_an_invalid_value_rejects_the_call(properties: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(InvalidRecordError) as raised:
        read(**properties)
    assert raised.value.reason is reason
