"""The command line of operators: health checks, and work on the store itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from exporter.commands.options import (
    AuthorityOption,
    CertificateOption,
    ConfigOption,
    DataDirOption,
    KeyOption,
    LogFormatOption,
    LogLevelOption,
    LogOptions,
    PasswordFileOption,
    TrustedConfigOption,
    UserOption,
)
from exporter.settings import DEFAULT_CONFIG, DEFAULT_DATA_DIR, Settings

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(ping)
    app.command()(backup)
    app.command()(forget)
    app.command()(restore)
    app.command()(retry)
    app.command()(salvage)
    app.command("accept-loss")(accept_loss)
    app.command()(privacy)


def ping(  # noqa: PLR0913, PLR0917  # typer makes an option of each parameter
    url: Annotated[str, typer.Argument(help="URL, such as http://127.0.0.1:9940/-/healthy.")],
    ca: AuthorityOption = None,
    web_config: TrustedConfigOption = None,
    cert: CertificateOption = None,
    key: KeyOption = None,
    user: UserOption = None,
    password_file: PasswordFileOption = None,
) -> None:
    """Request a URL and exit with 0 if it responds with status 200, otherwise with 1. For health checks.

    Example: `kpi-exporter ping http://127.0.0.1:9940/-/healthy`
    """
    from exporter.commands.http import PingOptions
    from exporter.commands.http import ping as request

    raise typer.Exit(request(url, PingOptions(ca, web_config, cert, key, user, password_file)))


def backup(
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, such as kpi.backup.")],
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a consistent, verified copy of the store to one file, while serve runs or not.

    The file contains records, their history and the ledger, but no credentials. Example:

    `kpi-exporter backup --out /backups/kpi.backup`
    """
    from exporter.commands.backup import run

    run(data_dir, out, overwrite=overwrite, as_json=as_json)


def forget(
    source: Annotated[
        str, typer.Option("--source", metavar="NAME", help="A push source that the config no longer has.")
    ] = "",
    person: Annotated[str, typer.Option("--person", metavar="WHO", help="A person's id, email or name.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Forget a person, or delete what the store keeps of a removed push source, while serve runs or not.

    A forgotten person is replaced by a token in all records, so that the figures of company and teams stay. Examples:

    `kpi-exporter forget --person ada@example.com`

    `kpi-exporter forget --source shop`
    """
    from exporter.commands import forget as commands

    if bool(source) is bool(person):
        raise typer.BadParameter("say what to forget: --person WHO or --source NAME")
    if source:
        commands.forget_source(data_dir, source)
        return
    from exporter.runtime.config_file import read_config

    commands.forget_person(read_config(config, os.environ).config, data_dir, person, as_json=as_json)


def restore(
    file: Annotated[Path, typer.Argument(help="A backup, or any other copy of a store file.")],
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Replace the store by a backup, while serve runs or not. The former store is kept beside it.

    The file is verified, and upgraded if an earlier version wrote it, before anything is replaced. Sources continue
    from where the backup was. Example:

    `kpi-exporter restore /backups/kpi.backup`
    """
    from exporter.commands.restore import run

    run(data_dir, file, as_json=as_json)


def retry(
    source: Annotated[str, typer.Option("--source", metavar="NAME", help="A source of the config.")],
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Read a source now, although its vendor asked for a wait or refused its credentials, while serve runs or not.

    Ask the vendor first: one that is asked too early may extend the wait. Example:

    `kpi-exporter retry --source crm`
    """
    from exporter.commands.retry import run

    run(data_dir, source)


def salvage(
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write. Default: kpi.duckdb.salvaged in the data directory."),
    ] = None,
    store: Annotated[
        Path | None, typer.Option("--store", help="Damaged store. Default: kpi.duckdb in the data directory.")
    ] = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read what can be read of a damaged store into a new file, which restore accepts. Exits with 3 if rows are lost.

    The damaged store stays as it is. Stop serve first. Examples:

    `kpi-exporter salvage --data-dir data`

    `kpi-exporter salvage --data-dir data --store data/kpi.duckdb.damaged-1 --out salvaged`
    """
    from exporter.commands.salvage import run

    raise typer.Exit(run(data_dir, store, out, overwrite=overwrite, as_json=as_json))


def accept_loss(
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    log_format: LogFormatOption = "text",
    log_level: LogLevelOption = "warning",
) -> None:
    """After a damaged store was rebuilt: accept that pushed records are lost, so that their KPIs are shown again.

    From then on these KPIs count only what was pushed since. Restore a backup instead if there is one. Works while
    serve runs or not. Example: `kpi-exporter accept-loss --data-dir data`
    """
    from exporter.commands.accept_loss import run

    raise typer.Exit(run(Settings(data_dir=data_dir), LogOptions(log_format, log_level)))


def privacy(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Say what is kept about people, for how long and where it goes, by the config.

    Example:

    `kpi-exporter privacy --config kpis.yaml`
    """
    from exporter.commands.privacy import run

    run(config, as_json=as_json)
