"""Both of Pipedrive's APIs: the requests that the provider sends, and how it reads the responses.

Tests of `documents` run on the project's own shapes and, as extras, on the official files; tests of
`official_documents` use the examples in those files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.records import Activity, Call, Deal, Lead, Person
from exporter.sources.providers.pipedrive.payloads import OUTCOMES
from exporter.sources.registry import create
from tests.sources.providers.pipedrive.vendor import TOKEN, Pipedrive, iso
from tests.sources.source_context import NOW, options, records_of, run, source_context
from tests.specs.exchanges import ApiDocuments, Exchange, assert_only, full_pass, record_exchanges
from tests.specs.schemas import SampleOptions
from tests.specs.specification import OFFICIAL, ORIGINS

ENTITIES = ("deals", "leads", "activities", "calls", "people")
DAY = datetime(2021, 1, 1, tzinfo=UTC)
LEAD_TIME, CALL_TIME = datetime(2020, 10, 14, 11, 30, 36, 551000, UTC), datetime(2022, 12, 12, 1, 1, 1, tzinfo=UTC)

DocumentPath = tuple[str, str]
"""The name of a document and a path in it; some paths exist in both documents."""

OPERATIONS = {
    "GET /api/v2/deals": {"limit", "cursor", "sort_by", "status", "updated_since", "custom_fields"},
    "GET /api/v2/deals/archived": {"limit", "cursor", "sort_by", "updated_since", "custom_fields"},
    "GET /api/v2/stages": {"limit"},
    "GET /api/v2/pipelines": {"limit"},
    "GET /api/v2/activities": {"limit", "cursor", "sort_by", "updated_since"},
    "GET /v1/leads": {"limit", "start", "sort", "updated_since"},
    "GET /v1/leads/archived": {"limit", "start", "sort"},
    "GET /v1/callLogs": {"limit", "start"},
    "GET /v1/users": set(),
    "GET /v1/legacyTeams": set(),
}
"""Every operation that the provider requests, with the query parameters that it uses."""

KNOWN_REFUSALS = {
    "GET /v1/leads/archived: Invalid query parameter: sort": "the description documents a direction that the enum omits"
}
"""Requests that the official files do not allow, and why the provider sends them."""

KNOWN_NULLS = {
    **dict.fromkeys(
        (f"GET {path}: additional_data.next_cursor" for path in
         ("/deals", "/deals/archived", "/activities", "/stages", "/pipelines")),
        "its own description says null on the last page",
    ),
    **dict.fromkeys(
        (f"GET {path}: data.*.{name}" for path in ("/deals", "/deals/archived") for name in ("won_time", "lost_time")),
        "an open deal is neither won nor lost",
    ),
}  # fmt: skip
"""Fields that the fake returns as null although the schemas, which rarely say nullable, do not allow it, and why."""


@pytest.fixture(scope="module", params=ORIGINS)
def documents(request: pytest.FixtureRequest) -> ApiDocuments:
    return ApiDocuments.from_origin("pipedrive", request.param)


@pytest.fixture(scope="module")
def official_documents() -> ApiDocuments:
    return ApiDocuments.from_origin("pipedrive", OFFICIAL)


@pytest.fixture(scope="module")
def exchanges() -> list[Exchange]:
    """The exchanges of every entity, and of each option that changes the requests."""
    with_options = {"entities": ["deals"], "custom_fields": ["a" * 40, "b" * 40], "lookback": "1h"}
    return [
        each
        for settings in [*({"entities": [e]} for e in ENTITIES), with_options]
        for each in company_exchanges(company(), **settings)
    ]


def company_exchanges(vendor: Pipedrive, **settings: Any) -> list[Exchange]:
    """The exchanges with a company in which a deal is won before the pass for changes."""

    def win(now: datetime) -> None:
        vendor.now = now
        vendor.deal(1, status="won", won_time=iso(now))

    key = {"provider": "pipedrive", "token": {"env": "TOKEN"}}
    return record_exchanges(vendor.transport(), {"TOKEN": TOKEN}, win, **{**key, **settings})


def company() -> Pipedrive:
    """A company with more than one page of everything."""
    vendor = Pipedrive(page=2)
    times = {"add_time": iso(NOW - timedelta(days=3)), "update_time": iso(NOW)}
    for key in range(1, 4):
        vendor.deal(key, custom_fields={"a" * 40: {"value": 5, "currency": "EUR"}}, won_time=None, lost_time=None)
        vendor.deal(key + 10, is_archived=True, status="lost", lost_time=iso(NOW), lost_reason="price")
        vendor.deal(key + 20, is_archived=True, status="won", won_time=iso(NOW))
        vendor.deal(key + 30, is_deleted=True, status="deleted")
        lead = {"title": "L", "owner_id": 7, "source_name": "Web", "was_seen": False, **times}
        for archived in (False, True):
            name = f"adf21080-0e10-11eb-879b-05d71fb4{key:02}{archived:02}"
            vendor.leads[name] = {**lead, "id": name, "is_archived": archived}
        vendor.activities[key] = {
            "id": key, "type": "call", "owner_id": 7, "done": True, "due_date": "2026-03-02", "due_time": "15:00:00",
            "marked_as_done_time": iso(NOW), "is_deleted": False, **times,
        }  # fmt: skip
        call = {"start_time": "2026-03-01T10:00:00.000Z", "end_time": "2026-03-01T10:01:01.000Z", "user_id": 7}
        vendor.calls.append({"id": f"CA{key}", "outcome": "connected", "duration": "61", **call})
        user = {"active_flag": True, "modified": "2026-02-01 08:45:56", "is_deleted": False}
        vendor.users.append({**user, "id": key, "name": "Ada", "email": "ada@example.com"})
    return vendor


def test_every_request_is_allowed(documents: ApiDocuments, exchanges: list[Exchange]) -> None:
    assert_only(documents.refusals(exchanges), KNOWN_REFUSALS if documents.official else {})


def test_the_requests_cover_every_operation_and_parameter_that_the_provider_uses(
    documents: ApiDocuments, exchanges: list[Exchange]
) -> None:
    assert documents.operations(exchanges) == OPERATIONS


def test_an_access_token_is_requested_and_sent_as_the_documents_describe(
    documents: ApiDocuments, tmp_path: Path
) -> None:
    vendor, flow = company(), documents.specifications[0].document["components"]["securitySchemes"]["oauth2"]["flows"]

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.host == "oauth.pipedrive.com":
            return httpx.Response(200, json={"access_token": "fresh", "expires_in": 3600})
        # the fake accepts only an API token
        return vendor.answer(httpx.Request(request.method, request.url, headers={"x-api-token": TOKEN}))

    app = {"client_id": "app", "client_secret": {"env": "S"}, "refresh_token": {"env": "R"}}
    settings = {"provider": "pipedrive", "oauth": app, "entities": ["people"]}
    token_request, *requests = record_exchanges(
        httpx.MockTransport(respond), {"S": "s", "R": "r"}, data_dir=tmp_path, **settings
    )
    assert (token_request.request.method, str(token_request.request.url)) == (
        "POST",
        flow["authorizationCode"]["refreshUrl"],
    )
    assert {each.request.headers["authorization"] for each in requests} == {"Bearer fresh"}
    assert_only(documents.refusals(requests), {})


@pytest.mark.parametrize("entity", ENTITIES)
def test_the_reported_missing_scope_grants_every_list_of_the_entity(documents: ApiDocuments, entity: str) -> None:
    refusing = Pipedrive(before=lambda _: httpx.Response(403, json={"success": False}))
    source = create(
        options(provider="pipedrive", token={"env": "TOKEN"}, entities=[entity]),
        source_context(refusing.transport(), TOKEN=TOKEN),
    )
    (access,) = run(source.check())
    for request in {str(e.request.url): e.request for e in company_exchanges(company(), entities=[entity])}.values():
        document = documents.specification_of(request)
        scopes = [s for requirement in document.security(request) for s in requirement.get("oauth2", ())]
        assert access.missing.removeprefix("the scope ") in scopes, document.operation(request)


def test_the_fake_responds_as_the_documents_describe(documents: ApiDocuments, exchanges: list[Exchange]) -> None:
    nulls = {f"response to {field}: null is not allowed": why for field, why in KNOWN_NULLS.items()}
    assert_only(documents.mismatches(exchanges), nulls if documents.official else {})


def document_paths(documents: ApiDocuments) -> list[DocumentPath]:
    """Where each requested operation is described."""
    roots = {"pipedrive/v2.yaml": "GET /api/v2", "pipedrive/v1.yaml": "GET /v1"}
    names = [file.name for file in documents.specifications]
    return [(name, op.removeprefix(roots[name])) for name in names for op in OPERATIONS if op.startswith(roots[name])]


def examples(official_documents: ApiDocuments) -> dict[DocumentPath, Any]:
    """The first example of each requested operation."""
    files = {file.name: file for file in official_documents.specifications}
    return {
        (name, path): next(iter(files[name].examples(path).values()))
        for name, path in document_paths(official_documents)
    }


def read(documents: ApiDocuments, entity: str, responses: Mapping[DocumentPath, Any]) -> list[Any]:
    """The records of responses by path, each followed by an empty page; no row may be rejected."""

    def respond(request: httpx.Request) -> Any:
        past_first_page = "cursor" in request.url.params or request.url.params.get("start", "0") != "0"
        return {"success": True, "data": []} if past_first_page else responses[documents.document_path(request)]

    key = {"provider": "pipedrive", "token": {"env": "TOKEN"}}
    pages = full_pass(respond, {"TOKEN": TOKEN}, entities=[entity], **key)
    assert [error for page in pages for error in page.rejected] == []
    return records_of(pages)


def test_the_example_deals_become_records(official_documents: ApiDocuments) -> None:
    """The three lists have the same deal; only the archive's one is marked as archived."""
    plain = {"lost_reason": "Lost Reason", "probability": "90", "expected_close_date": "2021-01-01"}
    live = Deal(
        id="1", updated_at=DAY, name="Deal Title", amount=Decimal(200), currency="USD", pipeline="Pipeline Name",
        stage="Stage Name", status="open", owner="1", account="1", origin="ManuallyCreated", created_at=DAY,
        attributes=plain,
    )  # fmt: skip
    assert read(official_documents, "deals", examples(official_documents)) == [
        live,
        replace(live, attributes={**plain, "archived": "true"}),
        live,
    ]


