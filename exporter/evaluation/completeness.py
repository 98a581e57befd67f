"""How completely each metric is known, from the records in the store: since when, and how many of them have no time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from exporter.config.root import Config
from exporter.evaluation.first_records import first_records, with_first_records
from exporter.evaluation.record_counts import RecordCounter, with_counts
from exporter.kpi.values import Freshness
from exporter.metrics.connection import Reader


class Completeness:
    """Completes the freshness of one config's metrics, and reads the store only where its rows have changed.

    `versions` are those of the entities in the state that the reader sees. For use in a single thread.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._counter = RecordCounter(config)
        self._firsts: tuple[Mapping[str, int], Mapping[str, datetime]] | None = None

    def of(
        self, reader: Reader, versions: Mapping[str, int], fresh: Mapping[str, Freshness]
    ) -> Mapping[str, Freshness]:
        """The same freshness with the first records and the counts of records. Raises QueryError."""
        if self._firsts is None or self._firsts[0] != versions:
            self._firsts = versions, first_records(reader, self._config)
        return with_first_records(with_counts(fresh, self._counter.count(reader, versions)), self._firsts[1])

    def undated(self, reader: Reader, versions: Mapping[str, int]) -> Mapping[tuple[str, str], int]:
        """For each (entity, column) by which metrics date records, how many are in no period. Raises QueryError."""
        return self._counter.count(reader, versions).empty
