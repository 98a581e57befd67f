"""A hundred thousand realistic series, for the exporter and for prometheus-client."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily

from exporter.config.fields import Scope
from exporter.exposition.families import FamilySamples
from exporter.naming import Family

FAMILIES, PEOPLE, PERIODS = 25, 2000, ("day", "month")
LABELS = ("team", "person", "period", "status")


def _keys() -> list[tuple[str, ...]]:
    return [
        (f"Team {person % 20:02}", f"Person Number {person:04}", period, "answered")
        for person in range(PEOPLE)
        for period in PERIODS
    ]


def _value(family: int, row: int, turn: int) -> float:
    seed = (family * 7919 + row * 104_729 + turn * 31) % 1_000_003
    if row % 5 < 3:
        return float(seed % 5000)
    return seed / 100 if row % 5 == 3 else seed / 7


def rows(turn: int = 0) -> list[FamilySamples]:
    """25 families of 4,000 series: 60 % whole numbers, 20 % money, 20 % long floats."""
    keys = _keys()
    return [
        FamilySamples(
            Family(f"person_business_metric_{family:02}", "Calls answered, period to date.", LABELS),
            Scope.PERSON,
            keys,
            [_value(family, row, turn) for row in range(len(keys))],
            tuple,
        )
        for family in range(FAMILIES)
    ]


class Collector:
    """The same series as a prometheus-client collector."""

    def __init__(self) -> None:
        self._rows = rows()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Builds each family at each scrape, as exporters usually do."""
        for family in self._rows:
            gauge = GaugeMetricFamily(family.family.name, family.family.help, labels=LABELS)
            for key, value in zip(family.keys, family.values, strict=True):
                gauge.add_metric(key, value)
            yield gauge
