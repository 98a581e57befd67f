"""Passes over a Twilio whose calls have legs, change after the fact and can only be asked for by day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from exporter.errors import InvalidRecordError, RateLimitedError, Reason, SourceRejectedError
from exporter.sources.base import Listing, Page, Pass
from exporter.sources.registry import create
from exporter.sources.twilio.legs import instant
from tests.sources.around import NOW, Clock, options, records_of, run, surroundings
from tests.sources.twilio.vendor import ACCOUNT, QUEUE, SECRET, WORKSPACE, Twilio, worker

TODAY = NOW.replace(hour=7)


def source(vendor: Twilio, entity: str = "calls", **given: Any) -> Any:
    """The provider in front of the fake."""
    plain = {"account_sid": ACCOUNT, "secret": {"env": "SECRET"}, "workspace_sid": WORKSPACE, "history": "5d"}
    plain["max_per_second"] = 1000  # the pace is real time, and no test here is about it
    chosen = options(provider="twilio", entities=[entity], **{**plain, **given})
    return create(chosen, surroundings(vendor.transport(), clock=Clock(), SECRET=SECRET))


def read(
    vendor: Twilio, entity: str = "calls", cursor: str | None = None, resume: str | None = None, **given: Any
) -> list[Page]:
    """All pages of one pass."""

    async def gather() -> list[Page]:
        return [page async for page in source(vendor, entity, **given).read(Pass(entity, NOW, cursor, resume))]

    return run(gather())


def by_id(pages: list[Page]) -> dict[str, Any]:
    """The last record of each id."""
    return {record.id: record for record in records_of(pages)}


def test_legs_are_joined_to_the_call_they_were_dialled_for() -> None:
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
def test_each_status_of_a_call_without_legs_is_ours(status: str, ours: str | None) -> None:
    vendor = Twilio()
    vendor.call("CA1", TODAY, status=status)
    assert by_id(read(vendor))["CA1"].status == ours


@pytest.mark.parametrize(
    ("legs", "ours"),
    [(["no-answer"], "missed"), (["busy"], "busy"), (["failed", "no-answer"], "missed"), (["canceled"], "abandoned"),
     (["in-progress"], None), (["no-answer", "completed"], "answered")],
)  # fmt: skip
def test_each_outcome_of_the_legs_is_ours(legs: list[str], ours: str | None) -> None:
    vendor = Twilio()
    vendor.call("CA1", TODAY)
    for number, status in enumerate(legs):
        vendor.call(f"CB{number}", TODAY + timedelta(seconds=number), 30, status, "CA1", to="sip:ada@office.example")
    call = by_id(read(vendor))["CA1"]
    assert call.status == ours
    assert call.agent == ("ada" if ours == "answered" else None)


def test_a_leg_that_was_completed_without_a_second_of_talk_was_missed_and_a_machine_is_voicemail() -> None:
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
def test_each_direction_is_ours(direction: str, ours: str) -> None:
    vendor = Twilio()
    vendor.call("CA1", TODAY, direction=direction)
    assert by_id(read(vendor))["CA1"].direction == ours


def test_nobody_of_ours_answered_what_a_machine_took() -> None:
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
def test_who_waited_in_vain_waited_until_the_end_and_for_nobody_not_at_all(
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
def test_whoever_of_us_dialled_made_the_call_and_it_is_never_the_customer(
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


def test_the_queue_is_the_name_of_our_number_that_was_called_or_shown() -> None:
    vendor = Twilio(numbers={"+41440000001": "Support line", "+41440000002": ""})
    vendor.call("CA1", TODAY, to="+41440000001")
    vendor.call("CA2", TODAY, to="+41449999999", **{"from": "client:ada"})
    vendor.call("CB2", TODAY, 30, "completed", "CA2", to="+41449999999", **{"from": "+41440000001"})
    vendor.call("CA3", TODAY, to="+41440000002")
    found = by_id(read(vendor))
    assert [found[key].queue for key in ("CA1", "CA2", "CA3")] == ["Support line", "Support line", None]


def test_a_leg_after_midnight_belongs_to_the_call_of_the_day_before() -> None:
    vendor = Twilio()
    late = NOW.replace(hour=23, minute=59, second=50) - timedelta(days=1)
    vendor.call("CA1", late, 100)
    vendor.call("CB1", late + timedelta(seconds=15), 60, "completed", "CA1", to="client:ada")
    found = by_id(read(vendor))
    assert (list(found), found["CA1"].talk_seconds) == (["CA1"], 60.0)


def test_a_full_pass_reads_day_by_day_and_lists_what_it_covered() -> None:
    """Pitfall: the filter goes by whole UTC days, whatever the time."""
    vendor = Twilio(page=3)
    for number in range(40):
        vendor.call(f"CA{number:02}", NOW - timedelta(hours=3 * number))
    pages = read(vendor)
    assert sorted(by_id(pages)) == [f"CA{number:02}" for number in range(40)]
    assert pages[-1].listing == Listing("started_at", datetime(2026, 2, 25, tzinfo=UTC))
    assert pages[-1].cursor == NOW.isoformat()
    assert all(page.resume and page.listing is None for page in pages[:-1])


def test_more_calls_in_a_second_than_a_page_holds_are_all_read() -> None:
    """Pitfall: a block of one time that is larger than a page."""
    vendor = Twilio(page=3)
    for number in range(20):
        vendor.call(f"CA{number:02}", TODAY)
    assert len(by_id(read(vendor))) == 20


def test_statistics_that_are_used_up_are_waited_for() -> None:
    """Pitfall: several limits at once; TaskRouter counts its statistics apart, and does not say until when."""
    vendor = Twilio()
    used = {"x-rate-limit-remaining": "0", "x-rate-limit-limit": "10"}
    body = {"total_tasks": 1}
    vendor.before = lambda r: httpx.Response(200, json=body, headers=used) if "Statistics" in r.url.path else None
    clock = Clock()
    chosen = options(
        provider="twilio", account_sid=ACCOUNT, secret={"env": "SECRET"}, workspace_sid=WORKSPACE,
        entities=["measurements"],
    )  # fmt: skip
    found = create(chosen, surroundings(vendor.transport(), clock=clock, SECRET=SECRET))

    async def twice() -> None:
        for _ in range(2):
            assert [page async for page in found.read(Pass("measurements", NOW))]

    run(twice())
    assert sum(clock.slept) == 3.0


def test_a_call_that_is_still_dialled_has_neither_times_nor_durations() -> None:
    vendor = Twilio()
    vendor.call("CA1", TODAY, status="ringing")
    vendor.calls["CA1"] |= dict.fromkeys(("end_time", "duration", "queue_time", "price", "answered_by", "to"))
    call = by_id(read(vendor))["CA1"]
    assert (call.status, call.ended_at, call.answered_at, call.talk_seconds, call.wait_seconds) == (None,) * 5


def test_an_interrupted_pass_goes_on_with_the_next_day() -> None:
    vendor = Twilio()
    for number in range(40):
        vendor.call(f"CA{number:02}", NOW - timedelta(hours=3 * number))
    whole = read(vendor)
    rest = read(vendor, resume=whole[1].resume)
    assert sorted(by_id([*whole[:2], *rest])) == [f"CA{number:02}" for number in range(40)]


def test_calls_are_read_again_for_two_days_because_no_filter_tells_of_changes() -> None:
    """Pitfall: an update that the filter cannot express; the price comes later."""
    vendor = Twilio()
    vendor.call("CA1", NOW - timedelta(days=1), status="in-progress")
    vendor.call("CA2", NOW - timedelta(days=4))
    cursor = read(vendor)[-1].cursor
    vendor.call("CA1", NOW - timedelta(days=1), price="-0.01")
    pages = read(vendor, cursor=cursor)
    assert {key: call.status for key, call in by_id(pages).items()} == {"CA1": "answered"}
    assert pages[-1].listing is None
    assert by_id(read(vendor, cursor=cursor, lookback="5d")).keys() == {"CA1", "CA2"}


def test_workers_are_people_named_by_their_attributes() -> None:
    vendor = Twilio(page=2)
    vendor.workers = [worker(1, full_name="Ada", email="ada@example.com", team="North"), worker(2), worker(3)]
    vendor.workers[2]["attributes"] = "no json"
    found = list(by_id(read(vendor, "people")).values())
    assert [(p.name, p.email, p.team) for p in found] == [
        ("Ada", "ada@example.com", "North"), ("worker2", None, None), ("worker3", None, None),
    ]  # fmt: skip
    assert [p.id for p in found] == [row["sid"] for row in vendor.workers]


def test_a_worker_is_found_by_the_address_that_calls_name() -> None:
    vendor = Twilio()
    vendor.workers = [worker(1, contact_uri="client:ada"), worker(2, contact_uri="sip:bo@office.example")]
    assert list(by_id(read(vendor, "people"))) == ["ada", "bo"]


def test_an_empty_name_is_no_name() -> None:
    """Pitfall: the names of workers and queues may be null, which is no word."""
    vendor = Twilio()
    vendor.workers = [{**worker(1), "friendly_name": None}]
    (person,) = records_of(read(vendor, "people"))
    assert (person.name, person.attributes) == (None, {})
    nameless = {"task_queues": [{"sid": QUEUE, "friendly_name": None}], "meta": {"next_page_url": None}}
    vendor.before = lambda r: httpx.Response(200, json=nameless) if r.url.path.endswith("/TaskQueues") else None
    assert {m.attributes["queue"] for m in records_of(read(vendor, "measurements"))} == {QUEUE}


def test_queues_are_measured_as_they_are_now_and_over_the_last_quarter_of_an_hour() -> None:
    found = {m.name: m for m in records_of(read(Twilio(), "measurements"))}
    assert (found["tasks_waiting"].value, found["tasks_entered_15m"].value) == (4.0, 20.0)
    assert found["wait_until_accepted_max_15m"].value == 200.0
    assert {m.attributes["queue"] for m in found.values()} == {"Support"}
    assert {m.at for m in found.values()} == {NOW}


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (httpx.Response(429, json={"code": 20429}), RateLimitedError, Reason.RATE_LIMITED),
        (httpx.Response(404, json={"code": 20404}), SourceRejectedError, Reason.NOT_FOUND),
        (httpx.Response(404, content=b"<html>"), SourceRejectedError, Reason.NOT_FOUND),
        (httpx.Response(404, json=[]), SourceRejectedError, Reason.NOT_FOUND),
        (httpx.Response(200, json={"calls": {}}), SourceRejectedError, Reason.SCHEMA),
        (httpx.Response(200, json={"calls": [{}], "next_page_uri": None}), SourceRejectedError, Reason.SCHEMA),
    ],
)
def test_refusals_are_named(answer: httpx.Response, error: type, reason: Reason) -> None:
    with pytest.raises(error) as raised:
        read(Twilio(before=lambda _: answer))
    assert raised.value.reason is reason
    assert SECRET not in str(raised.value)


def test_statistics_that_are_no_object_are_a_schema_error() -> None:
    vendor = Twilio(before=lambda r: httpx.Response(200, json=[]) if "Statistics" in r.url.path else None)
    with pytest.raises(SourceRejectedError) as raised:
        read(vendor, "measurements")
    assert raised.value.reason is Reason.SCHEMA


def test_check_says_what_the_key_lacks() -> None:
    for entity in ("calls", "people", "measurements"):
        (fine,) = run(source(Twilio(), entity).check())
        assert fine.allowed
    refused = Twilio(before=lambda _: httpx.Response(403, json={}))
    (lacking,) = run(source(refused, "people").check())
    assert (lacking.allowed, "TaskRouter" in lacking.missing) == (False, True)
    (lacking,) = run(source(refused).check())
    assert "Voice" in lacking.missing
    elsewhere = Twilio(before=lambda _: httpx.Response(404, json={"code": 20404}))
    (lacking,) = run(source(elsewhere).check())
    assert "no such account, workspace or queue" in lacking.missing
    with pytest.raises(SourceRejectedError):
        run(source(Twilio(before=lambda _: httpx.Response(401, json={}))).check())


def test_times_are_those_of_mails_and_anything_else_is_rejected() -> None:
    assert instant("Fri, 18 Oct 2019 17:00:00 +0000", "started_at") == datetime(2019, 10, 18, 17, tzinfo=UTC)
    assert instant(None, "started_at") is None
    with pytest.raises(InvalidRecordError):
        instant("2019-10-18T17:00:00Z", "started_at")


def test_taskrouters_entities_ask_for_a_workspace() -> None:
    with pytest.raises(ValueError, match="give workspace_sid"):
        options(provider="twilio", account_sid=ACCOUNT, secret={"env": "S"}, entities=["people"])
