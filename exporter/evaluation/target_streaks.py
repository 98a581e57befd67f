"""How often in a row the targets of a config's KPIs were missed or exceeded, by the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from exporter.config.root import Config
from exporter.evaluation.restated_periods import LedgerVersion
from exporter.kpi.signals import TargetStreak
from exporter.kpi.streaks import streak
from exporter.metrics.connection import Reader
from exporter.store.ledger import read_verdicts

_MOST_PERIODS = 130
"""Enough for the longest streak that a config can ask for, 60 days of work, with the days off between them."""


class TargetStreaks:
    """Reads streaks from the ledger, again only when it changed. For use in a single thread.

    With `known_at`, only what was in the ledger by then.
    """

    def __init__(self, config: Config, known_at: datetime | None = None) -> None:
        self._kpis = config.kpi_by_name
        self._known_at = known_at
        self._cache: tuple[LedgerVersion | None, Mapping[str, TargetStreak]] = (None, {})

    def values(self, reader: Reader, version: LedgerVersion) -> Mapping[str, TargetStreak]:
        """The streak of each KPI in the config that has final periods. Raises QueryError."""
        if self._cache[0] != version:
            verdicts = read_verdicts(reader, _MOST_PERIODS, self._known_at)
            by_kpi = {kpi: streak(own) for kpi, own in groupby(verdicts, attrgetter("kpi")) if kpi in self._kpis}
            self._cache = version, by_kpi
        return self._cache[1]
