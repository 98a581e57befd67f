"""How values look: units, colours that say status, names, and the per-series overrides of a panel.

Series are named `KPI STATUS ...` in queries, so that a handful of overrides by pattern gives any number of KPIs their
unit and colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dashboards.grafana_model import Step
from exporter.config.company import Bands
from exporter.config.fields import Status
from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.config.units import metric_unit
from exporter.statuses import BY_CODE, STATUSES, colours

Override = dict[str, Any]

NO_DATA = "no data"
JUDGED_SERIES = "{{kpi}} {{status}}"
"""The name of a series in queries by `expressions.judged`."""

_OWN_UNIT = frozenset(
    {
        "USD", "GBP", "EUR", "JPY", "RUB", "UAH", "BRL", "DKK", "ISK", "NOK", "SEK", "CZK", "CHF", "PLN", "ZAR", "INR",
        "KRW", "IDR", "PHP", "VND", "TRY", "MYR", "XPF", "BGN", "PYG", "UYU", "ILS",
    }
)  # fmt: skip
"""Currencies that Grafana has a unit of its own for."""
_DECIMALS = {"count": 1, "ratio": 1, "currency": 2, "seconds": 1, "score": 2}
_WORDS_OF_UNITS = {"ratio": "%", "seconds": "s", "count": " ", "score": " "}

NEUTRAL = "text"
PERCENT = "percentunit"


def unit_id(unit: str, currency: str) -> str:
    """Grafana's name for a unit of the config."""
    if unit == "currency":
        return f"currency{currency}" if currency in _OWN_UNIT else f"currency:{currency} "
    return {"count": "locale", "ratio": "percentunit", "seconds": "s", "score": "none"}.get(unit) or f"suffix:{unit}"


def decimals(unit: str) -> int:
    """Digits after the point at most."""
    return _DECIMALS.get(unit, 1)


def unit_words(config: Config) -> dict[str, str]:
    """What a unit is called in a table's unit column; free text stays as it is."""
    return _WORDS_OF_UNITS | {"currency": config.company.currency}


@dataclass(frozen=True, slots=True)
class Look:
    """The field configuration of a panel. `custom` holds the panel type's own keys, `name` what a series is called."""

    unit: str = "none"
    decimals: int = 1
    colour: str = NEUTRAL
    steps: tuple[Step, ...] = ()
    name: str | None = None
    lowest: float | None = None
    highest: float | None = None
    mappings: tuple[dict[str, Any], ...] = ()
    links: tuple[Mapping[str, Any], ...] = ()
    overrides: tuple[Override, ...] = ()
    custom: Mapping[str, Any] = field(default_factory=dict)
    no_value: str = NO_DATA

    def defaults(self) -> dict[str, Any]:
        """`fieldConfig.defaults` in Grafana's own shape."""
        colour: dict[str, Any] = {"mode": "thresholds"}
        if not self.steps:
            series = self.colour == "series"
            colour = {"mode": "palette-classic"} if series else {"mode": "fixed", "fixedColor": self.colour}
        return {
            "unit": self.unit,
            "decimals": self.decimals,
            "noValue": self.no_value,
            "color": colour,
            "thresholds": {"mode": "absolute", "steps": list(self.steps or (Step(self.colour),))},
            "min": self.lowest,
            "max": self.highest,
            "mappings": list(self.mappings),
            "links": list(self.links),
            "custom": dict(self.custom) or None,
        }

    def all_overrides(self) -> list[Override]:
        """The overrides, and last the name: the others find a series by what its query calls it."""
        return [*self.overrides, *([matching(".*", name=self.name)] if self.name else [])]


def ratio_steps(config: Config, bands: Bands | None = None) -> tuple[Step, ...]:
    """Thresholds of a target ratio, from the company's bands."""
    bands, colour = bands or config.company.bands, colours(config)
    return (
        Step(colour[Status.OFF_TRACK]),
        Step(colour[Status.AT_RISK], bands.at_risk),
        Step(colour[Status.ON_TRACK], bands.on_track),
    )


def share_steps(config: Config) -> tuple[Step, ...]:
    """Thresholds of a share of KPIs on target."""
    colour = colours(config)
    return (
        Step(colour[Status.OFF_TRACK]),
        Step(colour[Status.AT_RISK], 0.6),
        Step(colour[Status.ON_TRACK], 0.8),
    )


def age_steps(config: Config) -> tuple[Step, ...]:
    """Thresholds of the data's age: late at two thirds of the shortest age at which numbers are withheld."""
    shortest = min(source.withheld_after.total_seconds() for source in config.sources)
    colour = colours(config)
    return (
        Step(colour[Status.ON_TRACK]),
        Step(colour[Status.AT_RISK], shortest * 2 / 3),
        Step(colour[Status.OFF_TRACK], shortest),
    )


def named(name: str, /, **properties: Any) -> Override:
    """What holds for the series or column of exactly this name."""
    return _override("byName", name, properties)


def matching(pattern: str, /, **properties: Any) -> Override:
    """What holds for all series whose name the pattern finds."""
    return _override("byRegexp", f"/{pattern}/", properties)


def _override(matcher: str, options: str, properties: Mapping[str, Any]) -> Override:
    ids = {"name": "displayName", "colour": "color"}
    return {
        "matcher": {"id": matcher, "options": options},
        "properties": [
            {"id": ids.get(key, key.replace("__", ".")), "value": value} for key, value in properties.items()
        ],
    }


def fixed(colour: str) -> dict[str, str]:
    """A colour whatever the value."""
    return {"mode": "fixed", "fixedColor": colour}


def status_overrides(config: Config) -> tuple[Override, ...]:
    """The colour of each status, for series named `... STATUS`."""
    return tuple(matching(f" {status}$", colour=fixed(colour)) for status, colour in colours(config).items())


def unit_overrides(config: Config, kpis: Iterable[Kpi]) -> tuple[Override, ...]:
    """The unit of each KPI, for series named `KPI ...`."""
    return _unit_overrides(config, {kpi.name: config.unit(kpi) for kpi in kpis})


def metric_unit_overrides(config: Config) -> tuple[Override, ...]:
    """The unit of each metric, for series named `METRIC ...`."""
    return _unit_overrides(config, {metric.name: metric_unit(metric) for metric in config.metrics})


def _unit_overrides(config: Config, units: Mapping[str, str]) -> tuple[Override, ...]:
    """One override for each unit, whose pattern lists the names that have it."""
    names: dict[str, list[str]] = {}
    for name, unit in units.items():
        names.setdefault(unit, []).append(name)
    return tuple(
        matching(f"^({'|'.join(names[unit])}) ", unit=unit_id(unit, config.company.currency), decimals=decimals(unit))
        for unit in sorted(names)
    )


def status_texts(config: Config) -> dict[str, Any]:
    """A value mapping from the status label to its words and colour."""
    colour = colours(config)
    return value_texts({spec.status.value: (spec.words, colour[spec.status]) for spec in STATUSES.values()})


def code_texts(config: Config) -> dict[str, Any]:
    """A value mapping from the codes of statuses to words and colours."""
    colour = colours(config)
    return value_texts({str(spec.code): (spec.words, colour[spec.status]) for spec in BY_CODE})


def value_texts(texts: Mapping[str, tuple[str, str | None]]) -> dict[str, Any]:
    """A value mapping: shown text and colour for each value."""
    options = {
        value: {"text": text, "index": index} | ({"color": colour} if colour else {})
        for index, (value, (text, colour)) in enumerate(texts.items())
    }
    return {"type": "value", "options": options}
