"""The field configuration of panels: units, status colours, names, links, and overrides for single series.

Queries name their series `SYMBOL TITLE`, so that a few overrides by pattern give any number of KPIs their colour and
their unit: the colour follows from the symbol, the unit from the title. Colour is for statuses alone. Numbers without
a verdict have the colour of text, and lines of several series have colours that no status has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from dashboards.encoding import escape_variables
from dashboards.grafana_model import ThresholdStep
from dashboards.site import DETAIL, PERSON, contributing, late_after, oldest_shown
from exporter.config.fields import Status
from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.config.units import metric_unit
from exporter.statuses import BY_RANK, colours

Override = dict[str, Any]

NO_DATA = "no data"

VALUE_LINE = "#6E9FFF"
"""The colour of the one line that shows a value."""
LINES = ("#6E9FFF", "#B877D9", "#5AC8C8", "#C9A26D", "#9AA7B8", "#E58FB1", "#7FB069", "#D4D08A")
"""The colours of several lines: none of them is close to the colour of a bad status."""


NEUTRAL = "text"
PERCENT = "percentunit"


@dataclass(frozen=True, slots=True)
class UnitLook:
    """How Grafana shows the numbers of a unit: three digits, one decimal at most, two for scores.

    `decimals` None leaves them to Grafana, which writes money as 1.28M. `factor` is what a number is multiplied by
    before it is shown: decimals of Grafana's own percent unit would round the scale of a chart to whole hundreds.
    """

    id: str
    decimals: int | None = None
    factor: int = 1

    def properties(self) -> dict[str, Any]:
        """The properties of an override."""
        return {"unit": self.id} | ({} if self.decimals is None else {"decimals": self.decimals})


_UNIT_LOOKS = {
    "count": UnitLook("locale", 0),
    "number": UnitLook("locale", 1),
    "ratio": UnitLook("percent", 1, factor=100),
    "seconds": UnitLook("suffix: s", 0),
    "hours": UnitLook("suffix: h", 1),
    "score": UnitLook("none", 2),
    "points": UnitLook("suffix: pts", 1),
}


def unit_look(unit: str, currency: str) -> UnitLook:
    """How Grafana shows numbers of a unit of the config; a unit that is free text stands behind the number."""
    if unit == "currency":
        return UnitLook(f"currency:{currency} ")
    return _UNIT_LOOKS.get(unit) or UnitLook(f"suffix: {escape_variables(unit)}", 1)


@dataclass(frozen=True, slots=True)
class Look:
    """The field configuration of a panel. `name` is the display name of series, `custom` has the panel type's keys."""

    unit: str = "none"
    decimals: int | None = 1
    colour: str = NEUTRAL
    steps: tuple[ThresholdStep, ...] = ()
    name: str | None = None
    lowest: float | None = None
    highest: float | None = None
    mappings: tuple[dict[str, Any], ...] = ()
    links: tuple[Mapping[str, Any], ...] = ()
    overrides: tuple[Override, ...] = ()
    custom: Mapping[str, Any] = field(default_factory=dict)
    no_value: str = NO_DATA
    own_scale: bool = False
    """Each sparkline has a scale of its own. Without it all share one, on which all but the largest are flat."""

    def defaults(self) -> dict[str, Any]:
        """Grafana's `fieldConfig.defaults`."""
        colour: dict[str, Any] = {"mode": "thresholds"}
        if not self.steps:
            series = self.colour == "series"
            colour = {"mode": "palette-classic"} if series else {"mode": "fixed", "fixedColor": self.colour}
        return {
            "unit": self.unit,
            "decimals": self.decimals,
            "noValue": self.no_value,
            "color": colour,
            "thresholds": {"mode": "absolute", "steps": list(self.steps or (ThresholdStep(self.colour),))},
            "min": self.lowest,
            "max": self.highest,
            "fieldMinMax": self.own_scale or None,
            "mappings": list(self.mappings),
            "links": list(self.links),
            "custom": dict(self.custom) or None,
        }

    def all_overrides(self) -> list[Override]:
        """The overrides. The name comes last, because the others match the name that the query gives a series."""
        return [*self.overrides, *([by_pattern(".*", name=self.name)] if self.name else [])]


def age_steps(config: Config, limit: timedelta | None = None) -> tuple[ThresholdStep, ...]:
    """Thresholds of the data's age up to the limit; by default the age at which numbers are withheld."""
    colour = colours(config)
    limit = limit or oldest_shown(contributing(config, config.kpis))
    return (
        ThresholdStep(NEUTRAL),
        ThresholdStep(colour[Status.AT_RISK].name, late_after(limit).total_seconds()),
        ThresholdStep(colour[Status.OFF_TRACK].name, limit.total_seconds()),
    )


def by_name(name: str, /, **properties: Any) -> Override:
    """An override for the series or column of this name."""
    return _override("byName", name, properties)


