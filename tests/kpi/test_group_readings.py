"""Rows computed from answers, and reuse of unchanged ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from exporter.config.fields import Scope
from exporter.kpi.group_readings import GroupReader, GroupReading
from exporter.kpi.plan import KpiPeriod, Plan
from exporter.kpi.readings import KpiReading
from exporter.metrics.values import Group, MeasuredValue
from tests.kpi.configs import calendar_of, config_of, kpi
from tests.kpi.scenario import FRESH

AT = datetime(2021, 2, 15, tzinfo=UTC)
ANN, BOB = Group("North", "Ann"), Group("South", "Bob")


def period_of_kpi(**settings: Any) -> KpiPeriod:
    config = config_of(kpi(scopes=["person"], **settings))
    return Plan.of(config, config.kpis[0], calendar_of()).at(FRESH, AT)


def answers(*windows: Mapping[Group, MeasuredValue]) -> list[list[Mapping[Group, MeasuredValue]]]:
    """The answers to the KPI's one metric: the period to date, the one before, and the reference if there is one."""
    return [[groups] for groups in windows]


def rows(reader: GroupReader, period: KpiPeriod, *windows: Mapping[Group, MeasuredValue]) -> list[GroupReading]:
    return list(reader.rows(period, Scope.PERSON, answers(*windows)))


NOW, BEFORE = {BOB: MeasuredValue(2.0, 2), ANN: MeasuredValue(1.0, 1)}, {ANN: MeasuredValue(7.0, 7)}


def test_a_row_has_the_current_and_the_previous_period() -> None:
    assert rows(GroupReader(), period_of_kpi(), NOW, BEFORE) == [
        GroupReading(ANN, KpiReading(1, 1, 1), KpiReading(7, 7, 1), None),
        GroupReading(BOB, KpiReading(2, 2, 1), None, None),
    ]


def test_a_row_has_the_period_that_growth_is_measured_against() -> None:
    period = period_of_kpi(target={"growth": "5%", "over": "same_last_year"})
    result = rows(GroupReader(), period, NOW, BEFORE, {BOB: MeasuredValue(5.0, 5)})
    assert [row.reference for row in result] == [None, KpiReading(5, 5, 1)]


def test_a_person_keeps_the_previous_period_after_changing_team() -> None:
    result = rows(GroupReader(), period_of_kpi(), {Group("West", "Ann"): MeasuredValue(1.0, 1)}, BEFORE)
    assert result == [GroupReading(Group("West", "Ann"), KpiReading(1, 1, 1), KpiReading(7, 7, 1), None)]


def test_answers_that_are_the_same_objects_give_the_same_rows() -> None:
    reader, period = GroupReader(), period_of_kpi()
    first = reader.rows(period, Scope.PERSON, answers(NOW, BEFORE))
    assert reader.rows(period, Scope.PERSON, answers(NOW, BEFORE)) is first


def test_only_changed_groups_are_read_again() -> None:
    reader, period = GroupReader(), period_of_kpi()
    before = rows(reader, period, NOW, BEFORE)
    after = rows(reader, period, NOW | {BOB: MeasuredValue(3.0, 3)}, BEFORE)
    assert after[0] is before[0]
    assert after[1].current == KpiReading(3, 3, 1)


def test_a_changed_previous_period_changes_every_row() -> None:
    reader, period = GroupReader(), period_of_kpi()
    rows(reader, period, NOW, BEFORE)
    after = rows(reader, period, NOW, {ANN: MeasuredValue(9.0, 9), BOB: MeasuredValue(1.0, 1)})
    assert [row.previous for row in after] == [KpiReading(9, 9, 1), KpiReading(1, 1, 1)]


def test_people_can_disappear_and_return() -> None:
    reader, period = GroupReader(), period_of_kpi()
    rows(reader, period, NOW, BEFORE)
    assert [row.group for row in rows(reader, period, {ANN: NOW[ANN]}, BEFORE)] == [ANN]
    assert [row.group for row in rows(reader, period, NOW, BEFORE)] == [ANN, BOB]


def test_changed_numbers_give_the_rows_of_a_new_reader() -> None:
    reader, period = GroupReader(), period_of_kpi()
    more = {BOB: MeasuredValue(2.0, 2), ANN: MeasuredValue(8.0, 8)}
    for current, before in ((NOW, BEFORE), (more, BEFORE), (more | {BOB: NOW[BOB]}, BEFORE), (NOW, {}), (more, {})):
        assert rows(reader, period, current, before) == rows(GroupReader(), period, current, before)
