"""`values`: every KPI now or at any time, as a table, JSON or OpenMetrics."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import typer
from rich.table import Table
from rich.text import Text

from exporter.clock import system_clock
from exporter.commands.options import LogOptions, ValuesFormat, instant
from exporter.commands.sync import configured, opened_store, read_unread
from exporter.commands.terminal import PlainConsole, bare_table, cell
from exporter.config.fields import Scope
from exporter.config.root import Config
from exporter.errors import ExitCode
from exporter.evaluation.evaluator import Evaluator
from exporter.evaluation.steady_ages import SteadyAges
from exporter.kpi.targets import percent
from exporter.kpi.values import Evaluation, KpiValue
from exporter.printable import printable_json
from exporter.settings import Settings
from exporter.store.known import first_version
from exporter.store.store import Store

_MAX_NAMES = 5
"""Scopes with the same reason are counted rather than named beyond this number."""
_NUMBERS = ("value", "target", "target_ratio", "expected", "pace_ratio", "progress_ratio")


@dataclass(frozen=True, slots=True)
class ValuesOptions:
    """What to show; `at` and `known_at` as typed, None for now."""

    at: str | None
    scopes: frozenset[Scope]
    format: ValuesFormat
    no_sync: bool = False
    known_at: str | None = None


def run(settings: Settings, options: ValuesOptions, log: LogOptions) -> ExitCode:
    """Prints the values. SOURCE if a source could not be read. Raises ConfigError, StoreError, EvaluationError."""
    with configured(settings, log) as config:
        at = instant(options.at, config.company.timezone)
        known_at = _past(instant(options.known_at, config.company.timezone, "--known-at"))
        with opened_store(config, settings) as store:
            complete = options.no_sync or read_unread(config, store, settings.data_dir)
            ages = SteadyAges() if (at or known_at) is None else None
            at = at or known_at or system_clock()
            _note_beginning(store, known_at)
            evaluation = _only(Evaluator(config, store, known_at, ages).evaluate(at, None).evaluation, options.scopes)
    if options.format == "json":
        typer.echo(printable_json(_json(config, evaluation, at, known_at)))
    elif options.format == "openmetrics":
        typer.echo(_openmetrics(config, evaluation))
    else:
        console = PlainConsole()
        console.print(_table(config, evaluation, at, known_at))
        for reason in _reasons(config, evaluation.kpis):
            console.print(cell(reason, "dim"), soft_wrap=True)
        for note in _coverage_notes(config, evaluation.kpis):
            typer.echo(note, err=True)
    for name in evaluation.failed:
        typer.echo(f"warning: {name} could not be evaluated", err=True)
    return ExitCode.OK if complete else ExitCode.SOURCE


def _past(known_at: datetime | None) -> datetime | None:
    if known_at is not None and known_at > system_clock():
        raise typer.BadParameter("nobody knows yet what will be known: name a past time", param_hint="--known-at")
    return known_at


def _note_beginning(store: Store, known_at: datetime | None) -> None:
    """Says so if the store cannot tell what was known then."""
    if known_at is None:
        return
    with store.reading() as reader:
        start = first_version(reader)
    if start is not None and known_at < start:
        typer.echo(f"note: the store only tells what it knew from {start:%Y-%m-%d %H:%M} UTC on", err=True)


def _coverage_notes(config: Config, values: Iterable[KpiValue]) -> Iterator[str]:
    """One line for each value of the company that does not rest on all of its records."""
    for value in values:
        if value.scope is Scope.COMPANY and value.coverage is not None and value.coverage < 1:
            title = config.kpi_by_name[value.kpi].title
            yield (
                f"note: {title} rests on {percent(value.coverage)} of its records, the others were rejected or have"
                " no time or exchange rate"
            )


def _reasons(config: Config, values: Iterable[KpiValue]) -> Iterator[str]:
    """One line for each reason why a KPI has no value, no target or no verdict, with the scopes that it concerns."""
    concerned: dict[tuple[str, str], list[str]] = {}
    for value in values:
        if value.reason is not None and (config.kpi_by_name[value.kpi].target is not None or value.as_of is None):
            concerned.setdefault((value.kpi, value.reason), []).append(_scope_name(value))
    for (kpi, reason), names in concerned.items():
        who = ", ".join(names) if len(names) <= _MAX_NAMES else f"{len(names)} scopes"
        yield f"{config.kpi_by_name[kpi].title} ({who}): {reason}"


def _scope_name(value: KpiValue) -> str:
    return value.person or value.team or "company"


def _only(evaluation: Evaluation, scopes: Collection[Scope]) -> Evaluation:
    kpis = tuple(value for value in evaluation.kpis if value.scope in scopes)
    metrics = tuple(value for value in evaluation.metrics if value.scope in scopes)
    return replace(evaluation, kpis=kpis, metrics=metrics)


def _json(config: Config, evaluation: Evaluation, at: datetime, known_at: datetime | None) -> str:
    """An object with `at`, `known_at` if it was asked for, `kpis` and `metrics`.

    Unknown numbers are null, times are local with their offset.
    """
    zone = config.company.timezone
    document = {
        "at": at.astimezone(zone).isoformat(),
        **({} if known_at is None else {"known_at": known_at.astimezone(zone).isoformat()}),
        "kpis": [_kpi_json(value, zone) for value in evaluation.kpis],
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
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _kpi_json(value: KpiValue, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "kpi": value.kpi,
        "scope": value.scope,
        "team": value.team,
        "person": value.person,
        "period_start": value.period_start.astimezone(zone).isoformat(),
        "period_end": value.period_end.astimezone(zone).isoformat(),
        "as_of": None if value.as_of is None else value.as_of.astimezone(zone).isoformat(),
        **{name: getattr(value, name) for name in _NUMBERS},
        "status": value.status,
        "coverage": value.coverage,
        "reason": value.reason,
    }


def _openmetrics(config: Config, evaluation: Evaluation) -> str:
    """The same series as on /metrics."""
    from exporter.exposition.families import business_samples, kpi_samples
    from exporter.exposition.render import Renderer

    rows = chain(business_samples(config, evaluation.metrics), kpi_samples(config, evaluation))
    rendering = Renderer().render(rows)
    formats = [family.formats for family in (*rendering.shared, *rendering.people)]
    return b"".join(piece for each in formats for piece in each.openmetrics.plain).decode() + "# EOF"


def _table(config: Config, evaluation: Evaluation, at: datetime, known_at: datetime | None) -> Table:
    """One row per value."""
    from exporter.exposition.formatting import amount, ratio
    from exporter.statuses import STATUSES, VERDICTS, colours

    zone, palette = config.company.timezone, colours(config)
    local = at.astimezone(zone)
    title = f"{config.company.name}, {local:%Y-%m-%d %H:%M} ({local.tzname()})"
    if known_at is not None:
        title += f", as known at {known_at.astimezone(zone):%Y-%m-%d %H:%M}"
    table = bare_table(title)
    table.add_column("KPI", min_width=8)
    table.add_column("Scope", min_width=7)
    table.add_column("Since", no_wrap=True)
    for name in ("Value", "Target", "Ratio", "Pace"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Status", no_wrap=True, min_width=11)
    previous = ""
    for value in evaluation.kpis:
        kpi = config.kpi_by_name[value.kpi]
        unit, currency = config.unit(kpi), config.company.currency
        spec = STATUSES[value.status]
        style = palette[value.status].light if value.status in VERDICTS else "dim"
        table.add_row(
            cell(kpi.title if kpi.name != previous else ""),
            cell(_scope_name(value)),
            f"{value.period_start.astimezone(zone):%Y-%m-%d}",
            amount(value.value, unit, currency),
            amount(value.target, unit, currency),
            ratio(value.target_ratio),
            ratio(value.pace_ratio),
            Text(f"{spec.symbol} {spec.label}", style=style),
        )
        previous = kpi.name
    return table
