"""TaskRouter: workers, and queues as they are."""

from __future__ import annotations

import httpx
import pytest

from exporter.errors import Reason, SourceRejectedError
from exporter.passes import Pass
from exporter.sources.registry import create
from tests.sources.providers.twilio.passes import read
from tests.sources.providers.twilio.vendor import ACCOUNT, QUEUE, SECRET, WORKSPACE, Twilio, worker
from tests.sources.source_context import NOW, FakeClock, by_id, options, records_of, run, source_context


def test_exhausted_statistics_are_waited_for() -> None:
    """Pitfall: several limits at once; TaskRouter counts its statistics apart, and does not say until when."""
    vendor = Twilio()
    used = {"x-rate-limit-remaining": "0", "x-rate-limit-limit": "10"}
    body = {"total_tasks": 1}
    vendor.before = lambda r: httpx.Response(200, json=body, headers=used) if "Statistics" in r.url.path else None
    clock = FakeClock()
    chosen = options(
        provider="twilio", account_sid=ACCOUNT, secret={"env": "SECRET"}, workspace_sid=WORKSPACE,
        entities=["measurements"],
    )  # fmt: skip
    found = create(chosen, source_context(vendor.transport(), clock=clock, SECRET=SECRET))

    async def twice() -> None:
        for _ in range(2):
            assert [page async for page in found.read(Pass("measurements", NOW))]

    run(twice())
    assert sum(clock.slept) == 3.0


def test_workers_are_people_with_the_name_in_their_attributes() -> None:
    vendor = Twilio(page=2)
    vendor.workers = [worker(1, full_name="Ada", email="ada@example.com", team="North"), worker(2), worker(3)]
    vendor.workers[2]["attributes"] = "no json"
    found = list(by_id(read(vendor, "people")).values())
    assert [(p.name, p.email, p.team) for p in found] == [
        ("Ada", "ada@example.com", "North"), ("worker2", None, None), ("worker3", None, None),
    ]  # fmt: skip
    assert [p.id for p in found] == [row["sid"] for row in vendor.workers]


def test_the_id_of_a_worker_is_the_address_that_calls_name() -> None:
    vendor = Twilio()
    vendor.workers = [worker(1, contact_uri="client:ada"), worker(2, contact_uri="sip:bo@office.example")]
    assert list(by_id(read(vendor, "people"))) == ["ada", "bo"]


def test_an_empty_name_is_absent() -> None:
    """Pitfall: the names of workers and queues may be null, which is no word."""
    vendor = Twilio()
    vendor.workers = [{**worker(1), "friendly_name": None}]
    (person,) = records_of(read(vendor, "people"))
    assert (person.name, person.attributes) == (None, {})
    nameless = {"task_queues": [{"sid": QUEUE, "friendly_name": None}], "meta": {"next_page_url": None}}
    vendor.before = lambda r: httpx.Response(200, json=nameless) if r.url.path.endswith("/TaskQueues") else None
    assert {m.attributes["queue"] for m in records_of(read(vendor, "measurements"))} == {QUEUE}


def test_queues_are_measured_now_and_over_the_last_15_minutes() -> None:
    found = {m.name: m for m in records_of(read(Twilio(), "measurements"))}
    assert (found["tasks_waiting"].value, found["tasks_entered_15m"].value) == (4.0, 20.0)
    assert found["wait_until_accepted_max_15m"].value == 200.0
    assert {m.attributes["queue"] for m in found.values()} == {"Support"}
    assert {m.at for m in found.values()} == {NOW}


def test_statistics_that_are_not_an_object_are_a_schema_error() -> None:
    vendor = Twilio(before=lambda r: httpx.Response(200, json=[]) if "Statistics" in r.url.path else None)
    with pytest.raises(SourceRejectedError) as raised:
        read(vendor, "measurements")
    assert raised.value.reason is Reason.SCHEMA


def test_entities_of_taskrouter_need_a_workspace() -> None:
    with pytest.raises(ValueError, match="give workspace_sid"):
        options(provider="twilio", account_sid=ACCOUNT, secret={"env": "S"}, entities=["people"])
