"""Which share of the records behind a KPI has a place in time, and since when there are any."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from tests.oracle.freshness import contributing
from tests.oracle.history import EVENTS, Records

_NOT_DATED_YET = {"invoices": "draft", "payments": "pending"}


def dated_share(
    records: Records,
    metrics: Iterable[Mapping[str, Any]],
    rejected: Collection[tuple[str, str, str]],
    known_at: datetime | None,
) -> float:
    """The lowest share among the metrics of the records of their sources that were accepted and whose time is known.

    `rejected` are the source, entity and id of each record that was never accepted.
    """
    return min(_share(records, metric, rejected, known_at) for metric in metrics)


def begins(records: Records, metric: Mapping[str, Any], known_at: datetime | None) -> Iterator[datetime]:
    """The first instant of each source of a metric, of its entity's first column or the one of its time rule.

    Of measurements only those of the names that the metric counts.
    """
    columns = {EVENTS[metric["entity"]][0], metric.get("at") or metric["during"]["from"]}
    name = metric["where"].get("name") if metric["entity"] == "measurements" and "where" in metric else None
    for source, entity in contributing(metric):
        latest = [
            versions[-1].fields
            for record in records.by_key.values()
            if (record.source, record.entity) == (source, entity) and (versions := record.known(known_at))
        ]
        mine = [fields for fields in latest if name is None or fields["name"] == name]
        instants = [at for fields in mine for column in columns if (at := fields.get(column)) is not None]
        if instants:
            yield min(instants)


def _share(
    records: Records,
    metric: Mapping[str, Any],
    rejected: Collection[tuple[str, str, str]],
    known_at: datetime | None,
) -> float:
    """An empty time is unknown only if every record has such a time, which is the first one of its entity."""
    sources, entity = contributing(metric), metric["entity"]
    column = metric.get("at") or metric["during"]["from"]
    stored = [
        versions[-1].fields
        for record in records.by_key.values()
        if (record.source, record.entity) in sources and (versions := record.known(known_at))
    ]
    unknown = [
        fields
        for fields in stored
        if fields.get(column) is None
        and column == EVENTS[entity][0]
        and (fields.get("status") or "") != _NOT_DATED_YET.get(entity)
    ]
    missing = sum((source, name) in sources for source, name, _ in rejected)
    everything = len(stored) + missing
    return (len(stored) - len(unknown)) / everything if everything else 1.0
