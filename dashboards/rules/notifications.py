"""Who is notified of which alert, and when, as labels and time intervals of Alertmanager and Grafana."""

from __future__ import annotations

from datetime import time
from typing import Any

from exporter.config.company import WEEKDAYS, Company, Hours
from exporter.config.kpis import Kpi
from exporter.config.root import Config

CONTACTS_LABEL = "contacts"
"""The label that routes match, with the value `,NAME,NAME,`."""
WORKING, DAYS_OFF, QUIET, DIGEST_HOUR = "working-hours", "days-off", "outside-working-hours", "digest-hour"
"""Names of time intervals."""

_DEFAULT_DIGEST, _LAST_DIGEST = time(8), time(23)

ClockRange = tuple[time, time | None]
"""Start and end within a day; None is midnight at its end."""


def kpi_contacts(config: Config, kpi: Kpi) -> dict[str, str]:
    """The label with the contacts of the KPI's alerts; without any, the contact that is the KPI's owner."""
    notify = kpi.alerts.notify if kpi.alerts else ()
    owners = (contact.name for contact in config.contacts if kpi.owner in (contact.name, contact.email))
    return _label(notify or tuple(owners))


def owner_contacts(config: Config, kpi: Kpi) -> dict[str, str]:
    """The label with the contact that is the KPI's owner; without one, the contacts of its alerts."""
    owners = tuple(contact.name for contact in config.contacts if kpi.owner in (contact.name, contact.email))
    return _label(owners) or kpi_contacts(config, kpi)


def operator_contacts(config: Config) -> dict[str, str]:
    """The label with the first contact, who is notified of alerts about sources and the exporter."""
    return _label(tuple(contact.name for contact in config.contacts[:1]))


def _label(names: tuple[str, ...]) -> dict[str, str]:
    return {CONTACTS_LABEL: f",{','.join(names)},"} if names else {}


def contact_pattern(name: str) -> str:
    """A regular expression for label values that contain this name, which is an identifier."""
    return f".*,{name},.*"


def notification_hours(config: Config) -> Hours | None:
    """The hours in which notifications are sent: the latest opening hours by default; None if they are always sent."""
    hours = config.company.hours
    return config.alerting.quiet_outside or (hours.latest if hours else None)


def working_intervals(config: Config, hours: Hours) -> list[dict[str, Any]]:
    """These hours on workdays, in the company's time zone."""
    company = config.company
    return [_interval(company, _workdays(company), [(hours.opens, hours.closes)])]


def quiet_intervals(config: Config, hours: Hours) -> list[dict[str, Any]]:
    """The rest of the week, for Grafana, which can only mute: nights of workdays, and the other days."""
    company = config.company
    ranges: tuple[ClockRange, ...] = ((time(), hours.opens), (hours.closes, None))
    nights = [(start, end) for start, end in ranges if start != end]
    other_days = [day for day in WEEKDAYS if day not in _workdays(company)]
    return [
        *([_interval(company, _workdays(company), nights)] if nights else []),
        *([_interval(company, other_days, [])] if other_days else []),
    ]


def digest_intervals(config: Config) -> list[dict[str, Any]]:
    """The hour of workdays in which leads and persons are notified."""
    hours = notification_hours(config)
    starts = config.alerting.digest_at or min(hours.opens if hours else _DEFAULT_DIGEST, _LAST_DIGEST)
    ends = None if starts.hour == _LAST_DIGEST.hour else starts.replace(hour=starts.hour + 1)
    return [_interval(config.company, _workdays(config.company), [(starts, ends)])]


def days_off_intervals(config: Config) -> list[dict[str, Any]]:
    """The holidays listed in the config. Public holidays of a country are left out: their dates differ each year."""
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
    return [WEEKDAYS[number] for number in sorted(company.working_weekdays.latest)]


def _interval(company: Company, days: list[str], ranges: list[ClockRange]) -> dict[str, Any]:
    times = [{"start_time": f"{start:%H:%M}", "end_time": f"{end:%H:%M}" if end else "24:00"} for start, end in ranges]
    return {"weekdays": days, **({"times": times} if times else {}), "location": company.timezone.key}
