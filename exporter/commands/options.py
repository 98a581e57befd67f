"""Options that commands share, and parsers for values of options."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import typer

from exporter.config.fields import parse_duration
from exporter.settings import ListenAddress, Settings

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
InsecureOption = Annotated[
    bool,
    typer.Option(
        "--web-insecure",
        envvar="KPI_EXPORTER_WEB_INSECURE",
        help="Allow --listen addresses other than loopback, such as 0.0.0.0:9940. There is no encryption and no"
        " password, so use it in a private network only.",
    ),
]
NoSyncOption = Annotated[
    bool, typer.Option("--no-sync", help="Use only what is stored, even if a source has never been read.")
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


def settings(config: Path, data_dir: Path, listen: str, *, insecure: bool) -> Settings:
    """The settings of a server. Rejects an address that other machines can reach unless `insecure`."""
    try:
        address = ListenAddress.parse(listen)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--listen") from None
    if not address.is_loopback and not insecure:
        raise typer.BadParameter(
            f"{address.host} can be reached from other machines: add --web-insecure if the network is private",
            param_hint="--listen",
        )
    return Settings(config, data_dir, address)


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
