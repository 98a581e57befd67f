"""How many records are behind each metric, and of how many the time is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from exporter.config.root import Config
from exporter.evaluation.record_counts import RecordCounter, RecordCounts, with_counts
from exporter.kpi.values import Freshness
from tests.evaluation.records import NOW, small_config
from tests.metrics.queries import LEVEL
from tests.metrics.stores import at, config_of, store_of

DAY = at("2024-03-05")


def counted(config: Config, **rows: Any) -> RecordCounts:
    return RecordCounter(config).count(store_of(**rows), {})


def metric(name: str, entity: str = "deals", **settings: Any) -> dict[str, Any]:
    time = {} if "during" in settings else {"at": "created_at"}
    return {"name": name, "entity": entity, "count": "rows", **time, **settings}


def test_empty_columns_are_counted_for_every_time_rule() -> None:
    rows = [{"created_at": DAY, "closed_at": None}] * 3 + [{"created_at": None, "closed_at": DAY}, {"deleted": True}]
    config = config_of(
        metric("won", at="closed_at", where={"status": "won"}),
        metric("lost", at="closed_at"),
        metric("open", during=LEVEL),
        metric("calls", "calls", at="started_at"),
    )
    result = counted(config, deals=rows, calls=[])
    assert result.empty == {("deals", "closed_at"): 3, ("deals", "created_at"): 1, ("calls", "started_at"): 0}


def test_a_record_without_its_first_instant_is_undated_and_one_that_is_not_closed_is_not() -> None:
    rows = [{"created_at": DAY, "closed_at": None}] * 7 + [{"created_at": None, "closed_at": DAY}, {"deleted": True}]
    config = config_of(metric("received"), metric("open", during=LEVEL), metric("closed", at="closed_at"))
    result = counted(config, deals=rows)
    assert result.records == {"received": 8, "open": 8, "closed": 8}
    assert result.undated == {"received": 1, "open": 1, "closed": 0}


def test_every_record_should_have_a_time_of_its_last_change() -> None:
    rows: list[dict[str, Any]] = [{"updated_at": DAY}, {"updated_at": None}]
    assert counted(config_of(metric("changed", at="updated_at")), deals=rows).undated == {"changed": 1}


@pytest.mark.parametrize(
    ("entity", "column", "statuses", "undated"),
    [
        ("invoices", "issued_at", ["draft", "draft", "open", None], 2),
        ("payments", "paid_at", ["pending", "failed", "succeeded"], 1),
        ("tickets", "created_at", ["open", "draft"], 2),
    ],
)
def test_a_draft_or_a_pending_payment_has_no_time_yet(
    entity: str, column: str, statuses: list[str | None], undated: int
) -> None:
    result = counted(config_of(metric("m", entity, at=column)), **{entity: [{"status": status} for status in statuses]})
    assert result.undated == {"m": undated}


def test_only_the_sources_of_a_metric_are_counted() -> None:
    shop = {"name": "shop", "provider": "csv", "path": "x.csv", "columns": {"id": "id"}, "entity": "deals"}
    received = {**metric("received"), "title": "Received"}
    metrics = [received, *({**received, "name": f"in_{name}", "where": {"source": name}} for name in ("shop", "hr"))]
    sources = [{**shop, "name": name} for name in ("shop", "crm")] + [{**shop, "name": "hr", "entity": "people"}]
    config = small_config(sources=sources, metrics=metrics, kpis=[], objectives=[])
    rows = [{"source": "shop", "created_at": when} for when in (DAY, None, DAY)] + [{"source": "crm"}]
    result = counted(config, deals=rows)
    assert result.records == {"received": 4, "in_shop": 3, "in_hr": 0}
    assert result.undated == {"received": 2, "in_shop": 1, "in_hr": 0}


def test_an_entity_is_counted_again_only_if_its_rows_changed() -> None:
    config = config_of(metric("received"), metric("calls", "calls", at="started_at"))
    counter, store = RecordCounter(config), store_of(deals=[{"created_at": DAY}], calls=[{"started_at": DAY}])

    def records(versions: Mapping[str, int]) -> Mapping[str, int]:
        return counter.count(store, versions).records

    assert records({"deals": 1, "calls": 1}) == {"received": 1, "calls": 1}
    store.execute("DELETE FROM deals")
    store.execute("DELETE FROM calls")
    assert records({"deals": 1, "calls": 1}) == {"received": 1, "calls": 1}
    assert records({"deals": 2, "calls": 1}) == {"received": 0, "calls": 1}


def test_the_counts_join_the_freshness_of_each_metric() -> None:
    counts = RecordCounts({"received": 8}, {"received": 2}, {})
    fresh = with_counts({"received": Freshness(NOW, rejected=2), "(people)": Freshness(NOW)}, counts)
    assert fresh == {"received": Freshness(NOW, records=8, undated=2, rejected=2), "(people)": Freshness(NOW)}
    assert fresh["received"].dated_share == 0.6
    assert fresh["(people)"].dated_share == 1
