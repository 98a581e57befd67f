"""Rows out of answers, and that nothing is read twice which cannot have changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from exporter.config.fields import Scope
from exporter.kpi.group_readings import GroupReader, GroupReading
from exporter.kpi.plan import KpiPeriod, Plan
from exporter.kpi.readings import KpiReading
from exporter.kpi.values import Freshness
from exporter.metrics.values import Group, MeasuredValue
from tests.kpi.companies import calendar, config, kpi

AT = datetime(2021, 2, 15, tzinfo=UTC)
ANN, BOB = Group("North", "Ann"), Group("South", "Bob")


def moment(**settings: Any) -> KpiPeriod:
    told = config(kpi(scopes=["person"], **settings))
    return Plan.of(told, told.kpis[0], calendar()).at({"deals": Freshness(AT), "calls": Freshness(AT)}, AT)


def answers(asked: KpiPeriod, *windows: Mapping[Group, MeasuredValue]) -> dict[Any, Mapping[Group, MeasuredValue]]:
    """The answers to the KPI's one metric: the period to date, the one before, and the reference if there is one."""
    return {
        question: groups
        for questions, groups in zip(asked.questions_by_window(Scope.PERSON), windows, strict=True)
        for question in questions
    }


def rows(reader: GroupReader, asked: KpiPeriod, *windows: Mapping[Group, MeasuredValue]) -> list[GroupReading]:
    return list(reader.rows(asked, Scope.PERSON, answers(asked, *windows)))


NOW, BEFORE = {BOB: MeasuredValue(2.0, 2), ANN: MeasuredValue(1.0, 1)}, {ANN: MeasuredValue(7.0, 7)}


def test_a_row_holds_the_period_to_date_and_the_one_before() -> None:
    assert rows(GroupReader(), moment(), NOW, BEFORE) == [
        GroupReading(ANN, KpiReading(1, 1, 1), KpiReading(7, 7, 1), None),
        GroupReading(BOB, KpiReading(2, 2, 1), None, None),
    ]


def test_a_row_holds_what_growth_is_measured_against() -> None:
    asked = moment(target={"growth": "5%", "over": "same_last_year"})
    found = rows(GroupReader(), asked, NOW, BEFORE, {BOB: MeasuredValue(5.0, 5)})
    assert [row.reference for row in found] == [None, KpiReading(5, 5, 1)]


def test_a_person_is_found_again_in_another_team() -> None:
    found = rows(GroupReader(), moment(), {Group("West", "Ann"): MeasuredValue(1.0, 1)}, BEFORE)
    assert found == [GroupReading(Group("West", "Ann"), KpiReading(1, 1, 1), KpiReading(7, 7, 1), None)]


def test_answers_that_are_the_same_objects_give_the_same_rows() -> None:
    reader, asked = GroupReader(), moment()
    first = reader.rows(asked, Scope.PERSON, answers(asked, NOW, BEFORE))
    assert reader.rows(asked, Scope.PERSON, answers(asked, NOW, BEFORE)) is first


def test_only_what_changed_is_read_again() -> None:
    reader, asked = GroupReader(), moment()
    before = rows(reader, asked, NOW, BEFORE)
    after = rows(reader, asked, NOW | {BOB: MeasuredValue(3.0, 3)}, BEFORE)
    assert after[0] is before[0]
    assert after[1].current == KpiReading(3, 3, 1)


def test_a_new_period_before_changes_every_row() -> None:
    reader, asked = GroupReader(), moment()
    rows(reader, asked, NOW, BEFORE)
    after = rows(reader, asked, NOW, {ANN: MeasuredValue(9.0, 9), BOB: MeasuredValue(1.0, 1)})
    assert [row.previous for row in after] == [KpiReading(9, 9, 1), KpiReading(1, 1, 1)]


def test_people_come_and_go() -> None:
    reader, asked = GroupReader(), moment()
    rows(reader, asked, NOW, BEFORE)
    assert [row.group for row in rows(reader, asked, {ANN: NOW[ANN]}, BEFORE)] == [ANN]
    assert [row.group for row in rows(reader, asked, NOW, BEFORE)] == [ANN, BOB]
