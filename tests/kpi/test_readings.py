"""A KPI's value from what its metrics measured, and its sample."""

from __future__ import annotations

import pytest

from exporter.kpi.readings import Formula, KpiReading, formula_of, groups_of, min_sample, name_of
from exporter.metrics.values import Group, MeasuredValue
from tests.kpi.configs import config_of, kpi

MAXIMUM = {"name": "longest", "title": "Longest", "entity": "calls", "at": "started_at", "max": "wait_seconds"}
DISTINCT = {"name": "accounts", "title": "Accounts", "entity": "deals", "at": "closed_at", "distinct": "account"}


def formula(value: str, *metrics: dict[str, str]) -> Formula:
    config = config_of(kpi(value=value), metrics=list(metrics) or None)
    return formula_of(config, config.kpis[0].value)


def test_arithmetic_over_what_was_measured() -> None:
    result = formula("(won + closed) / 2").read([MeasuredValue(3.0, 3), MeasuredValue(5.0, 5)])
    assert result == KpiReading(4, 8, 1)


def test_a_metric_used_twice_is_asked_about_once() -> None:
    share = formula("won / (won + closed)")
    assert share.metrics == ("won", "closed")
    assert share.read([MeasuredValue(1.0, 1), MeasuredValue(3.0, 3)]) == KpiReading(0.25, 4, 1)


def test_the_smallest_denominator_is_the_sample() -> None:
    assert formula("won / closed + calls / won").read(
        [MeasuredValue(4.0, 4), MeasuredValue(40.0, 40), MeasuredValue(8.0, 8)]
    ) == KpiReading(2.1, 4, 1)


def test_the_rows_of_a_sum_in_the_denominator_are_added() -> None:
    assert formula("revenue / (won + closed)").read(
        [MeasuredValue(70.0, 7), MeasuredValue(3.0, 3), MeasuredValue(4.0, 4)]
    ) == KpiReading(10, 7, 1)


def test_without_a_quotient_the_smallest_mean_is_the_sample() -> None:
    assert formula("wait - slow").read([MeasuredValue(5.0, 9), MeasuredValue(3.0, 6)]) == KpiReading(2, 6, 1)


def test_a_factor_of_a_mean_does_not_count_as_sample() -> None:
    assert formula("wait * calls").read([MeasuredValue(5.0, 9), MeasuredValue(3.0, 3)]).sample == 9


VISITS = {"name": "visits", "title": "Visits", "entity": "measurements", "at": "at", "sum": "value"}
ORDERS = {**VISITS, "name": "orders", "title": "Orders"}
TALK = {"name": "talk", "title": "Talk time", "entity": "calls", "at": "started_at", "sum": "talk_seconds"}
TURNOVER = {"name": "turnover", "title": "Turnover", "entity": "deals", "at": "closed_at", "sum": "amount"}


def test_the_sample_of_daily_rows_is_what_they_count() -> None:
    # 15 daily rows of 1,000 visits and 30 orders: 450 of 15,000 visits
    days = MeasuredValue(15_000.0, 15), MeasuredValue(450.0, 15)
    assert formula("orders / visits", ORDERS, VISITS).read(days[::-1]) == KpiReading(0.03, 15_000, 1)
    assert formula("visits", VISITS).read([days[0]]).sample == 15_000
    config = config_of(kpi(value="orders / visits"), metrics=[ORDERS, VISITS])
    assert min_sample(config, config.kpis[0]) == 20


@pytest.mark.parametrize("metric", [TALK, TURNOVER, {**VISITS, "unit": "score"}, {**VISITS, "unit": "km"}])
def test_seconds_money_and_other_units_count_as_rows(metric: dict[str, str]) -> None:
    name = metric["name"]
    assert formula(f"1 / {name}", metric).read([MeasuredValue(9_000.0, 3)]).sample == 3


def test_rows_of_pre_aggregated_means_stay_rows() -> None:
    mean = {"name": "rate", "title": "Rate", "entity": "measurements", "at": "at", "mean": "value"}
    assert formula("rate", mean).read([MeasuredValue(0.4, 15)]).sample == 15


