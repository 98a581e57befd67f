"""Checks of the company's calendar and currencies, and of team memberships."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from exporter.config.checks.context import CheckContext
from exporter.config.company import Company, Holidays
from exporter.config.messages import suggestion
from exporter.config.positions import Finding, KeyPath
from exporter.config.public_holidays import countries, subdivisions


class _Membership(NamedTuple):
    first_day: date
    last_day: date
    team: str
    path: KeyPath


def errors(context: CheckContext) -> Iterator[Finding]:
    """Unknown holiday calendars, conflicting exchange rates, and people in two teams at once."""
    company = context.config.company
    yield from _holidays(company.holidays)
    yield from _rates(company)
    memberships: dict[str, list[_Membership]] = defaultdict(list)
    for index, team in context.teams:
        for position, member in enumerate(team.members):
            path: KeyPath = ("teams", index, "members", position)
            membership = _Membership(member.since or date.min, member.until or date.max, team.name, path)
            memberships[member.person.casefold()].append(membership)
    for person in memberships.values():
        for earlier, later in pairwise(sorted(person)):
            if later.first_day <= earlier.last_day:
                teams = (
                    f"in {earlier.team} and {later.team}" if earlier.team != later.team else f"twice in {later.team}"
                )
                hint = "a person is in one team at a time: until is the last day in a team, since the first"
                yield Finding(later.path, f"the person is {teams} at the same time", hint)


def warnings(_: CheckContext) -> Iterator[Finding]:
    """There are none."""
    yield from ()


def _holidays(holidays: Holidays) -> Iterator[Finding]:
    path: KeyPath = ("company", "holidays")
    if holidays.country is None:
        if holidays.subdivision is not None:
            yield Finding((*path, "subdivision"), "subdivision needs a country", "add country")
    elif holidays.country not in countries():
        hint = "use an ISO 3166 code such as CH, or list the days under dates"
        yield Finding((*path, "country"), "no public holidays are known for this country", hint)
    elif holidays.subdivision is not None:
        options = subdivisions(holidays.country)
        if holidays.subdivision not in options:
            hint = suggestion(holidays.subdivision, options, "known") or "this country has no subdivisions: remove it"
            yield Finding((*path, "subdivision"), "no public holidays are known for this subdivision", hint)


def _rates(company: Company) -> Iterator[Finding]:
    for currency, rates in company.rates.items():
        path: KeyPath = ("company", "rates", currency)
        if currency == company.currency:
            yield Finding(path, "this is the company's own currency", "list only other currencies")
        start_dates: set[date] = set()
        for index, rate in enumerate(rates):
            if rate.since in start_dates:
                yield Finding((*path, index), "two rates start on the same day", "give each rate its own since")
            start_dates.add(rate.since)
