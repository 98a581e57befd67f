"""How far each entity is known, from what the store remembers of its passes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from exporter.config.root import Config
from exporter.kpi.values import Freshness
from exporter.store.state import Outcome


def freshness(config: Config, outcomes: Iterable[Outcome], now: datetime) -> dict[str, Freshness]:
    """For each entity that some source reads: complete up to its slowest source, stale if any of them is.

    A source is stale when its last completed pass is older than its `withheld_after`, as of `now`.
    """
    known = {(outcome.source, outcome.entity): outcome for outcome in outcomes}
    ages: dict[str, list[tuple[Outcome | None, timedelta]]] = {}
    for source in config.sources:
        for entity in source.reads:
            ages.setdefault(entity, []).append((known.get((source.name, entity)), source.withheld_after))
    return {entity: _of_all(reads, now) for entity, reads in ages.items()}


def _of_all(reads: list[tuple[Outcome | None, timedelta]], now: datetime) -> Freshness:
    complete = [outcome.watermark for outcome, _ in reads if outcome is not None and outcome.watermark is not None]
    if len(complete) < len(reads):
        return Freshness(None)
    stale = any(
        outcome.last_success is None or now - outcome.last_success > withheld_after
        for outcome, withheld_after in reads
        if outcome is not None
    )
    return Freshness(min(complete), stale)


def never_read(config: Config, outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """Names of the sources that can be read, with an entity that never was read whole."""
    missing = _without_watermark(config, outcomes)
    return tuple(source.name for source in config.sources if source.polled and missing[source.name])


def never_sent(config: Config, outcomes: Iterable[Outcome]) -> dict[str, tuple[str, ...]]:
    """Sources that wait for posts, with the entities of which nothing ever came."""
    missing = _without_watermark(config, outcomes)
    waiting = (source.name for source in config.sources if not source.polled)
    return {name: missing[name] for name in waiting if missing[name]}


def _without_watermark(config: Config, outcomes: Iterable[Outcome]) -> dict[str, tuple[str, ...]]:
    whole = {(outcome.source, outcome.entity) for outcome in outcomes if outcome.watermark is not None}
    return {
        source.name: tuple(entity for entity in source.reads if (source.name, entity) not in whole)
        for source in config.sources
    }
