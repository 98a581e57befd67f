"""Calls put together from their legs: how they ended, whose they were, and who waited."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from exporter.errors import InvalidRecordError
from exporter.sources.providers.twilio.legs import instant
from tests.sources.providers.twilio.passes import TODAY, read
from tests.sources.providers.twilio.vendor import Twilio
from tests.sources.source_context import by_id


def test_legs_are_joined_to_their_call() -> None:
    """Pitfalls: counting rows counts legs; a duration that includes ringing is no talk time."""
    vendor = Twilio()
    vendor.call("CA1", TODAY, 100, queue_time="4500", price="-0.02")
    vendor.call("CA2", TODAY + timedelta(seconds=5), 10, "no-answer", "CA1", to="client:bo")
    vendor.call("CA3", TODAY + timedelta(seconds=20), 80, "completed", "CA1", to="client:ada", duration="70")
    found = by_id(read(vendor))
    assert list(found) == ["CA1"]
    call = found["CA1"]
    assert (call.status, call.direction, call.agent) == ("answered", "inbound", "ada")
    assert call.answered_at == TODAY + timedelta(seconds=30)
    assert (call.wait_seconds, call.talk_seconds) == (30.0, 70.0)
    assert call.attributes == {"queue_seconds": "4.5", "price": "-0.02", "price_unit": "USD"}


@pytest.mark.parametrize(
    ("status", "ours"),
    [("completed", "answered"), ("busy", "busy"), ("failed", "failed"), ("no-answer", "missed"),
     ("canceled", "abandoned"), ("queued", None), ("ringing", None), ("in-progress", None)],
)  # fmt: skip
def test_each_status_of_a_call_without_legs_is_mapped(status: str, ours: str | None) -> None:
    vendor = Twilio()
    vendor.call("CA1", TODAY, status=status)
    assert by_id(read(vendor))["CA1"].status == ours


@pytest.mark.parametrize(
    ("legs", "ours"),
    [(["no-answer"], "missed"), (["busy"], "busy"), (["failed", "no-answer"], "missed"), (["canceled"], "abandoned"),
     (["in-progress"], None), (["no-answer", "completed"], "answered")],
)  # fmt: skip
def test_each_outcome_of_the_legs_is_mapped(legs: list[str], ours: str | None) -> None:
    vendor = Twilio()
    vendor.call("CA1", TODAY)
    for number, status in enumerate(legs):
        vendor.call(f"CB{number}", TODAY + timedelta(seconds=number), 30, status, "CA1", to="sip:ada@office.example")
    call = by_id(read(vendor))["CA1"]
    assert call.status == ours
    assert call.agent == ("ada" if ours == "answered" else None)


def test_a_completed_leg_without_talk_is_missed_and_a_machine_is_voicemail() -> None:
    vendor = Twilio()
    vendor.call("CA1", TODAY)
    vendor.call("CB1", TODAY, 0, "completed", "CA1")
    vendor.call("CA2", TODAY)
    vendor.call("CB2", TODAY, 9, "completed", "CA2", answered_by="machine_start")
    found = by_id(read(vendor))
    assert (found["CA1"].status, found["CA2"].status) == ("missed", "voicemail")


@pytest.mark.parametrize(
    ("direction", "ours"),
    [("inbound", "inbound"), ("outbound-api", "outbound"), ("outbound-dial", "outbound"),
     ("trunking-originating", "inbound"), ("trunking-terminating", "outbound")],
)  # fmt: skip
def test_each_direction_is_mapped(direction: str, ours: str) -> None:
    vendor = Twilio()
    vendor.call("CA1", TODAY, direction=direction)
    assert by_id(read(vendor))["CA1"].direction == ours


def test_a_call_that_a_machine_answered_has_no_agent() -> None:
    vendor = Twilio()
    vendor.call("CA1", TODAY)
    vendor.call("CB1", TODAY, 9, "completed", "CA1", answered_by="machine_end_beep", to="client:ada")
    call = by_id(read(vendor))["CA1"]
    assert (call.status, call.agent, call.answered_at, call.talk_seconds) == ("voicemail", None, None, None)


@pytest.mark.parametrize(
    ("legs", "waited"),
    [
        ([], None),
        ([(5, "no-answer", None)], 60.0),
        ([(5, "canceled", None)], 60.0),
        ([(5, "no-answer", None), (30, "completed", "machine_start")], 30.0),
        ([(5, "completed", "machine_start")], None),
    ],
)
def test_an_unanswered_caller_waited_until_the_end_unless_nobody_was_rung(
    legs: list[tuple[int, str, str | None]], waited: float | None
) -> None:
    """Where nobody was rung, as at night, the number was closed."""
    vendor = Twilio()
    vendor.call("CA1", TODAY, 60, "completed" if legs else "no-answer")
    for number, (begin, status, by) in enumerate(legs):
        start = TODAY + timedelta(seconds=begin)
        vendor.call(f"CB{number}", start, 60 - begin, status, "CA1", to="client:ada", answered_by=by)
    assert by_id(read(vendor))["CA1"].wait_seconds == waited


@pytest.mark.parametrize(
    ("root", "leg", "ours"),
    [
        ({"direction": "inbound", "from": "client:ada"}, {"to": "+41449999999"}, "ada"),
        ({"direction": "inbound", "from": "sip:ada@office.example"}, {"to": "+41449999999"}, "ada"),
        ({"direction": "outbound-api", "to": "client:ada"}, {"to": "+41449999999"}, "ada"),
        ({"direction": "outbound-api", "to": "+41449999999"}, {"to": "client:ada"}, "ada"),
        ({"direction": "outbound-api", "to": "+41449999999"}, {"to": "+41448888888"}, None),
    ],
)
@pytest.mark.parametrize("status", ["completed", "no-answer"])
def test_the_agent_of_an_outbound_call_dialed_it_and_is_never_the_customer(
    root: dict[str, str], leg: dict[str, str], ours: str | None, status: str
) -> None:
    """A call from a browser or a desk phone comes in to Twilio before it goes out."""
    vendor = Twilio()
    vendor.call("CA1", TODAY, **root)
    vendor.call("CB1", TODAY, 30, status, "CA1", **leg)
    call = by_id(read(vendor))["CA1"]
    expected = None if status == "no-answer" and leg["to"].startswith("client:") else ours
    assert (call.direction, call.agent) == ("outbound", expected)


def test_a_carriers_sip_address_is_a_customer() -> None:
    vendor = Twilio()
    vendor.call("CA1", TODAY, **{"from": "sip:+41449999999@carrier.example"})
    assert by_id(read(vendor))["CA1"].direction == "inbound"


def test_the_queue_is_the_name_of_the_own_number_that_was_called_or_shown() -> None:
    vendor = Twilio(numbers={"+41440000001": "Support line", "+41440000002": ""})
    vendor.call("CA1", TODAY, to="+41440000001")
    vendor.call("CA2", TODAY, to="+41449999999", **{"from": "client:ada"})
    vendor.call("CB2", TODAY, 30, "completed", "CA2", to="+41449999999", **{"from": "+41440000001"})
    vendor.call("CA3", TODAY, to="+41440000002")
    found = by_id(read(vendor))
    assert [found[key].queue for key in ("CA1", "CA2", "CA3")] == ["Support line", "Support line", None]


def test_a_call_in_progress_has_neither_times_nor_durations() -> None:
    vendor = Twilio()
    vendor.call("CA1", TODAY, status="ringing")
    vendor.calls["CA1"] |= dict.fromkeys(("end_time", "duration", "queue_time", "price", "answered_by", "to"))
    call = by_id(read(vendor))["CA1"]
    assert (call.status, call.ended_at, call.answered_at, call.talk_seconds, call.wait_seconds) == (None,) * 5


def test_times_have_the_format_of_emails_and_others_are_rejected() -> None:
    assert instant("Fri, 18 Oct 2019 17:00:00 +0000", "started_at") == datetime(2019, 10, 18, 17, tzinfo=UTC)
    assert instant(None, "started_at") is None
    with pytest.raises(InvalidRecordError):
        instant("2019-10-18T17:00:00Z", "started_at")
