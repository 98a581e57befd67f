"""A small company whose October 2025 is over, and the keeper of its ledger.

October ends in Zurich at 23:00 UTC on the 31st, because winter time began on the 26th. 1 November is a Saturday, so the
third workday after it, Wednesday the 5th, ends at 23:00 UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.config.root import Config
from exporter.ledger.keeper import LedgerKeeper
from exporter.records import Deal, Person
from exporter.seals import Restatement, Seal
from exporter.store.store import Store
from tests.evaluation.records import ADA, deal, put, small_config

BEN = Person(id="ben", name="Ben", team="South", active=True)
SETTLED = datetime(2025, 11, 5, 23, tzinfo=UTC)
LATER = SETTLED + timedelta(hours=3)
HOUR = timedelta(hours=1)


def october(day: int, hour: int = 12) -> datetime:
    """An instant of October 2025."""
    return datetime(2025, 10, day, hour, tzinfo=UTC)


DEALS = (deal(1, 400, october(3)), deal(2, 500, october(20)), deal(3, 200, october(31, 21), owner="ben"))
"""1100 won in October: 900 by Ada of team North, 200 by Ben of team South."""


def sync(store: Store, deals: Iterable[Deal] = DEALS, at: datetime = SETTLED, people: Iterable[Person] = ()) -> None:
    """A full pass over everything."""
    put(store, "hr", "people", list(people) or [ADA, BEN], at)
    put(store, "crm", "deals", list(deals), at)


def keeper(store: Store, **changes: Any) -> LedgerKeeper:
    """The keeper of the ledger of the small company."""
    return LedgerKeeper(config(**changes), store)


def config(**changes: Any) -> Config:
    """The small company, whose KPI has a target of 1000 a month, for itself; `changes` are those of the KPI."""
    history = {"history": changes.pop("history")} if "history" in changes else {}
    sections = {name: changes.pop(name) for name in ("metrics", "teams", "company", "sources") if name in changes}
    return small_config(kpis=[{**KPI, **changes}], **history, **sections)


KPI: dict[str, Any] = {
    "name": "monthly_revenue", "title": "Revenue", "objective": "grow", "department": "Sales",
    "owner": "a@example.com", "why": "It pays.", "value": "revenue", "period": "month",
    "better": "higher", "target": 1000, "pace": "linear", "scopes": ["company", "team", "person"],
}  # fmt: skip
"""Its KPI."""


def name_of(entry: Seal | Restatement) -> str:
    """Whose result it is."""
    return entry.person or entry.team or "company"


def of_october(store: Store) -> dict[str, Seal]:
    """The seals of October, by whose they are."""
    return {name_of(seal): seal for seal in store.seals() if seal.period == "2025-10"}


def restatements(store: Store) -> dict[str, tuple[str, float | None, float | None]]:
    """Cause, previous and new value of each restatement, by whose it is; fails if somebody has two."""
    entries = store.restatements()
    by_name = {name_of(each): (each.cause.value, each.previous_value, each.value) for each in entries}
    assert len(by_name) == len(entries)
    return by_name