def test_the_example_leads_become_records(official_documents: ApiDocuments) -> None:
    lead = Lead(
        id="adf21080-0e10-11eb-879b-05d71fb426ec",
        updated_at=LEAD_TIME,
        status="new",
        origin="API",
        owner="1",
        created_at=LEAD_TIME,
    )
    assert read(official_documents, "leads", examples(official_documents)) == [lead, replace(lead, status="lost")]


def test_the_example_activity_becomes_a_record(official_documents: ApiDocuments) -> None:
    due = datetime(2021, 1, 1, 15, tzinfo=UTC)
    assert read(official_documents, "activities", examples(official_documents)) == [
        Activity(id="1", updated_at=DAY, kind="task", status="done", owner="1", created_at=DAY, due_at=due,
                 completed_at=DAY, attributes={"type": "activity_type"})
    ]  # fmt: skip


def test_the_example_call_logs_become_records(official_documents: ApiDocuments) -> None:
    plain = {"direction": "outbound", "started_at": CALL_TIME, "ended_at": CALL_TIME}
    assert read(official_documents, "calls", examples(official_documents)) == [
        Call(id="CAd92b224eb4a39b5ad8fea92ff0e", status="busy", agent="777707777", **plain),
        Call(id="CAd92b224eb4a39b11a8fea92ff0e", status="missed", agent="777777777", **plain),
    ]


