"""Requests and responses that violate a document are reported with the violated rule."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.specs.exchanges import ApiDocuments, assert_only
from tests.specs.schemas import SampleOptions
from tests.specs.specification import Specification


@pytest.fixture
def specification(stripe_documents: ApiDocuments) -> Specification:
    return stripe_documents.specifications[0]


BEARER = {"authorization": "Bearer key"}


def stripe_request(path: str, method: str = "GET", **headers: str) -> httpx.Request:
    return httpx.Request(method, f"https://api.stripe.com{path}", headers=headers or BEARER)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/charges",
        "/v1/charges/ch_1",
        "/v1/subscriptions?status=all&limit=1&expand[0]=data.discounts&expand[1]=data.plan",
        "/v1/events?types[0]=invoice.*&created[gte]=1760000000&created[lte]=1770000000",
        "/v1/events?created=1760000000",
    ],
)
def test_documented_requests_are_allowed(specification: Specification, path: str) -> None:
    assert specification.refusals(stripe_request(path)) == {}


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("/v1/chargez", "PathNotFound"),
        ("/v2/charges", "PathNotFound"),
        ("/v1/charges?updated_since=3", "Unknown query parameter: updated_since"),
        ("/v1/charges?created[since]=3", "Unknown query parameter: created.since"),
        ("/v1/charges?created[gte]=monday", "Invalid query parameter: created: {'gte': 'monday'} is not valid"),
        ("/v1/charges?limit=many", "Query parameter error: limit: "),
        ("/v1/subscriptions?status=dead", "Invalid query parameter: status: 'dead' is not one of ['active', "),
        ("/v1/events?types[1]=a", "types is not numbered from 0"),
        ("/v1/subscription_items", "Missing required query parameter: subscription"),
    ],
)
def test_undocumented_requests_are_refused_with_the_request_and_the_rule(
    specification: Specification, path: str, rule: str
) -> None:
    (text,) = specification.refusals(stripe_request(path)).values()
    assert text.startswith(f"GET https://api.stripe.com{path}: ")
    assert rule in text
    assert specification.name in text


def test_other_methods_other_hosts_and_requests_without_a_key_are_refused(specification: Specification) -> None:
    (method,) = specification.refusals(stripe_request("/v1/charges/ch_1", "DELETE")).values()
    (host,) = specification.refusals(
        httpx.Request("GET", "https://api.example.com/v1/charges", headers=BEARER)
    ).values()
    (key,) = specification.refusals(stripe_request("/v1/charges", accept="application/json")).values()
    assert "OperationNotFound" in method
    assert "ServerNotFound" in host
    assert "Security not found" in key


@pytest.mark.parametrize(
    ("changes", "mismatch"),
    [
        ({}, None),
        ({"amount": None}, "data.*.amount: null is not allowed"),
        ({"customer": None, "failure_code": None}, None),
        ({"amount": "3"}, "data.*.amount: '3' is not of type 'integer'"),
        ({"refunds": {"data": [{"amount": "3"}]}}, "data.*.refunds.data.*.amount: '3' is not of type 'integer'"),
        ({"object": "refund"}, "data.*.object: 'refund' is not one of ['charge']"),
        ({"customer": 3}, "data.*.customer: 3 is not valid under any of the given schemas"),
        ({"surprise": 1}, "data.*.surprise: unknown field"),
        ({"billing_details": {"surprise": 1}}, "data.*.billing_details.surprise: unknown field"),
        ({"metadata": {"surprise": "1"}}, None),
    ],
)
def test_a_response_may_omit_fields_but_not_have_other_types_or_unknown_fields(
    specification: Specification, changes: dict[str, Any], mismatch: str | None
) -> None:
    response = {"object": "list", "has_more": False, "data": [{"id": "ch_1", "amount": 3, **changes}]}
    assert specification.mismatches("/v1/charges", response) == (
        [f"response to GET /v1/charges: {mismatch}"] if mismatch else []
    )


def test_a_response_without_a_required_field_violates_its_schema(specification: Specification) -> None:
    errors = specification.schema_errors("/v1/charges", {"object": "list", "data": [], "url": "/v1/charges"})
    assert errors == ["response to GET /v1/charges: : 'has_more' is a required property"]


def test_unexpected_messages_and_obsolete_exceptions_fail() -> None:
    assert_only({"a"}, {"a": "why"})
    with pytest.raises(AssertionError, match="no longer needed:\nb"):
        assert_only({"a"}, {"a": "why", "b": "why"})
    with pytest.raises(AssertionError, match=r"^\nb\nc"):
        assert_only({"c", "a", "b"}, {"a": "why"})


def test_a_sample_has_every_field_or_null_and_does_not_nest_forever(specification: Specification) -> None:
    schema = specification.schema("/v1/charges").read_value()
    (full,) = specification.schemas.sample(schema, SampleOptions({"currency": "usd"}))["data"]
    (bare,) = specification.schemas.sample(
        schema, SampleOptions({"currency": "usd"}, nulls=True, non_null=["invoice"])
    )["data"]
    assert full["refunds"]["data"][0]["charge"] == "text"
    assert (full["customer"], bare["customer"], bare["amount"], bare["currency"]) == ("text", None, 3, "usd")
    assert bare["invoice"] == "text"
    fields = specification.document["components"]["schemas"]["charge"]["properties"].keys()
    assert full.keys() == bare.keys() == fields
