"""The scraped servers: the exporter with a prepared snapshot, and prometheus-client's server. Run as a module."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, start_http_server

from exporter.exposition.render import Renderer
from exporter.exposition.self_metrics import SelfMetrics
from exporter.exposition.snapshot import take
from exporter.web.server import ServedState, bind, create_app, serve
from tests.bench.series import Collector, rows


def _exporter() -> None:
    sys.setswitchinterval(0.0005)
    snapshot = take(Renderer().render(rows()), datetime.now(UTC), separate=False)
    state = ServedState(SelfMetrics(), snapshot)
    listening = bind("127.0.0.1", 0)
    print(listening.getsockname()[1], flush=True)  # noqa: T201 - the parent reads the port
    if "busy" in sys.argv:
        threading.Thread(target=_sync, daemon=True).start()
    asyncio.run(serve(create_app(state), [listening], lambda: asyncio.sleep(600), state))


def _sync() -> None:
    """Simulates the conversion of pages in the sync thread: pure Python that holds the GIL."""
    until = time.monotonic() + 600
    while time.monotonic() < until:
        sum(len(str(number)) for number in range(100_000))
        time.sleep(0.005)


def _peer() -> None:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    server, thread = start_http_server(0, "127.0.0.1", registry)
    print(server.server_port, flush=True)  # noqa: T201 - the parent reads the port
    thread.join(600)


if __name__ == "__main__":
    _exporter() if "exporter" in sys.argv else _peer()
