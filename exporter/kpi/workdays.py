"""Which dates are workdays: the company's weekdays less holidays."""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import date

from exporter.config.company import Company
from exporter.config.public_holidays import public_holidays
from exporter.errors import EvaluationError


def workdays(company: Company) -> Callable[[date], bool]:
    """A test for workdays by the company's weekdays, its country's public holidays and its own days off.

    Raises EvaluationError where no holidays are known for the country or its subdivision.
    """
    off = company.holidays
    listed = frozenset(off.dates)
    public = _public(off.country, off.subdivision) if off.country else ()
    weekdays = company.working_weekdays

    def works(day: date) -> bool:
        return day.weekday() in weekdays and day not in listed and day not in public

    return works


def _public(country: str, subdivision: str | None) -> Container[date]:
    try:
        return public_holidays(country, subdivision)
    except NotImplementedError as unknown:
        raise EvaluationError("company.holidays", str(unknown)) from None