def by_pattern(pattern: str, /, **properties: Any) -> Override:
    """An override for all series whose name matches the pattern."""
    return _override("byRegexp", f"/{pattern}/", properties)


def _override(matcher: str, options: str, properties: Mapping[str, Any]) -> Override:
    ids = {"name": "displayName", "colour": "color"}
    return {
        "matcher": {"id": matcher, "options": options},
        "properties": [
            {"id": ids.get(key, key.replace("__", ".")), "value": value} for key, value in properties.items()
        ],
    }


def fixed_colour(colour: str) -> dict[str, str]:
    """One colour for all values."""
    return {"mode": "fixed", "fixedColor": colour}


def symbol_overrides(config: Config) -> tuple[Override, ...]:
    """The colour of each status, for series whose name begins with its symbol."""
    colour = colours(config)
    by_symbol = {spec.symbol: colour[spec.status].name for spec in BY_RANK}
    return tuple(by_pattern(f"^{symbol}", colour=fixed_colour(name)) for symbol, name in by_symbol.items())


def title_overrides(config: Config, kpis: Iterable[Kpi]) -> tuple[Override, ...]:
    """The unit of each KPI, for series named `SYMBOL TITLE`: one override for each unit, which lists the titles."""
    titles: dict[str, list[str]] = {}
    for kpi in kpis:
        titles.setdefault(config.unit(kpi), []).append(_literal(kpi.title))
    return tuple(
        by_pattern(f"^. ({'|'.join(titles[unit])})$", **unit_look(unit, config.company.currency).properties())
        for unit in sorted(titles)
    )


def _literal(text: str) -> str:
    """A pattern of JavaScript that matches the text and nothing else."""
    return re.sub(r"([\\^$.*+?()\[\]{}|/-])", r"\\\1", text)


def line_colours(names: Iterable[str]) -> tuple[Override, ...]:
    """A colour for each line of this name, in turn."""
    return tuple(by_name(name, colour=fixed_colour(LINES[i % len(LINES)])) for i, name in enumerate(names))


def metric_overrides(config: Config) -> tuple[Override, ...]:
    """The unit of each metric, for series named `METRIC ...`: ratios in percent, long durations in minutes or hours."""
    names: dict[str, list[str]] = {}
    for metric in config.metrics:
        names.setdefault(metric_unit(metric), []).append(metric.name)
    looks = {unit: unit_look(unit, config.company.currency) for unit in names} | {"seconds": UnitLook("s", 1)}
    return tuple(by_pattern(f"^({'|'.join(names[unit])}) ", **looks[unit].properties()) for unit in sorted(names))


def status_mapping(config: Config) -> dict[str, Any]:
    """A value mapping from the status label to words and colour.

    The words are keys as well: a pill looks up its colour by the text that it shows.
    """
    colour = colours(config)
    words = {spec.status: (spec.words, colour[spec.status].name) for spec in BY_RANK}
    return value_mapping(
        {status.value: text for status, text in words.items()} | {text[0]: text for text in words.values()}
    )


def code_mapping(config: Config) -> dict[str, Any]:
    """A value mapping from the codes of statuses to words and colours, for bands over time.

    Bands have no symbol, so that exceeded is darker than on track.
    """
    colour = {status: entry.name for status, entry in colours(config).items()}
    colour[Status.EXCEEDED] = f"dark-{colour[Status.EXCEEDED]}"
    return value_mapping({str(spec.code): (spec.words, colour[spec.status]) for spec in BY_RANK})


def text_mapping(texts: Mapping[str, str]) -> dict[str, Any]:
    """A value mapping to texts, which are shown literally."""
    return value_mapping({value: (escape_variables(text), None) for value, text in texts.items()})


def value_mapping(texts: Mapping[str, tuple[str, str | None]]) -> dict[str, Any]:
    """A value mapping to a text and an optional colour."""
    options = {
        value: {"text": text, "index": index} | ({"color": colour} if colour else {})
        for index, (value, (text, colour)) in enumerate(texts.items())
    }
    return {"type": "value", "options": options}


def link(title: str, uid: str, **variables: str) -> dict[str, Any]:
    """A link from a tile or cell to a dashboard, with the same time range and these variables."""
    query = "".join(f"var-{name}={value}&" for name, value in variables.items())
    return {"title": title, "url": f"/d/{uid}?{query}${{__url_time_range}}", "targetBlank": False}


def link_to_kpi(name: str = "__field.labels.kpi") -> dict[str, Any]:
    """A link to a KPI's detail. `name` is the Grafana variable with the KPI's name, which needs no encoding."""
    return link("Open the KPI", DETAIL, kpi=f"${{{name}}}")


def link_to_person(name: str) -> dict[str, Any]:
    """A link to a person's dashboard. `name` is the Grafana variable with the person's name."""
    return link("Open the person", PERSON, person=f"${{{name}:percentencode}}")
