"""Deals: won, lost or open by their stage's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exporter.errors import InvalidRecordError, Reason
from exporter.records import Deal
from exporter.sources.parsing import convert
from exporter.sources.providers.hubspot.shape import Shape

PROPERTIES = (
    "amount", "closedate", "createdate", "deal_currency_code", "dealname", "dealstage", "hs_analytics_source",
    "hs_is_closed", "hs_is_closed_won", "hs_lastmodifieddate", "hubspot_owner_id", "pipeline",
)  # fmt: skip


def deal(row: Mapping[str, Any], shape: Shape) -> Deal:
    """A deal. The close date of an open one is only expected, so it is no column but an attribute."""
    properties = row["properties"]
    stage = shape.stages[convert.text(properties.get("dealstage"), "stage")]
    status = stage.status or _calculated_status(properties)
    closes_at = shape.at(properties, "closedate")
    expected = closes_at.isoformat() if closes_at and status == "open" else None
    return Deal(
        **shape.common(row, expected_close=expected),
        name=convert.text(properties.get("dealname"), "name"),
        amount=convert.money(properties.get("amount"), "amount"),
        currency=convert.currency(properties.get("deal_currency_code"), "currency"),
        pipeline=shape.stages.pipeline(convert.text(properties.get("pipeline"), "pipeline")),
        stage=stage.label,
        status=status,
        owner=convert.text(properties.get("hubspot_owner_id"), "owner"),
        origin=convert.text(properties.get("hs_analytics_source"), "origin"),
        created_at=shape.at(properties, "createdate") or shape.at(row, "createdAt"),
        closed_at=closes_at if status != "open" else None,
    )


def _calculated_status(properties: Mapping[str, Any]) -> str:
    """The status of a deal in a stage that is gone, by HubSpot's own calculated properties."""
    closed = convert.flag(properties.get("hs_is_closed"), "status")
    if closed is None:
        raise InvalidRecordError(Reason.UNKNOWN_VALUE, "stage")
    if not closed:
        return "open"
    return "won" if convert.flag(properties.get("hs_is_closed_won"), "status") else "lost"
