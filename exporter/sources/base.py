"""The contract between the sync and a provider: a source, and what its process provides."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from exporter.passes import Page, Pass

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Access:
    """The result of `check --sources` for one entity; `missing` names the permission to grant, `note` what is odd."""

    entity: str
    allowed: bool
    missing: str = ""
    note: str = ""


class Source(Protocol):
    """A configured account at a vendor. A provider builds it; the sync uses it on one event loop."""

    @property
    def name(self) -> str:
        """The source's name in the config."""
        ...

    @property
    def entities(self) -> tuple[str, ...]:
        """The entities it reads, in the order in which to read them."""
        ...

    @property
    def lag(self) -> timedelta:
        """How long the vendor may take to show a change: data is complete only up to `now - lag`."""
        ...

    def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """The pages of one pass, in order. An end without an error means complete; no page at all means unchanged.

        A source whose content has its own age says on the last page up to when it is complete.

        Raises SourceError (SourceUnavailableError, RateLimitedError, SourceRejectedError, IncompletePassError).
        """
        ...

    async def check(self) -> tuple[Access, ...]:
        """Whether the credentials may read each entity; raises SourceError if that cannot be determined."""
        ...

    async def close(self) -> None:
        """Closes connections."""
        ...


class Telemetry(Protocol):
    """Where sources report their own work; the engine passes one that feeds the self-metrics."""

    def request(self, source: str, outcome: str) -> None:
        """Counts one HTTP request; `outcome` is one of naming.REQUEST_CLASSES."""
        ...

    def clock_skew(self, source: str, seconds: float) -> None:
        """The vendor's clock minus ours in seconds, from a Date header."""
        ...

    def next_attempt(self, source: str, at: datetime) -> None:
        """When the vendor allows the next request."""
        ...


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What a source needs from its process.

    `environ` and `base` locate secrets and files; `zone` is the company's, for times without one; `clock` gives the
    current instant in UTC; refresh tokens are used only with a `data_dir`, which stores their successors (mode 0600).
    `sleep`, `monotonic` and `jitter` (0 to 1) control waits; `transport` sends HTTP requests (None: over the network).
    """

    environ: Mapping[str, str] = field(repr=False)
    base: Path
    zone: ZoneInfo
    clock: Callable[[], datetime]
    telemetry: Telemetry
    data_dir: Path | None = None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    monotonic: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random
    transport: httpx.AsyncBaseTransport | None = None

    def in_seconds(self, seconds: float) -> datetime:
        """The instant this many seconds from now."""
        return self.clock() + timedelta(seconds=seconds)
