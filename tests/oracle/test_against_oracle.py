"""Generated companies: whatever is asked, live or of the past, the oracle answers the same.

The companies are the same at each run. To search longer and elsewhere, set ORACLE_EXAMPLES:
`ORACLE_EXAMPLES=2000 pytest tests/oracle` tries that many new companies per test.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, given, settings

from exporter.config.fields import Scope
from exporter.evaluation.evaluator import Evaluator
from exporter.metrics.evaluate import answer_questions
from exporter.metrics.instants import HistoryQueries
from exporter.metrics.values import Group, MeasuredValue, Question, Window
from tests.oracle.comparing import assert_same, differences
from tests.oracle.life import Company, World, companies, world_of
from tests.oracle.metrics import Asked, Measured, MetricOracle
from tests.oracle.people import PERSON_COLUMNS

EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", "0"))


def search(examples: int) -> settings:
    """The number of companies in a normal run."""
    checks = list(HealthCheck)
    return settings(
        max_examples=EXAMPLES or examples,
        phases=[Phase.generate],
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=checks,
    )


@search(10)
@given(companies())
def test_evaluations_live_and_of_the_past_give_the_oracle_s_answers(company: Company) -> None:
    with world_of(company) as world:
        evaluator = Evaluator(world.config, world.store)
        for sync in world.syncs():
            assert_same(world, evaluator.evaluate(sync.ended_at, None).evaluation, sync.ended_at)
        for at in company.instants:
            assert_same(world, evaluator.evaluate(at, None).evaluation, at)


@search(8)
@given(companies())
def test_evaluations_from_what_was_known_give_the_oracle_s_answers(company: Company) -> None:
    with world_of(company) as world:
        world.run()
        for at, known_at in zip(company.instants, company.known, strict=True):
            evaluator = Evaluator(world.config, world.store, known_at)
            assert_same(world, evaluator.evaluate(at, None).evaluation, at, known_at)


@search(8)
@given(companies())
def test_metrics_over_any_window_give_the_oracle_s_answers(company: Company) -> None:
    """One query per window, and one for many, of which some share their start."""
    first, second, third = sorted(company.instants)
    windows = [Window(first, second), Window(first, third), Window(second, third)]
    with world_of(company) as world:
        world.run()
        oracle = MetricOracle(world.plain, world.records)
        by_name = {metric["name"]: metric for metric in world.plain["metrics"]}
        questions = [question for window in windows for question in _questions(world, window)]
        with world.store.reading() as reader:
            single, many = answer_questions(reader, world.config, questions), HistoryQueries(reader, world.config)
            by_way = {"one window": single.answers, "many windows": many.ask(questions)}
        assert not single.failed
        assert not many.failed
        for question in questions:
            window, scope = question.window, question.scope.value
            asked = Asked(by_name[question.metric], window.start, window.end, scope, question.by)
            expected = {Group(*group): _numbers(each) for group, each in oracle.answer(asked).items()}
            for name, answers in by_way.items():
                actual = {group: _numbers(each) for group, each in answers[question].items()}
                differences(actual, expected, f"{name}: {question}")


def _questions(world: World, window: Window) -> list[Question]:
    return [
        Question(metric.name, window, scope, by)
        for metric in world.config.metrics
        for scope in Scope
        for by in (False, True)
        if scope is Scope.COMPANY or (metric.entity in PERSON_COLUMNS and not by)
    ]


def _numbers(measured: MeasuredValue | Measured) -> tuple[float | None, float, int]:
    return measured.value, measured.rows, measured.held_out
