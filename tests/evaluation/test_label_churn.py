"""New values of a label at every pass: the series stay within their limit, and their sum stays that of the records."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from exporter.config.fields import Period, Scope
from exporter.evaluation.evaluator import Evaluator
from exporter.metrics.label_folding import MAX_VALUES
from exporter.store.store import Store
from tests.evaluation.records import ADA, NOW, deal, put, small_config

PASSES, NEW, OLD = 20, 30, 200
"""Each pass brings so many deals of stages that nobody has seen before, and removes the oldest beyond a number."""


def test_the_series_of_a_metric_stay_within_their_limit_however_many_values_come_and_go(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "data")
    put(store, "hr", "people", [ADA])
    evaluator = Evaluator(small_config(), store)
    deals = []
    values = set()
    for number in range(PASSES):
        now = NOW + timedelta(seconds=number)
        ids = range(number * NEW, (number + 1) * NEW)
        deals = [*deals, *(deal(i, 1 + i % 3, NOW - timedelta(hours=1), stage=f"stage {i}") for i in ids)][-OLD:]
        put(store, "crm", "deals", deals, now)
        evaluation = evaluator.evaluate(now, None).evaluation
        shown = {
            metric.labels[0][1]: metric.value
            for metric in evaluation.metrics
            if (metric.metric, metric.scope, metric.period) == ("revenue", Scope.COMPANY, Period.MONTH)
        }
        assert len(shown) <= MAX_VALUES + 1
        assert sum(value or 0 for value in shown.values()) == sum(deal.amount or 0 for deal in deals)
        values |= shown.keys()
    store.close()
    assert len(values) > MAX_VALUES + 1, "nothing came or went"
