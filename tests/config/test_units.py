"""In which unit things are counted when the config does not say."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.config.expression import parse
from exporter.config.metrics import Metric
from exporter.config.units import metric_unit, unit_of

UNITS = {
    "won": "count",
    "closed": "count",
    "revenue": "currency",
    "cost": "currency",
    "wait": "seconds",
    "rate": "ratio",
    "nps": "points",
    "per_head": "number",
}


@pytest.mark.parametrize(
    ("entity", "aggregate", "unit"),
    [
        ("deals", {"count": "rows"}, "count"),
        ("deals", {"sum": "amount"}, "currency"),
        ("deals", {"percentile": {"of": "amount", "at": 0.5}}, "currency"),
        ("deals", {"distinct": "amount"}, "count"),
        ("calls", {"mean": "wait_seconds"}, "seconds"),
        ("calls", {"mean": "resolved"}, "ratio"),
        ("calls", {"sum": "resolved"}, "count"),
        ("calls", {"max": "ended_at - started_at"}, "seconds"),
        ("calls", {"mean": "satisfaction"}, "score"),
        ("measurements", {"sum": "value"}, "count"),
        ("deals", {"mean": "attributes.margin"}, "score"),
        ("deals", {"sum": "attributes.margin"}, "count"),
        ("deals", {"sum": "attributes.margin", "unit": "currency"}, "currency"),
        ("deals", {"count": "rows", "unit": "pieces"}, "pieces"),
    ],
)
def test_a_metric_has_the_unit_of_its_column(entity: str, aggregate: dict[str, Any], unit: str) -> None:
    metric = Metric.model_validate({"name": "m", "title": "M", "entity": entity, "at": "created_at", **aggregate})
    assert metric_unit(metric) == unit


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("won", "count"),
        ("won + closed", "count"),
        ("won / closed", "number"),
        ("revenue / won", "currency"),
        ("revenue / cost", "number"),
        ("(revenue - cost) / revenue", "number"),
        ("wait / won", "seconds"),
        ("1 - rate", "ratio"),
        ("rate / rate", "number"),
        ("1 - won / closed", "number"),
        ("revenue * (won / closed)", "currency"),
        ("per_head * revenue", "currency"),
        ("per_head", "number"),
        ("rate * revenue", "currency"),
        ("revenue * rate", "currency"),
        ("2 * wait", "seconds"),
        ("wait / 60", "seconds"),
        ("nps / won", "points"),
        ("nps - nps", "points"),
        ("100 * won / closed", "number"),
        ("2 / 3", "number"),
        ("revenue / rate", "currency"),
        ("1 + won", "count"),
        ("revenue + won", None),
        ("won * closed", None),
        ("won / revenue", None),
        ("(won + wait) / won", None),
        ("2 * (revenue + wait)", None),
    ],
)
def test_arithmetic_has_the_unit_that_follows(text: str, unit: str | None) -> None:
    assert unit_of(parse(text), UNITS) == unit
