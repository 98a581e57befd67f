"""Twilio's APIs of calls and of TaskRouter: the requests that the provider sends, and how it reads the responses.

Tests of `documents` run on the project's own shapes and, as extras, on the official files; tests of
`official_documents` use the examples in those files.
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
from tests.specs.exchanges import ApiDocuments, Exchange, assert_only, full_pass, record_exchanges
from tests.specs.schemas import SampleOptions
from tests.specs.specification import OFFICIAL, ORIGINS

ENTITIES = ("calls", "people", "measurements")
CALLS = "/2010-04-01/Accounts/{AccountSid}/Calls.json"
NUMBERS = "/2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers.json"
BASE = "/v1/Workspaces/{WorkspaceSid}"
WORKERS, QUEUES = f"{BASE}/Workers", f"{BASE}/TaskQueues"
REAL_TIME, CUMULATIVE = (f"{QUEUES}/{{TaskQueueSid}}/{name}Statistics" for name in ("RealTime", "Cumulative"))
KEY = "SK" + "d" * 32

OPERATIONS = {
    f"GET {CALLS}": {"PageSize", "Page", "StartTime<", "StartTime>"},
    f"GET {NUMBERS}": {"PageSize"},
    f"GET {WORKERS}": {"PageSize", "Page"},
    f"GET {QUEUES}": {"PageSize"},
    f"GET {REAL_TIME}": set(),
    f"GET {CUMULATIVE}": {"Minutes"},
}
"""Every operation that the provider requests, with the query parameters that it uses."""

PATHS = [operation.removeprefix("GET ") for operation in OPERATIONS]


@pytest.fixture(scope="module", params=ORIGINS)
def documents(request: pytest.FixtureRequest) -> ApiDocuments:
    return ApiDocuments.from_origin("twilio", request.param)


@pytest.fixture(scope="module")
def official_documents() -> ApiDocuments:
    return ApiDocuments.from_origin("twilio", OFFICIAL)


@pytest.fixture(scope="module")
def exchanges() -> list[Exchange]:
    """The exchanges of every entity, and of each option that changes the requests."""
    with_options = record_exchanges(
        account(user=KEY).transport(), {"SECRET": SECRET}, **source_settings("calls", key_sid=KEY, lookback="1h")
    )
    by_entity = [
        record_exchanges(account().transport(), {"SECRET": SECRET}, **source_settings(entity)) for entity in ENTITIES
    ]
    return [*with_options, *(each for exchanges in by_entity for each in exchanges)]


def source_settings(entity: str, **settings: Any) -> dict[str, Any]:
    """The config of a source with one entity."""
    defaults = {"account_sid": ACCOUNT, "secret": {"env": "SECRET"}, "workspace_sid": WORKSPACE, "history": "3d"}
    return {"provider": "twilio", "entities": [entity], **defaults, **settings}


def sid(kind: str, number: int) -> str:
    """An identifier of Twilio's length."""
    return f"{kind}{number:032x}"


def account(**settings: Any) -> Twilio:
    """An account with more than one page of workers and of calls, each with a leg."""
    vendor = Twilio(page=2, **settings)
    for number in range(6):
        begin, leg = NOW - timedelta(hours=12 * number), {"to": "client:ada", "duration": "70", "answered_by": "human"}
        vendor.call(sid("CA", number), begin, 100, queue_time="4500", price="-0.02")
        vendor.call(sid("CA", 10 + number), begin, 80, "completed", sid("CA", number), **leg)
    vendor.workers = [worker(number, full_name="Ada", email="ada@example.com", team="North") for number in range(3)]
    return vendor


def test_every_request_is_allowed(documents: ApiDocuments, exchanges: list[Exchange]) -> None:
    assert_only(documents.refusals(exchanges), {})


def test_the_requests_cover_every_operation_and_parameter_that_the_provider_uses(
    documents: ApiDocuments, exchanges: list[Exchange]
) -> None:
    assert documents.operations(exchanges) == OPERATIONS


def test_the_fake_responds_as_the_documents_describe(documents: ApiDocuments, exchanges: list[Exchange]) -> None:
    assert_only(documents.mismatches(exchanges), {})


