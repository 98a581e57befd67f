"""Options that commands share, and parsers for values of options."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import typer

from exporter.config.fields import Scope, parse_duration
from exporter.settings import DEFAULT_LISTEN, BackupSettings, ListenAddress, OnCorrupt, Settings, WebSettings

YEARS = range(1900, 3000)
"""Years in which every period, and the one before it, has valid dates."""


SummaryFormat = Literal["table", "json"]
ValuesFormat = Literal["table", "json", "openmetrics"]
LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]
ScopeFilter = Literal["company", "team", "person", "all"]


class LogOptions(NamedTuple):
    """Format and minimum level of the log."""

    format: LogFormat
    level: LogLevel


ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="KPI_EXPORTER_CONFIG", help="Config file, such as config/kpis.yaml.")
]
DataDirOption = Annotated[
    Path,
    typer.Option(
        "--data-dir",
        "-d",
        envvar="KPI_EXPORTER_DATA_DIR",
        help="Directory of the store, such as data. Only one process can use it at a time.",
    ),
]
ListenOption = Annotated[
    str,
    typer.Option("--listen", "-l", envvar="KPI_EXPORTER_LISTEN", help="Address to listen on, such as 127.0.0.1:9940."),
]
ListenOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--listen",
        "-l",
        envvar="KPI_EXPORTER_LISTEN",
        help=f"Address to listen on, such as 127.0.0.1:9940. Repeatable. Default: {DEFAULT_LISTEN}.",
        show_default=False,
    ),
]
InsecureOption = Annotated[
    bool,
    typer.Option(
        "--web-insecure",
        envvar="KPI_EXPORTER_WEB_INSECURE",
        help="Allow --listen addresses other than loopback, such as 0.0.0.0:9940, without TLS and credentials in"
        " --web.config.file. Use it in a private network only.",
    ),
]
WebConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--web.config.file",
        envvar="KPI_EXPORTER_WEB_CONFIG_FILE",
        help="File with TLS certificates, users and response headers, in the format of Prometheus' exporters.",
    ),
]
PeopleConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--web.people.config.file",
        envvar="KPI_EXPORTER_WEB_PEOPLE_CONFIG_FILE",
        help="File in the same format with the basic_auth_users who may read /metrics/people, and nothing else.",
    ),
]
HostsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--web.hosts",
        envvar="KPI_EXPORTER_WEB_HOSTS",
        help="Name by which clients may call the server, such as kpi.example.com; * for any. Repeatable. Always allowed"
        " are IP addresses, single words, private domains and the machine's own name.",
    ),
]
WatchConfigOption = Annotated[bool, typer.Option("--watch-config", help="Reload the config when its file changes.")]
AuthorityOption = Annotated[
    Path | None, typer.Option("--ca", help="File with the authority of the server's certificate.")
]
TrustedConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--web.config.file",
        envvar="KPI_EXPORTER_WEB_CONFIG_FILE",
        help="The server's web config: trust its certificate under any name.",
    ),
]
CertificateOption = Annotated[
    Path | None, typer.Option("--cert", help="File with a client certificate, if the server wants one.")
]
KeyOption = Annotated[Path | None, typer.Option("--key", help="File with the key of --cert. Default: the same file.")]
UserOption = Annotated[str | None, typer.Option("--user", help="User of the web config.")]
PasswordFileOption = Annotated[Path | None, typer.Option("--password-file", help="File with the user's password.")]
NoSyncOption = Annotated[
    bool, typer.Option("--no-sync", help="Use only what is stored, even if a source has never been read.")
]
OnCorruptOption = Annotated[
    OnCorrupt | None,
    typer.Option(
        "--on-corrupt",
        envvar="KPI_EXPORTER_ON_CORRUPT",
        help="If the store is damaged: move it aside and read everything again (rebuild), or exit with 3 (fail)."
        " Default: fail if the config has a push source, whose records cannot be read again, else rebuild.",
        show_default=False,
    ),
]
LogFormatOption = Annotated[
    LogFormat,
    typer.Option(
        "--log-format", envvar="KPI_EXPORTER_LOG_FORMAT", help="Format of the log on stderr.", rich_help_panel="Logs"
    ),
]
LogLevelOption = Annotated[
    LogLevel,
    typer.Option("--log-level", envvar="KPI_EXPORTER_LOG_LEVEL", help="Minimum log level.", rich_help_panel="Logs"),
]


BackupDirOption = Annotated[
    Path | None,
    typer.Option(
        "--backup-dir",
        envvar="KPI_EXPORTER_BACKUP_DIR",
        help="Directory for scheduled backups, such as /backups. Default: no backups are scheduled.",
        rich_help_panel="Backups",
    ),
]
BackupEveryOption = Annotated[
    str,
    typer.Option(
        "--backup-every",
        envvar="KPI_EXPORTER_BACKUP_EVERY",
        help="Time between two backups, such as 24h.",
        rich_help_panel="Backups",
    ),
]
BackupKeepOption = Annotated[
    int,
    typer.Option(
        "--backup-keep",
        envvar="KPI_EXPORTER_BACKUP_KEEP",
        min=1,
        help="Number of backups to keep; older ones are deleted.",
        rich_help_panel="Backups",
    ),
]


def backups(directory: Path | None, every: str, keep: int) -> BackupSettings | None:
    """The settings of scheduled backups; None without a directory."""
    interval = duration(every, "--backup-every")
    return None if directory is None else BackupSettings(directory, interval, keep)


def settings(config: Path, data_dir: Path, listen: Sequence[str], web: WebSettings) -> Settings:
    """The settings of a server. Rejects an address that other machines can reach unless it is locked or `insecure`.

    Raises ConfigError for an invalid web config.
    """
    try:
        addresses = tuple(map(ListenAddress.parse, listen or [DEFAULT_LISTEN]))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--listen") from None
    public = [address for address in addresses if not address.is_loopback]
    if public and not web.insecure and not _is_locked(web):
        raise typer.BadParameter(
            f"{public[0].host} can be reached from other machines: set TLS and users or client certificates in"
            " --web.config.file, or add --web-insecure if the network is private",
            param_hint="--listen",
        )
    return Settings(config, data_dir, addresses, web)


def _is_locked(web: WebSettings) -> bool:
    if web.config is None:
        return False
    from exporter.config.web_config import load_web_config

    return load_web_config(web.config).config.is_locked


def scopes_of(scope: ScopeFilter) -> frozenset[Scope]:
    """The scopes that the filter lets through."""
    return frozenset(Scope) if scope == "all" else frozenset({Scope(scope)})


def duration(text: str, option: str) -> timedelta:
    """A duration as written in a config, such as 2m. Rejects anything else."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def instant(text: str | None, zone: tzinfo, option: str = "--at") -> datetime | None:
    """An ISO 8601 time, in `zone` if it has no offset. Rejects anything else."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a valid time: write 2025-03-31T18:00 or 2025-03-31T18:00+02:00", param_hint=option
        ) from None
    if time.year not in YEARS:
        raise typer.BadParameter(f"{text!r} is not between {YEARS[0]} and {YEARS[-1]}", param_hint=option)
    return time if time.tzinfo else time.replace(tzinfo=zone)
