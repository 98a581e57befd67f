"""All KPIs as of one instant: what has to be asked, and what the answers say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from exporter.config.fields import Scope, Status
from exporter.config.root import Config
from exporter.kpi.calendar import Calendar
from exporter.kpi.group_readings import Reader, Row
from exporter.kpi.judge import Verdict, judge, withheld
from exporter.kpi.memory import Memory
from exporter.kpi.moment import Moment, moment_of
from exporter.kpi.pace import Yardstick
from exporter.kpi.plan import Plan
from exporter.kpi.sampling import Sampler, Sampling
from exporter.kpi.values import Evaluation, Freshness, KpiValue
from exporter.kpi.verdicts import Tally, with_guards
from exporter.metrics.values import Answers, Group, Question

Ask = Callable[[Sequence[Question]], Answers]
"""Answers questions. Those about a metric that cannot be answered are left out."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An evaluation before its questions are answered."""

    at: datetime
    moments: tuple[Moment, ...]
    samplings: tuple[Sampling, ...]
    questions: tuple[Question, ...]


class Evaluator:
    """Evaluates the metrics and KPIs of one config, at any number of instants.

    It keeps what the config and the calendar alone decide, so that one evaluator serves many evaluations; no result
    depends on what was evaluated before, but for the memory that the caller carries along.
    Raises EvaluationError where the calendar knows no holidays of the company's country.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        calendar = Calendar.of(config.company)
        self._plans = tuple(Plan.of(config, kpi, calendar) for kpi in config.kpis)
        self._guards = {kpi.name: kpi.guard for kpi in config.kpis if kpi.guard is not None}
        self._reader = Reader()
        self._sampler = Sampler(config, calendar)

    def evaluate(
        self, ask: Ask, freshness: Mapping[str, Freshness], now: datetime, memory: Memory | None
    ) -> tuple[Evaluation, Memory]:
        """As the function `evaluate`; everything is asked at once."""
        prepared = self.prepare(freshness, now)
        return self.conclude(prepared, ask(prepared.questions), memory)

    def prepare(self, freshness: Mapping[str, Freshness], now: datetime) -> Prepared:
        """Which periods and questions an evaluation comes down to."""
        moments = tuple(moment_of(plan, freshness, now) for plan in self._plans)
        sampled = tuple(self._sampler.samplings(freshness, now))
        asked = chain.from_iterable(part.questions() for part in chain[Moment | Sampling](moments, sampled))
        return Prepared(now, moments, sampled, tuple(dict.fromkeys(asked)))

    def conclude(self, prepared: Prepared, answers: Answers, memory: Memory | None) -> tuple[Evaluation, Memory]:
        """What the answers say, and the memory for the next evaluation."""
        memory = memory or Memory()
        failed = {question.metric for question in prepared.questions if question not in answers}
        tally = Tally()
        for moment in prepared.moments:
            if failed.intersection(moment.plan.formula.metrics):
                failed.add(moment.plan.kpi.name)
                continue
            try:
                tally.add(list(self._values(moment, answers, memory)))
            except ArithmeticError:  # a date at the end of the calendar, or a number beyond all floats
                failed.add(moment.plan.kpi.name)
        evaluation = Evaluation(
            prepared.at,
            with_guards(tally.values, self._guards),
            tuple(chain.from_iterable(self._sampler.samples(sampling, answers) for sampling in prepared.samplings)),
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
            rows = self._reader.rows(moment, scope, answers)
            if moment.withheld is not None:
                for row in rows:
                    yield withheld(moment, moment.withheld, scope, row.group), Verdict(moment.withheld)
            else:
                yield from _judged(moment, scope, rows, memory)


def evaluate(
    config: Config,
    ask: Ask,
    freshness: Mapping[str, Freshness],
    now: datetime,
    memory: Memory | None,
) -> tuple[Evaluation, Memory]:
    """Metrics and KPIs as of `now`, or as of the oldest input where that is older (design 7).

    `freshness` says for each entity how far it is known. `memory` is what the evaluation before returned; None
    gives statuses by thresholds alone, as for a past instant. A metric without an answer costs only itself and the
    KPIs on it: their names are in `failed`. Raises EvaluationError where the calendar knows no holidays of the
    company's country, and whatever `ask` raises.
    """
    return Evaluator(config).evaluate(ask, freshness, now, memory)


def _judged(moment: Moment, scope: Scope, rows: Iterable[Row], memory: Memory) -> Iterator[tuple[KpiValue, Verdict]]:
    plan = moment.plan
    yardsticks: dict[object, Yardstick | None] = {}
    for row in rows:
        key = plan.target_key(row.group, row.reference)
        if key not in yardsticks:
            yardsticks[key] = plan.yardstick(moment.clock, row.group, row.reference)
        yield judge(moment, scope, row, yardsticks[key], memory)
