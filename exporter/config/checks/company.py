"""The company's calendar and currencies."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.config.checks.view import View
from exporter.config.company import Holidays
from exporter.config.days_off import countries, subdivisions
from exporter.config.messages import suggestion
from exporter.config.positions import Finding


def errors(view: View) -> Iterator[Finding]:
    """Countries without known holidays, and rates that contradict each other."""
    company = view.config.company
    if company.holidays.country is not None:
        yield from _holidays(company.holidays)
    elif company.holidays.subdivision is not None:
        yield Finding(("company", "holidays", "subdivision"), "a subdivision of no country", "give country too")
    for currency, rates in company.rates.items():
        if currency == company.currency:
            cure = "rates say what other currencies are worth in it"
            yield Finding(("company", "rates", currency), "this is the company's own currency", cure)
        seen: set[object] = set()
        for position, rate in enumerate(rates):
            if rate.since in seen:
                message = "two rates hold from the same day on"
                yield Finding(("company", "rates", currency, position), message, "give each its own since")
            seen.add(rate.since)


def _holidays(off: Holidays) -> Iterator[Finding]:
    code = off.country or ""
    if code not in countries():
        cure = "an ISO 3166 code such as CH; else list the days under dates"
        yield Finding(("company", "holidays", "country"), "no holidays are known for this country", cure)
        return
    known = subdivisions(code)
    if off.subdivision is not None and off.subdivision not in known:
        cure = suggestion(off.subdivision, known, "known") or "this country has none: leave it out"
        yield Finding(("company", "holidays", "subdivision"), "no holidays are known for this subdivision", cure)
