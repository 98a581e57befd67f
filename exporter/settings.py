"""What the process is told on its command line or by its environment, as opposed to the config."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

DEFAULT_CONFIG = Path("config/kpis.yaml")
DEFAULT_DATA_DIR = Path("data")
DEFAULT_LISTEN = "127.0.0.1:9940"

OnCorrupt = Literal["rebuild", "fail"]
"""What becomes of a damaged store: it is moved aside and everything is read anew, or the process ends."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the web surface listens; port 0 takes any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """`HOST:PORT`, `[IPV6]:PORT` or `:PORT` for all interfaces; raises ValueError with the cure."""
        host, colon, port = text.rpartition(":")
        if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError("an address is HOST:PORT, such as 127.0.0.1:9940")
        return cls(host.removeprefix("[").removesuffix("]") or "0.0.0.0", int(port))  # noqa: S104  # asked for

    @property
    def is_loopback(self) -> bool:
        """True where only this machine can reach it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Settings:
    """Paths and the address of one exporter process."""

    config: Path = DEFAULT_CONFIG
    data_dir: Path = DEFAULT_DATA_DIR
    listen: Address = Address("127.0.0.1", 9940)
    evaluate_every: float = 10.0
    """Seconds between two evaluations while no pass is published."""
    watch_config: bool = False
    """Load the config again whenever its file changes."""
    on_corrupt: OnCorrupt = "rebuild"
