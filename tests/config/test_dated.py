"""Settings that change on certain dates."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from exporter.config.company import Company
from exporter.config.dated import Dated
from exporter.config.fields import Weekday
from tests.kpi.configs import company_of, config_of, kpi

MON, TUE = Weekday.MON, Weekday.TUE


def test_a_value_holds_from_its_first_day_until_the_next_one() -> None:
    setting = Dated(("a", "b", "c"), (date(2026, 1, 1), date(2026, 7, 1)))
    days = (date.min, date(2025, 12, 31), date(2026, 1, 1), date(2026, 6, 30), date(2026, 7, 1), date.max)
    assert [setting.on(day) for day in days] == ["a", "a", "b", "b", "c", "c"]
    assert setting.latest == "c"


def test_a_plain_value_always_holds() -> None:
    assert company_of(workdays=["mon"]).workdays == Dated.always((MON,))
    assert company_of().workdays is None


def test_the_first_entry_holds_before_its_date_too() -> None:
    dated = [{"is": ["mon"], "since": "2026-01-01"}, {"is": ["mon", "tue"], "since": "2026-07-01"}]
    workdays = company_of(workdays=dated).workdays
    assert workdays == Dated(((MON,), (MON, TUE)), (date(2026, 7, 1),))
    assert workdays == company_of(workdays=[{"is": ["mon"]}, dated[1]]).workdays


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([{"is": ["mon"]}, {"is": ["tue"]}], "an entry after the first has no date"),
        (
            [{"is": ["mon"]}, {"is": ["tue"], "since": "2026-01-01"}, {"is": ["mon"], "since": "2026-01-01"}],
            "two entries apply since 2026-01-01",
        ),
        (
            [{"is": ["mon"], "since": "2026-02-01"}, {"is": ["tue"], "since": "2026-01-01"}],
            "the entry since 2026-02-01 stands before the one since 2026-01-01",
        ),
        ([{"is": ["monday"]}], "expected one of mon"),
    ],
)
def test_entries_are_in_order_and_each_has_a_day_of_its_own(entries: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        company_of(workdays=entries)


def test_a_kpi_names_the_metrics_of_all_its_formulas_the_latest_first() -> None:
    (dated,) = config_of(kpi(value=[{"is": "won / closed"}, {"is": "won / calls", "since": "2026-01-01"}])).kpis
    assert dated.metrics == ("won", "calls", "closed")
    assert dated.value == dated.formulas.latest


def test_a_config_can_be_built_from_its_own_sections() -> None:
    company = company_of(hours=[{"is": {"opens": "08:00", "closes": "16:00"}}])
    assert Company.model_validate(company) is company
    assert Company.model_validate({**dict(company), "name": "Other"}).hours == company.hours
