"""How deals are read from HubSpot's rows."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from exporter.errors import InvalidRecordError, Reason
from exporter.records import Deal
from exporter.sources.providers.hubspot.payloads import deal
from exporter.sources.providers.hubspot.pipelines import Stage
from tests.sources.providers.hubspot.rows import reader, row

STAGES = {
    "closedwon": Stage("Won", "Sales pipeline", "won"),
    "closedlost": Stage("Lost", "Sales pipeline", "lost"),
    "offer": Stage("Offer sent", "Sales pipeline", "open"),
}


def read(**properties: Any) -> Deal:
    return deal(row(**properties), reader(**STAGES))


def test_a_won_deal_fills_every_column() -> None:
    record = read(
        dealname="Bergsee AG: Team", amount="12500.50", deal_currency_code="eur", pipeline="default",
        dealstage="closedwon", closedate="2026-03-02T08:30:00.123Z", createdate="2026-02-01T10:00:00Z",
        hubspot_owner_id="70110001", hs_analytics_source="REFERRALS",
    )  # fmt: skip
    assert record == Deal(
        id="7",
        updated_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
        attributes={},
        name="Bergsee AG: Team",
        amount=Decimal("12500.50"),
        currency="EUR",
        pipeline="Sales pipeline",
        stage="Won",
        status="won",
        owner="70110001",
        origin="REFERRALS",
        created_at=datetime(2026, 2, 1, 10, tzinfo=UTC),
        closed_at=datetime(2026, 3, 2, 8, 30, 0, 123000, tzinfo=UTC),
    )


def test_the_close_date_of_an_open_deal_is_only_expected() -> None:
    record = read(dealstage="offer", closedate="2026-06-30T22:00:00Z")
    assert record.closed_at is None
    assert record.attributes == {"expected_close": "2026-06-30T22:00:00+00:00"}


def test_an_open_deal_may_have_no_close_date() -> None:
    assert (read(dealstage="offer", closedate="").closed_at, read(dealstage="offer").attributes) == (None, {})


@pytest.mark.parametrize("empty", ["", None])
def test_empty_properties_are_none(empty: str | None) -> None:
    record = read(
        dealstage="closedlost", amount=empty, deal_currency_code=empty, hubspot_owner_id=empty, closedate=empty
    )
    assert (record.amount, record.currency, record.owner, record.closed_at) == (None, None, None, None)


def test_a_missing_currency_is_never_guessed() -> None:
    assert read(dealstage="closedwon", amount="10").currency is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T08:30:00Z", datetime(2026, 3, 2, 8, 30, tzinfo=UTC)),
        ("2026-03-02T08:30:00.500Z", datetime(2026, 3, 2, 8, 30, 0, 500000, tzinfo=UTC)),
        ("2026-03-02T09:30:00+01:00", datetime(2026, 3, 2, 8, 30, tzinfo=UTC)),
        ("1772440200000", datetime(2026, 3, 2, 8, 30, tzinfo=UTC)),
        (1772440200000, datetime(2026, 3, 2, 8, 30, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", None),
        ("0", None),
    ],
)
def test_all_formats_of_time_are_read_and_zero_means_unset(text: object, expected: datetime | None) -> None:
    assert read(dealstage="closedwon", closedate=text).closed_at == expected


def test_a_date_without_a_time_is_a_day_in_the_companys_zone() -> None:
    assert read(dealstage="closedwon", closedate="2026-03-02").closed_at == datetime(2026, 3, 1, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("closed", "won", "status"),
    [("true", "true", "won"), ("true", "false", "lost"), ("false", "false", "open"), ("true", None, "lost")],
)
def test_in_a_deleted_stage_hubspots_calculated_properties_decide(closed: str, won: str | None, status: str) -> None:
    record = read(dealstage="gone", hs_is_closed=closed, hs_is_closed_won=won)
    assert (record.status, record.stage) == (status, "gone")


def test_a_deal_of_unknown_status_is_rejected() -> None:
    with pytest.raises(InvalidRecordError) as raised:
        read(dealstage="gone")
    assert (raised.value.reason, raised.value.field) == (Reason.UNKNOWN_VALUE, "stage")


@pytest.mark.parametrize("amount", ["12,5", "NaN", "1e999", "true"])
def test_an_invalid_amount_rejects_the_deal(amount: str) -> None:
    with pytest.raises(InvalidRecordError) as raised:
        read(dealstage="closedwon", amount=amount)
    assert raised.value.field == "amount"


def test_properties_named_in_the_config_become_attributes() -> None:
    record = deal(
        row(dealstage="offer", region="North", score="", level=3), reader("region", "score", "level", **STAGES)
    )
    assert record.attributes == {"region": "North", "level": "3"}


def test_without_the_property_the_rows_creation_time_is_used() -> None:
    assert read(dealstage="offer").created_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
