"""The sealed periods with which an evaluation compares its values."""

from __future__ import annotations

from datetime import datetime

from exporter.config.history import Restate
from exporter.config.root import Config
from exporter.kpi.evaluate import PreparedEvaluation
from exporter.kpi.sealed_periods import NOTHING_SEALED, SealedPeriods
from exporter.metrics.connection import Reader
from exporter.store.ledger import read_seals, read_seals_of


def all_sealed(reader: Reader, config: Config) -> SealedPeriods:
    """All seals; none if the config restates comparisons. Raises QueryError."""
    return NOTHING_SEALED if config.history.restate is Restate.ALWAYS else SealedPeriods(read_seals(reader))


def sealed_before(
    reader: Reader, config: Config, prepared: PreparedEvaluation, known_at: datetime | None = None
) -> SealedPeriods:
    """The seals of the previous and reference periods; with `known_at` those that existed then.

    None of them if the config restates comparisons. Raises QueryError.
    """
    if config.history.restate is Restate.ALWAYS:
        return NOTHING_SEALED
    starts = {(period.plan.kpi.name, window.start) for period in prepared.periods for window in period.windows[1:]}
    return SealedPeriods(read_seals_of(reader, sorted(starts), known_at)) if starts else NOTHING_SEALED
