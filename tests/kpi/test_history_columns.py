"""Parts of a history: where they end, what is asked about them, and what fails at which step."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from exporter.config.fields import Scope
from exporter.kpi.evaluate import KpiEvaluator
from exporter.kpi.history import histories_of
from exporter.kpi.history_columns import parts_of
from exporter.kpi.values import Freshness
from exporter.metrics.values import ColumnQuestion, Columns
from tests.kpi.configs import config_of, kpi
from tests.kpi.fake_metrics import FakeMetrics
from tests.kpi.scenario import fresh_until
from tests.kpi.single_steps import evaluations

START = datetime(2021, 2, 1, tzinfo=UTC)
HOURS = [START + timedelta(hours=hour) for hour in range(48)]
COMPLETE = fresh_until(deals=Freshness(HOURS[-1]), calls=Freshness(HOURS[-1]))


def test_a_part_has_at_most_so_many_steps_and_asks_each_question_once() -> None:
    parts = list(parts_of(KpiEvaluator(config_of(kpi("won"), kpi("again"))), COMPLETE, HOURS, 20))
    assert [len(part.instants) for part in parts] == [20, 20, 8]
    for part in parts:
        assert len(set(part.questions)) == len(part.questions)
        windows = {question.steps.windows for question in part.questions}
        assert len(windows) == len({question.steps for question in part.questions}), "equal windows are shared"


def test_a_part_ends_where_a_formula_begins_that_is_known_less_far() -> None:
    """The calls are known until noon of the first day only, and from the second day on the KPI counts calls."""
    dated = [{"is": "won"}, {"is": "calls", "since": "2021-02-02"}]
    evaluator = KpiEvaluator(config_of(kpi(value=dated)))
    fresh = fresh_until(deals=Freshness(HOURS[-1]), calls=Freshness(HOURS[12]))
    parts = list(parts_of(evaluator, fresh, HOURS, 1000))
    assert [len(part.instants) for part in parts] == [23, 25], "it is midnight in Zurich at 23:00 UTC"


def test_a_metric_without_answers_fails_alone() -> None:
    config = config_of(kpi("won"), kpi("talk", value="calls"))
    rows = FakeMetrics(config, [{"in": ["won"], "at": "2021-02-01T01:00"}])

    def ask(questions: list[ColumnQuestion]) -> Columns:
        return rows.columns([question for question in questions if question.metric != "calls"])

    results = evaluations(config, histories_of(config, ask, COMPLETE, HOURS[:3]))  # type: ignore[arg-type]
    assert [evaluation.failed for evaluation in results] == [("calls", "talk")] * 3
    assert {value.kpi for value in results[-1].kpis} == {"won"}
    assert {sample.metric for sample in results[-1].metrics if sample.scope is Scope.COMPANY} >= {"won"}
