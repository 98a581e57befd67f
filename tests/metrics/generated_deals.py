"""Generated deals, windows, and metrics of every kind about them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from exporter.config.fields import Scope
from exporter.config.root import Config
from exporter.metrics.values import Group, MeasuredValue, Question, Window
from tests.metrics.stores import at, config_of

START = at("2024-03-20T00:00:00")
DAYS = 30
LEVEL = {"from": "created_at", "until": "closed_at"}
WON = {"status": "won"}
X = {"name": {"matches": "^x"}}

METRICS: Sequence[dict[str, Any]] = (
    {"name": "won", "entity": "deals", "at": "closed_at", "count": "rows", "where": WON},
    {"name": "all", "entity": "deals", "at": "created_at", "count": "rows", "by": ["stage", "attributes.Deal Type"]},
    {"name": "sum", "entity": "deals", "at": "closed_at", "sum": "amount", "where": {"status": ["won", "lost"]}},
    {"name": "mean", "entity": "deals", "at": "closed_at", "mean": "amount", "by": ["stage"]},
    {"name": "min", "entity": "deals", "at": "closed_at", "min": "amount"},
    {"name": "max", "entity": "deals", "at": "closed_at", "max": "amount", "where": {"stage": {"not": "a"}}},
    {"name": "p", "entity": "deals", "at": "closed_at", "percentile": {"of": "amount", "at": 0.7}},
    {"name": "stages", "entity": "deals", "at": "closed_at", "distinct": "stage"},
    {"name": "size", "entity": "deals", "at": "closed_at", "mean": "attributes.size"},
    {"name": "big", "entity": "deals", "at": "closed_at", "count": "rows", "where": {"attributes.size": {"gt": 2}}},
    {"name": "received", "entity": "deals", "at": "created_at", "count": "rows", "where": WON, "by": ["status"]},
    {"name": "closing", "entity": "deals", "at": "created_at", "max": "closed_at - created_at"},
    {"name": "lost", "entity": "deals", "during": LEVEL, "count": "rows", "where": {"status": ["won", "lost"]}},
    {"name": "open", "entity": "deals", "during": LEVEL, "count": "rows", "by": ["stage"]},
    {"name": "open_sum", "entity": "deals", "during": LEVEL, "sum": "amount", "where": {"stage": {"present": True}}},
    {"name": "open_p", "entity": "deals", "during": LEVEL, "percentile": {"of": "amount", "at": 0.5}},
    {"name": "open_min", "entity": "deals", "during": LEVEL, "min": "amount"},
    {"name": "open_stages", "entity": "deals", "during": LEVEL, "distinct": "stage"},
    {"name": "open_size", "entity": "deals", "during": LEVEL, "mean": "attributes.size", "where": X},
)  # fmt: skip

PEOPLE = [
    {"source": "crm", "id": "1", "name": "Ann", "email": "ann@x.io", "team": "North"},
    {"source": "crm", "id": "2", "name": "Bob", "email": "bob@x.io", "team": "South"},
    {"source": "phones", "id": "2", "name": "Cleo", "email": "cleo@x.io", "team": None},
    {"source": "phones", "id": "9", "name": "Ann", "email": "ann@x.io", "team": "North"},
]
TEAMS = [
    {"name": "North", "members": [{"person": "Bob", "since": "2024-03-27", "until": "2024-04-02"}]},
    {"name": "East", "members": [{"person": "Cleo", "since": "2024-04-01"}, {"person": "zed", "until": "2024-03-30"}]},
]
RATES = {"USD": [{"rate": 0.9, "since": "2024-03-25"}, {"rate": 0.8, "since": "2024-04-03"}], "JPY": 0.0061}


def config_with_kpis(*metrics: dict[str, Any], **sections: Any) -> Config:
    """A config with a KPI for each metric, at every scope."""
    texts = dict.fromkeys(("title", "department", "owner", "why"), "x")
    kpis = [
        {
            "name": f"kpi_{metric['name']}",
            "objective": "o",
            "value": metric["name"],
            "period": "week",
            "better": "higher",
            "scopes": ["company", "team", "person"],
            **texts,
        }
        for metric in metrics
    ]
    return config_of(*metrics, objectives=[{"name": "o", "title": "o", "owner": "o"}], kpis=kpis, **sections)


CONFIG = config_with_kpis(*METRICS, teams=TEAMS, company={"rates": RATES})

hours = st.integers(-2, DAYS * 24 + 2).map(lambda hour: START + timedelta(hours=hour))
deal = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["crm", "phones"]),
        "deleted": st.sampled_from([False] * 9 + [True]),
        "name": st.sampled_from(["x1", "y2", None]),
        "status": st.sampled_from(["open", "won", "lost"]),
        "stage": st.sampled_from(["a", "b", "", None]),
        "amount": st.none() | st.decimals(-1000, 10**6, places=2),
        "currency": st.sampled_from([None, "", "EUR", "USD", "JPY", "XXX"]),
        "owner": st.sampled_from(["1", "2", "9", "ANN@x.io", "bob", "zed", " ", None]),
        "created_at": st.none() | hours,
        "closed_at": st.none() | hours,
        "attributes": st.fixed_dictionaries(
            {},
            optional={"Deal Type": st.sampled_from(["n", "", "u"]), "size": st.sampled_from(["1", "2.5", "x", "nan"])},
        ),
    }
)
windows = st.tuples(hours, hours).map(sorted).map(lambda pair: Window(*pair))


def questions(window: Window) -> list[Question]:
    return [Question(m.name, window, scope, by) for m in CONFIG.metrics for scope in Scope for by in (False, True)]


def _close(left: MeasuredValue, right: MeasuredValue) -> bool:
    """Equal but for the last digits of sums of floats."""
    if (left.rows, left.held_out) != (right.rows, right.held_out) or (left.value is None) != (right.value is None):
        return False
    return left.value is None or math.isclose(left.value, right.value or 0.0, rel_tol=1e-9, abs_tol=1e-9)


def same_values(left: Mapping[Group, MeasuredValue], right: Mapping[Group, MeasuredValue]) -> bool:
    """The same groups with the same numbers."""
    return left.keys() == right.keys() and all(_close(left[group], right[group]) for group in left)
