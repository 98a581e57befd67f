"""What only alerts need, from the same state of the store as the values of KPIs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from exporter.config.root import Config
from exporter.evaluation.alert_emails import emails_for_alerts
from exporter.evaluation.restated_periods import LedgerVersion
from exporter.evaluation.target_streaks import TargetStreaks
from exporter.kpi.burn_rates import BurnRates, BurnWindow
from exporter.kpi.calendar import Calendar
from exporter.kpi.drivers import DriverQuestions, Drivers
from exporter.kpi.evaluate import PreparedEvaluation
from exporter.kpi.signals import AlertSignals
from exporter.kpi.values import Evaluation, Freshness
from exporter.metrics.connection import Reader
from exporter.metrics.people import Directory
from exporter.metrics.values import Answers, Question


@dataclass(frozen=True, slots=True)
class SignalQuestions:
    """What to ask about drivers and about windows of burn rates."""

    drivers: DriverQuestions
    windows: Sequence[BurnWindow]

    def __iter__(self) -> Iterator[Question]:
        yield from self.drivers
        for window in self.windows:
            yield from window.questions


@dataclass(frozen=True, slots=True)
class LedgerView:
    """A connection to the store, the version of the ledger that it sees, and everybody it knows."""

    reader: Reader
    version: LedgerVersion
    directory: Directory


class SignalEvaluator:
    """Evaluates the signals of one config. For use in a single thread."""

    def __init__(self, config: Config, calendar: Calendar, known_at: datetime | None = None) -> None:
        self._config = config
        self._drivers = Drivers(config, calendar)
        self._burn_rates = BurnRates(calendar)
        self._streaks = TargetStreaks(config, known_at)

    def questions(self, prepared: PreparedEvaluation, freshness: Mapping[str, Freshness]) -> SignalQuestions:
        """What they require besides the questions of the evaluation itself."""
        drivers = self._drivers.questions(freshness, prepared.at)
        return SignalQuestions(drivers, self._burn_rates.windows(prepared.periods))

    def with_signals(
        self, evaluation: Evaluation, signal_questions: SignalQuestions, answers: Answers, ledger: LedgerView
    ) -> Evaluation:
        """The evaluation with the signals that follow from the answers and the ledger. Raises QueryError."""
        signals = AlertSignals(
            emails_for_alerts(self._config, ledger.directory, evaluation),
            self._drivers.readings(signal_questions.drivers, answers),
            self._streaks.values(ledger.reader, ledger.version),
            self._burn_rates.rates(signal_questions.windows, answers, evaluation.kpis),
        )
        return replace(evaluation, signals=signals)
