"""The sealed periods whose values changed later."""

from __future__ import annotations

from datetime import datetime

from exporter.config.root import Config
from exporter.metrics.connection import Reader
from exporter.seals import RestatedValue
from exporter.store.ledger import read_restated_values

MOST_RESTATED = 12
"""The number of restated periods of each KPI that are exposed, the newest ones."""

LedgerVersion = tuple[object, ...]


class RestatedPeriods:
    """Reads restated values from the ledger, again only when it changed. For use in a single thread.

    With `known_at`, only what was in the ledger by then.
    """

    def __init__(self, config: Config, known_at: datetime | None = None) -> None:
        self._kpis = config.kpi_by_name
        self._known_at = known_at
        self._cache: tuple[LedgerVersion | None, tuple[RestatedValue, ...]] = (None, ())

    def values(self, reader: Reader, version: LedgerVersion) -> tuple[RestatedValue, ...]:
        """The restated values of the KPIs in the config, which belong to a version of the ledger. Raises QueryError."""
        if self._cache[0] != version:
            values = read_restated_values(reader, MOST_RESTATED, self._known_at)
            self._cache = version, tuple(value for value in values if value.kpi in self._kpis)
        return self._cache[1]
