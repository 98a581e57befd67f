"""Everything in a config, evaluated from the store again and again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from exporter.config.root import Config
from exporter.errors import EvaluationError
from exporter.evaluation.answer_cache import Recall
from exporter.evaluation.freshness import freshness
from exporter.evaluation.undated import undated
from exporter.kpi.evaluate import Evaluator
from exporter.kpi.memory import Memory
from exporter.kpi.values import Evaluation, Freshness
from exporter.metrics.connection import QueryError, Reader, give_back, one_state
from exporter.metrics.evaluate import answer
from exporter.metrics.exchange_rates import Rates
from exporter.metrics.label_folding import Kept
from exporter.metrics.people import Directory
from exporter.metrics.values import Answers, Question
from exporter.store.state import Outcome, read_outcomes, read_versions
from exporter.store.store import Store


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation, the memory it leaves, and what the store said of the sources in the same state."""

    evaluation: Evaluation
    memory: Memory
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class _State:
    """What an evaluation depends on, beside the config: equal states give equal evaluations."""

    fresh: Mapping[str, Freshness]
    versions: Mapping[str, int]

    def holds_at(self, now: datetime) -> bool:
        """True where `now` lies beyond all that is known, so that it decides nothing."""
        return all(f.complete_until is not None and f.complete_until <= now for f in self.fresh.values())


class Evaluations:
    """Evaluates one config from one store. For a single thread.

    What did not change since the last time is not asked again: answers, people, undated records and label values.
    Raises EvaluationError where the calendar knows no holidays of the company's country, ConfigError from a CSV
    of rates.
    """

    def __init__(self, config: Config, store: Store) -> None:
        self._config = config
        self._store = store
        self._evaluator = Evaluator(config)
        self._rates = Rates.load(config)
        self._recall = Recall(config)
        self._last: tuple[_State, Evaluated] | None = None
        self._reader: Reader | None = None
        self._directory: tuple[int, Directory] | None = None
        self._undated: tuple[Mapping[str, int], Mapping[tuple[str, str], int]] = ({}, {})
        self._kept: Kept = {}
        self._overflow: dict[tuple[str, str], int] = {}

    def evaluate(self, now: datetime, memory: Memory | None) -> Evaluated:
        """Everything as of `now`; without a memory, as for any past instant, statuses follow thresholds alone.

        Where nothing happened since the last evaluation it is that one again, the very object.
        Raises EvaluationError where the store is out of order, StoreError where it cannot be opened.
        """
        with self._one_state() as reader:
            known = read_outcomes(reader)
            state = _State(freshness(self._config, known, now), read_versions(reader))
            if self._last is not None and self._last[0] == state and state.holds_at(now):
                return replace(self._last[1], outcomes=known)
            evaluated = self._evaluate(reader, state, known, now, memory)
            give_back(reader)
        self._last = state, evaluated
        return evaluated

    def _evaluate(
        self, reader: Reader, state: _State, known: tuple[Outcome, ...], now: datetime, memory: Memory | None
    ) -> Evaluated:
        prepared = self._evaluator.prepare(state.fresh, now)
        answers = self._answers(reader, state.versions, prepared.questions)
        evaluation, memory = self._evaluator.conclude(prepared, answers, memory)
        counts = self._undated_counts(reader, state.versions)
        return Evaluated(replace(evaluation, label_overflow=dict(self._overflow), undated=counts), memory, known)

    @contextmanager
    def _one_state(self) -> Iterator[Reader]:
        """One state of the store; a connection that failed is replaced the next time."""
        self._reader = self._reader or self._store.reader()
        try:
            with one_state(self._reader):
                yield self._reader
        except QueryError as error:
            self._reader = None
            raise EvaluationError("store", f"cannot be read ({type(error).__name__})") from error

    def _answers(self, reader: Reader, rows: Mapping[str, int], questions: Sequence[Question]) -> Answers:
        def ask(unknown: Sequence[Question]) -> Answers:
            people = self._people(reader, rows)
            found = answer(reader, self._config, unknown, rates=self._rates, directory=people, kept=self._kept)
            self._kept = {**self._kept, **found.kept}
            asked = {question.metric for question in unknown if question.by}
            before = {key: count for key, count in self._overflow.items() if key[0] not in asked}
            self._overflow = {**before, **found.overflow}
            return found.answers

        return self._recall.answers(reader, rows, questions, ask)

    def _people(self, reader: Reader, rows: Mapping[str, int]) -> Directory:
        version = rows.get("people", 0)
        if self._directory is None or self._directory[0] != version:
            self._directory = version, Directory.load(reader, self._config)
        return self._directory[1]

    def _undated_counts(self, reader: Reader, rows: Mapping[str, int]) -> Mapping[tuple[str, str], int]:
        if self._undated[0] != rows:
            self._undated = rows, undated(reader, self._config)
        return self._undated[1]
