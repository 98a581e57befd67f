"""The company: zone, calendar, currency and the bands of status."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from exporter.config.fields import Currency, Date, LocalPath, Number, Section, Title, Weekday, WeekdayField

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _zone(text: Any) -> Any:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ValueError("an IANA time zone such as Europe/Zurich") from None


def _one_of(names: tuple[str, ...]) -> Any:
    def convert(value: Any) -> Any:
        if value in names:
            return value
        raise ValueError(f"one of {', '.join(names)}")

    return BeforeValidator(convert)


def _clock(text: Any) -> Any:
    try:
        return time.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError("a time of day is written HH:MM") from None


Zone = Annotated[ZoneInfo, BeforeValidator(_zone), WithJsonSchema({"type": "string", "examples": ["Europe/Zurich"]})]
Clock = Annotated[time, BeforeValidator(_clock), WithJsonSchema({"type": "string", "pattern": r"^\d\d:\d\d$"})]


class Bands(Section):
    """Where the status changes, in target-ratio points. Below `at_risk` is off track."""

    exceeded: Number = 1.1
    on_track: Number = 1.0
    at_risk: Number = 0.9

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.exceeded >= self.on_track >= self.at_risk:
            raise ValueError("bands must fall: exceeded >= on_track >= at_risk")
        return self


class Holidays(Section):
    """Days off: a country's public holidays, and dates of one's own."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    """ISO 3166 code whose public holidays count, such as CH."""
    subdivision: str | None = None
    """State or canton, where holidays differ inside the country."""
    dates: Annotated[tuple[Date, ...], Field(strict=False)] = ()
    """Further days off."""


class Hours(Section):
    """Opening hours of a workday: how a day's share of the target fills up."""

    opens: Clock
    closes: Clock

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.closes <= self.opens:
            raise ValueError("closes must be after opens")
        return self


class Rate(Section):
    """What one unit of a currency is worth in the company's, from a date until the next entry."""

    rate: Annotated[Number, Field(gt=0)]
    since: Date = date.min


def _rates(value: Any) -> Any:
    return [{"rate": value}] if isinstance(value, int | float) and not isinstance(value, bool) else value


Rates = Annotated[tuple[Rate, ...], BeforeValidator(_rates), Field(strict=False)]


class Company(Section):
    """Who measures, and by which calendar."""

    name: Title
    timezone: Zone
    """All days, weeks and months begin at midnight here."""
    currency: Currency = "EUR"
    """Money is reported in this currency."""
    week_starts: Annotated[str, _one_of(WEEKDAYS)] = "monday"
    fiscal_year_starts: Annotated[str, _one_of(MONTHS)] = "january"
    workdays: Annotated[tuple[WeekdayField, ...], Field(strict=False)] | None = None
    """Days on which results are expected; naming them makes `workdays` the default pace."""
    hours: Hours | None = None
    holidays: Holidays = Holidays()
    bands: Bands = Bands()
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
