"""`values`: every KPI now, or as of any instant."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, tzinfo

import typer
from rich.console import Console

from exporter.clock import system_clock
from exporter.commands import forms
from exporter.commands.exits import DONE, SOURCE
from exporter.commands.reading import read_sources, tell_of_unsent
from exporter.config.fields import Scope
from exporter.config.root import Config
from exporter.evaluation.evaluator import Evaluations
from exporter.evaluation.freshness import never_read
from exporter.kpi.values import Evaluation
from exporter.logs import configure
from exporter.runtime.config_file import read_config
from exporter.settings import Settings
from exporter.store.store import Store


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user wants to see; `at` as typed, None for now."""

    at: str | None
    scopes: frozenset[Scope]
    shape: str
    no_sync: bool = False


def run(settings: Settings, asked: Asked, log_shape: str, log_level: str) -> int:
    """Prints the values; the exit code tells of a source that could not be read. Raises ConfigError, StoreError."""
    redactor, outlet = configure(log_shape, log_level)
    try:
        config = read_config(settings.config, os.environ, redactor).config
        at = instant(asked.at, config.company.timezone)
        store = Store.open(settings.data_dir)
        try:
            store.retain({source.name: source.reads for source in config.sources})
            unread = () if asked.no_sync else never_read(config, store.outcomes())
            tell_of_unsent(config, store)
            complete = not unread or read_sources(config, store, os.environ, settings.data_dir, unread).success
            at = at or system_clock()
            evaluation = Evaluations(config, store).evaluate(at, None).evaluation
        finally:
            store.close()
    finally:
        outlet.close()
    show(config, forms.only(evaluation, asked.scopes), at, asked.shape)
    return DONE if complete else SOURCE


def show(config: Config, evaluation: Evaluation, at: datetime, shape: str) -> None:
    """Prints an evaluation."""
    if shape == "json":
        typer.echo(forms.as_json(config, evaluation, at))
    elif shape == "openmetrics":
        typer.echo(forms.as_openmetrics(config, evaluation))
    else:
        Console().print(forms.as_table(config, evaluation, at))
    for name in evaluation.failed:
        typer.echo(f"warning: {name} could not be evaluated", err=True)


YEARS = range(1900, 3000)
"""Years in which every period, and the one before, has its dates."""


def instant(text: str | None, zone: tzinfo, option: str = "--at") -> datetime | None:
    """An ISO 8601 instant, in the company's zone where it has no offset; refuses anything else."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no instant: write 2025-03-31T18:00 or 2025-03-31T18:00+02:00", param_hint=option
        ) from None
    if found.year not in YEARS:
        raise typer.BadParameter(f"{text!r} is not between {YEARS[0]} and {YEARS[-1]}", param_hint=option)
    return found if found.tzinfo else found.replace(tzinfo=zone)