def examples(official_documents: ApiDocuments, path: str) -> dict[str, Any]:
    """The examples of a path, by name."""
    return next(each.examples(path) for each in official_documents.specifications if path in each.document["paths"])


def example_responses(official_documents: ApiDocuments) -> dict[str, Any]:
    """An example of each path, the empty one for calls."""
    examples_by_path = {path: examples(official_documents, path) for path in PATHS}
    return {
        path: by_name.get("readFull") or by_name.get("fetch") or by_name["readEmptyDatesLess"]
        for path, by_name in examples_by_path.items()
    }


EMPTY: dict[str, Any] = {
    CALLS: {"calls": [], "next_page_uri": None},
    NUMBERS: {"incoming_phone_numbers": [], "next_page_uri": None},
}


def read(documents: ApiDocuments, entity: str, responses: Mapping[str, Any]) -> list[Any]:
    """The records of responses by path. Only the first page of today has calls. No row may be rejected."""

    def respond(request: httpx.Request) -> Any:
        _, path = documents.document_path(request)
        today = request.url.params.get("StartTime>") in (None, NOW.strftime("%Y-%m-%dT00:00:00Z"))
        past_first_page = "PageToken" in request.url.params
        return responses[path] if path in responses and today and not past_first_page else EMPTY[path]

    pages = full_pass(respond, {"SECRET": SECRET}, **source_settings(entity))
    assert [error for page in pages for error in page.rejected] == []
    return records_of(pages)


def calls(official_documents: ApiDocuments, page: str, changes: Mapping[str, Mapping[str, Any]]) -> list[Any]:
    """The records of a page of the example calls, changed by SID and followed by an empty page."""
    example = examples(official_documents, CALLS)[page]
    rows = [{**row, **changes.get(row["sid"], {})} for row in example["calls"]]
    return read(
        official_documents, "calls", {**example_responses(official_documents), CALLS: {**example, "calls": rows}}
    )


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
def test_legs_without_their_call_are_not_calls(official_documents: ApiDocuments, page: str) -> None:
    assert calls(official_documents, page, {}) == []


@pytest.mark.parametrize("page", ["readFullPage1", "readFullPage2"])
def test_the_example_calls_without_a_parent_become_calls(official_documents: ApiDocuments, page: str) -> None:
    alone = {"parent_call_sid": None}
    assert calls(official_documents, page, {FIRST: alone, SECOND: alone}) == [MACHINE, HUMAN]


def test_an_example_call_becomes_the_leg_of_the_other(official_documents: ApiDocuments) -> None:
    begin = {"start_time": "Fri, 18 Oct 2019 17:01:00 +0000", "end_time": "Fri, 18 Oct 2019 17:03:00 +0000"}
    legs = {SECOND: {"parent_call_sid": None, **begin}, FIRST: {"parent_call_sid": SECOND, "answered_by": "human"}}
    (call,) = calls(official_documents, "readFullPage1", legs)
    assert (call.id, call.status, call.agent, call.talk_seconds) == (SECOND, "answered", "+13051913581", 4.0)


def test_the_example_worker_becomes_a_person(official_documents: ApiDocuments) -> None:
    assert read(official_documents, "people", example_responses(official_documents)) == [
        Person(id="WK" + "a" * 32, updated_at=datetime(2017, 5, 30, 23, 5, 29, tzinfo=UTC), name="testWorker",
               active=True, attributes={"worker": "testWorker"})
    ]  # fmt: skip


def test_the_example_statistics_become_measurements(official_documents: ApiDocuments) -> None:
    measurements: list[Measurement] = read(official_documents, "measurements", example_responses(official_documents))
    period = ("tasks_entered", "tasks_completed", "tasks_canceled", "tasks_moved", "avg_task_acceptance_time",
              "reservations_created", "reservations_accepted", "reservations_rejected", "reservations_timed_out",
              "reservations_canceled")  # fmt: skip
    real_time = ("total_tasks", "longest_task_waiting_age", "longest_relative_task_age_in_queue", "total_available_workers",
           "total_eligible_workers")  # fmt: skip
    assert {each.name: each.value for each in measurements} == {
        **dict.fromkeys([*real_time, *(f"{name}_15m" for name in period)], 100.0),
        **dict.fromkeys(["tasks_waiting", "wait_until_accepted_avg_15m", "wait_until_accepted_max_15m"], 0.0),
    }
    assert {each.attributes["queue"] for each in measurements} == {"81f96435-3a05-11e5-9f81-98e0d9a1eb73"}


