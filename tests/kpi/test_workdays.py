"""Which dates are workdays."""

from __future__ import annotations

from datetime import date

import pytest

from exporter.errors import EvaluationError
from exporter.kpi.workdays import workdays
from tests.kpi.companies import company


def test_weekdays_are_workdays_where_the_company_names_none() -> None:
    works = workdays(company())
    assert [works(date(2021, 2, day)) for day in range(1, 8)] == [True] * 5 + [False] * 2


def test_named_weekdays_are_workdays() -> None:
    works = workdays(company(workdays=["sun", "mon"]))
    assert [works(date(2021, 2, day)) for day in range(1, 8)] == [True] + [False] * 5 + [True]


def test_holidays_of_any_year_are_off() -> None:
    works = workdays(company(holidays={"country": "US"}))
    assert not works(date(2017, 7, 4))
    assert not works(date(2024, 7, 4))
    assert works(date(2024, 7, 5))


def test_a_holiday_may_hold_in_a_part_of_the_country_alone() -> None:
    epiphany = date(2021, 1, 6)
    assert workdays(company(holidays={"country": "CH"}))(epiphany)
    assert not workdays(company(holidays={"country": "CH", "subdivision": "TI"}))(epiphany)


def test_listed_dates_are_off() -> None:
    works = workdays(company(holidays={"dates": ["2021-02-01"]}))
    assert not works(date(2021, 2, 1))
    assert works(date(2022, 2, 1))


@pytest.mark.parametrize("holidays", [{"country": "XX"}, {"country": "CH", "subdivision": "QQ"}])
def test_an_unknown_country_or_part_is_named(holidays: dict[str, str]) -> None:
    with pytest.raises(EvaluationError, match=r"company\.holidays: .*(XX|QQ)"):
        workdays(company(holidays=holidays))
