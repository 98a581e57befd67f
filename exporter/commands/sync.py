"""`sync --once`: one pass over every source."""

from __future__ import annotations

import os

import orjson
import typer
from rich.console import Console

from exporter.commands.exits import DONE, SOURCE
from exporter.commands.reading import as_table, read_sources, tell_of_unsent
from exporter.logs import configure
from exporter.runtime.config_file import read_config
from exporter.settings import Settings
from exporter.store.store import Store


def run(settings: Settings, shape: str, log_shape: str, log_level: str) -> int:
    """Prints what each pass did; the exit code says whether all of them succeeded. Raises ConfigError, StoreError."""
    redactor, outlet = configure(log_shape, log_level)
    try:
        config = read_config(settings.config, os.environ, redactor).config
        store = Store.open(settings.data_dir)
        try:
            store.retain({source.name: source.reads for source in config.sources})
            tell_of_unsent(config, store)
            summary = read_sources(config, store, os.environ, settings.data_dir)
        finally:
            store.close()
    finally:
        outlet.close()
    if shape == "json":
        typer.echo(orjson.dumps(summary.as_json(), option=orjson.OPT_INDENT_2).decode())
    else:
        Console().print(as_table(summary))
    return DONE if summary.success else SOURCE
