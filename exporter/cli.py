"""The command line: commands, their options and help, and exit codes. `exporter.commands` does the work."""

from __future__ import annotations

import json
import sys
import traceback
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

import typer

from exporter import __version__
from exporter.commands import maintenance
from exporter.commands.options import (
    BackupDirOption,
    BackupEveryOption,
    BackupKeepOption,
    ConfigOption,
    DataDirOption,
    HostsOption,
    InsecureOption,
    ListenOption,
    ListenOptions,
    LogFormatOption,
    LogLevelOption,
    LogOptions,
    NoSyncOption,
    OnCorruptOption,
    PeopleConfigOption,
    ScopeFilter,
    SummaryFormat,
    ValuesFormat,
    WatchConfigOption,
    WebConfigOption,
    backups,
    duration,
    scopes_of,
    settings,
)
from exporter.errors import ExitCode, ExporterError, exit_code, message_lines
from exporter.printable import printable
from exporter.settings import DEFAULT_CONFIG, DEFAULT_DATA_DIR, DEFAULT_LISTEN, Settings, WebSettings

PLUGINS = "kpi_exporter.commands"
"""Entry point group of functions that add commands: `register(app)`."""

HELP = """
Business metrics and KPI target ratios for Prometheus and Grafana, from one YAML file.

**Start here:** `kpi-exporter demo` runs a simulated company, `kpi-exporter check` checks your own config.

Exit codes: 0 success · 1 cannot start · 2 wrong usage or config · 3 store · 4 a source failed.
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
    listen: ListenOptions = None,
    web_config: WebConfigOption = None,
    web_people_config: PeopleConfigOption = None,
    web_hosts: HostsOption = None,
    web_insecure: InsecureOption = False,
    watch_config: WatchConfigOption = False,
    backup_dir: BackupDirOption = None,
    backup_every: BackupEveryOption = "24h",
    backup_keep: BackupKeepOption = 7,
    on_corrupt: OnCorruptOption = None,
    log_format: LogFormatOption = "text",
    log_level: LogLevelOption = "info",
) -> None:
    """Sync all sources and serve /metrics until SIGTERM or Ctrl-C. SIGHUP reloads the config.

    Example: `kpi-exporter serve --config kpis.yaml --listen 127.0.0.1:9940`
    """
    from exporter.commands.serve import run

    web = WebSettings(web_config, web_people_config, tuple(web_hosts or ()), web_insecure)
    server = settings(config, data_dir, listen or (), web)
    scheduled = backups(backup_dir, backup_every, backup_keep)
    server = replace(server, watch_config=watch_config, on_corrupt=on_corrupt, backups=scheduled)
    run(server, LogOptions(log_format, log_level))


@app.command()
def sync(  # noqa: PLR0913, PLR0917  # typer makes an option of each parameter
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    once: Annotated[bool, typer.Option("--once", help="Required: read every source once, then stop.")] = False,
    output: Annotated[SummaryFormat, typer.Option("--format", help="Format of the summary.")] = "table",
    on_corrupt: OnCorruptOption = None,
    log_format: LogFormatOption = "text",
    log_level: LogLevelOption = "warning",
) -> None:
    """Read every source once into the store.

    Example: `kpi-exporter sync --once --format json`
    """
    from exporter.commands.sync import run

    if not once:
        raise typer.BadParameter("add --once; to sync continuously, use kpi-exporter serve", param_hint="--once")
    chosen = Settings(config, data_dir, on_corrupt=on_corrupt)
    raise typer.Exit(run(chosen, output, LogOptions(log_format, log_level)))


@app.command()
def values(  # noqa: PLR0913, PLR0917  # typer makes an option of each parameter
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            help="Time to evaluate at, such as 2025-03-31T18:00, in the company's time zone unless it has an offset."
            " Default: now.",
        ),
    ] = None,
    known_at: Annotated[
        str | None,
        typer.Option(
            "--known-at",
            help="Answer from what was known at this time: without later edits, deletions and late records.",
        ),
    ] = None,
    scope: Annotated[ScopeFilter, typer.Option("--scope", help="Scope to show.")] = "company",
    output: Annotated[ValuesFormat, typer.Option("--format", help="Output format.")] = "table",
    no_sync: NoSyncOption = False,
    on_corrupt: OnCorruptOption = None,
    log_format: LogFormatOption = "text",
    log_level: LogLevelOption = "warning",
) -> None:
    """Show value, target, ratio and status of every KPI, now or at a time in the past.

    First reads the sources that have never been read. Examples:

    `kpi-exporter values`

    `kpi-exporter values --at 2025-03-31T23:59 --scope team --format json`

    `kpi-exporter values --at 2025-03-31T23:59 --known-at 2025-04-02`
    """
    from exporter.commands.values import ValuesOptions, run

    options = ValuesOptions(at, scopes_of(scope), output, no_sync, known_at)
    chosen = Settings(config, data_dir, on_corrupt=on_corrupt)
    raise typer.Exit(run(chosen, options, LogOptions(log_format, log_level)))


@app.command()
def ledger(  # noqa: PLR0913, PLR0917  # typer makes an option of each parameter
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    kpi: Annotated[str | None, typer.Option("--kpi", help="Only this KPI, such as win_rate.")] = None,
    period: Annotated[
        str | None, typer.Option("--period", help="Only this period, such as 2025-03, 2025-Q1, 2025-W12 or 2025.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="All sealed periods. Default: the newest of each KPI, and all restatements.")
    ] = False,
    scope: Annotated[ScopeFilter, typer.Option("--scope", help="Scope to show.")] = "company",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    log_format: LogFormatOption = "text",
    log_level: LogLevelOption = "warning",
) -> None:
    """Show the sealed results of past periods, and what was restated since, and why.

    Reads the store only. Examples:

    `kpi-exporter ledger`

    `kpi-exporter ledger --kpi win_rate --all`

    `kpi-exporter ledger --period 2025-03 --scope team --json`
    """
    from exporter.commands.ledger import LedgerOptions, run

    options = LedgerOptions(scopes_of(scope), kpi, period, every, as_json)
    raise typer.Exit(run(Settings(config, data_dir), options, LogOptions(log_format, log_level)))


@app.command()
def backfill(  # noqa: PLR0913, PLR0917  # typer makes an option of each parameter
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, such as history.om.")],
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="First time, such as 2025-01-01. Default: the month of the first record, within the retention of"
            " Prometheus.",
        ),
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last time, such as 2025-03-31T18:00. Default: now.")] = None,
    step: Annotated[
        str | None,
        typer.Option(
            "--step",
            help="Time between two samples, from 1m to 1d. Default: 1h for the last 90 days, and 1d before.",
        ),
    ] = None,
    no_sync: NoSyncOption = False,
    on_corrupt: OnCorruptOption = None,
    log_format: LogFormatOption = "text",
    log_level: LogLevelOption = "warning",
) -> None:
    """Calculate the history of all series from the records and write it as OpenMetrics for Prometheus.

    First reads the sources that have never been read. Example:

    `kpi-exporter backfill --from 2025-01-01 --out history.om`

    `promtool tsdb create-blocks-from openmetrics history.om data`
    """
    from exporter.commands.backfill import RangeOptions, run

    log = LogOptions(log_format, log_level)
    chosen = Settings(config, data_dir, on_corrupt=on_corrupt)
    raise typer.Exit(run(chosen, RangeOptions(start, end, step), out, log, no_sync=no_sync))


@app.command()
def provision(  # noqa: PLR0913, PLR0917  # typer makes an option of each parameter
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Directory for dashboards, rules and provisioning, such as generated.")
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    history: Annotated[
        Path | None,
        typer.Option("--history", help="File for the history, such as history.om; not written if it exists."),
    ] = None,
    reload: Annotated[
        list[str] | None,
        typer.Option(
            "--reload", help="Reload URL to post to at the end, such as http://prometheus:9090/-/reload. Repeatable."
        ),
    ] = None,
    wait: Annotated[str, typer.Option("--wait", help="How long to retry sources that fail, such as 2m.")] = "2m",
    on_corrupt: OnCorruptOption = None,
    log_format: LogFormatOption = "text",
    log_level: LogLevelOption = "warning",
) -> None:
    """Prepare a stack: check the config, generate its files and, the first time, read all sources and write history.

    Example: `kpi-exporter provision --config kpis.yaml --out generated --history history.om`
    """
    from exporter.commands.http import http_urls
    from exporter.commands.provision import ProvisionOptions, run

    options = ProvisionOptions(out, history, http_urls(reload or (), "--reload"), duration(wait, "--wait"))
    chosen = Settings(config, data_dir, on_corrupt=on_corrupt)
    raise typer.Exit(run(chosen, options, LogOptions(log_format, log_level)))


@app.command()
def check(
    config: ConfigOption = DEFAULT_CONFIG,
    strict: Annotated[bool, typer.Option("--strict", help="Treat warnings as errors.")] = False,
    sources: Annotated[
        bool, typer.Option("--sources", help="Also check credentials and permissions of every source.")
    ] = False,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data-dir",
            "-d",
            help="Directory of the store, such as data. If given, growth targets are compared with past periods, and"
            " --sources reports entities that were never posted, and tries sources with a refresh token, whose"
            " successor it stores there.",
        ),
    ] = None,
    web_config: WebConfigOption = None,
    web_people_config: PeopleConfigOption = None,
) -> None:
    """Check the config and report every problem at once, with file, line and how to fix it.

    Nothing is created or changed, except refresh tokens that are replaced by their use. Examples:

    `kpi-exporter check --config kpis.yaml --strict`

    `kpi-exporter check --config kpis.yaml --sources --data-dir data`

    `kpi-exporter check --config kpis.yaml --web.config.file web.yml`
    """
    from exporter.commands.check import CheckOptions, run

    web = WebSettings(web_config, web_people_config)
    raise typer.Exit(run(config, CheckOptions(strict, sources, data_dir, web)))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the config, for editors.

    Example: `kpi-exporter schema > kpis.schema.json`
    """
    from exporter.config.schema import schema as config_schema

    typer.echo(json.dumps(config_schema(), indent=2, ensure_ascii=False))