def test_the_example_users_become_people_in_the_example_teams(official_documents: ApiDocuments) -> None:
    john = Person(id="1", updated_at=datetime(2019, 11, 21, 8, 45, 56, tzinfo=UTC), name="John Doe",
                  email="john@pipedrive.com", active=True)  # fmt: skip
    jane = Person(id="2", updated_at=datetime(2019, 11, 21, 9, 49, 50, tzinfo=UTC), name="Jane Doe",
                  email="jane@pipedrive.com", team="Closers", active=True)  # fmt: skip
    assert read(official_documents, "people", examples(official_documents)) == [john, jane]


def test_every_documented_call_outcome_is_mapped(documents: ApiDocuments) -> None:
    file = documents.specifications[1]
    response = file.schemas.sample(file.schema("/callLogs").read_value(), SampleOptions(FIELD_VALUES))
    (row,) = response["data"]
    outcome_schema = file.schemas.field(file.schema("/callLogs").read_value(), "data", "outcome")
    rows = [{**row, "id": each, "outcome": each} for each in outcome_schema["enum"]]
    responses = {(file.name, "/callLogs"): {"success": True, "data": rows}}
    assert {call.id: call.status for call in read(documents, "calls", responses)} == OUTCOMES


FIELD_VALUES = {
    "success": True, "status": "won", "outcome": "connected", "type": "call", "currency": "eur", "duration": "61",
    "due_date": "2026-01-15", "due_time": "10:00:00",
    **{f"{name}_time": "2026-01-15T10:00:00Z" for name in ("add", "update", "won", "lost", "close", "marked_as_done")},
    "modified": "2026-01-15 10:00:00",
}  # fmt: skip
"""Values of fields whose schema only says that they are strings or booleans."""

