"""Options that commands share, with their help and their environment variables."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from exporter.config.fields import Scope, parse_duration
from exporter.settings import Address, Settings


class Shape(StrEnum):
    """Forms of a result."""

    TABLE = "table"
    JSON = "json"


class ValuesShape(StrEnum):
    """Forms of the values."""

    TABLE = "table"
    JSON = "json"
    OPENMETRICS = "openmetrics"


class OnCorrupt(StrEnum):
    """What becomes of a damaged store."""

    REBUILD = "rebuild"
    FAIL = "fail"


class LogShape(StrEnum):
    """Forms of the log."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """From where on something is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Whose(StrEnum):
    """Scopes to show."""

    COMPANY = "company"
    TEAM = "team"
    PERSON = "person"
    ALL = "all"

    @property
    def scopes(self) -> frozenset[Scope]:
        """The scopes meant."""
        return frozenset(Scope) if self is Whose.ALL else frozenset({Scope(self.value)})


ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="KPI_EXPORTER_CONFIG", help="The YAML file that says everything.")
]
DataDirOption = Annotated[
    Path,
    typer.Option(
        "--data-dir", "-d", envvar="KPI_EXPORTER_DATA_DIR", help="Where records are kept; one process at a time."
    ),
]
ListenOption = Annotated[
    str, typer.Option("--listen", "-l", envvar="KPI_EXPORTER_LISTEN", help="HOST:PORT of the web surface.")
]
InsecureOption = Annotated[
    bool,
    typer.Option(
        "--web-insecure",
        envvar="KPI_EXPORTER_WEB_INSECURE",
        help="Listen on other than loopback addresses without encryption and passwords: for a private network.",
    ),
]
LogFormatOption = Annotated[
    LogShape,
    typer.Option("--log-format", envvar="KPI_EXPORTER_LOG_FORMAT", help="Logs on stderr.", rich_help_panel="Logs"),
]
LogLevelOption = Annotated[
    LogLevel,
    typer.Option("--log-level", envvar="KPI_EXPORTER_LOG_LEVEL", help="What is worth a line.", rich_help_panel="Logs"),
]


def settings(config: Path, data_dir: Path, listen: str, *, insecure: bool) -> Settings:
    """Settings as typed; refuses addresses that others can reach unless `insecure` says that this is wanted."""
    try:
        address = Address.parse(listen)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--listen") from None
    if not address.is_loopback and not insecure:
        raise typer.BadParameter(
            f"{address.host} can be reached from other machines: add --web-insecure if only trusted ones can",
            param_hint="--listen",
        )
    return Settings(config, data_dir, address)


def duration(text: str, option: str) -> timedelta:
    """A duration as the config writes them; refuses anything else."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
