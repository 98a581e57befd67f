"""KPIs that look like shares and do not say so."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.config.shares import share_notes
from tests.config.minimal import config

METRICS: list[dict[str, Any]] = [
    {"name": "closed", "title": "C", "entity": "deals", "at": "closed_at", "count": "rows"},
    {"name": "revenue", "title": "R", "entity": "deals", "at": "closed_at", "sum": "amount"},
    {"name": "cost", "title": "K", "entity": "deals", "at": "closed_at", "sum": "attributes.cost", "unit": "currency"},
    {"name": "resolved", "title": "A", "entity": "calls", "at": "started_at", "mean": "resolved"},
    {"name": "calls", "title": "T", "entity": "calls", "at": "started_at", "count": "rows"},
]


@pytest.mark.parametrize(
    ("kpi", "noted"),
    [
        ({"value": "won / closed", "target": 0.4}, True),
        ({"value": "won / closed", "target": {"growth": "5%", "over": "previous"}}, True),
        ({"value": "won / closed", "target": 0.4, "unit": "ratio"}, False),
        ({"value": "won / closed", "target": 0.4, "unit": "number"}, False),
        ({"value": "won / closed", "target": 40}, False),
        ({"value": "revenue / cost", "target": 2.5}, False),
        ({"value": "revenue / cost", "target": {"growth": "5%", "over": "previous"}}, False),
        ({"value": "calls / won", "target": {"growth": "5%", "over": "previous"}}, False),
        ({"value": "resolved"}, True),
        ({"value": "revenue / won", "target": 1}, False),
        ({"value": "won"}, False),
    ],
)
def test_a_quotient_without_a_unit_that_looks_like_a_share_is_noted(kpi: dict[str, Any], noted: bool) -> None:
    built = config({"target": None, **kpi}, metrics=METRICS)
    notes = list(share_notes(built))
    assert [(note.path, "unit: ratio" in note.hint) for note in notes] == (
        [(("kpis", 0, "value"), True)] if noted else []
    )
