"""The command line: what can be asked, and which exit code answers. The work is done in exporter.commands."""

from __future__ import annotations

import sys
import traceback
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

import typer

from exporter import __version__
from exporter.commands.exits import CANNOT_START, exit_code, lines
from exporter.commands.options import (
    ConfigOption,
    DataDirOption,
    InsecureOption,
    ListenOption,
    LogFormatOption,
    LogLevel,
    LogLevelOption,
    LogShape,
    OnCorrupt,
    Shape,
    ValuesShape,
    Whose,
    settings,
)
from exporter.errors import ExporterError
from exporter.settings import DEFAULT_CONFIG, DEFAULT_DATA_DIR, DEFAULT_LISTEN, Settings

PLUGINS = "kpi_exporter.commands"
"""Entry points of functions that add commands: `register(app)`."""

HELP = """
Business metrics and KPI target ratios for Prometheus and Grafana, from one YAML file.

**Start here:** `kpi-exporter demo` shows a simulated company, `kpi-exporter check` reads your own config.

Exit codes: 0 done · 1 cannot start · 2 usage or config · 3 store · 4 a source failed.
"""

app = typer.Typer(
    name="kpi-exporter",
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def serve(  # noqa: PLR0913, PLR0917  # typer makes an option of each parameter
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    listen: ListenOption = DEFAULT_LISTEN,
    web_insecure: InsecureOption = False,
    watch_config: Annotated[
        bool, typer.Option("--watch-config", help="Load the config again whenever its file changes.")
    ] = False,
    on_corrupt: Annotated[
        OnCorrupt,
        typer.Option(
            "--on-corrupt",
            envvar="KPI_EXPORTER_ON_CORRUPT",
            help="A damaged store: keep it aside and read everything anew, or end with 3.",
        ),
    ] = OnCorrupt.REBUILD,
    log_format: LogFormatOption = LogShape.TEXT,
    log_level: LogLevelOption = LogLevel.INFO,
) -> None:
    """Sync all sources and serve /metrics until SIGTERM or Ctrl-C. SIGHUP reads the config again.

    Example: `kpi-exporter serve --config kpis.yaml --listen 127.0.0.1:9940`
    """
    from exporter.commands.serve import run

    told = settings(config, data_dir, listen, insecure=web_insecure)
    told = replace(told, watch_config=watch_config, on_corrupt=on_corrupt.value)
    run(told, log_format.value, log_level.value)


@app.command()
def sync(
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    once: Annotated[bool, typer.Option("--once", help="One pass over every source, then stop.")] = False,
    shape: Annotated[Shape, typer.Option("--format", help="Form of the summary.")] = Shape.TABLE,
    log_format: LogFormatOption = LogShape.TEXT,
    log_level: LogLevelOption = LogLevel.WARNING,
) -> None:
    """Read every source once into the data directory.

    Example: `kpi-exporter sync --once --format json`
    """
    from exporter.commands.sync import run

    if not once:
        raise typer.BadParameter("say --once; what syncs for ever is kpi-exporter serve", param_hint="--once")
    raise typer.Exit(run(Settings(config, data_dir), shape.value, log_format.value, log_level.value))


@app.command()
def values(  # noqa: PLR0913, PLR0917  # typer makes an option of each parameter
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    at: Annotated[
        str | None, typer.Option("--at", help="An instant, such as 2025-03-31T18:00; company time without an offset.")
    ] = None,
    scope: Annotated[Whose, typer.Option("--scope", help="Whose values.")] = Whose.COMPANY,
    shape: Annotated[ValuesShape, typer.Option("--format", help="Form of the values.")] = ValuesShape.TABLE,
    no_sync: Annotated[
        bool, typer.Option("--no-sync", help="Use what is stored, even if a source was never read.")
    ] = False,
    log_format: LogFormatOption = LogShape.TEXT,
    log_level: LogLevelOption = LogLevel.WARNING,
) -> None:
    """Show every KPI with value, target, ratio and status, now or at any instant of the past.

    Reads first any source that was never read. Examples:

    `kpi-exporter values`

    `kpi-exporter values --at 2025-03-31T23:59 --scope team --format json`
    """
    from exporter.commands.values import Asked, run

    asked = Asked(at, scope.scopes, shape.value, no_sync)
    raise typer.Exit(run(Settings(config, data_dir), asked, log_format.value, log_level.value))


@app.command()
def backfill(  # noqa: PLR0913, PLR0917  # typer makes an option of each parameter
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")],
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    start: Annotated[
        str | None,
        typer.Option("--from", help="First instant; default: the month of the first record, as far as is kept."),
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Last instant; default: now.")] = None,
    step: Annotated[str, typer.Option("--step", help="Time between two instants, 1m to 1d.")] = "1h",
    no_sync: Annotated[
        bool, typer.Option("--no-sync", help="Use what is stored, even if a source was never read.")
    ] = False,
    log_format: LogFormatOption = LogShape.TEXT,
    log_level: LogLevelOption = LogLevel.WARNING,
) -> None:
    """Write the past of all series as OpenMetrics, worked out from the records, for Prometheus to take in.

    Reads first any source that was never read. Example:

    `kpi-exporter backfill --from 2025-01-01 --out history.om`

    `promtool tsdb create-blocks-from openmetrics history.om data`
    """
    from exporter.commands.backfill import Span, run

    told, log = Settings(config, data_dir), (log_format.value, log_level.value)
    raise typer.Exit(run(told, Span(start, until, step), out, log, no_sync=no_sync))


@app.command()
def provision(  # noqa: PLR0913, PLR0917  # typer makes an option of each parameter
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for dashboards, rules and provisioning.")],
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    history: Annotated[
        Path | None, typer.Option("--history", help="File for the past, written where there is none yet.")
    ] = None,
    reload: Annotated[
        list[str] | None, typer.Option("--reload", help="Address to ask for a reload at the end.")
    ] = None,
    wait: Annotated[str, typer.Option("--wait", help="How long to try sources that do not answer yet.")] = "2m",
    log_format: LogFormatOption = LogShape.TEXT,
    log_level: LogLevelOption = LogLevel.WARNING,
) -> None:
    """Prepare a stack: check the config, generate its files and, the first time, read sources and write history.

    Example: `kpi-exporter provision --config kpis.yaml --out generated --history history.om`
    """
    from exporter.commands.options import duration
    from exporter.commands.provision import Wanted, addresses, run

    wanted = Wanted(out, history, addresses(reload or ()), duration(wait, "--wait"))
    raise typer.Exit(run(Settings(config, data_dir), wanted, log_format.value, log_level.value))


@app.command()
def check(
    config: ConfigOption = DEFAULT_CONFIG,
    strict: Annotated[bool, typer.Option("--strict", help="Take advice on KPI practice as errors.")] = False,
    sources: Annotated[
        bool, typer.Option("--sources", help="Also try each source's credentials and permissions.")
    ] = False,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", "-d", help="With --sources: also say to which nothing was ever posted.")
    ] = None,
) -> None:
    """Check the config: every problem in one go, with file, line and what would be right.

    Example: `kpi-exporter check --config kpis.yaml --strict`
    """
    from exporter.commands.check import run

    raise typer.Exit(run(config, strict=strict, sources=sources, data_dir=data_dir))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the config, for editors: `kpi-exporter schema > kpis.schema.json`"""
    from exporter.commands.schema import run

    run()


@app.command()
def demo(  # typer makes an option of each parameter
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", "-d", help="Keep the demo's data here; else it is gone at the end.")
    ] = None,
    listen: ListenOption = DEFAULT_LISTEN,
    web_insecure: InsecureOption = False,
    only_apis: Annotated[bool, typer.Option("--apis-only", help="Serve only the company's APIs, at --listen.")] = False,
    log_format: LogFormatOption = LogShape.TEXT,
    log_level: LogLevelOption = LogLevel.WARNING,
) -> None:
    """Start a simulated company and everything on top of it; no account is needed. Ctrl-C stops all of it.

    Example: `kpi-exporter demo --data-dir demo-data`
    """
    from exporter.commands.demo import apis_only, run

    told = settings(DEFAULT_CONFIG, DEFAULT_DATA_DIR, listen, insecure=web_insecure)
    if only_apis:
        apis_only(told.listen)
    else:
        run(told, data_dir, log_format.value, log_level.value)


@app.command()
def ping(url: Annotated[str, typer.Argument(help="Such as http://127.0.0.1:9940/-/healthy")]) -> None:
    """Ask an address whether it answers: exit code 0 where it does, else 1. For health checks."""
    from exporter.commands.ping import run

    raise typer.Exit(run(url))


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kpi-exporter {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Options before a command."""


def with_plugins(to: typer.Typer) -> typer.Typer:
    """Adds the commands of other packages; one whose optional libraries are missing is left out."""
    for entry in entry_points(group=PLUGINS):
        try:
            register = entry.load()
        except ImportError:
            continue
        register(to)
    return to


def main() -> None:
    """Runs the command named on the command line; every expected failure ends in one message and its exit code."""
    own = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    try:
        (app if own.intersection(sys.argv[1:2]) else with_plugins(app))()
    except ExporterError as error:
        for line in lines(error):
            typer.echo(f"error: {line}", err=True)
        sys.exit(exit_code(error))
    except Exception as error:  # noqa: BLE001 - the process's edge: a fault of ours, told without what it was working on
        frames = traceback.extract_tb(error.__traceback__)
        place = next(
            (frame for frame in reversed(frames) if Path(__file__).parent in Path(frame.filename).parents), frames[-1]
        )
        told = f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
        typer.echo(f"error: a fault of kpi-exporter itself: {told}. Please report it.", err=True)
        sys.exit(CANNOT_START)