@app.command()
def demo(
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data-dir",
            "-d",
            help="Directory for the demo's data, such as demo-data. Default: a temporary one.",
        ),
    ] = None,
    listen: ListenOption = DEFAULT_LISTEN,
    web_insecure: InsecureOption = False,
    only_apis: Annotated[
        bool, typer.Option("--apis-only", help="Serve only the APIs of the simulated company, at --listen.")
    ] = False,
    log_format: LogFormatOption = "text",
    log_level: LogLevelOption = "warning",
) -> None:
    """Run a simulated company with the exporter and dashboards on top. No account is needed; Ctrl-C stops everything.

    Example: `kpi-exporter demo --data-dir demo-data`
    """
    from exporter.commands.demo import apis_only, run

    server = settings(DEFAULT_CONFIG, DEFAULT_DATA_DIR, [listen], WebSettings(insecure=web_insecure))
    if only_apis:
        apis_only(server.listen[0])
    else:
        run(server, data_dir, LogOptions(log_format, log_level))


maintenance.register(app)


def _version(requested: bool) -> None:
    if requested:
        typer.echo(f"kpi-exporter {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options before the command."""


def with_plugins(target: typer.Typer) -> typer.Typer:
    """Adds the commands of other packages, except those whose optional dependencies are not installed."""
    for entry_point in entry_points(group=PLUGINS):
        try:
            register = entry_point.load()
        except ImportError:
            continue
        register(target)
    return target


def main() -> None:
    """Runs the command line. An expected error becomes one message and its exit code."""
    builtin = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    try:
        (app if builtin.intersection(sys.argv[1:2]) else with_plugins(app))()
    except ExporterError as error:
        for line in message_lines(error):
            typer.echo(f"error: {printable(line)}", err=True)
        sys.exit(exit_code(error))
    except Exception as error:  # noqa: BLE001  # a bug: reported without values, which may be secret
        frames = traceback.extract_tb(error.__traceback__)
        package = Path(__file__).parent
        frame = next((frame for frame in reversed(frames) if package in Path(frame.filename).parents), frames[-1])
        position = f"{type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}"
        typer.echo(f"error: this is a bug in kpi-exporter: {position}. Please report it.", err=True)
        sys.exit(ExitCode.CANNOT_START)
