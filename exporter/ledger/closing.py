"""Evaluates past periods as of their ends, many with a few queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from exporter.config.fields import Period
from exporter.config.root import Config
from exporter.evaluation.completeness import Completeness
from exporter.evaluation.sealed_before import sealed_before
from exporter.kpi.calendar import DateSpan
from exporter.kpi.evaluate import KpiEvaluator, PreparedEvaluation
from exporter.kpi.values import Freshness, KpiValue
from exporter.ledger.periods import PastPeriod
from exporter.ledger.view import StoreView
from exporter.metrics.connection import Reader
from exporter.metrics.exchange_rates import ExchangeRates
from exporter.metrics.instants import HistoryQueries
from exporter.metrics.values import Window

FinalValues = Mapping[PastPeriod, Sequence[KpiValue]]
"""The values of the company, its teams and its people in each period. A period that cannot be evaluated is left out."""

Basis = frozenset[tuple[str, Window]]
"""The metrics, each with a window, on which a result rests."""


@dataclass(frozen=True, slots=True)
class Closing:
    """Periods with the same bounds, which are evaluated together with the guards of their KPIs."""

    periods: Sequence[PastPeriod]
    prepared: PreparedEvaluation

    def bases(self, guards: Mapping[str, str]) -> Mapping[PastPeriod, Basis]:
        """On what each period rests; those whose sources are not complete are left out."""
        asked = {
            period.plan.kpi.name: frozenset((q.metric, q.window) for q in period.questions())
            for period in self.prepared.periods
            if period.withheld is None
        }
        return {
            period: asked[period.kpi] | asked.get(guards.get(period.kpi, ""), frozenset())
            for period in self.periods
            if period.kpi in asked
        }


class PeriodCloser:
    """Evaluates periods of one config, by thresholds alone. Raises what KpiEvaluator and ExchangeRates raise."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._evaluator = KpiEvaluator(config)
        self._rates = ExchangeRates.load(config)
        self._completeness = Completeness(config)
        self._guards = {kpi.name: guard.name for kpi in config.kpis if (guard := config.final_guard(kpi))}
        self.calendar = self._evaluator.calendar

    def freshness(self, view: StoreView) -> Mapping[str, Freshness]:
        """How far metrics are known, also backwards, and how many of their records have a time. Raises QueryError."""
        return self._completeness.of(view.reader, view.versions, view.fresh)

    def prepare(self, periods: Iterable[PastPeriod], fresh: Mapping[str, Freshness]) -> tuple[Closing, ...]:
        """What to ask about the periods."""
        groups: dict[tuple[Period, DateSpan], list[PastPeriod]] = {}
        for period in periods:
            groups.setdefault((self._config.kpi_by_name[period.kpi].period, period.span), []).append(period)
        return tuple(
            Closing(group, self._evaluator.prepare_closing([period.kpi for period in group], span, fresh))
            for (_, span), group in groups.items()
        )

    def bases(self, closings: Iterable[Closing]) -> dict[PastPeriod, Basis]:
        """On what the periods rest; those whose sources are not complete are left out."""
        return {period: basis for each in closings for period, basis in each.bases(self._guards).items()}

    def values(self, reader: Reader, closings: Sequence[Closing]) -> FinalValues:
        """The final values. Raises QueryError if the store cannot be read."""
        questions = chain.from_iterable(closing.prepared.questions for closing in closings)
        history = HistoryQueries(reader, self._config, rates=self._rates)
        answers = history.ask(questions)
        final: dict[PastPeriod, Sequence[KpiValue]] = {}
        for closing in closings:
            sealed = sealed_before(reader, self._config, closing.prepared)
            evaluation, _ = self._evaluator.conclude(closing.prepared, answers, None, history.roster_at, sealed)
            for period in closing.bases(self._guards):
                if period.kpi not in evaluation.failed:
                    final[period] = [value for value in evaluation.kpis if value.kpi == period.kpi]
        return final
