"""Twilio's APIs of calls and of TaskRouter: the requests that the provider sends, and how it reads the answers.

Tests of `documents` run on the project's own shapes and, as extras, on the official files; tests of `official` use the
examples in those files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from exporter.records import Call, Measurement, Person
from exporter.sources.providers.twilio.legs import DIRECTIONS, STATES
from tests.sources.providers.twilio.vendor import ACCOUNT, SECRET, WORKSPACE, Twilio, worker
from tests.sources.source_context import NOW, records_of
from tests.specs.recorded import Exchange, Vendor, converse, full_pass, only
from tests.specs.shape import Wish
from tests.specs.specification import OFFICIAL, ORIGINS

ENTITIES = ("calls", "people", "measurements")
CALLS = "/2010-04-01/Accounts/{AccountSid}/Calls.json"
NUMBERS = "/2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers.json"
BASE = "/v1/Workspaces/{WorkspaceSid}"
WORKERS, QUEUES = f"{BASE}/Workers", f"{BASE}/TaskQueues"
REAL_TIME, CUMULATIVE = (f"{QUEUES}/{{TaskQueueSid}}/{name}Statistics" for name in ("RealTime", "Cumulative"))
KEY = "SK" + "d" * 32

ASKED = {
    f"GET {CALLS}": {"PageSize", "Page", "StartTime<", "StartTime>"},
    f"GET {NUMBERS}": {"PageSize"},
    f"GET {WORKERS}": {"PageSize", "Page"},
    f"GET {QUEUES}": {"PageSize"},
    f"GET {REAL_TIME}": set(),
    f"GET {CUMULATIVE}": {"Minutes"},
}
"""Every operation that we call, with the query parameters that we use."""

PATHS = [operation.removeprefix("GET ") for operation in ASKED]


@pytest.fixture(scope="module", params=ORIGINS)
def documents(request: pytest.FixtureRequest) -> Vendor:
    return Vendor.of_origin("twilio", request.param)


@pytest.fixture(scope="module")
def official() -> Vendor:
    return Vendor.of_origin("twilio", OFFICIAL)


@pytest.fixture(scope="module")
def said() -> list[Exchange]:
    """Every entity, and each option that changes what is asked."""
    other = converse(account(user=KEY).transport(), {"SECRET": SECRET}, **chosen("calls", key_sid=KEY, lookback="1h"))
    plain = [converse(account().transport(), {"SECRET": SECRET}, **chosen(entity)) for entity in ENTITIES]
    return [*other, *(each for exchanges in plain for each in exchanges)]


def chosen(entity: str, **given: Any) -> dict[str, Any]:
    """Options of a source with one entity."""
    plain = {"account_sid": ACCOUNT, "secret": {"env": "SECRET"}, "workspace_sid": WORKSPACE, "history": "3d"}
    return {"provider": "twilio", "entities": [entity], **plain, **given}


def sid(kind: str, number: int) -> str:
    """As long as Twilio writes them."""
    return f"{kind}{number:032x}"


def account(**given: Any) -> Twilio:
    """An account with more than a page of calls, each with a leg, and of workers."""
    vendor = Twilio(page=2, **given)
    for number in range(6):
        begin, leg = NOW - timedelta(hours=12 * number), {"to": "client:ada", "duration": "70", "answered_by": "human"}
        vendor.call(sid("CA", number), begin, 100, queue_time="4500", price="-0.02")
        vendor.call(sid("CA", 10 + number), begin, 80, "completed", sid("CA", number), **leg)
    vendor.workers = [worker(number, full_name="Ada", email="ada@example.com", team="North") for number in range(3)]
    return vendor


def test_every_request_is_allowed(documents: Vendor, said: list[Exchange]) -> None:
    only(documents.refusals(said), {})


def test_every_operation_and_parameter_that_we_use_is_among_the_requests(
    documents: Vendor, said: list[Exchange]
) -> None:
    assert documents.operations(said) == ASKED


def test_the_fake_answers_as_the_files_say(documents: Vendor, said: list[Exchange]) -> None:
    only(documents.lies(said), {})


def examples(official: Vendor, path: str) -> dict[str, Any]:
    """The examples of a path by name."""
    return next(each.examples(path) for each in official.specifications if path in each.document["paths"])


def shown(official: Vendor) -> dict[str, Any]:
    """An example of each path; of calls an empty one."""
    found = {path: examples(official, path) for path in PATHS}
    return {
        path: given.get("readFull") or given.get("fetch") or given["readEmptyDatesLess"]
        for path, given in found.items()
    }


EMPTY: dict[str, Any] = {
    CALLS: {"calls": [], "next_page_uri": None},
    NUMBERS: {"incoming_phone_numbers": [], "next_page_uri": None},
}


def read(documents: Vendor, entity: str, answers: Mapping[str, Any]) -> list[Any]:
    """The records of answers by path. Calls are answered for today's page only; no row may be rejected."""

    def answer(request: httpx.Request) -> Any:
        _, path = documents.place(request)
        today = request.url.params.get("StartTime>") in (None, NOW.strftime("%Y-%m-%dT00:00:00Z"))
        later = "PageToken" in request.url.params
        return answers[path] if path in answers and today and not later else EMPTY[path]

    pages = full_pass(answer, {"SECRET": SECRET}, **chosen(entity))
    assert [error for page in pages for error in page.rejected] == []
    return records_of(pages)


