"""Events report every change, with a delay, for thirty days, and in the API version of the account."""

from __future__ import annotations

from decimal import Decimal

import pytest
from starlette.applications import Starlette

from tests.demo.api_client import ApiClient
from tests.demo.tiny_company import ManualClock, at
from tests.vendors.stripe.access import StripeAccess
from tests.vendors.stripe.api import RESOURCES, FakeStripe
from tests.vendors.stripe.events import DELAY, events
from tests.vendors.stripe.ledger import Refund
from tests.vendors.tiny_books import DAY, TinyBooks, bill, contract

SUBSCRIPTION = contract(1, 0, (31 * DAY, 5), notice_at=at(40 * DAY), ended_at=at(62 * DAY))
PAID = bill(1, 0, (60, False), (3 * DAY, True), refunds=(Refund(at(5 * DAY), Decimal(30)),))
DELETED = bill(2, 30, finalized_at=None, deleted_at=at(200))
OTHERS = (bill(3, 40, voided_at=at(300)), bill(4, 50, written_off_at=at(400)))


@pytest.fixture
def books() -> TinyBooks:
    return TinyBooks([SUBSCRIPTION], [PAID, DELETED, *OTHERS])


def events_of(books: TinyBooks, subject: str) -> list[tuple[str, int]]:
    """The kinds and times of an object's events, oldest first."""
    all_events = events(books, 0, at(100 * DAY))
    return [(event.kind, event.at) for event in reversed(all_events) if event.subject == subject]


def test_a_subscription_has_an_event_for_each_change_including_arrears(books: TinyBooks) -> None:
    assert events_of(books, "sub_1Alp000000000001") == [
        ("customer.subscription.created", at(0)),
        ("customer.subscription.updated", at(60)),
        ("customer.subscription.updated", at(3 * DAY)),
        ("customer.subscription.updated", at(31 * DAY)),
        ("customer.subscription.updated", at(40 * DAY)),
        ("customer.subscription.deleted", at(62 * DAY)),
    ]


def test_an_invoice_has_an_event_for_each_change(books: TinyBooks) -> None:
    kinds = {key: [kind for kind, _ in events_of(books, f"in_1Alp00000000000{key}")] for key in (1, 2, 3, 4)}
    assert sorted(kinds[1]) == ["invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_failed"]
    assert kinds[2] == ["invoice.created", "invoice.deleted"]
    assert kinds[3] == ["invoice.created", "invoice.finalized", "invoice.voided"]
    assert kinds[4] == ["invoice.created", "invoice.finalized", "invoice.marked_uncollectible"]


def test_a_charge_has_events_for_its_result_and_its_refunds(books: TinyBooks) -> None:
    assert events_of(books, "ch_1Alp000000000010") == [("charge.failed", at(60))]
    assert events_of(books, "ch_1Alp000000000011") == [
        ("charge.succeeded", at(3 * DAY)),
        ("charge.refunded", at(5 * DAY)),
    ]


def test_events_are_newest_first_and_unique(books: TinyBooks) -> None:
    all_events = events(books, 0, at(100 * DAY))
    assert [event.at for event in all_events] == sorted((event.at for event in all_events), reverse=True)
    assert len({event.row()["id"] for event in all_events}) == len(all_events)
    assert events(books, at(60), at(60)) == [event for event in all_events if event.at == at(60)]


def test_an_event_shows_the_object_as_it_was_in_an_old_version(books: TinyBooks) -> None:
    (row,) = [event.row() for event in events(books, at(60), at(60)) if event.subject.startswith("sub")]
    assert (row["data"]["object"]["status"], row["api_version"]) == ("past_due", "2024-06-20")


def test_events_are_listed_by_type_with_a_delay_and_for_thirty_days(books: TinyBooks) -> None:
    clock = ManualClock()
    api = FakeStripe(books, clock, StripeAccess("rk", RESOURCES))
    client = ApiClient(Starlette(routes=api.routes()), {"authorization": "Bearer rk"})

    def kinds(**params: str) -> list[str]:
        return [row["type"] for row in client.get("/v1/events", params=params).json()["data"]]

    clock.advance(60)
    assert kinds(**{"types[0]": "charge.*"}) == []
    clock.advance(DELAY / 60)
    assert kinds(**{"types[0]": "charge.*"}) == ["charge.failed"]
    assert kinds(type="invoice.finalized") == ["invoice.finalized"]
    assert kinds(**{"types[0]": "charge.*", "created[gte]": str(at(61))}) == []
    clock.advance(31 * DAY)
    assert kinds(**{"types[0]": "invoice.finalized", "limit": "100"}) == []
