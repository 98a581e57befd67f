"""Digests of what the result of a period rests on: the definition of its KPI, and the targets.

Each covers only what was in force in that period, in a canonical form with sorted keys and without titles, so that it
is the same in every run and does not change when something else in the config does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import orjson

from exporter.config.expression import Binary, Constant, Expression, metrics_of
from exporter.config.fields import Pace, Period, Scope
from exporter.config.kpis import Kpi
from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.config.targets import EQUAL, Entry, Growth
from exporter.kpi.calendar import DateSpan
from exporter.kpi.readings import min_sample
from exporter.records import ColumnKind, column

_DAY = timedelta(days=1)
_PRESENTATION = {"title", "description", "by", "periods", "expected"}


class Digests(NamedTuple):
    """What a result rests on, apart from records."""

    definition: str
    target: str


def digests(config: Config, kpi: Kpi, span: DateSpan) -> Digests:
    """The digests for one KPI in one period."""
    return Digests(_digest(_definition(config, kpi, span)), _digest(_target(config, kpi, span)))


def _digest(content: Any) -> str:
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.sha256(text).hexdigest()[:16]


def _definition(config: Config, kpi: Kpi, span: DateSpan) -> dict[str, Any]:
    """Formula, metrics, bands and calendar, and all of the guard; the weight changes the objective's score alone."""
    last_day = span.until - _DAY
    formula = kpi.formulas.on(last_day)
    metrics = [config.metric_by_name[name] for name in metrics_of(formula)]
    guard = config.final_guard(kpi)
    return {
        "formula": _tree(formula),
        "metrics": [_metric(config, metric, span) for metric in metrics],
        "bands": _plain(config.bands(kpi).on(last_day)),
        "calendar": _calendar(config, kpi, span),
        "sample": [min_sample(config, kpi), kpi.min_elapsed],
        "teams": _teams(config, span) if set(kpi.scopes) != {Scope.COMPANY} else None,
        "guard": None if guard is None else _guard(config, guard, span),
    }


def _guard(config: Config, guard: Kpi, span: DateSpan) -> list[Any]:
    alone = guard.model_copy(update={"guard": None})
    return [_definition(config, alone, span), _target(config, alone, span)]


def _tree(formula: Expression) -> Any:
    if isinstance(formula, Binary):
        return [formula.operator, _tree(formula.left), _tree(formula.right)]
    return formula.value if isinstance(formula, Constant) else formula.metric


def _metric(config: Config, metric: Metric, span: DateSpan) -> list[Any]:
    sources = sorted(source.name for source in config.sources_of(metric))
    rule = metric.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=_PRESENTATION)
    return [rule, sources, _rates(config, span) if _reads_money(metric) else None]


def _reads_money(metric: Metric) -> bool:
    names = (*metric.where, *([] if metric.measured is None else [metric.measured]))
    kinds = (column(metric.entity, name) for name in names)
    return any(kind is not None and kind.kind is ColumnKind.MONEY for kind in kinds)


def _rates(config: Config, span: DateSpan) -> list[Any]:
    """The currency, and the configured rates that were known by the end of the period."""
    company = config.company
    by_currency = {
        currency: [_plain(rate) for rate in rates if rate.since < span.until]
        for currency, rates in company.rates.items()
    }
    return [company.currency, by_currency, company.rates_csv is not None]


def _calendar(config: Config, kpi: Kpi, span: DateSpan) -> dict[str, Any]:
    company = config.company
    calendar: dict[str, Any] = {"zone": company.timezone.key, "pace": config.pace(kpi).value}
    if kpi.period is Period.WEEK:
        calendar["week"] = company.week_start
    if kpi.period in (Period.QUARTER, Period.YEAR):
        calendar["year"] = company.fiscal_month
    if config.pace(kpi) is Pace.WORKDAYS:
        holidays, weekdays = company.holidays, company.working_weekdays
        calendar["weekdays"] = _runs([sorted(weekdays.on(day)) for day in span.dates()])
        calendar["country"] = [holidays.country, holidays.subdivision]
        calendar["off"] = sorted(day.isoformat() for day in holidays.dates if span.first <= day < span.until)
    return calendar


def _runs(values: Sequence[Any]) -> list[Any]:
    """The values with the index at which each begins; repetitions are left out."""
    return [[index, value] for index, value in enumerate(values) if not index or value != values[index - 1]]


def _teams(config: Config, span: DateSpan) -> list[Any]:
    """Who was in which configured team at some time in the period."""
    return [
        [team.name, [_plain(member) for member in team.members if _overlaps(member.since, member.until, span)]]
        for team in config.teams
    ]


def _overlaps(since: date | None, until: date | None, span: DateSpan) -> bool:
    return (since is None or since < span.until) and (until is None or until >= span.first)


def _target(config: Config, kpi: Kpi, span: DateSpan) -> dict[str, Any]:
    target = kpi.target
    entries = [_plain(entry) for entry in _in_force(target, span)] if isinstance(target, tuple) else None
    return {
        "target": entries if entries is not None else _plain(target),
        "form": type(target).__name__,
        "better": kpi.better.value,
        "scale": kpi.scale,
        "common": config.applies_to_all(kpi),
        "reference": _reference(kpi, span) if isinstance(target, Growth) else None,
    }


def _reference(kpi: Kpi, span: DateSpan) -> Any:
    """The formula before the period, which gives the value to grow from unless it was the same."""
    before = kpi.formulas.on(span.first - _DAY)
    return None if before == kpi.formulas.on(span.until - _DAY) else _tree(before)


def _in_force(entries: Sequence[Entry], span: DateSpan) -> list[Entry]:
    """The entries that apply on some day of the period: not those that a later one of their kind replaced before it."""
    begun = [entry for entry in entries if _overlaps(entry.since, entry.until, span)]
    return [
        entry
        for number, entry in enumerate(begun)
        if not any(
            _kind(later) == _kind(entry)
            and entry.since <= later.since <= span.first
            and (later.until is None or later.until >= span.until - _DAY)
            and (entry.since, number) < (later.since, other)
            for other, later in enumerate(begun)
        )
    ]


def _kind(entry: Entry) -> tuple[object, ...]:
    """Equal for entries of which the latest replaces the others."""
    rule = entry.per_team is not None, entry.per_person is not None, entry.share == EQUAL
    shares = tuple(sorted(entry.share)) if isinstance(entry.share, dict) else ()
    return entry.team, entry.person, rule, shares


def _plain(section: Any) -> Any:
    """A section of the config as JSON, without the keys that have their default value."""
    if hasattr(section, "model_dump"):
        return section.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return section
