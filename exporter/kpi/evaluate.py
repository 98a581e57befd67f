"""All KPIs as of one instant: what has to be asked, and what the answers say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from exporter.config.fields import Scope, Status
from exporter.config.root import Config
from exporter.errors import EvaluationError
from exporter.kpi.calendar import Calendar
from exporter.kpi.judge import Verdict, judge, withheld
from exporter.kpi.memory import Memory
from exporter.kpi.moment import Moment, moment_of
from exporter.kpi.pace import Yardstick
from exporter.kpi.plan import Plan
from exporter.kpi.reader import Reader
from exporter.kpi.values import Evaluation, Freshness, KpiValue
from exporter.kpi.verdicts import Tally, with_guards
from exporter.metrics.values import Answers, Group, Question

Ask = Callable[[Sequence[Question]], Answers]
"""Answers questions; raises EvaluationError naming the metric that cannot be answered."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An evaluation before its questions are answered."""

    at: datetime
    moments: tuple[Moment, ...]
    questions: tuple[Question, ...]
    failed: frozenset[str] = frozenset()


class Evaluator:
    """Evaluates the KPIs of one config, at any number of instants.

    It keeps what the config and the calendar alone decide; no answer depends on what was evaluated before, but for
    the memory that the caller carries along.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        calendar = Calendar.of(config.company)
        self._plans = tuple(Plan.of(config, kpi, calendar) for kpi in config.kpis)
        self._guards = {kpi.name: kpi.guard for kpi in config.kpis if kpi.guard is not None}
        self._reader = Reader()

    def evaluate(
        self, ask: Ask, freshness: Mapping[str, Freshness], now: datetime, memory: Memory | None
    ) -> tuple[Evaluation, Memory]:
        """Everything as of `now`, asking once; see `evaluate`."""
        prepared = self.prepare(freshness, now)
        answers = answered(ask, prepared.questions)
        return self.conclude(prepared, answers, memory)

    def prepare(self, freshness: Mapping[str, Freshness], now: datetime) -> Prepared:
        """Which instant, periods and questions an evaluation comes down to."""
        moments = tuple(moment_of(plan, freshness, now) for plan in self._plans)
        questions = dict.fromkeys(question for moment in moments for question in moment.questions())
        return Prepared(now, moments, tuple(questions))

    def conclude(self, prepared: Prepared, answers: Answers, memory: Memory | None) -> tuple[Evaluation, Memory]:
        """What the answers say. A KPI one of whose questions has no answer is left out and named in `failed`."""
        memory = memory or Memory()
        tally, failed = Tally(), set(prepared.failed)
        for moment in prepared.moments:
            missing = {question.metric for question in moment.questions() if question not in answers}
            if missing:
                failed |= {moment.plan.kpi.name, *missing}
                continue
            for value, verdict in self._values(moment, answers, memory):
                tally.add(value, verdict)
        evaluation = Evaluation(
            prepared.at,
            with_guards(tally.values, self._guards),
            (),
            tally.scores(self._config),
            failed=tuple(sorted(failed)),
        )
        return evaluation, tally.remembered(memory)

    def _values(self, moment: Moment, answers: Answers, memory: Memory) -> Iterator[tuple[KpiValue, Verdict]]:
        if moment.withheld is Status.NO_DATA:
            if Scope.COMPANY in moment.scopes:
                yield withheld(moment, Status.NO_DATA, Scope.COMPANY, Group()), Verdict(Status.NO_DATA)
            return
        for scope in moment.scopes:
            if moment.withheld is None:
                yield from self._judged(moment, scope, answers, memory)
                continue
            for row in self._reader.rows(moment, scope, answers):
                yield withheld(moment, moment.withheld, scope, row.group), Verdict(moment.withheld)

    def _judged(
        self, moment: Moment, scope: Scope, answers: Answers, memory: Memory
    ) -> Iterator[tuple[KpiValue, Verdict]]:
        plan = moment.plan
        yardsticks: dict[object, Yardstick | None] = {}
        for row in self._reader.rows(moment, scope, answers):
            key = plan.target_key(row.group, row.reference)
            if key not in yardsticks:
                yardsticks[key] = plan.yardstick(moment.clock, row.group, row.reference)
            yield judge(moment, scope, row, yardsticks[key], memory)


def evaluate(
    config: Config,
    ask: Ask,
    freshness: Mapping[str, Freshness],
    now: datetime,
    memory: Memory | None,
) -> tuple[Evaluation, Memory]:
    """Metrics and KPIs as of `now`, or as of the oldest input where that is older (design 7).

    `freshness` says for each entity how far it is known. `memory` is what the evaluation before returned; None
    gives statuses by thresholds alone, as for a past instant. What one metric cannot answer costs only that metric
    and the KPIs on it: their names are in `failed`.
    """
    return Evaluator(config).evaluate(ask, freshness, now, memory)


def answered(ask: Ask, questions: Sequence[Question]) -> Answers:
    """The answers, without those of metrics that cannot be answered: the rest is asked again without them."""
    while questions:
        try:
            return ask(questions)
        except EvaluationError as error:
            rest = [question for question in questions if question.metric != error.name]
            if len(rest) == len(questions):
                raise
            questions = rest
    return {}
