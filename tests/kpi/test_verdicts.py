"""What follows from single verdicts: guards, scores and what is remembered (maths 8.7)."""

from __future__ import annotations

import pytest

from exporter.config.fields import Status
from exporter.kpi.evaluate import evaluate
from exporter.kpi.values import ObjectiveScore
from tests.kpi.companies import config, kpi
from tests.kpi.ledger import Ledger
from tests.kpi.scenes import AT, FRESH, called, now, statuses, without, won


class TestGuards:
    def test_a_kpi_is_at_best_at_risk_while_its_guard_is_off_track(self) -> None:
        told = config(kpi(target=28, guard="calling"), kpi("calling", value="calls", target=28))
        assert statuses(now(told, won(20), called(1)))["goal"] is Status.AT_RISK
        assert statuses(now(told, won(20), called(13)))["goal"] is Status.EXCEEDED

    def test_a_guard_makes_nothing_better(self) -> None:
        told = config(kpi(target=28, guard="calling"), kpi("calling", value="calls", target=28))
        assert statuses(now(told, won(1), called(1)))["goal"] is Status.OFF_TRACK

    def test_a_guard_leaves_what_has_no_verdict(self) -> None:
        told = config(kpi(guard="calling"), kpi("calling", value="calls", target=28))
        assert statuses(now(told, won(1), called(1)))["goal"] is Status.NO_TARGET

    def test_two_that_guard_each_other_do_not_run_in_circles(self) -> None:
        told = config(kpi("one", target=28, guard="two"), kpi("two", value="calls", target=28, guard="one"))
        assert statuses(now(told, won(20), called(1))) == {"one": Status.AT_RISK, "two": Status.OFF_TRACK}

    def test_the_guard_of_a_team_is_its_own_where_it_has_one(self) -> None:
        told = config(
            kpi(target=10, guard="guarding", scopes=["company", "team"]),
            kpi("guarding", value="closed", target=10, scopes=["company", "team"]),
        )
        teams = {"Ann": [["2020-01-01", "North"]], "Bob": [["2020-01-01", "South"]]}
        closed = [
            {"in": ["closed"], "at": "2021-02-03T10:00", "person": "Ann", "times": 5},
            {"in": ["closed"], "at": "2021-02-03T10:00", "person": "Bob", "times": 1},
        ]
        found = now(told, won(5, "Ann"), won(5, "Bob"), *closed, teams=teams)
        goal = {value.team: value.status for value in found.kpis if value.kpi == "goal"}
        assert goal == {None: Status.EXCEEDED, "North": Status.ON_TRACK, "South": Status.AT_RISK}

    def test_the_company_guards_teams_where_the_guard_has_no_teams(self) -> None:
        told = config(
            kpi(target=10, guard="calling", scopes=["team"]),
            kpi("calling", value="calls", target=28),
        )
        found = now(told, won(5, "Ann"), called(1), teams={"Ann": [["2020-01-01", "North"]]})
        assert {value.team: value.status for value in found.kpis if value.kpi == "goal"} == {"North": Status.AT_RISK}


class TestScores:
    def test_the_pace_counts_while_a_period_runs_and_each_ratio_at_most_as_one(self) -> None:
        told = config(kpi("one", target=28, weight=2), kpi("two", value="calls", target=28))
        (found,) = now(told, won(21), called(7)).objectives
        assert found == ObjectiveScore("growth", pytest.approx((2 * 1 + 1 * 0.5) / 3), 1)

    def test_what_has_no_verdict_is_left_out(self) -> None:
        told = config(kpi("one", target=28), kpi("two", value="calls"), kpi("three", value="won / closed", target=1))
        (found,) = now(told, won(7)).objectives
        assert found == ObjectiveScore("growth", None, pytest.approx(1 / 3))

    def test_met_or_not_met_counts_as_one_or_nothing(self) -> None:
        told = config(kpi("one", target=0, better="lower"), kpi("two", value="calls", target=0, better="lower"))
        (found,) = now(told, won(1)).objectives
        assert found == ObjectiveScore("growth", 0.5, 1)

    def test_a_failed_kpi_lowers_the_coverage(self) -> None:
        told = config(kpi("one", target=28), kpi("two", value="calls", target=28))
        ask = without("calls", Ledger(told, [won(7)]))
        (found,) = evaluate(told, ask, FRESH, AT, None)[0].objectives
        assert found == ObjectiveScore("growth", 0.5, 0.5)

    def test_a_kpi_of_teams_alone_is_no_part_of_the_companys_score(self) -> None:
        told = config(kpi("one", target=28), kpi("two", value="calls", target=28, scopes=["team"]))
        (found,) = now(told, won(14)).objectives
        assert found == ObjectiveScore("growth", 1, 1)
