"""The company: zone, calendar, currency and the bands of status."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from exporter.config.fields import (
    Currency,
    Date,
    LocalPath,
    Many,
    Number,
    OneOf,
    Section,
    Spelled,
    Title,
    Weekday,
    WeekdayField,
)
from exporter.config.messages import fault

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _zone(text: Any) -> Any:
    if isinstance(text, ZoneInfo):
        return text
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise fault("expected a time zone", "an IANA name such as Europe/Zurich or America/New_York") from None


def _clock(text: Any) -> Any:
    if isinstance(text, time):
        return text
    if not isinstance(text, str) or not re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise fault("expected a time of day", "written HH:MM, such as 08:30")
    return time.fromisoformat(text)


Zone = Annotated[ZoneInfo, BeforeValidator(_zone), WithJsonSchema({"type": "string", "examples": ["Europe/Zurich"]})]
Clock = Annotated[
    time,
    BeforeValidator(_clock),
    WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$", "examples": ["08:30"]}),
]


class Bands(Section):
    """Where the status changes, in target-ratio points. Below `at_risk` is off track."""

    exceeded: Number = 1.1
    """From here on the target counts as exceeded."""
    on_track: Number = 1.0
    """From here on the KPI is on track."""
    at_risk: Number = 0.9
    """From here on it is at risk."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.exceeded >= self.on_track >= self.at_risk:
            raise fault("the bands do not fall", "exceeded at or above on_track, on_track at or above at_risk")
        return self


class Holidays(Section):
    """Days off: a country's public holidays, and dates of one's own."""

    country: Annotated[str, Spelled("[A-Z]{2}", "an ISO 3166 country code such as CH")] | None = None
    """ISO 3166 code whose public holidays count, such as CH."""
    subdivision: Title | None = None
    """State or canton, where holidays differ inside the country."""
    dates: Many[Date] = ()
    """Further days off."""


class Hours(Section):
    """Opening hours of a workday: how a day's share of the target fills up."""

    opens: Clock
    """When the day begins, HH:MM."""
    closes: Clock
    """When it ends, HH:MM, after `opens`."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.closes <= self.opens:
            raise fault("closes is not after opens", "hours lie within one day")
        return self


class Rate(Section):
    """What one unit of a currency is worth in the company's, from a date until the next entry."""

    rate: Annotated[Number, Field(gt=0)]
    """What one unit of the currency is worth in the company's."""
    since: Date = date.min
    """First day on which it holds; without it, always."""


def _rates(value: Any) -> Any:
    return [{"rate": value}] if isinstance(value, int | float) and not isinstance(value, bool) else value


Rates = Annotated[
    tuple[Rate, ...], BeforeValidator(_rates, json_schema_input_type=Number | list[Rate]), Field(strict=False)
]


class Company(Section):
    """Who measures, and by which calendar."""

    name: Title
    """As viewers know it."""
    timezone: Zone
    """All days, weeks and months begin at midnight here."""
    currency: Currency = "EUR"
    """Money is reported in this currency."""
    week_starts: Annotated[str, OneOf(WEEKDAYS)] = "monday"
    """First day of the week."""
    fiscal_year_starts: Annotated[str, OneOf(MONTHS)] = "january"
    """First month of the year that quarters and years are counted by."""
    workdays: Many[WeekdayField] | None = None
    """Days on which results are expected; naming them makes `workdays` the default pace."""
    hours: Hours | None = None
    """Opening hours of a workday."""
    holidays: Holidays = Field(default_factory=Holidays)
    """Days off within the workdays."""
    bands: Bands = Field(default_factory=Bands)
    """Where the status changes, for every KPI without bands of its own."""
    rates: dict[Currency, Rates] = Field(default_factory=dict)
    """What other currencies are worth: a number, or dated entries {rate, since}."""
    rates_csv: LocalPath | None = None
    """A CSV with the columns currency, since, rate, instead of or beside `rates`."""

    @property
    def week_start(self) -> int:
        """Monday is 0."""
        return WEEKDAYS.index(self.week_starts)

    @property
    def fiscal_month(self) -> int:
        """January is 1."""
        return MONTHS.index(self.fiscal_year_starts) + 1

    @property
    def working_weekdays(self) -> frozenset[int]:
        """Weekday numbers on which results are expected; Monday to Friday where the config names none."""
        days = self.workdays or (Weekday.MON, Weekday.TUE, Weekday.WED, Weekday.THU, Weekday.FRI)
        return frozenset(day.number for day in days)
