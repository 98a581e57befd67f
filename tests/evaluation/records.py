"""A small company whose records are in a real store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from exporter.config.root import Config
from exporter.passes import Listing, Page
from exporter.records import Deal, Person, Record
from exporter.store.store import Store

NOW = datetime(2025, 11, 19, 14, 30, tzinfo=UTC)


def small_config(**changes: Any) -> Config:
    """Deals and people from one source; a KPI on revenue at all scopes."""
    source = {"name": "crm", "provider": "csv", "path": "x.csv", "columns": {"id": "id"}, "complete_until": "now"}
    sections: dict[str, Any] = {
        "company": {"name": "Small", "timezone": "Europe/Zurich", "currency": "CHF"},
        "sources": [{**source, "entity": "deals"}, {**source, "name": "hr", "entity": "people"}],
        "metrics": [
            {
                "name": "revenue", "title": "Revenue", "entity": "deals", "where": {"status": "won"},
                "at": "closed_at", "sum": "amount", "by": ["stage"],
            },
            {
                "name": "open_deals", "title": "Open deals", "entity": "deals",
                "during": {"from": "created_at", "until": "closed_at"}, "count": "rows",
            },
        ],
        "objectives": [{"name": "grow", "title": "Grow", "owner": "a@example.com"}],
        "kpis": [
            {
                "name": "monthly_revenue", "title": "Revenue", "objective": "grow", "department": "Sales",
                "owner": "a@example.com", "why": "It pays.", "value": "revenue", "period": "month",
                "better": "higher", "target": 1000, "pace": "linear", "scopes": ["company", "team", "person"],
            }
        ],
    }  # fmt: skip
    return Config.model_validate({**sections, **changes})


def deal(number: int, amount: int, closed: datetime | None, **overrides: Any) -> Deal:
    """A deal of Ada's, won where it is closed."""
    defaults = {"owner": "ada", "stage": "Offer", "created_at": NOW - timedelta(days=60)}
    return Deal(
        id=str(number),
        amount=Decimal(amount),
        closed_at=closed,
        status="won" if closed else "open",
        **{**defaults, **overrides},
    )


ADA = Person(id="ada", name="Ada Lovelace", team="North", active=True)


def put(store: Store, source: str, entity: str, records: Sequence[Record], at: datetime = NOW) -> None:
    """One full pass, published as of `at`."""
    sync_pass = store.begin(source, entity, at, full=True)
    store.stage(sync_pass, source, Page(tuple(records), cursor=at.isoformat(), listing=Listing()))
    store.publish(source, entity, full=True, cursor=at.isoformat(), listing=Listing(), at=at)
