"""The samples of business metrics that the oracle expects at an instant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.oracle.dates import local_date
from tests.oracle.freshness import Freshness
from tests.oracle.history import Records
from tests.oracle.kpis import Formulas
from tests.oracle.metrics import Asked, MetricOracle
from tests.oracle.people import PERSON_COLUMNS

SampleKey = tuple[str, str, str | None, str | None, str | None, tuple[tuple[str, str], ...]]
"""Metric, scope, period (None for a level), team, person, labels."""


def samples(
    config: Mapping[str, Any], records: Records, freshness: Freshness, now: datetime, known_at: datetime | None = None
) -> dict[SampleKey, float]:
    """Every business metric at its scopes and periods; what is unknown or stale has no sample."""
    oracle = MetricOracle(config, records)
    result: dict[SampleKey, float] = {}
    for metric in config["metrics"]:
        known = freshness.as_of([metric], now)
        if known is None or known[1]:
            continue
        at = known[0]
        users = [k for k in config["kpis"] if metric in Formulas(k, config).latest.metrics]
        scopes = {scope for kpi in users for scope in kpi["scopes"]} if metric["entity"] in PERSON_COLUMNS else set()
        periods = {"day", "month"} | {kpi["period"] for kpi in users}
        for scope in {"company"} | (scopes if freshness.knows_people else set()):
            names = [_label(name) for name in metric.get("by", ())] if scope == "company" else []
            for period in {None} if "during" in metric else periods:
                span = oracle.calendar.period(period or "day", local_date(at, oracle.calendar.zone))
                start = oracle.calendar.window(span)[0]
                asked = Asked(metric, start, at, scope, by=scope == "company", known_at=known_at)
                for (team, person, values), measured in oracle.answer(asked).items():
                    if measured.value is not None:
                        labels = tuple(zip(names, values, strict=True))
                        result[metric["name"], scope, period, team, person, labels] = measured.value
    return result


def _label(column: str) -> str:
    return re.sub("[^a-z0-9_]+", "_", column.removeprefix("attributes.").lower())
