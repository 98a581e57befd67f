"""Records that are in no period."""

from __future__ import annotations

from exporter.evaluation.undated import undated
from tests.metrics.asking import LEVEL
from tests.metrics.company import at, config_of, store_of


def test_undated_records_are_counted_for_every_column_that_places_them() -> None:
    day = at("2024-03-05")
    rows = [{"created_at": day, "closed_at": None}] * 3 + [{"created_at": None, "closed_at": day}, {"deleted": True}]
    config = config_of(
        {"name": "won", "entity": "deals", "at": "closed_at", "count": "rows", "where": {"status": "won"}},
        {"name": "lost", "entity": "deals", "at": "closed_at", "count": "rows"},
        {"name": "open", "entity": "deals", "during": LEVEL, "count": "rows"},
        {"name": "calls", "entity": "calls", "at": "started_at", "count": "rows"},
    )
    found = undated(store_of(deals=rows, calls=[]), config)
    assert found == {("deals", "closed_at"): 3, ("deals", "created_at"): 1, ("calls", "started_at"): 0}
