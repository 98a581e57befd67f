"""Numbers as text in PromQL, so that one table column carries KPIs of different units.

`count_values` turns a number into a label and `label_replace` adds its unit. The labels exist during the query only. A
query asks for the classes of units that the config has, and for no others.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dashboards.expressions import limited
from dashboards.promql import equals, quote, select
from dashboards.selection import Selection
from exporter import naming
from exporter.config.root import Config
from exporter.naming import Family

_SHORT = {"points": "pts", "hours": "h", "minutes": "min", "days": "d"}
"""Units of the config that are written shorter."""
_PLAIN = ("count", "number", "score")
_THOUSANDS, _MILLIONS = "(-?[0-9]+)([0-9]{3})", "(-?[0-9]+)([0-9]{3},.*)"


@dataclass(frozen=True, slots=True)
class _NumberBand:
    """Numbers from `low` up to `high`: divided, rounded to `digits` decimals, and written between two texts."""

    low: float | None = None
    high: float | None = None
    divisor: float = 1
    digits: int = 0
    before: str = ""
    after: str = ""

    def has(self, number: float) -> bool:
        """Whether it writes this number."""
        return (self.low is None or number >= self.low) and (self.high is None or number < self.high)

    @property
    def grouped(self) -> bool:
        """Whether it separates thousands."""
        return self.digits == 0 and self.high is None


def number_text(config: Config, selection: Selection, family: Family, label: str, by: Iterable[str] = ()) -> str:
    """1 for each KPI, with its value of the family as text in `label`, such as `CHF 1.28M`, `31.3 %` or `2,150`.

    `by` are the labels of the result, by default those of the selection.
    """
    units = sorted({config.unit(kpi) for kpi in config.kpis if selection.scope in kpi.scopes})
    by = tuple(by) or selection.labels
    texts = (unit_text(_numbers(selection, family, unit), unit, config.company.currency, label, by) for unit in units)
    return " or ".join(texts)


def unit_text(numbers: str, unit: str, currency: str, label: str, by: Iterable[str], *, aligned: bool = False) -> str:
    """1 for each series, with its number of this unit as text in `label`; money without a currency is a bare number.

    `aligned` writes two decimals where there may be two: `CHF 1.60M` beside `CHF 1.28M`.
    """
    labels = tuple(by)
    return " or ".join(_text(numbers, band, label, labels, aligned=aligned) for band in _bands(unit, currency))


def literal_text(number: float, unit: str, currency: str) -> str:
    """What `unit_text` makes of this number."""
    band = next(band for band in _bands(unit, currency) if band.has(number))
    scaled = math.floor(number / band.divisor * 10**band.digits + 0.5) / 10**band.digits
    digits = f"{scaled:,.0f}" if band.grouped else f"{scaled:.15g}"
    return f"{band.before}{digits}{band.after}"


def _numbers(selection: Selection, family: Family, unit: str) -> str:
    of_unit = selection.at_end.read(select(naming.INFO, equals("unit", unit)))
    return f"({limited(f'{selection.latest(family)} and on (kpi) {of_unit}', selection)})"


def _bands(unit: str, currency: str) -> Iterator[_NumberBand]:
    if unit == "currency":
        yield from _money(f"{currency} " if currency else "")
    elif unit == "ratio":
        yield _NumberBand(divisor=0.01, digits=1, after=" %")
    elif unit == "seconds":
        yield _NumberBand(high=119.5, after=" s")
        yield _NumberBand(119.5, 7170, 60, 1, after=" min")
        yield _NumberBand(7170, None, 3600, 1, after=" h")
    elif unit == "score":
        yield _NumberBand(digits=2)
    elif unit == "count":
        yield _NumberBand()
    else:
        after = "" if unit in _PLAIN else f" {_SHORT.get(unit, unit)}"
        yield _NumberBand(high=9.995, digits=2 if unit == "number" else 1, after=after)
        yield _NumberBand(9.995, 999.5, digits=1, after=after)
        yield _NumberBand(999.5, after=after)


def _money(currency: str) -> Iterator[_NumberBand]:
    """Three digits: two decimals for millions, one for the lowest thousands."""
    yield _NumberBand(high=999.5, before=currency)
    yield _NumberBand(999.5, 9950, 1e3, 1, currency, "K")
    yield _NumberBand(9950, 999_500, 1e3, 0, currency, "K")
    yield _NumberBand(999_500, 999_500_000, 1e6, 2, currency, "M")
    yield _NumberBand(999_500_000, None, 1e9, 2, currency, "B")


def _text(numbers: str, band: _NumberBand, label: str, by: tuple[str, ...], *, aligned: bool = False) -> str:
    rounded = aggregate_text(f"round({_scaled(numbers, band)}, {10.0**-band.digits:g})", label, by)
    pattern = f"{_literal(band.before)}${{1}}{_literal(band.after)}"
    if band.grouped:
        rounded = _replaced(_replaced(rounded, label, "${1},${2}", _THOUSANDS), label, "${1},${2}", _MILLIONS)
    if aligned and band.digits == 2:
        rounded = _replaced(_replaced(rounded, label, "${1}.0", "(-?[0-9]+)"), label, "${1}0", "(-?[0-9]+[.][0-9])")
    return rounded if pattern == "${1}" else _replaced(rounded, label, pattern, "(.*)")


def _scaled(numbers: str, band: _NumberBand) -> str:
    within = numbers
    within += f" >= {band.low:g}" if band.low is not None else ""
    within += f" < {band.high:g}" if band.high is not None else ""
    if band.divisor == 1:
        return within
    return f"100 * {within}" if band.divisor < 1 else f"({within}) / {band.divisor:g}"


def aggregate_text(numbers: str, label: str, by: Iterable[str]) -> str:
    """1 for each series, with its number as the text of `label`."""
    return f'count_values by ({", ".join(by)}) ("{label}", {numbers})'


def _replaced(expression: str, label: str, replacement: str, pattern: str) -> str:
    return f'label_replace({expression}, "{label}", {quote(replacement)}, "{label}", "{pattern}")'


def _literal(text: str) -> str:
    return text.replace("$", "$$")
