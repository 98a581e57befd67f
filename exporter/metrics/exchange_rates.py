"""Amounts in other currencies, converted row by row at dated rates.

A rate is the value of one unit of a currency in the company's currency, from a local date until the next rate. An
amount without a currency is in the company's currency. Without a rate, an amount is held out and never counted 1:1.
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
from exporter.metrics.columns import ROW, QueryContext
from exporter.metrics.values import FIRST, LAST, local_midnight

RATES = "x"
"""Alias of the table of rates in a query."""

RATE_SPANS = "metric_rates"
"""Name of that table: currency, since, until, rate."""

_MIN_RATE, _MAX_RATE = Decimal("1e-9"), Decimal("1e9")


@dataclass(frozen=True, slots=True, order=True)
class RateSpan:
    """A currency's rate over the instants [since, until); None before the first one is known."""

    currency: str
    since: datetime
    until: datetime
    rate: Decimal | None


@dataclass(frozen=True, slots=True)
class ExchangeRates:
    """What other currencies are worth in `home`. The spans of each currency cover all of time without gaps."""

    home: str
    spans: tuple[RateSpan, ...] = ()

    @classmethod
    def load(cls, config: Config) -> ExchangeRates:
        """The rates of the config and of its CSV; if both have a rate for a date, the config's counts.

        Raises ConfigError with every problem of the CSV or of the rates in the config.
        """
        company = config.company
        csv_rates = _from_csv(config.base / company.rates_csv) if company.rates_csv else {}
        rates = {key: rate for key, rate in (csv_rates | _from_config(company)).items() if key[0] != company.currency}
        dated = [(code, local_midnight(day, company.timezone), rate) for (code, day), rate in sorted(rates.items())]
        return cls(company.currency, tuple(_spans(dated)))


def converted(amount: exp.Expr, context: QueryContext) -> exp.Expr:
    """An amount in the company's currency, exact; NULL if no rate is known."""
    currency = exp.column("currency", ROW)
    home = exp.or_(currency.is_(exp.null()), currency.isin("", context.home))
    case = exp.Case().when(home, amount.copy())
    if not context.converts:
        return case
    return case.else_(exp.Mul(this=amount.copy(), expression=exp.column("rate", RATES)))


def _spans(dated: Iterable[tuple[str, datetime, Decimal]]) -> Iterator[RateSpan]:
    for currency, entries in groupby(dated, key=lambda entry: entry[0]):
        steps: list[tuple[datetime, Decimal | None]] = [(FIRST, None), *((since, rate) for _, since, rate in entries)]
        for (since, rate), (until, _) in pairwise([*steps, (LAST, None)]):
            if since < until:
                yield RateSpan(currency, since, until, rate)


def _from_config(company: Company) -> dict[tuple[str, date], Decimal]:
    rates = {(code, r.since): Decimal(repr(r.rate)) for code, dated in company.rates.items() for r in dated}
    out_of_range = sorted({code for (code, _), rate in rates.items() if not _MIN_RATE <= rate <= _MAX_RATE})
    if out_of_range:
        cure = f"from {_MIN_RATE} to {_MAX_RATE}: what one unit is worth in {company.currency}"
        raise ConfigError(
            [Problem("", 0, f"company.rates.{code}", "is not an exchange rate", cure) for code in out_of_range]
        )
    return rates


def _from_csv(path: Path) -> dict[tuple[str, date], Decimal]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        cure = "a CSV in UTF-8 with the columns currency, since, rate"
        raise ConfigError([_problem(path, 0, "cannot be read", cure)]) from None
    rates: dict[tuple[str, date], Decimal] = {}
    problems = []
    for line, row in enumerate(rows, start=2):
        try:
            currency, since, rate = _entry(row)
        except (KeyError, TypeError, AttributeError, ValueError, InvalidOperation):
            problems.append(_problem(path, line, "is not a rate", "such as USD,2024-01-01,0.92"))
            continue
        rates[currency, since] = rate
    if problems:
        raise ConfigError(problems)
    return rates


def _entry(row: dict[str, str]) -> tuple[str, date, Decimal]:
    currency, since, rate = row["currency"].strip(), row["since"].strip(), Decimal(row["rate"].strip())
    if not (len(currency) == 3 and currency.isalpha() and _MIN_RATE <= rate <= _MAX_RATE):
        raise ValueError
    return currency.upper(), date.fromisoformat(since) if since else date.min, rate


def _problem(path: Path, line: int, message: str, cure: str) -> Problem:
    return Problem(str(path), line, "company.rates_csv", message, cure)
