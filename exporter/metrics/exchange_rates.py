"""Amounts in other currencies, converted row by row at dated rates (maths 8.14).

A rate is what one unit of a currency is worth in the company's, from a local date until the next one's.
An amount without a currency is in the company's. Without a rate an amount is held out, never taken 1:1.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from itertools import groupby, pairwise
from pathlib import Path

from sqlglot import exp

from exporter.config.company import Company
from exporter.config.root import Config
from exporter.errors import ConfigError, Problem
from exporter.metrics.columns import ROW, Terms
from exporter.metrics.instants import FIRST, LAST, local_midnight

RATES = "x"
"""Alias of the table of rates in a query."""

RATE_SPANS = "metric_rates"
"""Name of that table: currency, since, until, rate."""

_SMALLEST, _LARGEST = Decimal("1e-9"), Decimal("1e9")


@dataclass(frozen=True, slots=True, order=True)
class RateSpan:
    """A currency's rate over a half-open span of instants; None where there is none yet."""

    currency: str
    since: datetime
    until: datetime
    rate: Decimal | None


@dataclass(frozen=True, slots=True)
class Rates:
    """What other currencies are worth. The spans of each currency follow one another without a gap."""

    home: str
    spans: tuple[RateSpan, ...] = ()

    @classmethod
    def load(cls, config: Config) -> Rates:
        """The rates of the config and of its CSV; where both name a date the config holds.

        Raises ConfigError with every fault of the CSV, or of the rates in the config.
        """
        company = config.company
        listed = _from_csv(config.base / company.rates_csv) if company.rates_csv else {}
        known = {key: rate for key, rate in (listed | _given(company)).items() if key[0] != company.currency}
        dated = [(code, local_midnight(day, company.timezone), rate) for (code, day), rate in sorted(known.items())]
        return cls(company.currency, tuple(_spans(dated)))


def converted(amount: exp.Expr, terms: Terms) -> exp.Expr:
    """An amount in the company's currency, exact; NULL without a rate."""
    currency = exp.column("currency", ROW)
    home = exp.or_(currency.is_(exp.null()), currency.isin("", terms.home))
    case = exp.Case().when(home, amount.copy())
    if not terms.converts:
        return case
    return case.else_(exp.Mul(this=amount.copy(), expression=exp.column("rate", RATES)))


def _spans(dated: Iterable[tuple[str, datetime, Decimal]]) -> Iterator[RateSpan]:
    for currency, entries in groupby(dated, key=lambda entry: entry[0]):
        steps: list[tuple[datetime, Decimal | None]] = [(FIRST, None), *((since, rate) for _, since, rate in entries)]
        for (since, rate), (until, _) in pairwise([*steps, (LAST, None)]):
            if since < until:
                yield RateSpan(currency, since, until, rate)


def _given(company: Company) -> dict[tuple[str, date], Decimal]:
    found = {(code, r.since): Decimal(repr(r.rate)) for code, rates in company.rates.items() for r in rates}
    odd = sorted({code for (code, _), rate in found.items() if not _SMALLEST <= rate <= _LARGEST})
    if odd:
        cure = f"from {_SMALLEST} to {_LARGEST}: what one unit is worth in {company.currency}"
        raise ConfigError([Problem("", 0, f"company.rates.{code}", "is no exchange rate", cure) for code in odd])
    return found


def _from_csv(path: Path) -> dict[tuple[str, date], Decimal]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        cure = "a CSV in UTF-8 with the columns currency, since, rate"
        raise ConfigError([_problem(path, 0, "cannot be read", cure)]) from None
    found: dict[tuple[str, date], Decimal] = {}
    problems = []
    for line, row in enumerate(rows, start=2):
        try:
            currency, since, rate = _entry(row)
        except (KeyError, TypeError, AttributeError, ValueError, InvalidOperation):
            problems.append(_problem(path, line, "is no rate", "such as USD,2024-01-01,0.92"))
            continue
        found[currency, since] = rate
    if problems:
        raise ConfigError(problems)
    return found


def _entry(row: dict[str, str]) -> tuple[str, date, Decimal]:
    currency, since, rate = row["currency"].strip(), row["since"].strip(), Decimal(row["rate"].strip())
    if not (len(currency) == 3 and currency.isalpha() and _SMALLEST <= rate <= _LARGEST):
        raise ValueError
    return currency.upper(), date.fromisoformat(since) if since else date.min, rate


def _problem(path: Path, line: int, message: str, cure: str) -> Problem:
    return Problem(str(path), line, "company.rates_csv", message, cure)
