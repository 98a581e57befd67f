"""How far each entity is known, from the outcomes of passes in the store."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from exporter.config.root import Config
from exporter.kpi.values import Freshness
from exporter.store.state import Outcome


def freshness(config: Config, outcomes: Iterable[Outcome], now: datetime) -> dict[str, Freshness]:
    """For each entity that some source reads: complete up to its slowest source, stale if any of them is.

    A source is stale if its last completed pass is older than its `withheld_after`, as of `now`.
    """
    by_read = {(outcome.source, outcome.entity): outcome for outcome in outcomes}
    entities = dict.fromkeys(entity for source in config.sources for entity in source.reads)
    result = {}
    for entity in entities:
        complete, stale = [], False
        sources = [source for source in config.sources if entity in source.reads]
        for source in sources:
            outcome = by_read.get((source.name, entity))
            if outcome is not None and outcome.watermark is not None:
                complete.append(outcome.watermark)
                stale |= outcome.last_success is None or now - outcome.last_success > source.withheld_after
        result[entity] = Freshness(min(complete), stale) if len(complete) == len(sources) else Freshness(None)
    return result


def never_read(config: Config, outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """Names of the polled sources with an entity that was never read completely."""
    missing = _without_watermark(config, outcomes)
    return tuple(source.name for source in config.sources if source.polled and missing[source.name])


def never_sent(config: Config, outcomes: Iterable[Outcome]) -> dict[str, tuple[str, ...]]:
    """Sources that wait for posts, with the entities of which nothing was ever received."""
    missing = _without_watermark(config, outcomes)
    push_sources = (source.name for source in config.sources if not source.polled)
    return {name: missing[name] for name in push_sources if missing[name]}


def _without_watermark(config: Config, outcomes: Iterable[Outcome]) -> dict[str, tuple[str, ...]]:
    complete = {(outcome.source, outcome.entity) for outcome in outcomes if outcome.watermark is not None}
    return {
        source.name: tuple(entity for entity in source.reads if (source.name, entity) not in complete)
        for source in config.sources
    }
