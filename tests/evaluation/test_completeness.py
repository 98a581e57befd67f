"""How completely metrics are known, and when the store is asked again."""

from __future__ import annotations

from typing import Any

from exporter.evaluation.completeness import Completeness
from exporter.kpi.values import Freshness
from tests.evaluation.records import NOW
from tests.metrics.stores import at, config_of, store_of

DAY = at("2024-03-05")
METRIC = {"name": "received", "entity": "deals", "at": "created_at", "count": "rows"}
GROWING = {
    **dict.fromkeys(("title", "department", "owner", "why"), "x"),
    "name": "growing",
    "objective": "o",
    "value": "received",
    "period": "month",
    "better": "higher",
    "target": {"growth": 0.1, "over": "previous"},
}
CONFIG = config_of(METRIC, objectives=[{"name": "o", "title": "o", "owner": "o"}], kpis=[GROWING])
FRESH = {"received": Freshness(NOW)}


def deals(dated: int, undated: int) -> Any:
    return store_of(deals=[{"created_at": DAY}] * dated + [{"created_at": None}] * undated)


def test_a_metric_is_known_from_its_first_record_on_and_as_far_as_its_records_have_a_time() -> None:
    complete = Completeness(CONFIG).of(deals(8, 2), {"deals": 1}, FRESH)["received"]
    assert (complete.known_since, complete.records, complete.undated) == (DAY, 10, 2)
    assert complete.dated_share == 0.8
    assert complete.complete_until == NOW


def test_the_store_is_asked_again_only_if_its_rows_have_changed() -> None:
    completeness = Completeness(CONFIG)
    completeness.of(deals(8, 2), {"deals": 1}, FRESH)
    assert completeness.of(deals(1, 0), {"deals": 1}, FRESH)["received"].records == 10
    assert completeness.undated(deals(1, 0), {"deals": 1}) == {("deals", "created_at"): 2}
    assert completeness.of(deals(1, 0), {"deals": 2}, FRESH)["received"].records == 1
    assert completeness.undated(deals(1, 0), {"deals": 2}) == {("deals", "created_at"): 0}
