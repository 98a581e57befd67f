"""Compares sealed periods with what the records and the config say now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from exporter.config.root import Config
from exporter.ledger.causes import Causes, RecordChanges
from exporter.ledger.closing import Basis, FinalValues, PeriodCloser
from exporter.ledger.entries import StandingResults, restated
from exporter.ledger.looks import LookBook
from exporter.ledger.periods import PastPeriod
from exporter.ledger.reach import ChangeReach
from exporter.ledger.view import StoreView
from exporter.metrics.people import Directory
from exporter.metrics.values import FIRST
from exporter.seals import LedgerEntries, Restatement
from exporter.store.ledger import read_standing


class Restater:
    """Finds results that differ from those that stand in the ledger, and why."""

    def __init__(self, config: Config, closer: PeriodCloser, looks: LookBook) -> None:
        self._config = config
        self._closer = closer
        self._looks = looks

    def restate(self, view: StoreView, most_spans: int) -> LedgerEntries:
        """The restatements that are due, with the looks that found them. Raises QueryError."""
        outdated = self._looks.outdated(view, most_spans)
        if not outdated:
            return LedgerEntries()
        fresh = self._closer.freshness(view)
        bases = self._closer.bases(self._closer.prepare(outdated, fresh))
        self._looks.postpone([period for period in outdated if period not in bases], view.now)
        affected = list(self._affected(view, bases))
        spared = bases.keys() - set(affected)
        self._looks.record([self._looks.look_now(period, view) for period in spared])
        if not affected:
            return LedgerEntries()
        values = self._closer.values(view.reader, self._closer.prepare(affected, fresh))
        self._looks.postpone([period for period in affected if period not in values], view.now)
        return self._compared(view, bases, values)

    def _affected(self, view: StoreView, bases: Mapping[PastPeriod, Basis]) -> Iterator[PastPeriod]:
        """The periods whose results may differ.

        Records may have changed since the oldest of the looks: one question for all periods of a KPI costs least.
        """
        looks = {period: self._looks.look(period) for period in bases}
        since: dict[str, datetime] = {}
        for period, look in looks.items():
            known_until = look.known_until or FIRST
            since[period.kpi] = min(since.get(period.kpi, known_until), known_until)
        reach = {instant: ChangeReach(view.reader, instant) for instant in set(since.values())}
        for period, basis in bases.items():
            look = looks[period]
            if (
                self._looks.digests(period) != (look.definition_digest, look.target_digest)
                or self._looks.people_changed(period, view)
                or reach[since[period.kpi]].touches(self._config.metric_by_name, basis)
            ):
                yield period

    def _compared(
        self,
        view: StoreView,
        bases: Mapping[PastPeriod, Basis],
        values: FinalValues,
    ) -> LedgerEntries:
        directory = Directory.load(view.reader, self._config)
        standing = self._standing(view, values)
        restatements: list[Restatement] = []
        looks = []
        for period, period_values in values.items():
            look = self._looks.look_now(period, view)
            previous = self._looks.look(period)
            changes = RecordChanges(view.reader, self._config, bases[period], previous.known_until)
            causes = Causes(previous, look, changes, directory, self._looks.people_changed(period, view))
            restatements += restated(look, period_values, standing, causes.of)
            looks.append(look)
        return LedgerEntries((), tuple(restatements), tuple(looks))

    def _standing(self, view: StoreView, periods: Iterable[PastPeriod]) -> StandingResults:
        """The results that stand, without those of scopes that a KPI does not have any more."""
        results = read_standing(view.reader, [(period.kpi, period.name) for period in periods])
        kpis = self._config.kpi_by_name
        return {key: result for key, result in results.items() if key.scope in kpis[key.kpi].scopes}