def test_an_unknown_or_negative_sum_is_a_sample_of_nothing() -> None:
    assert formula("1 / visits", VISITS).read([MeasuredValue(None, 2, 1)]).sample == 0
    assert formula("1 / visits", VISITS).read([MeasuredValue(-4.0, 2)]).sample == 0


@pytest.mark.parametrize("value", ["won", "revenue"])
def test_a_sum_or_count_without_rows_is_zero(value: str) -> None:
    assert formula(value).read([None]) == KpiReading(0, 0, 1)


@pytest.mark.parametrize("value", ["wait", "slow"])
def test_a_mean_without_rows_is_unknown(value: str) -> None:
    assert formula(value).read([None]) == KpiReading(None, 0, 1)


def test_without_rows_an_extreme_is_unknown_and_a_distinct_count_zero() -> None:
    assert formula("longest", MAXIMUM).read([None]).value is None
    assert formula("accounts", DISTINCT).read([None]).value == 0


def test_an_unknown_input_makes_the_result_unknown() -> None:
    assert formula("won + wait").read([MeasuredValue(5.0, 5), None]).value is None


def test_a_number_too_large_for_a_float_is_unknown() -> None:
    assert formula("revenue * won").read([MeasuredValue(1e200, 1), MeasuredValue(1e200, 1)]).value is None


def test_held_out_rows_lower_the_coverage() -> None:
    assert formula("revenue / won").read([MeasuredValue(50.0, 3, 1), MeasuredValue(4.0, 4)]) == KpiReading(
        12.5, 4, 7 / 8
    )


def test_a_reading_from_a_part_of_the_records_has_less_coverage_and_below_a_half_no_value() -> None:
    reading = KpiReading(12.5, 4, 0.75)
    assert reading.among(1) is reading
    assert reading.among(0.8) == KpiReading(12.5, 4, pytest.approx(0.6))
    assert reading.among(0.6) == KpiReading(None, 4, pytest.approx(0.45))
    assert KpiReading(12.5, 4, 0.45).among(1) == KpiReading(None, 4, 0.45)


def test_a_sum_without_a_usable_row_is_unknown() -> None:
    assert formula("revenue").read([MeasuredValue(0.0, 0, 2)]) == KpiReading(None, 0, 0)


@pytest.mark.parametrize(
    ("settings", "rows"),
    [
        ({"value": "won"}, 0),
        ({"value": "won + closed"}, 0),
        ({"value": "won / closed"}, 20),
        ({"value": "won / closed", "unit": "ratio"}, 20),
        ({"value": "100 * won / closed", "unit": "points"}, 20),
        ({"value": "revenue / won"}, 5),
        ({"value": "won / 2"}, 0),
        ({"value": "wait"}, 5),
        ({"value": "slow"}, 5),
        ({"value": "open"}, 0),
        ({"value": "wait", "min_sample": 0}, 0),
        ({"value": "won", "min_sample": 3}, 3),
    ],
)
def test_the_minimum_sample_depends_on_the_formula(settings: dict[str, object], rows: float) -> None:
    config = config_of(kpi(**settings))
    assert min_sample(config, config.kpis[0]) == rows


def test_an_extreme_needs_one_row_only() -> None:
    config = config_of(kpi(value="longest"), metrics=[MAXIMUM])
    assert min_sample(config, config.kpis[0]) == 0


ANN_NORTH, ANN_SOUTH, BOB = Group("North", "Ann"), Group("South", "Ann"), Group(None, "Bob")


def test_the_groups_of_every_answer_are_included() -> None:
    assert list(groups_of([{ANN_NORTH: MeasuredValue(1.0)}, {BOB: MeasuredValue(1.0)}])) == [ANN_NORTH, BOB]


def test_groups_of_earlier_answers_are_included_once_despite_a_new_team() -> None:
    result = groups_of([{ANN_SOUTH: MeasuredValue(1.0)}], [{ANN_NORTH: MeasuredValue(1.0), BOB: MeasuredValue(1.0)}])
    assert list(result) == [ANN_SOUTH, BOB]


def test_a_person_keeps_the_name_in_every_team() -> None:
    assert name_of(ANN_NORTH) == name_of(ANN_SOUTH) == "Ann"
    assert name_of(Group("North")) == "North"
    assert name_of(Group()) is None