def calls(official: Vendor, page: str, changes: Mapping[str, Mapping[str, Any]]) -> list[Any]:
    """What becomes of a page of the example calls, changed by SID, which is followed by an empty one."""
    found = examples(official, CALLS)[page]
    rows = [{**row, **changes.get(row["sid"], {})} for row in found["calls"]]
    return read(official, "calls", {**shown(official), CALLS: {**found, "calls": rows}})


FIRST, SECOND = "CA" + "a" * 32, "CA" + "a" * 31 + "0"
MACHINE = Call(
    id=FIRST, updated_at=datetime(2019, 10, 18, 17, 1, tzinfo=UTC), direction="outbound", status="voicemail",
    started_at=datetime(2019, 10, 18, 17, 2, tzinfo=UTC), ended_at=datetime(2019, 10, 18, 17, 3, tzinfo=UTC),
    attributes={"queue_seconds": "1", "price": "-0.200", "price_unit": "USD"},
)  # fmt: skip
HUMAN = Call(
    id=SECOND, updated_at=datetime(2019, 10, 18, 16, 1, tzinfo=UTC), direction="inbound", status="answered",
    started_at=datetime(2019, 10, 18, 16, 2, tzinfo=UTC), answered_at=datetime(2019, 10, 18, 16, 2, 57, tzinfo=UTC),
    ended_at=datetime(2019, 10, 18, 16, 3, tzinfo=UTC), wait_seconds=57.0, talk_seconds=3.0,
    attributes={"queue_seconds": "1", "price": "-0.100", "price_unit": "JPY"},
)  # fmt: skip


@pytest.mark.parametrize("page", ["readFullPage1", "readFullPage2"])
def test_the_example_calls_are_legs_of_calls_that_are_not_shown_and_counted_there(official: Vendor, page: str) -> None:
    assert calls(official, page, {}) == []


@pytest.mark.parametrize("page", ["readFullPage1", "readFullPage2"])
def test_the_example_calls_are_taken_as_calls_of_their_own(official: Vendor, page: str) -> None:
    alone = {"parent_call_sid": None}
    assert calls(official, page, {FIRST: alone, SECOND: alone}) == [MACHINE, HUMAN]


def test_an_example_call_is_taken_as_the_leg_of_the_other(official: Vendor) -> None:
    begin = {"start_time": "Fri, 18 Oct 2019 17:01:00 +0000", "end_time": "Fri, 18 Oct 2019 17:03:00 +0000"}
    legs = {SECOND: {"parent_call_sid": None, **begin}, FIRST: {"parent_call_sid": SECOND, "answered_by": "human"}}
    (found,) = calls(official, "readFullPage1", legs)
    assert (found.id, found.status, found.agent, found.talk_seconds) == (SECOND, "answered", "+13051913581", 4.0)


def test_the_example_worker_is_taken(official: Vendor) -> None:
    assert read(official, "people", shown(official)) == [
        Person(id="WK" + "a" * 32, updated_at=datetime(2017, 5, 30, 23, 5, 29, tzinfo=UTC), name="testWorker",
               active=True, attributes={"worker": "testWorker"})
    ]  # fmt: skip


