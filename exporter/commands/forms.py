"""Forms in which the values of an evaluation are printed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from rich.table import Table
from rich.text import Text

from exporter.config.fields import Scope
from exporter.config.root import Config
from exporter.kpi.values import Evaluation, KpiValue

_NUMBERS = ("value", "target", "target_ratio", "expected", "pace_ratio", "progress_ratio")


def only(evaluation: Evaluation, scopes: Collection[Scope]) -> Evaluation:
    """The evaluation without the other scopes."""
    kpis = tuple(value for value in evaluation.kpis if value.scope in scopes)
    metrics = tuple(value for value in evaluation.metrics if value.scope in scopes)
    return replace(evaluation, kpis=kpis, metrics=metrics)


def as_json(config: Config, evaluation: Evaluation, at: datetime) -> str:
    """One object with `at`, `kpis` and `metrics`; absent numbers are null, instants local with their offset."""
    zone = config.company.timezone
    shown = {
        "at": at.astimezone(zone).isoformat(),
        "kpis": [_kpi(value, zone) for value in evaluation.kpis],
        "metrics": [
            {
                "metric": value.metric,
                "scope": value.scope,
                "team": value.team,
                "person": value.person,
                "period": value.period,
                "labels": dict(value.labels),
                "value": value.value,
            }
            for value in evaluation.metrics
        ],
    }
    return orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode()


def _kpi(value: KpiValue, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "kpi": value.kpi,
        "scope": value.scope,
        "team": value.team,
        "person": value.person,
        "period_start": value.period_start.astimezone(zone).isoformat(),
        "period_end": value.period_end.astimezone(zone).isoformat(),
        **{name: getattr(value, name) for name in _NUMBERS},
        "status": value.status,
    }


def as_openmetrics(config: Config, evaluation: Evaluation) -> str:
    """The same series that /metrics would show."""
    from exporter.exposition.families import business_samples, kpi_samples
    from exporter.exposition.render import Renderer

    rows = chain(business_samples(config, evaluation.metrics), kpi_samples(config, evaluation))
    rendering = Renderer().render(rows)
    formats = [family.formats for family in (*rendering.shared, *rendering.people)]
    return b"".join(piece for each in formats for piece in each.openmetrics.plain).decode() + "# EOF"


def as_table(config: Config, evaluation: Evaluation, at: datetime) -> Table:
    """A row per KPI and whose value it is."""
    from exporter.exposition.formatting import amount, ratio
    from exporter.statuses import STATUSES, VERDICTS, colours

    zone, palette = config.company.timezone, colours(config)
    local = at.astimezone(zone)
    title = f"{config.company.name}, {local:%Y-%m-%d %H:%M} ({local.tzname()})"
    table = Table(
        title=title, title_justify="left", box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold underline"
    )
    table.add_column("KPI", min_width=8)
    table.add_column("Whose", min_width=7)
    table.add_column("Since", no_wrap=True)
    for name in ("Value", "Target", "Ratio", "Pace"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Status", no_wrap=True, min_width=11)
    named = ""
    for value in evaluation.kpis:
        kpi = config.kpi_by_name[value.kpi]
        unit, currency = config.unit(kpi), config.company.currency
        spec = STATUSES[value.status]
        style = palette[value.status] if value.status in VERDICTS else "dim"
        table.add_row(
            Text(kpi.title if kpi.name != named else ""),
            Text(value.person or value.team or "company"),
            f"{value.period_start.astimezone(zone):%Y-%m-%d}",
            amount(value.value, unit, currency),
            amount(value.target, unit, currency),
            ratio(value.target_ratio),
            ratio(value.pace_ratio),
            Text(f"{spec.symbol} {spec.words}", style=style),
        )
        named = kpi.name
    return table
