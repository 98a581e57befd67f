"""`ledger`: the sealed results of past periods, and what was restated since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import typer

from exporter.clock import system_clock
from exporter.commands.options import LogOptions
from exporter.commands.sync import configured
from exporter.commands.terminal import PlainConsole
from exporter.config.fields import Scope
from exporter.config.messages import suggestion
from exporter.config.root import Config
from exporter.errors import ExitCode
from exporter.kpi.calendar import Calendar, previous_period
from exporter.ledger.periods import FinalPeriods
from exporter.printable import printable_json
from exporter.seals import Restatement, Seal
from exporter.settings import Settings
from exporter.store.opening import DataFiles
from exporter.store.store import Store


@dataclass(frozen=True, slots=True)
class LedgerOptions:
    """Which entries to show. Without a KPI, a period or `all`: each KPI's newest period, and all restatements."""

    scopes: frozenset[Scope]
    kpi: str | None = None
    period: str | None = None
    all: bool = False
    json: bool = False

    def matches(self, entry: Seal | Restatement) -> bool:
        """True if the entry has the scope, KPI and period."""
        return entry.scope in self.scopes and self.kpi in (None, entry.kpi) and self.period in (None, entry.period)

    @property
    def is_summary(self) -> bool:
        """True if only the newest periods are shown."""
        return not (self.all or self.kpi or self.period)


def run(settings: Settings, options: LedgerOptions, log: LogOptions) -> ExitCode:
    """Prints the entries, reading the store only. Raises ConfigError, StoreError."""
    with configured(settings, log) as config:
        seals, restatements = _read(settings)
        known = {kpi.name: None for kpi in config.kpis} | {seal.kpi: None for seal in seals}
        if options.kpi is not None and options.kpi not in known:
            hint = suggestion(options.kpi, known, "KPIs")
            raise typer.BadParameter(
                f"there is no KPI {options.kpi!r}" + (f": {hint}" if hint else ""), param_hint="--kpi"
            )
        chosen = [seal for seal in seals if options.matches(seal)]
        restated = [entry for entry in restatements if options.matches(entry)]
        if options.is_summary:
            chosen = _newest_of_each_kpi(chosen)
    if options.json:
        typer.echo(printable_json(_json(config.company.timezone, chosen, restated)))
    elif chosen or restated:
        from exporter.commands.ledger_tables import ledger_tables

        console = PlainConsole()
        for table in ledger_tables(config, chosen, restated):
            console.print(table)
    elif seals:
        typer.echo("no sealed period matches: kpi-exporter ledger --all --scope all shows every one")
    else:
        typer.echo(next_seal(config, system_clock()))
    return ExitCode.OK


def _read(settings: Settings) -> tuple[tuple[Seal, ...], tuple[Restatement, ...]]:
    """All entries; none if there is no store, which is not created."""
    if not DataFiles.of(settings.data_dir).store.exists():
        return (), ()
    store = Store.open(settings.data_dir, on_corrupt="fail")
    try:
        return store.seals(), store.restatements()
    finally:
        store.close()


def _newest_of_each_kpi(seals: Sequence[Seal]) -> list[Seal]:
    newest: dict[str, datetime] = {}
    for seal in seals:
        newest[seal.kpi] = max(seal.start, newest.get(seal.kpi, seal.start))
    return [seal for seal in seals if seal.start == newest[seal.kpi]]


def next_seal(config: Config, now: datetime) -> str:
    """Says which period is sealed next, and when, if none is sealed yet."""
    if not config.kpis:
        return "nothing is sealed: the config defines no KPI"
    calendar = Calendar.of(config.company)
    final = FinalPeriods(config, calendar)
    current = ((kpi, calendar.period_of(kpi.period, now)) for kpi in config.kpis)
    spans = ((kpi, span) for kpi, last in current for span in (previous_period(kpi.period, last), last))
    candidates = [(final.settled_on(span), final.named(kpi, span).name, kpi.title) for kpi, span in spans]
    today = calendar.day_of(now)
    day, name, title = min(candidate for candidate in candidates if candidate[0] > today)
    text = f"nothing is sealed yet: kpi-exporter serve seals {name} of {title} on {day}, if its sources are complete"
    settled = any(candidate[0] <= today for candidate in candidates)
    return f"{text}; earlier periods follow as soon as theirs are" if settled else text


def _json(zone: ZoneInfo, seals: Iterable[Seal], restatements: Iterable[Restatement]) -> str:
    """An object with `seals` and `restatements`; unknown numbers are null, times are local with their offset."""
    document = {
        "seals": [_fields(seal, zone) for seal in seals],
        "restatements": [_fields(restatement, zone) for restatement in restatements],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _fields(entry: Seal | Restatement, zone: ZoneInfo) -> dict[str, Any]:
    values = {field.name: getattr(entry, field.name) for field in fields(entry)}
    return {
        name: value.astimezone(zone).isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }
