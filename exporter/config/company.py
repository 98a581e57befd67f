"""The company: time zone, calendar, currencies, and the bands of the statuses."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from exporter.config.dated import Dated, DatedField
from exporter.config.fields import (
    Currency,
    Date,
    LocalPath,
    Many,
    Number,
    OneOf,
    Section,
    TextPattern,
    Title,
    Weekday,
    WeekdayField,
)
from exporter.config.messages import invalid

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_WORKDAYS = (Weekday.MON, Weekday.TUE, Weekday.WED, Weekday.THU, Weekday.FRI)
_MACHINE_ZONES = re.compile(r"(localtime|posixrules)$|(posix|right)/")
"""Names that only some machines know, and that the store does not."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _zone(text: Any) -> Any:
    if isinstance(text, ZoneInfo):
        return text
    try:
        zone = ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        zone = None
    if zone is None or _MACHINE_ZONES.match(zone.key):
        raise invalid("expected a time zone", "use an IANA name such as Europe/Zurich or America/New_York")
    return zone


def _time_of_day(text: Any) -> Any:
    if isinstance(text, time):
        return text
    if not isinstance(text, str) or not re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise invalid("expected a time of day", "written HH:MM, such as 08:30")
    return time.fromisoformat(text)


Zone = Annotated[ZoneInfo, BeforeValidator(_zone), WithJsonSchema({"type": "string", "examples": ["Europe/Zurich"]})]
TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$", "examples": ["08:30"]}),
]


class Bands(Section):
    """Target ratios at which the status changes. Below `at_risk` the KPI is off track."""

    exceeded: Number = 1.1
    """Ratio from which the target is exceeded."""
    on_track: Number = 1.0
    """Ratio from which the KPI is on track."""
    at_risk: Number = 0.9
    """Ratio from which it is at risk."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.exceeded >= self.on_track >= self.at_risk:
            raise invalid("the bands are not in order", "exceeded >= on_track >= at_risk")
        return self


class Holidays(Section):
    """Days off: the public holidays of a country, and custom dates."""

    country: Annotated[str, TextPattern("[A-Z]{2}", "an ISO 3166 country code such as CH")] | None = None
    """ISO 3166 code of the country whose public holidays apply, such as CH."""
    subdivision: Title | None = None
    """State or canton, if its holidays differ from the rest of the country."""
    dates: Many[Date] = ()
    """Additional days off."""


class Hours(Section):
    """Opening hours of a workday, over which the day's share of the target is spread."""

    opens: TimeOfDay
    """Opening time, HH:MM."""
    closes: TimeOfDay
    """Closing time, HH:MM, after `opens`."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.closes <= self.opens:
            raise invalid("closes is not after opens", "opening hours are within one day")
        return self


class Rate(Section):
    """An exchange rate, valid from a date until the next entry."""

    rate: Annotated[Number, Field(gt=0)]
    """Value of one unit of the currency, in the company's currency."""
    since: Date = date.min
    """First day on which the rate applies. Default: always."""


def _rates(value: Any) -> Any:
    return [{"rate": value}] if isinstance(value, int | float) and not isinstance(value, bool) else value


Rates = Annotated[
    tuple[Rate, ...], BeforeValidator(_rates, json_schema_input_type=Number | list[Rate]), Field(strict=False)
]


class Company(Section):
    """Name, calendar and currency of the company."""

    name: Title
    """Name on dashboards."""
    timezone: Zone
    """IANA time zone in which days, weeks and months begin at midnight."""
    currency: Currency = "EUR"
    """Currency in which money is reported."""
    week_starts: Annotated[str, OneOf(WEEKDAYS)] = "monday"
    """First day of the week."""
    fiscal_year_starts: Annotated[str, OneOf(MONTHS)] = "january"
    """First month of the fiscal year, which defines quarters and years."""
    workdays: DatedField[Many[WeekdayField]] | None = None
    """Days on which results are expected. If set, the default pace of flows is `workdays`. For changes over time,
    a list of {is, since}."""
    hours: DatedField[Hours] | None = None
    """Opening hours of a workday. For changes over time, a list of {is, since}."""
    holidays: Holidays = Field(default_factory=Holidays)
    """Days off."""
    bands: DatedField[Bands] = Field(default_factory=lambda: Dated.always(Bands()))
    """Ratios at which the status changes, for KPIs without bands of their own. For changes over time, a list of
    {is, since}."""
    rates: dict[Currency, Rates] = Field(default_factory=dict)
    """Exchange rates of other currencies: a number, or a list of {rate, since}."""
    rates_csv: LocalPath | None = None
    """CSV file of exchange rates with the columns currency, since, rate; may be combined with `rates`."""

    @property
    def week_start(self) -> int:
        """First day of the week; 0 is Monday."""
        return WEEKDAYS.index(self.week_starts)

    @property
    def fiscal_month(self) -> int:
        """First month of the fiscal year; 1 is January."""
        return MONTHS.index(self.fiscal_year_starts) + 1

    @property
    def working_weekdays(self) -> Dated[frozenset[int]]:
        """Numbers of the workdays over time, 0 for Monday; Monday to Friday by default."""
        weeks = self.workdays or Dated.always(())
        return weeks.map(lambda days: frozenset(day.number for day in days or _WORKDAYS))
