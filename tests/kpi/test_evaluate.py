"""Whole evaluations, from config, rows and an instant to published values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.fields import Scope, Status
from exporter.config.root import Config
from exporter.errors import EvaluationError
from exporter.kpi.evaluate import KpiEvaluator, objective_score
from exporter.kpi.status import HeldStatus, StatusMemory
from exporter.kpi.values import Evaluation, Freshness, KpiValue, ObjectiveScore
from exporter.metrics.values import Answers, Question
from tests.kpi.configs import config_of, kpi
from tests.kpi.fake_metrics import FakeMetrics, local
from tests.kpi.golden import cases, close
from tests.kpi.scenario import AT, FRESH, called, evaluate, fresh_until, now, statuses, without, won

_INSTANTS = {"start": "period_start", "end": "period_end", "as_of": "as_of"}


def freshness(config: Config, at: datetime, case: Mapping[str, Any]) -> dict[str, Freshness]:
    complete = {"deals": at, "calls": at}
    for entity, until in case.get("complete", {}).items():
        complete[entity] = None if until is None else local(until, config)
    stale = case.get("stale", [])
    return fresh_until(**{entity: Freshness(until, stale=entity in stale) for entity, until in complete.items()})


def evaluated(case: Mapping[str, Any]) -> tuple[Config, Evaluation]:
    config = config_of(kpi(**case["kpi"]), **case.get("company", {}))
    metrics, at = FakeMetrics(config, case["rows"], case.get("teams")), local(case["at"], config)
    return config, evaluate(config, metrics, freshness(config, at, case), at, None)[0]


@pytest.mark.parametrize("case", cases("evaluation"))
def test_evaluations_match_the_hand_computed_table(case: dict[str, Any]) -> None:
    config, result = evaluated(case)
    assert [whose(value) for value in result.kpis] == [expected_whose(row) for row in case["expect"]]
    for value, expected in zip(result.kpis, case["expect"], strict=True):
        for name, number in expected.items():
            if name in _INSTANTS:
                assert getattr(value, _INSTANTS[name]) == (None if number is None else local(number, config)), name
            elif name == "status":
                assert value.status is Status(number)
            elif name not in ("scope", "team", "person"):
                assert getattr(value, name) == close(number), name


def whose(value: KpiValue) -> tuple[str, str | None, str | None]:
    return value.scope.value, value.team, value.person


def expected_whose(row: Mapping[str, Any]) -> tuple[str, str | None, str | None]:
    return row.get("scope", Scope.COMPANY.value), row.get("team"), row.get("person")


def test_values_are_ordered_by_config_scope_team_and_person() -> None:
    config = config_of(kpi("zeta", scopes=["company", "team", "person"]), kpi("alpha", value="calls"))
    teams = {"Ann": [["2020-01-01", "South"]], "Zoe": [["2020-01-01", "North"]]}
    result = now(config, won(1, "Ann"), won(1, "Zoe"), won(1, "Eve"), teams=teams)
    assert [order(value) for value in result.kpis] == [
        ("zeta", None, None),
        ("zeta", "North", None),
        ("zeta", "South", None),
        ("zeta", None, "Eve"),
        ("zeta", "North", "Zoe"),
        ("zeta", "South", "Ann"),
        ("alpha", None, None),
    ]


def order(value: KpiValue) -> tuple[str, str | None, str | None]:
    return value.kpi, value.team, value.person


class TestQuestions:
    def test_each_is_asked_once_and_all_at_once(self) -> None:
        config = config_of(kpi("one", target=1), kpi("two", target=2), kpi("three", value="won / closed"))
        calls: list[Sequence[Question]] = []

        def ask(questions: Sequence[Question]) -> Answers:
            calls.append(questions)
            return FakeMetrics(config, [])(questions)

        evaluate(config, ask, FRESH, AT, None)
        assert len(calls) == 1
        assert max(Counter(calls[0]).values()) == 1

    def test_a_kpi_asks_at_its_scopes_about_the_period_and_the_previous_one(self) -> None:
        config = config_of(kpi(scopes=["team"]))
        metrics = FakeMetrics(config, [])
        evaluate(config, metrics, FRESH, AT, None)
        windows = {question.window for question in metrics.asked if question.scope is Scope.TEAM}
        month = local("2021-02-01T00:00", config)
        assert {(window.start, window.end) for window in windows} >= {
            (month, AT),
            (local("2021-01-01T00:00", config), month),
        }

    def test_an_entity_that_was_never_read_is_not_asked_about(self) -> None:
        config = config_of(kpi())
        metrics = FakeMetrics(config, [])
        evaluate(config, metrics, fresh_until(deals=Freshness(None), calls=Freshness(AT)), AT, None)
        assert {question.metric for question in metrics.asked} == {"wait", "calls", "slow"}


class TestFailures:
    config = config_of(
        kpi("deals_won", target=28), kpi("win_rate", value="won / closed"), kpi("calling", value="calls")
    )

    def lacking(self, metric: str) -> Evaluation:
        ask = without(metric, FakeMetrics(self.config, [won(14), called(3)]))
        return evaluate(self.config, ask, FRESH, AT, None)[0]

    def test_a_metric_without_an_answer_fails_itself_and_its_kpis(self) -> None:
        result = self.lacking("closed")
        assert result.failed == ("closed", "win_rate")
        assert statuses(result) == {"deals_won": Status.ON_TRACK, "calling": Status.NO_TARGET}
        assert "closed" not in {value.metric for value in result.metrics}
        assert "won" in {value.metric for value in result.metrics}

    def test_a_metric_that_two_kpis_use_fails_both(self) -> None:
        result = self.lacking("won")
        assert result.failed == ("deals_won", "win_rate", "won")
        assert statuses(result) == {"calling": Status.NO_TARGET}

    def test_a_date_beyond_the_calendar_fails_its_kpi_only(self) -> None:
        goal = {"from": 1, "to": 2, "start": "2021-01-01", "by": "9999-12-31"}
        result = now(config_of(kpi("far", value="open", target=goal), kpi("near", target=28)), won(14))
        assert result.failed == ("far",)
        assert statuses(result) == {"near": Status.ON_TRACK}

    def test_an_unknown_country_is_rejected_at_construction(self) -> None:
        with pytest.raises(EvaluationError, match="XX"):
            KpiEvaluator(config_of(kpi(), holidays={"country": "XX"}))


class TestEvaluator:
    """One evaluator for many instants gives what a new one gives for each."""

    def test_it_gives_the_results_of_a_new_evaluator_at_each_instant(self) -> None:
        config = config_of(kpi(target={"growth": "10%", "over": "previous"}, scopes=["company", "team", "person"]))
        rows = [won(3, "Ann"), won(2, "Bob"), {**won(9, "Ann"), "at": "2021-01-05T10:00"}]
        metrics = FakeMetrics(config, rows, {"Ann": [["2020-01-01", "North"], ["2021-02-10", "South"]]})
        evaluator = KpiEvaluator(config)
        for days in (0, 0, 10, 30, 30, 60, 2):
            instant = datetime(2021, 1, 3, tzinfo=UTC) + timedelta(days=days)
            fresh = fresh_until(deals=Freshness(instant))
            assert (
                evaluator.evaluate(metrics, fresh, instant, None)[0]
                == evaluate(config, metrics, fresh, instant, None)[0]
            )

    def test_changed_answers_are_read_again(self) -> None:
        config = config_of(kpi(target=28, applies_to="all", scopes=["company", "person"]))
        evaluator = KpiEvaluator(config)
        for count in (7, 7, 14, 7):
            result, _ = evaluator.evaluate(FakeMetrics(config, [won(count, "Ann")]), FRESH, AT, None)
            assert {value.value for value in result.kpis} == {count}


class TestMemory:
    config = config_of(kpi(target=28, applies_to="all", scopes=["company", "person"]))

    def run(self, counts: list[int], at: list[datetime] | None = None) -> list[Status]:
        memory, result = None, []
        for index, count in enumerate(counts):
            instant = at[index] if at else AT
            metrics = FakeMetrics(self.config, [won(count, "Ann")])
            evaluation, memory = evaluate(self.config, metrics, fresh_until(deals=Freshness(instant)), instant, memory)
            memory = StatusMemory.load(memory.dump())
            result.append([value.status for value in evaluation.kpis])
        assert all(company is person for company, person in result)
        return [company for company, _ in result]

    def test_a_worse_status_shows_at_the_second_evaluation(self) -> None:
        assert self.run([14, 7, 7]) == [Status.ON_TRACK, Status.ON_TRACK, Status.OFF_TRACK]

    def test_a_better_status_shows_at_once(self) -> None:
        assert self.run([7, 14]) == [Status.OFF_TRACK, Status.ON_TRACK]

    def test_a_new_period_starts_without_hysteresis(self) -> None:
        march = AT + timedelta(days=28)
        assert self.run([14, 7], [AT, march]) == [Status.ON_TRACK, Status.OFF_TRACK]

    def test_without_memory_thresholds_decide_alone(self) -> None:
        metrics = FakeMetrics(self.config, [won(7)])
        evaluation, _ = evaluate(self.config, metrics, FRESH, AT, None)
        assert statuses(evaluation) == {"goal": Status.OFF_TRACK}

    def test_an_evaluation_without_a_verdict_keeps_the_memory(self) -> None:
        _, memory = evaluate(self.config, FakeMetrics(self.config, [won(14)]), FRESH, AT, None)
        stale = fresh_until(deals=Freshness(AT - timedelta(hours=1), stale=True))
        _, memory = evaluate(self.config, FakeMetrics(self.config, [won(14)]), stale, AT, memory)
        evaluation, _ = evaluate(self.config, FakeMetrics(self.config, [won(7)]), FRESH, AT, memory)
        assert statuses(evaluation) == {"goal": Status.ON_TRACK}

    def test_statuses_of_ended_periods_are_forgotten(self) -> None:
        key = ("goal", Scope.PERSON, None, "Gone")
        before = StatusMemory({key: (AT - timedelta(days=40), HeldStatus(Status.ON_TRACK))})
        _, after = evaluate(self.config, FakeMetrics(self.config, [won(14)]), FRESH, AT, before)
        assert set(after.entries) == {("goal", Scope.COMPANY, None, None)}

    def test_the_status_before_the_guard_is_remembered(self) -> None:
        config = config_of(kpi(target=28, guard="calling"), kpi("calling", value="calls", target=28))
        _, memory = evaluate(config, FakeMetrics(config, [won(14), called(1)]), FRESH, AT, None)
        evaluation, _ = evaluate(config, FakeMetrics(config, [won(13), called(14)]), FRESH, AT, memory)
        assert statuses(evaluation)["goal"] is Status.ON_TRACK


class TestGuards:
    def test_a_kpi_is_at_best_at_risk_while_its_guard_is_off_track(self) -> None:
        config = config_of(kpi(target=28, guard="calling"), kpi("calling", value="calls", target=28))
        assert statuses(now(config, won(20), called(1)))["goal"] is Status.AT_RISK
        assert statuses(now(config, won(20), called(13)))["goal"] is Status.EXCEEDED

    def test_a_guard_never_improves_a_status(self) -> None:
        config = config_of(kpi(target=28, guard="calling"), kpi("calling", value="calls", target=28))
        assert statuses(now(config, won(1), called(1)))["goal"] is Status.OFF_TRACK

    def test_a_guard_does_not_change_a_kpi_without_a_verdict(self) -> None:
        config = config_of(kpi(guard="calling"), kpi("calling", value="calls", target=28))
        assert statuses(now(config, won(1), called(1)))["goal"] is Status.NO_TARGET

    def test_two_kpis_can_guard_each_other(self) -> None:
        config = config_of(kpi("one", target=28, guard="two"), kpi("two", value="calls", target=28, guard="one"))
        assert statuses(now(config, won(20), called(1))) == {"one": Status.AT_RISK, "two": Status.OFF_TRACK}

    def test_a_team_is_guarded_by_its_own_value_of_the_guard(self) -> None:
        config = config_of(
            kpi(target=10, applies_to="all", guard="guarding", scopes=["company", "team"]),
            kpi("guarding", value="closed", target=10, applies_to="all", scopes=["company", "team"]),
        )
        teams = {"Ann": [["2020-01-01", "North"]], "Bob": [["2020-01-01", "South"]]}
        closed = [
            {"in": ["closed"], "at": "2021-02-03T10:00", "person": "Ann", "times": 5},
            {"in": ["closed"], "at": "2021-02-03T10:00", "person": "Bob", "times": 1},
        ]
        result = now(config, won(5, "Ann"), won(5, "Bob"), *closed, teams=teams)
        goal = {value.team: value.status for value in result.kpis if value.kpi == "goal"}
        assert goal == {None: Status.EXCEEDED, "North": Status.ON_TRACK, "South": Status.AT_RISK}

    def test_the_companys_value_guards_teams_if_the_guard_has_no_teams(self) -> None:
        config = config_of(
            kpi(target=10, applies_to="all", guard="calling", scopes=["team"]),
            kpi("calling", value="calls", target=28),
        )
        result = now(config, won(5, "Ann"), called(1), teams={"Ann": [["2020-01-01", "North"]]})
        assert {value.team: value.status for value in result.kpis if value.kpi == "goal"} == {"North": Status.AT_RISK}


class TestScores:
    def test_a_score_uses_the_pace_ratio_and_caps_each_ratio_at_one(self) -> None:
        config = config_of(kpi("one", target=28, weight=2), kpi("two", value="calls", target=28))
        (result,) = now(config, won(21), called(7)).objectives
        assert result == ObjectiveScore("growth", pytest.approx((2 * 1 + 1 * 0.5) / 3), 1)

    def test_a_kpi_without_a_verdict_is_left_out_of_the_score(self) -> None:
        config = config_of(
            kpi("one", target=28), kpi("two", value="calls"), kpi("three", value="won / closed", target=1)
        )
        (result,) = now(config, won(7)).objectives
        assert result == ObjectiveScore("growth", None, pytest.approx(1 / 3))

    def test_met_or_not_met_counts_as_one_or_zero(self) -> None:
        config = config_of(kpi("one", target=0, better="lower"), kpi("two", value="calls", target=0, better="lower"))
        (result,) = now(config, won(1)).objectives
        assert result == ObjectiveScore("growth", 0.5, 1)

    def test_a_failed_kpi_lowers_the_coverage(self) -> None:
        config = config_of(kpi("one", target=28), kpi("two", value="calls", target=28))
        ask = without("calls", FakeMetrics(config, [won(7)]))
        (result,) = evaluate(config, ask, FRESH, AT, None)[0].objectives
        assert result == ObjectiveScore("growth", 0.5, 0.5)

    def test_a_day_off_is_left_out_of_the_score_and_neither_guards_nor_is_remembered(self) -> None:
        by_day = kpi("by_day", period="day", pace="workdays", target=28)
        config = config_of(by_day, kpi("by_month", value="calls", target=28, pace="linear", guard="by_day"))
        saturday = datetime(2021, 2, 13, 12, tzinfo=UTC)
        metrics = FakeMetrics(config, [called(20)])
        result, memory = evaluate(
            config, metrics, fresh_until(deals=Freshness(saturday), calls=Freshness(saturday)), saturday
        )
        assert statuses(result) == {"by_day": Status.DAY_OFF, "by_month": Status.EXCEEDED}
        assert result.objectives == (ObjectiveScore("growth", 1, 0.5),)
        assert {key[0] for key in memory.entries} == {"by_month"}

    def test_weights_are_those_of_the_as_of_day(self) -> None:
        weight = [{"is": 1}, {"is": 3, "since": "2021-02-15"}]
        config = config_of(kpi("one", target=28, weight=weight), kpi("two", value="calls", target=28))
        assert now(config, won(14), called(7)).objectives == (ObjectiveScore("growth", (3 * 1 + 0.5) / 4, 1),)

    def test_a_kpi_of_teams_only_is_not_part_of_the_companys_score(self) -> None:
        config = config_of(kpi("one", target=28), kpi("two", value="calls", target=28, scopes=["team"]))
        (result,) = now(config, won(14)).objectives
        assert result == ObjectiveScore("growth", 1, 1)


_pairs = st.tuples(st.floats(0.1, 100), st.none() | st.floats(-10, 10))


@pytest.mark.parametrize("case", cases("score"))
def test_scores_match_the_hand_computed_table(case: dict[str, Any]) -> None:
    result = objective_score("growth", [(weight, ratio) for weight, ratio in case["children"]])
    assert result.objective == "growth"
    assert result.score == close(case["score"])
    assert result.coverage == close(case["coverage"])


@given(st.lists(_pairs, max_size=8))
def test_a_score_lies_between_its_worst_and_best_kpi(pairs: list[tuple[float, float | None]]) -> None:
    result = objective_score("growth", pairs)
    ratios = [min(max(ratio, 0.0), 1.0) for _, ratio in pairs if ratio is not None]
    assert 0 <= result.coverage <= 1 + 1e-12
    assert (result.score is None) is (result.coverage < 0.5 or not ratios)
    if result.score is not None:
        assert min(ratios) - 1e-9 <= result.score <= max(ratios) + 1e-9