FIELD_VALUES = {
    "parent_call_sid": None, "next_page_uri": None, "next_page_url": None, "direction": "inbound",
    "status": "completed", "duration": "0", "queue_time": "1000", "attributes": '{"full_name": "Ada"}',
}  # fmt: skip
"""Values of fields whose schema only says that they are strings."""

AT = datetime(2026, 1, 15, 10, tzinfo=UTC)


def sample_responses(documents: ApiDocuments, sample_options: SampleOptions) -> dict[str, Any]:
    """Sample responses built from the schemas, by path."""
    responses = {}
    for path in PATHS:
        document = next(each for each in documents.specifications if path in each.document["paths"])
        responses[path] = document.schemas.sample(document.schema(path).read_value(), sample_options)
        assert_only(document.schema_errors(path, responses[path]), {})
    return responses


@pytest.mark.parametrize(("kind", "mapping"), [("status", STATES), ("direction", DIRECTIONS)])
def test_every_documented_status_and_direction_is_mapped(
    documents: ApiDocuments, kind: str, mapping: Mapping[str, str]
) -> None:
    values = documented_values(documents, kind)
    assert values == mapping.keys()
    responses = sample_responses(documents, SampleOptions(FIELD_VALUES))
    (row,) = responses[CALLS]["calls"]
    for value in values:
        page = {**responses[CALLS], "calls": [{**row, kind: value}]}
        (call,) = read(documents, "calls", {**responses, CALLS: page})
        assert (getattr(call, kind) or "") == mapping[value]


def documented_values(documents: ApiDocuments, kind: str) -> set[str]:
    """The values of a field; the official file lists directions only in the field's description."""
    schemas = documents.specifications[0].document["components"]["schemas"]
    if kind == "status":
        return set(schemas["call_enum_status"]["enum"])
    if not documents.official:
        return set(schemas["directions"]["enum"])
    description = schemas["api.v2010.account.call"]["properties"]["direction"]["description"]
    return set(re.findall(r"`((?:in|out)bound[a-z-]*|trunking-[a-z]+)`", description))


def test_responses_with_all_fields_become_records(documents: ApiDocuments) -> None:
    responses = sample_responses(documents, SampleOptions(FIELD_VALUES))
    (call,) = read(documents, "calls", responses)
    assert call == Call(
        id=FIRST, updated_at=AT, direction="inbound", status="answered", queue="text", started_at=AT, ended_at=AT,
        answered_at=AT, talk_seconds=0.0, wait_seconds=0.0,
        attributes={"queue_seconds": "1", "price": "text", "price_unit": "USD"},
    )  # fmt: skip
    (person,) = read(documents, "people", responses)
    assert (person.name, person.updated_at, person.attributes) == ("Ada", AT, {"worker": "text"})
    measurements = read(documents, "measurements", responses)
    assert {each.value for each in measurements} == {3.0}
    assert {each.attributes["queue"] for each in measurements} == {"text"}


def test_responses_with_as_many_nulls_as_allowed_become_records(documents: ApiDocuments) -> None:
    responses = sample_responses(documents, SampleOptions({}, nulls=True, non_null=["sid"]))
    assert read(documents, "calls", responses) == [Call(id=FIRST)]
    assert read(documents, "people", responses) == [Person(id="WK" + "a" * 32, active=True)]
    measurements = read(documents, "measurements", responses)
    assert {each.attributes["queue"] for each in measurements} == {"WQ" + "a" * 32}
    assert {each.value for each in measurements} == {3.0}
    # the objects with the number of waiting tasks and their waiting times may be null
    assert not {each.name for each in measurements} & {"tasks_waiting", "wait_until_accepted_avg_15m"}
