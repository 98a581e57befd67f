"""Settings of the process, from the command line or environment variables, as opposed to the config."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

DEFAULT_CONFIG = Path("config/kpis.yaml")
DEFAULT_DATA_DIR = Path("data")
DEFAULT_LISTEN = "127.0.0.1:9940"

OnCorrupt = Literal["rebuild", "fail"]
"""What to do with a damaged store: move it aside and read everything again, or fail."""


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """The address that the server listens on. Port 0 is any free port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> ListenAddress:
        """`HOST:PORT`, `[IPV6]:PORT` or `:PORT` for all interfaces; raises ValueError with a hint."""
        host, colon, port = text.rpartition(":")
        if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError("write the address as HOST:PORT, such as 127.0.0.1:9940")
        return cls(host.removeprefix("[").removesuffix("]") or "0.0.0.0", int(port))  # noqa: S104  # requested

    @property
    def is_loopback(self) -> bool:
        """True if only this machine can reach it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Settings of the web server besides its addresses.

    `config` and `people_config` are web config files; the users of the latter may read /metrics/people only.
    `hosts` are names by which clients may call the server, and `insecure` allows other machines without TLS and
    passwords.
    """

    config: Path | None = None
    people_config: Path | None = None
    hosts: tuple[str, ...] = ()
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """Where to put scheduled backups, how often to take one, and how many to keep."""

    directory: Path
    every: timedelta = timedelta(hours=24)
    keep: int = 7


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of an exporter process."""

    config: Path = DEFAULT_CONFIG
    data_dir: Path = DEFAULT_DATA_DIR
    listen: tuple[ListenAddress, ...] = (ListenAddress("127.0.0.1", 9940),)
    web: WebSettings = WebSettings()
    evaluate_every: float = 10.0
    """Seconds between two evaluations while no pass ends."""
    watch_config: bool = False
    """Reload the config when its file changes."""
    on_corrupt: OnCorrupt | None = None
    """None to fail if the config has a source that pushes, which cannot be read again, and else to rebuild."""
    backups: BackupSettings | None = None
    """Scheduled backups; none by default."""
