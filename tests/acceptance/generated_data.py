"""A sales pipeline and a call log as CSV files, generated from a seed.

Who sold what, on which day and in which spelling is random. How many rows there are, and the numbers in them, is
not: amounts, waits and ratings repeat in fixed cycles that divide each count, so every total can be worked out by
hand. The files have the flaws of real exports: two date formats in one column, one product spelled two ways, open
deals without dates, and empty cells on calls that nobody answered.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from random import Random

REGIONS = {"Ada": "North", "Bo": "North", "Cleo": "South", "Dev": "South", "Eve": "South", "Finn": "West"}
PRODUCTS = {"Rack Pro": 500, "RackPro": 1500, "Desk One": 4000, "Cable": 250}
"""The products and amounts of every four won deals in turn: 6,250 together."""

WON = {1: 12, 2: 20, 3: 16, 4: 24}
LOST = {1: 9, 2: 11, 3: 14, 4: 6}
"""Deals closed in each quarter of 2025."""
ENGAGED, PROSPECTS = 10, 7
"""Open deals with a start date, and without any date."""

AGENTS = ("Gus", "Hana", "Ivo", "June")
TOPICS = ("contract", "delivery", "payment", "repair", "streaming")
ANSWERED = {1: 40, 2: 30, 3: 50}
ABANDONED = {1: 10, 2: 6, 3: 14}
"""Calls in each month from January to March 2025."""
WAITS, TALKS, RATINGS = (20, 45, 60, 75, 100), (120, 240), (1, 2, 3, 4, 5)
"""Seconds and ratings of answered calls in turn: on average 60, 180 and 3."""


def write_pipeline(folder: Path, seed: int = 1) -> None:
    """Writes deals.csv and sellers.csv."""
    rng = Random(seed)
    rows = [
        *_closed(rng, "Won", WON),
        *_closed(rng, "Lost", LOST),
        *({"stage": "Engaged", "opened": _written(rng, _day(rng, 10, 92)), "product": "Cable"} for _ in range(ENGAGED)),
        *({"stage": "Prospect", "product": "Desk One"} for _ in range(PROSPECTS)),
    ]
    rng.shuffle(rows)
    columns = ("deal", "seller", "product", "stage", "opened", "closed", "amount")
    deals = [row | {"deal": f"D{number:03}", "seller": rng.choice([*REGIONS])} for number, row in enumerate(rows, 1)]
    _write(folder / "deals.csv", columns, deals)
    sellers = [{"seller": name, "region": region} for name, region in REGIONS.items()]
    _write(folder / "sellers.csv", ("seller", "region"), sellers)


def write_call_log(folder: Path, seed: int = 1) -> None:
    """Writes calls.csv."""
    rng, numbers = Random(seed), count()
    answered = [
        {
            "month": month,
            "answered": "Y",
            "resolved": "N" if number % 5 == 0 else "Y",
            "wait": WAITS[number % 5],
            "talk": TALKS[number % 2],
            "rating": RATINGS[number % 5],
        }
        for month, calls in ANSWERED.items()
        for number in range(calls)
    ]
    abandoned = [{"month": month, "answered": "N", "resolved": "N"} for month, n in ABANDONED.items() for _ in range(n)]
    rows = [
        {
            **row,
            "call": f"C{next(numbers):04}",
            "agent": rng.choice(AGENTS),
            "topic": rng.choice(TOPICS),
            "date": _written(rng, _day(rng, int(row["month"]), 28)),
            "time": f"{rng.randrange(8, 18):02}:{rng.randrange(60):02}:{rng.randrange(60):02}",
        }
        for row in answered + abandoned
    ]
    columns = ("call", "agent", "date", "time", "topic", "answered", "resolved", "wait", "talk", "rating")
    _write(folder / "calls.csv", columns, rows)


def _closed(rng: Random, stage: str, quarters: Mapping[int, int]) -> Iterable[dict[str, object]]:
    products = [*PRODUCTS.items()]
    for quarter, deals in quarters.items():
        for number in range(deals):
            day = _day(rng, 3 * quarter - 2, 90)
            product, amount = products[number % len(products)]
            yield {
                "product": product,
                "stage": stage,
                "opened": _written(rng, day - timedelta(days=rng.randrange(5, 60))),
                "closed": _written(rng, day),
                "amount": amount if stage == "Won" else 0,
            }


def _day(rng: Random, month: int, days: int) -> date:
    """A day among the first `days` from the start of a month of 2025."""
    return date(2025, month, 1) + timedelta(days=rng.randrange(days))


def _written(rng: Random, day: date) -> str:
    """The day in one of the two formats of the column: 01-02-2025 is 1 February, 2/1/2025 is too."""
    return f"{day:%d-%m-%Y}" if rng.random() < 0.5 else f"{day.month}/{day.day}/{day.year}"


def _write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