def test_the_example_statistics_are_taken(official: Vendor) -> None:
    found: list[Measurement] = read(official, "measurements", shown(official))
    period = ("tasks_entered", "tasks_completed", "tasks_canceled", "tasks_moved", "avg_task_acceptance_time",
              "reservations_created", "reservations_accepted", "reservations_rejected", "reservations_timed_out",
              "reservations_canceled")  # fmt: skip
    now = ("total_tasks", "longest_task_waiting_age", "longest_relative_task_age_in_queue", "total_available_workers",
           "total_eligible_workers")  # fmt: skip
    assert {each.name: each.value for each in found} == {
        **dict.fromkeys([*now, *(f"{name}_15m" for name in period)], 100.0),
        **dict.fromkeys(["tasks_waiting", "wait_until_accepted_avg_15m", "wait_until_accepted_max_15m"], 0.0),
    }
    assert {each.attributes["queue"] for each in found} == {"81f96435-3a05-11e5-9f81-98e0d9a1eb73"}


HELD = {
    "parent_call_sid": None, "next_page_uri": None, "next_page_url": None, "direction": "inbound",
    "status": "completed", "duration": "0", "queue_time": "1000", "attributes": '{"full_name": "Ada"}',
}  # fmt: skip
"""What fields hold of which a schema says only that they are texts."""

AT = datetime(2026, 1, 15, 10, tzinfo=UTC)


def made(documents: Vendor, wish: Wish) -> dict[str, Any]:
    """Answers that are made from the schemas, by path."""
    found = {}
    for path in PATHS:
        file = next(each for each in documents.specifications if path in each.document["paths"])
        found[path] = file.shape.value(file.schema(path).read_value(), wish)
        only(file.invalid(path, found[path]), {})
    return found


@pytest.mark.parametrize(("kind", "known"), [("status", STATES), ("direction", DIRECTIONS)])
def test_every_state_and_direction_that_the_documents_name_is_known(
    documents: Vendor, kind: str, known: Mapping[str, str]
) -> None:
    named = named_values(documents, kind)
    assert named == known.keys()
    answers = made(documents, Wish(HELD))
    (row,) = answers[CALLS]["calls"]
    for value in named:
        page = {**answers[CALLS], "calls": [{**row, kind: value}]}
        (call,) = read(documents, "calls", {**answers, CALLS: page})
        assert (getattr(call, kind) or "") == known[value]


def named_values(documents: Vendor, kind: str) -> set[str]:
    """The values of a field; the official file names directions only in the text that describes the field."""
    schemas = documents.specifications[0].document["components"]["schemas"]
    if kind == "status":
        return set(schemas["call_enum_status"]["enum"])
    if not documents.official:
        return set(schemas["directions"]["enum"])
    description = schemas["api.v2010.account.call"]["properties"]["direction"]["description"]
    return set(re.findall(r"`((?:in|out)bound[a-z-]*|trunking-[a-z]+)`", description))


def test_answers_with_all_their_fields_are_taken(documents: Vendor) -> None:
    answers = made(documents, Wish(HELD))
    (call,) = read(documents, "calls", answers)
    assert call == Call(
        id=FIRST, updated_at=AT, direction="inbound", status="answered", queue="text", started_at=AT, ended_at=AT,
        answered_at=AT, talk_seconds=0.0, wait_seconds=0.0,
        attributes={"queue_seconds": "1", "price": "text", "price_unit": "USD"},
    )  # fmt: skip
    (person,) = read(documents, "people", answers)
    assert (person.name, person.updated_at, person.attributes) == ("Ada", AT, {"worker": "text"})
    found = read(documents, "measurements", answers)
    assert {each.value for each in found} == {3.0}
    assert {each.attributes["queue"] for each in found} == {"text"}


def test_answers_with_as_many_nulls_as_may_be_are_taken_for_what_is_left(documents: Vendor) -> None:
    answers = made(documents, Wish({}, nulls=True, kept=["sid"]))
    assert read(documents, "calls", answers) == [Call(id=FIRST)]
    assert read(documents, "people", answers) == [Person(id="WK" + "a" * 32, active=True)]
    found = read(documents, "measurements", answers)
    assert {each.attributes["queue"] for each in found} == {"WQ" + "a" * 32}
    assert {each.value for each in found} == {3.0}
    # how many wait, and how long, stand in objects that may be null
    assert not {each.name for each in found} & {"tasks_waiting", "wait_until_accepted_avg_15m"}
