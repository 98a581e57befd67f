"""How far metrics are known, from the passes of the sources that can contribute to their rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Passes = Mapping[tuple[str, str], tuple[datetime, datetime]]
"""For each source and entity the watermark and the end of the last completed pass."""

READS: Mapping[str, tuple[str, ...]] = {
    "crm": ("people", "deals", "leads", "activities", "invoices"),
    "desk": ("people", "tickets", "calls", "surveys", "measurements"),
    "shop": ("deals", "subscriptions", "payments"),
}
"""Which entities each source of a generated company reads."""


@dataclass(frozen=True)
class Freshness:
    """The passes, the age at which each source's numbers are withheld, and the instant at which they are that old.

    A backfill judges ages once, at the instant of the run; everything else at the instant asked about.
    """

    passes: Passes
    withheld_after: Mapping[str, timedelta]
    judged_at: datetime
    rejected: frozenset[tuple[str, str, str]] = frozenset()
    """Source, entity and id of each record that was never accepted."""

    @property
    def knows_people(self) -> bool:
        """True if every source that reads people has read them: before that, nobody knows who is in which team."""
        return all((source, "people") in self.passes for source, entities in READS.items() if "people" in entities)

    def as_of(self, metrics: Iterable[Mapping[str, Any]], now: datetime) -> tuple[datetime, bool] | None:
        """The instant up to which all the metrics are known, at most `now`, and whether that is stale; None if never."""
        at, stale = now, False
        for source, entity in {each for metric in metrics for each in contributing(metric)}:
            if (source, entity) not in self.passes:
                return None
            watermark, ended = self.passes[source, entity]
            if watermark < now:
                at = min(at, watermark)
                stale = stale or self.judged_at - ended > self.withheld_after[source]
        return at, stale


def contributing(metric: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The sources that can contribute rows to a metric, with its entity."""
    named = metric.get("where", {}).get("source")
    names = [named] if isinstance(named, str) else named
    entity = metric["entity"]
    return [(s, entity) for s, entities in READS.items() if entity in entities and (names is None or s in names)]
