"""Keeps the ledger of one config in one store: seals what became final, and restates what changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.evaluation.first_records import earliest_records
from exporter.kpi.calendar import DateSpan
from exporter.ledger.closing import PeriodCloser
from exporter.ledger.entries import sealed
from exporter.ledger.looks import LOOK_INTERVAL, LookBook
from exporter.ledger.periods import FinalPeriods, PastPeriod, newest
from exporter.ledger.restating import Restater
from exporter.ledger.view import StoreView
from exporter.metrics.connection import Reader
from exporter.seals import LedgerEntries, Seal
from exporter.store.ledger import read_looks
from exporter.store.store import Store

MOST_SPANS = 32
"""So many spans of dates are evaluated at once; the others follow at the next update."""


class LedgerKeeper:
    """Seals and restates the periods of one config. For use in a single thread; the only writer of the ledger.

    Raises EvaluationError if no holidays are known for the company's country, and ConfigError for a faulty CSV of
    exchange rates.
    """

    def __init__(self, config: Config, store: Store) -> None:
        self._config = config
        self._store = store
        self._closer = PeriodCloser(config)
        self._final = FinalPeriods(config, self._closer.calendar)
        self._looks = LookBook(config, self._final)
        self._restater = Restater(config, self._closer, self._looks)
        self._rebuilds: int | None = None
        self._complete: dict[str, tuple[DateSpan, datetime]] = {}
        self._retry_at: dict[str, datetime] = {}
        self._firsts: tuple[Mapping[str, int], Mapping[str, datetime]] = ({}, {})

    def update(self, now: datetime) -> LedgerEntries:
        """Seals what is final at `now`, else restates what changed; returns what it wrote, in one transaction.

        It does a limited amount of work: call it again after the next evaluation. While nothing changes it costs next
        to nothing. Raises StoreError if the store cannot be read or written; then the next call does the same again.
        """
        with self._store.reading() as reader:
            self._load(reader)
            view = StoreView.of(reader, self._config, now)
            entries = self._seal(view) or self._restater.restate(view, MOST_SPANS)
        if entries.looks:
            self._store.write_ledger(entries)
            self._looks.record(entries.looks)
        return entries

    def _load(self, reader: Reader) -> None:
        """Reads the ledger at first, and again if the store was rebuilt, which starts an empty one."""
        if self._rebuilds != self._store.rebuilds:
            self._looks.replace_all(read_looks(reader))
            self._complete.clear()
            self._rebuilds = self._store.rebuilds

    def _seal(self, view: StoreView) -> LedgerEntries | None:
        """The seals that are due; None if there are none."""
        periods = newest((period for kpi in self._config.kpis for period in self._unsealed(kpi, view)), MOST_SPANS)
        if not periods:
            return None
        closings = self._closer.prepare(periods, self._closer.freshness(view))
        values = self._closer.values(view.reader, closings)
        self._retry_at.update({p.kpi: view.now + LOOK_INTERVAL for p in periods if p not in values})
        looks = {period: self._looks.look_now(period, view) for period in values}
        seals: list[Seal] = []
        for period, look in looks.items():
            seals += sealed(look, values[period], self._final.watermark(period, view.fresh))
        return LedgerEntries(tuple(seals), (), tuple(looks.values()))

    def _unsealed(self, kpi: Kpi, view: StoreView) -> Iterator[PastPeriod]:
        """The final periods of a KPI that are not sealed, as far back as records and versions go."""
        if view.now < self._retry_at.get(kpi.name, view.now):
            return
        oldest = view.now - self._config.history.retention
        latest = self._final.latest(kpi, view.fresh, view.now, oldest)
        if latest is None or self._is_complete(kpi, latest, view.now):
            return
        oldest = max(oldest, self._first_record(kpi, view))
        periods = [period for period in self._final.back_from(kpi, latest, oldest) if not self._looks.is_sealed(period)]
        if not periods:
            self._complete[kpi.name] = latest, view.now
        yield from periods

    def _is_complete(self, kpi: Kpi, latest: DateSpan, now: datetime) -> bool:
        """True if all periods up to the latest were sealed when last checked; older records may have come since."""
        span, checked_at = self._complete.get(kpi.name, (None, now))
        return span == latest and now < checked_at + LOOK_INTERVAL

    def _first_record(self, kpi: Kpi, view: StoreView) -> datetime:
        """The instant of the first record of the entities that the KPI measures; now if there is none."""
        if self._firsts[0] != view.versions:
            self._firsts = view.versions, earliest_records(view.reader, self._config)
        firsts = self._firsts[1]
        return min((firsts[name] for name in kpi.metrics if name in firsts), default=view.now)
