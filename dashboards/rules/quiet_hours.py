"""When nobody is to be disturbed, as time intervals of Alertmanager and Grafana."""

from __future__ import annotations

from datetime import time
from typing import Any

from exporter.config.company import WEEKDAYS, Company, Hours
from exporter.config.root import Config

Span = tuple[time, time | None]
"""From a time of day until another; None is midnight at the end."""
WORKING, DAYS_OFF, QUIET = "working-hours", "days-off", "outside-working-hours"


def working_hours(config: Config) -> Hours | None:
    """The hours in which notifications go out; None where they go out at any time."""
    return config.alerting.quiet_outside or config.company.hours


def working(config: Config, hours: Hours) -> list[dict[str, Any]]:
    """The opening hours of workdays, in the company's zone."""
    company = config.company
    return [_interval(company, _workdays(company), [(hours.opens, hours.closes)])]


def quiet(config: Config, hours: Hours) -> list[dict[str, Any]]:
    """The rest of the week: nights of workdays, and the other days. Grafana can only be told when to be silent."""
    company = config.company
    spans: tuple[Span, ...] = ((time(), hours.opens), (hours.closes, None))
    nights = [span for span in spans if span[0] != span[1]]
    free = [day for day in WEEKDAYS if day not in _workdays(company)]
    return [
        *([_interval(company, _workdays(company), nights)] if nights else []),
        *([_interval(company, free, [])] if free else []),
    ]


def days_off(config: Config) -> list[dict[str, Any]]:
    """The days off that the config lists. Public holidays of a country are not known here without the year."""
    company = config.company
    return [
        {
            "days_of_month": [str(day.day)],
            "months": [str(day.month)],
            "years": [str(day.year)],
            "location": company.timezone.key,
        }
        for day in sorted(set(company.holidays.dates))
    ]


def _workdays(company: Company) -> list[str]:
    return [WEEKDAYS[number] for number in sorted(company.working_weekdays)]


def _interval(company: Company, days: list[str], spans: list[Span]) -> dict[str, Any]:
    times = [{"start_time": f"{start:%H:%M}", "end_time": f"{end:%H:%M}" if end else "24:00"} for start, end in spans]
    return {"weekdays": days, **({"times": times} if times else {}), "location": company.timezone.key}
