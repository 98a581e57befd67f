"""Evaluates a config from the store again and again, reusing what has not changed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from exporter.config.positions import Finding
from exporter.config.root import Config
from exporter.errors import EvaluationError, StoreDamagedError
from exporter.evaluation.alert_signals import LedgerView, SignalEvaluator
from exporter.evaluation.answer_cache import AnswerCache
from exporter.evaluation.completeness import Completeness
from exporter.evaluation.freshness import freshness
from exporter.evaluation.restated_periods import LedgerVersion, RestatedPeriods
from exporter.evaluation.sealed_before import sealed_before
from exporter.evaluation.steady_ages import SteadyAges
from exporter.kpi.evaluate import KpiEvaluator
from exporter.kpi.plan import people_known
from exporter.kpi.status import StatusMemory
from exporter.kpi.target_review import unmatched
from exporter.kpi.values import Evaluation, Freshness
from exporter.metrics.connection import QueryError, Reader, consistent_read, release_memory
from exporter.metrics.evaluate import answer_questions
from exporter.metrics.exchange_rates import ExchangeRates
from exporter.metrics.label_folding import RetainedValues
from exporter.metrics.people import Directory
from exporter.metrics.values import Answers, Question
from exporter.store.known import show_known
from exporter.store.ledger import ledger_version
from exporter.store.rebuilds import Rebuild, unaccepted_rebuilds
from exporter.store.state import Outcome, read_outcomes, read_versions
from exporter.store.store import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """An evaluation and the memory for the next one.

    `outcomes` are those of the sources in the same state of the store, and `rebuilds` those that nobody has accepted.
    """

    evaluation: Evaluation
    memory: StatusMemory
    outcomes: tuple[Outcome, ...]
    rebuilds: tuple[Rebuild, ...] = ()


@dataclass(frozen=True, slots=True)
class _StoreState:
    """What an evaluation depends on besides the config: equal states give equal evaluations."""

    fresh: Mapping[str, Freshness]
    versions: Mapping[str, int]
    ledger: LedgerVersion

    def holds_at(self, now: datetime) -> bool:
        """True if `now` is beyond everything known, so that it makes no difference."""
        return all(f.complete_until is not None and f.complete_until <= now for f in self.fresh.values())


class Evaluator:
    """Evaluates one config from one store. For use in a single thread.

    It reuses what has not changed since the last evaluation: answers, people, counts of records and label values.
    Raises EvaluationError if no holidays are known for the company's country, and ConfigError for a faulty CSV of
    exchange rates.
    """

    def __init__(
        self, config: Config, store: Store, known_at: datetime | None = None, ages: SteadyAges | None = None
    ) -> None:
        """With `known_at`, the records and watermarks are those that the store knew at that instant.

        `ages` bounds how fresh sources can be, for evaluations as of the present.
        """
        self._known_at = known_at
        self._ages = ages
        self._config = config
        self._store = store
        self._evaluator = KpiEvaluator(config)
        self._rates = ExchangeRates.load(config)
        self._cache = AnswerCache(config)
        self._last: tuple[_StoreState, EvaluationResult] | None = None
        self._reader: Reader | None = None
        self._directory: tuple[int, Directory] | None = None
        self._reviewed: Directory | None = None
        self._reported: set[Finding] = set()
        self._completeness = Completeness(config)
        self._restated = RestatedPeriods(config, known_at)
        self._signals = SignalEvaluator(config, self._evaluator.calendar, known_at)
        self._retained: RetainedValues = {}
        self._overflow: dict[tuple[str, str], int] = {}

    def evaluate(self, now: datetime, memory: StatusMemory | None) -> EvaluationResult:
        """Everything as of `now`. Without a memory statuses follow thresholds alone, as for any past instant.

        If nothing happened since the last evaluation, the result contains that same object. Raises EvaluationError
        if the store cannot be read, StoreDamagedError if it is damaged, StoreError if it cannot be opened.
        """
        with self._consistent_read() as reader:
            current_outcomes, rebuilds = read_outcomes(reader), unaccepted_rebuilds(reader)
            if self._ages is not None:
                current_outcomes = self._ages.bounded(current_outcomes, now)
            state = self._state(reader, freshness(self._config, current_outcomes, now))
            if self._last is not None and self._last[0] == state and state.holds_at(now):
                return replace(self._last[1], outcomes=current_outcomes, rebuilds=rebuilds)
            prepared = self._evaluator.prepare(state.fresh, now)
            signal_questions = self._signals.questions(prepared, state.fresh)
            questions = tuple(dict.fromkeys((*prepared.questions, *signal_questions)))
            answers = self._answers(reader, state.versions, questions)
            directory = self._people(reader, state.versions)
            sealed = sealed_before(reader, self._config, prepared, self._known_at)
            evaluation, memory = self._evaluator.conclude(prepared, answers, memory, directory.roster, sealed)
            if people_known(state.fresh):
                self._report_unmatched(directory)
            undated = self._completeness.undated(reader, state.versions)
            restated = self._restated.values(reader, state.ledger)
            evaluation = replace(evaluation, label_overflow=dict(self._overflow), undated=undated, restated=restated)
            ledger = LedgerView(reader, state.ledger, directory)
            evaluation = self._signals.with_signals(evaluation, signal_questions, answers, ledger)
            release_memory(reader)
        result = EvaluationResult(evaluation, memory, current_outcomes, rebuilds)
        self._last = (state, result) if state.holds_at(now) else None
        return result

    def _state(self, reader: Reader, fresh: Mapping[str, Freshness]) -> _StoreState:
        versions = read_versions(reader)
        return _StoreState(self._completeness.of(reader, versions, fresh), versions, ledger_version(reader))

    def _report_unmatched(self, directory: Directory) -> None:
        """Logs once who is named in a target and not found. Call it when all owners are known."""
        for finding in unmatched(self._config, directory) if directory is not self._reviewed else ():
            if finding not in self._reported:
                self._reported.add(finding)
                _log.warning("%s: %s (%s)", ".".join(map(str, finding.path)), finding.message, finding.hint)
        self._reviewed = directory

    @contextmanager
    def _consistent_read(self) -> Iterator[Reader]:
        """One state of the store. A connection that failed is replaced the next time."""
        try:
            self._reader = self._reader or self._connected()
            with consistent_read(self._reader):
                yield self._reader
        except QueryError as error:
            self._reader = None
            if isinstance(failure := self._store.read_failed(error), StoreDamagedError):
                raise failure from error
            raise EvaluationError("store", f"cannot be read ({type(error).__name__})") from error

    def _connected(self) -> Reader:
        reader = self._store.reader()
        if self._known_at is not None:
            show_known(reader, self._known_at)
        return reader

    def _people(self, reader: Reader, row_versions: Mapping[str, int]) -> Directory:
        version = row_versions.get("people", 0)
        if self._directory is None or self._directory[0] != version:
            self._directory = version, Directory.load(reader, self._config)
        return self._directory[1]

    def _answers(self, reader: Reader, row_versions: Mapping[str, int], questions: Sequence[Question]) -> Answers:
        def ask(unanswered: Sequence[Question]) -> Answers:
            results = answer_questions(
                reader,
                self._config,
                unanswered,
                rates=self._rates,
                directory=self._people(reader, row_versions),
                retained=self._retained,
            )
            self._retained = {**self._retained, **results.retained}
            by_label = {question.metric for question in unanswered if question.by}
            unchanged = {key: count for key, count in self._overflow.items() if key[0] not in by_label}
            self._overflow = {**unchanged, **results.overflow}
            return results.answers

        return self._cache.answers(reader, row_versions, questions, ask)