AT = datetime(2026, 1, 15, 10, tzinfo=UTC)
LEAD_ID = "adf21080-0e10-11eb-879b-05d71fb426ec"
EXPECTED: dict[str, list[Any]] = {
    "deals": [
        Deal(id="3", updated_at=AT, name="text", amount=Decimal("1.5"), currency="EUR", pipeline="text", stage="text",
             status="won", owner="3", account="3", origin="text", created_at=AT, closed_at=AT,
             attributes={"lost_reason": "text", "probability": "1.5", "expected_close_date": "2026-01-15"})
    ] * 3,
    "leads": [Lead(id=LEAD_ID, updated_at=AT, status="new", origin="text", owner="3", created_at=AT)] * 2,
    "activities": [
        Activity(id="3", updated_at=AT, kind="call", status="planned", owner="3", created_at=AT, due_at=AT,
                 attributes={"type": "call"})
    ],
    "calls": [
        Call(id="text", direction="outbound", status="answered", agent="3", started_at=AT, answered_at=AT, ended_at=AT,
             talk_seconds=61.0)
    ],
    "people": [Person(id="3", updated_at=AT, name="text", email="text", active=False)],
}  # fmt: skip
NON_NULL = ("won_time", "lost_time", "org_id")
"""Fields that are not null although their schema allows it."""
EXPECTED_WITH_NULLS = {
    "deals": [replace(deal, attributes={"expected_close_date": "2026-01-15"}) for deal in EXPECTED["deals"]],
    "people": [replace(person, updated_at=None) for person in EXPECTED["people"]],
}
"""Records that differ if every nullable field is null."""


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("entity", ENTITIES)
def test_responses_with_all_fields_or_as_many_nulls_as_allowed_become_records(
    documents: ApiDocuments, entity: str, nulls: bool
) -> None:
    values = {name: value for name, value in FIELD_VALUES.items() if not nulls or name != "modified"}
    responses = {}
    for file in documents.specifications:
        for name, path in document_paths(documents):
            if name == file.name:
                responses[name, path] = file.schemas.sample(
                    file.schema(path).read_value(), SampleOptions(values, nulls, NON_NULL)
                )
                assert_only(file.schema_errors(path, responses[name, path]), {})
    assert read(documents, entity, responses) == (EXPECTED_WITH_NULLS if nulls else EXPECTED).get(
        entity, EXPECTED[entity]
    )
