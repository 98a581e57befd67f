"""Deals: their states, times, money and archive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.sources.providers.pipedrive.passes import read
from tests.sources.providers.pipedrive.vendor import Pipedrive, iso
from tests.sources.source_context import NOW, by_id, records_of


def test_a_deal_is_read_with_names_of_stage_and_pipeline() -> None:
    vendor = Pipedrive()
    vendor.deal(1, custom_fields={"abc": {"value": 5, "currency": "EUR"}, "def": "x"}, lost_reason="price")
    (deal,) = records_of(read(vendor, custom_fields=["abc", "nothing"]))
    assert (deal.stage, deal.pipeline, deal.owner, deal.account) == ("Offer", "New business", "7", "11")
    assert (deal.amount, deal.currency, deal.status) == (Decimal("1200.5"), "EUR", "open")
    assert deal.attributes == {"abc": "5", "lost_reason": "price"}
    assert any(request.url.params.get("custom_fields") == "abc,nothing" for request in vendor.log)


@pytest.mark.parametrize(
    ("fields", "status", "closed"),
    [
        ({}, "open", None),
        ({"status": "won", "won_time": "2026-02-01T10:00:00Z"}, "won", datetime(2026, 2, 1, 10, tzinfo=UTC)),
        ({"status": "lost", "lost_time": "2026-02-02T10:00:00Z"}, "lost", datetime(2026, 2, 2, 10, tzinfo=UTC)),
        ({"status": "won", "close_time": "2026-02-03T10:00:00Z"}, "won", datetime(2026, 2, 3, 10, tzinfo=UTC)),
        ({"status": "lost", "won_time": "2026-01-01T10:00:00Z", "lost_time": "2026-02-02T10:00:00Z"}, "lost",
         datetime(2026, 2, 2, 10, tzinfo=UTC)),
        ({"lost_time": "2026-02-02T10:00:00Z"}, "open", None),
    ],
)  # fmt: skip
def test_each_state_of_a_deal_is_mapped(fields: dict[str, Any], status: str, closed: datetime | None) -> None:
    vendor = Pipedrive()
    vendor.deal(1, **fields)
    (deal,) = records_of(read(vendor))
    assert (deal.status, deal.closed_at, deal.deleted) == (status, closed, False)


@pytest.mark.parametrize(("status", "closed"), [("open", None), ("won", 3), ("lost", 5)])
def test_a_deal_closed_when_it_reached_its_present_status(status: str, closed: int | None) -> None:
    """A deal that was lost, then won, then opened again may keep the times of before."""
    vendor = Pipedrive()
    times = {f"{name}_time": f"2026-02-0{day}T10:00:00Z" for name, day in (("won", 3), ("lost", 5), ("close", 5))}
    vendor.deal(1, status=status, **times)
    (deal,) = records_of(read(vendor))
    assert deal.closed_at == (closed and datetime(2026, 2, closed, 10, tzinfo=UTC))


def test_each_deal_has_its_own_currency_and_amount() -> None:
    """Pitfalls: currencies mixed in one list, an amount or a currency that is not there."""
    vendor = Pipedrive()
    given = [(1200.5, "EUR"), (98000, "JPY"), (0.1, "chf"), (None, "EUR"), (5, None), (0, "USD")]
    for key, (value, currency) in enumerate(given):
        vendor.deal(key, value=value, currency=currency)
    found = by_id(read(vendor))
    assert [(found[str(key)].amount, found[str(key)].currency) for key in range(len(given))] == [
        (Decimal("1200.5"), "EUR"), (98000, "JPY"), (Decimal("0.1"), "CHF"), (None, "EUR"), (5, None), (0, "USD"),
    ]  # fmt: skip


@pytest.mark.parametrize("unset", [None, "1970-01-01T00:00:00Z", ""])
def test_a_deal_that_never_changed_has_its_creation_as_time_of_change(unset: str | None) -> None:
    """Pitfall: a change time that is null, or 1970, until the first change."""
    vendor = Pipedrive()
    vendor.deal(1)
    vendor.deals[1]["update_time"] = unset
    (deal,) = records_of(read(vendor))
    assert deal.updated_at == deal.created_at == NOW - timedelta(days=10)


def test_archived_deals_count_and_deleted_ones_are_tombstones() -> None:
    """Pitfall: a deal that is archived vanishes from the normal list, deletions show for 30 days."""
    vendor = Pipedrive()
    vendor.deal(1)
    vendor.deal(2, is_archived=True, status="won", won_time=iso(NOW))
    vendor.deal(3, is_deleted=True, status="deleted")
    found = by_id(read(vendor))
    assert {key: record.deleted for key, record in found.items()} == {"1": False, "2": False, "3": True}
    assert found["2"].attributes["archived"] == "true"
