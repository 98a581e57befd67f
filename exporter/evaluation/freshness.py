"""How far each metric is known, from the outcomes of passes in the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from exporter.config.root import Config
from exporter.config.sources.base import SourceOptions
from exporter.kpi.values import PEOPLE, Freshness
from exporter.store.state import Outcome


def freshness(config: Config, outcomes: Iterable[Outcome], now: datetime) -> dict[str, Freshness]:
    """For each metric, and for `PEOPLE` if some source reads them: complete up to its slowest source, stale if any is.

    Only the sources that can contribute to the metric's rows matter. A source is stale if its last completed pass is
    older than its `withheld_after`, as of `now`; a source that ages by its watermark if that is. `rejected` adds up
    over the sources.

    What was pushed is not known while nobody has accepted that it was lost in a rebuild of the store.
    """
    outcomes = tuple(outcomes)
    rebuilt_at = max((o.rebuilt_at for o in outcomes if o.rebuilt_at is not None), default=None)
    by_read = {(outcome.source, outcome.entity): outcome for outcome in outcomes}

    def known(sources: Sequence[SourceOptions], entity: str) -> Freshness:
        lost = [source for source in sources if not source.polled] if rebuilt_at is not None else []
        if rebuilt_at is not None and lost:
            return Freshness(None, unread=_loss(entity, lost[0].name, rebuilt_at))
        return _freshness(entity, [(source, by_read.get((source.name, entity))) for source in sources], now)

    result = {metric.name: known(config.sources_of(metric), metric.entity) for metric in config.metrics}
    if people := [source for source in config.sources if "people" in source.reads]:
        result[PEOPLE] = known(people, "people")
    return result


def _loss(entity: str, source: str, rebuilt_at: datetime) -> str:
    return (
        f"{entity} that {source} pushed before {rebuilt_at:%Y-%m-%d %H:%M} UTC were lost with a damaged store:"
        " restore a backup, or accept the loss with kpi-exporter accept-loss"
    )


def _freshness(entity: str, sources: Sequence[tuple[SourceOptions, Outcome | None]], now: datetime) -> Freshness:
    complete, stale, rejected = [], False, 0
    for source, outcome in sources:
        if outcome is None or outcome.watermark is None:
            cause = f" ({outcome.reason.value})" if outcome is not None and outcome.reason is not None else ""
            return Freshness(None, unread=f"{entity} from {source.name} are not known yet{cause}")
        complete.append(outcome.watermark)
        current_until = outcome.watermark if source.ages_by_watermark else outcome.last_success
        stale |= current_until is None or now - current_until > source.withheld_after
        rejected += outcome.rejected
    return Freshness(min(complete), stale, rejected=rejected) if complete else Freshness(None)


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
