"""Which share of the records behind a KPI has a place in time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tests.oracle.freshness import contributing
from tests.oracle.history import EVENTS, Records

_NOT_DATED_YET = {"invoices": "draft", "payments": "pending"}


def dated_share(records: Records, metrics: Iterable[Mapping[str, Any]], known_at: datetime | None) -> float:
    """The lowest share among the metrics of the records of their sources whose time is known."""
    return min(_share(records, metric, known_at) for metric in metrics)


def _share(records: Records, metric: Mapping[str, Any], known_at: datetime | None) -> float:
    """An empty time is unknown only if every record has such a time, which is the first one of its entity."""
    sources, entity = contributing(metric), metric["entity"]
    column = metric.get("at") or metric["during"]["from"]
    stored = [
        versions[-1].fields
        for record in records.by_key.values()
        if (record.source, record.entity) in sources and (versions := record.known(known_at))
    ]
    if not stored or column != EVENTS[entity][0]:
        return 1.0
    unknown = [
        fields
        for fields in stored
        if fields.get(column) is None and (fields.get("status") or "") != _NOT_DATED_YET.get(entity)
    ]
    return 1 - len(unknown) / len(stored)
