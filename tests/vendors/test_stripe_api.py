"""The fake Stripe responds as the vendor does."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.demo.api_client import ApiClient
from tests.demo.tiny_company import ManualClock, at
from tests.specs.specification import ORIGINS
from tests.specs.stripe import stripe_objects
from tests.vendors.stripe.access import StripeAccess
from tests.vendors.stripe.api import RESOURCES, FakeStripe
from tests.vendors.stripe.ledger import Attempt, Discount, Line, Refund, Term
from tests.vendors.tiny_books import DAY, TinyBooks, bill, contract


class Account:
    """A client of the API with a restricted key."""

    def __init__(self, books: TinyBooks) -> None:
        self.clock = ManualClock()
        self.access = StripeAccess("rk_live_demo", RESOURCES, ticks=self.clock.monotonic)
        api = FakeStripe(books, self.clock, self.access)
        self.client = ApiClient(
            Starlette(routes=[Mount("/stripe", routes=api.routes())]), {"authorization": "Bearer rk_live_demo"}
        )

    def get(self, path: str, **params: Any) -> Any:
        response = self.client.get(f"/stripe/v1/{path}", params=params)
        assert response.status_code == 200, response.text
        return response.json()

    def error(self, path: str, status: int, **params: Any) -> Any:
        response = self.client.get(f"/stripe/v1/{path}", params=params)
        assert response.status_code == status, response.text
        return response.json()["error"]


SITES = tuple(Line(f"Site {number}", 1, Decimal(10)) for number in range(13))


@pytest.fixture
def account() -> Account:
    contracts = [
        contract(1, ended_at=at(60 * DAY), notice_at=at(40 * DAY)),
        contract(2, 10, (31 * DAY, 5), discount=Discount(10, Decimal(0), lasting=True)),
        contract(3, 20, trial_until=at(14 * DAY), currency="JPY", yearly=True, on_account=True),
        contract(4, 30, terms=(Term(at(30), SITES),), discount=Discount(0, Decimal(5), lasting=False)),
    ]
    bills = [
        bill(1, 0, (60, False), (3 * DAY, True), refunds=(Refund(at(5 * DAY), Decimal(30)), Refund(at(9 * DAY), Decimal(70)))),
        bill(2, 30, finalized_at=None, deleted_at=at(200), on_account=True, reason="manual"),
        bill(3, 60, contract=3, currency="JPY", amount=Decimal(5000), due_at=at(30 * DAY), on_account=True,
             attempts=(Attempt(at(20 * DAY), at(22 * DAY), succeeded=True),)),
    ]  # fmt: skip
    return Account(TinyBooks(contracts, bills))


def values_over_time(account: Account, path: str, field: str, *minutes: float) -> list[Any]:
    """The field of one object after so many minutes."""
    values = []
    for elapsed in minutes:
        account.clock.now = ManualClock().now
        account.clock.advance(elapsed)
        values.append(account.get(path)[field])
    return values


def test_a_subscription_is_on_trial_active_past_due_and_canceled(account: Account) -> None:
    assert values_over_time(account, "subscriptions/sub_1Alp000000000003", "status", 30, 15 * DAY) == [
        "trialing",
        "active",
    ]
    states = values_over_time(
        account, "subscriptions/sub_1Alp000000000001", "status", 0, 60, 4 * DAY, 41 * DAY, 61 * DAY
    )
    assert states == ["active", "past_due", "active", "active", "canceled"]
    assert values_over_time(account, "subscriptions/sub_1Alp000000000001", "cancel_at_period_end", 0, 41 * DAY, 61 * DAY) == [
        False, True, False,
    ]  # fmt: skip


def test_an_upgrade_appears_when_it_is_made(account: Account) -> None:
    quantities = [
        items["data"][0]["quantity"]
        for items in values_over_time(account, "subscriptions/sub_1Alp000000000002", "items", 10, 32 * DAY)
    ]
    assert quantities == [2, 5]


def test_ended_subscriptions_are_listed_only_with_status_all(account: Account) -> None:
    account.clock.advance(61 * DAY)
    assert len(account.get("subscriptions")["data"]) == 3
    assert len(account.get("subscriptions", status="all")["data"]) == 4
    assert [row["status"] for row in account.get("subscriptions", status="canceled")["data"]] == ["canceled"]


def test_only_the_first_items_are_inside_a_subscription(account: Account) -> None:
    account.clock.advance(40)
    subscription = account.get("subscriptions")["data"][0]
    assert (len(subscription["items"]["data"]), subscription["items"]["has_more"]) == (10, True)
    next_page = account.get(
        "subscription_items", subscription=subscription["id"], starting_after=subscription["items"]["data"][-1]["id"]
    )
    assert ([row["price"]["nickname"] for row in next_page["data"]], next_page["has_more"]) == (
        ["Site 10", "Site 11", "Site 12"],
        False,
    )


def test_amounts_are_in_the_smallest_unit_of_their_currency(account: Account) -> None:
    account.clock.advance(100)
    totals = {row["currency"]: row["total"] for row in account.get("invoices")["data"]}
    assert totals == {"chf": 10_000, "jpy": 5000}
    prices = [row["items"]["data"][0]["price"] for row in account.get("subscriptions")["data"]]
    assert [(price["currency"], price["unit_amount"], price["recurring"]["interval"]) for price in prices[1:]] == [
        ("jpy", 50, "year"), ("chf", 5000, "month"), ("chf", 5000, "month"),
    ]  # fmt: skip


def test_discounts_are_ids_unless_they_are_expanded_and_name_a_coupon(account: Account) -> None:
    account.clock.advance(40)
    assert account.get("subscriptions")["data"][2]["discounts"] == ["di_1Alp000000000002"]
    (discount,) = account.get("subscriptions", **{"expand[0]": "data.discounts"})["data"][2]["discounts"]
    coupon = account.get(f"coupons/{discount['source']['coupon']}")
    assert (coupon["percent_off"], coupon["amount_off"], coupon["duration"]) == (10.0, None, "forever")
    assert account.get("coupons/500chf_once")["amount_off"] == 500


def test_a_draft_can_be_deleted(account: Account) -> None:
    account.clock.advance(100)
    assert account.get("invoices/in_1Alp000000000002")["status"] == "draft"
    account.clock.advance(100)
    assert account.error("invoices/in_1Alp000000000002", 404)["code"] == "resource_missing"
    assert "in_1Alp000000000002" not in {row["id"] for row in account.get("invoices")["data"]}


def test_an_invoice_is_due_once_finalized_and_refers_to_its_subscription(account: Account) -> None:
    assert values_over_time(account, "invoices/in_1Alp000000000003", "due_date", 60, 120) == [None, at(30 * DAY)]
    transitions = values_over_time(account, "invoices/in_1Alp000000000003", "status_transitions", 60, 120, 23 * DAY)
    assert [bool(each["finalized_at"]) for each in transitions] == [False, True, True]
    assert [each["paid_at"] for each in transitions] == [None, None, at(22 * DAY)]
    parent = account.get("invoices/in_1Alp000000000003")["parent"]
    assert parent["subscription_details"]["subscription"] == "sub_1Alp000000000003"
    assert [row["status"] for row in account.get("invoices", status="paid")["data"]] == ["paid", "paid"]


def test_a_charge_is_pending_settled_and_partly_refunded(account: Account) -> None:
    assert values_over_time(account, "charges/ch_1Alp000000000030", "status", 21 * DAY, 23 * DAY) == [
        "pending",
        "succeeded",
    ]
    assert values_over_time(account, "charges/ch_1Alp000000000011", "amount_refunded", 4 * DAY, 6 * DAY, 10 * DAY) == [
        0,
        3000,
        10_000,
    ]
    assert values_over_time(account, "charges/ch_1Alp000000000011", "refunded", 6 * DAY, 10 * DAY) == [False, True]
    assert [row["amount"] for row in account.get("refunds")["data"]] == [7000, 3000]
    assert account.get("charges/ch_1Alp000000000010")["status"] == "failed"


@pytest.mark.parametrize("path", ["subscriptions", "invoices", "charges", "refunds", "customers", "coupons", "events"])
@pytest.mark.parametrize("origin", ORIGINS)
def test_objects_have_only_fields_of_the_published_api(account: Account, path: str, origin: str) -> None:
    published = stripe_objects(origin)
    account.clock.advance(10 * DAY)
    rows = account.get(path)["data"]
    assert rows
    for row in rows:
        published_object = published[row["object"]]
        assert {*row} <= {*published_object}
        assert {*row.get("status_transitions", {})} <= {*published_object.get("status_transitions", {})}
        for item in row.get("items", {}).get("data", []):
            assert {*item} <= {*published["subscription_item"]}
            assert {*item["price"]} <= {*published["price"]}


def test_customers_are_those_of_the_contracts(account: Account) -> None:
    account.clock.advance(40)
    assert [row["name"] for row in account.get("customers")["data"]] == [f"Customer {key}" for key in (4, 3, 2, 1)]


def test_pages_are_newest_first_and_continue_after_an_id(account: Account) -> None:
    account.clock.advance(25)
    first = account.get("subscriptions", limit=2)
    account.clock.advance(10)
    rest = account.get("subscriptions", limit=2, starting_after=first["data"][-1]["id"])
    assert [row["id"][-1] for row in first["data"] + rest["data"]] == ["3", "2", "1"]
    assert (first["has_more"], rest["has_more"]) == (True, False)


def test_future_records_are_not_listed(account: Account) -> None:
    assert [row["id"][-1] for row in account.get("subscriptions")["data"]] == ["1"]
    account.error("subscriptions/sub_1Alp000000000004", 404)


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"created[gt]": at(10)}, "43"), ({"created[gte]": at(10)}, "432"),
        ({"created[lt]": at(10)}, "1"), ({"created[gte]": at(10), "created[lte]": at(20)}, "32"),
    ],
)  # fmt: skip
def test_lists_can_be_limited_by_creation_time(account: Account, bounds: dict[str, int], expected: str) -> None:
    account.clock.advance(40)
    assert "".join(row["id"][-1] for row in account.get("subscriptions", **bounds)["data"]) == expected


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"limit": 101}, "limit"), ({"limit": 0}, "limit"), ({"limit": "x"}, "limit"),
        ({"starting_after": "sub_other"}, "starting_after"), ({"created[gte]": "today"}, "created[gte]"),
    ],
)  # fmt: skip
def test_an_error_names_the_invalid_parameter(account: Account, params: dict[str, Any], param: str) -> None:
    assert account.error("subscriptions", 400, **params)["param"] == param


def test_a_wrong_key_version_or_path_is_rejected(account: Account) -> None:
    responses = [
        account.client.get("/stripe/v1/charges", headers=headers)
        for headers in ({"authorization": "Bearer rk_other"}, {"stripe-version": "latest"})
    ]
    assert [response.status_code for response in responses] == [401, 400]
    account.error("sources", 404)
    response = account.client.get("/stripe/v1/charges", headers={"stripe-version": "2026-06-24.dahlia"})
    assert response.headers["stripe-version"] == "2026-06-24.dahlia"


def test_an_error_names_the_missing_permission(account: Account) -> None:
    account.access.permissions = frozenset({"charges"})
    account.get("charges")
    assert "rak_invoice_read" in account.error("invoices", 403)["message"]


def test_both_rate_limits_are_enforced_and_reported(account: Account) -> None:
    def reasons(times: int, path: str) -> list[str | None]:
        responses = [account.client.get(f"/stripe/v1/{path}") for _ in range(times)]
        return [response.headers.get("stripe-rate-limited-reason") for response in responses]

    assert reasons(26, "charges") == [None] * 25 + ["endpoint-rate"]
    account.access.path_limit = 200
    assert {*reasons(74, "invoices")} == {None}
    assert reasons(1, "invoices") == ["global-rate"]
    account.clock.advance(0.1)
    assert reasons(1, "charges") == [None]
