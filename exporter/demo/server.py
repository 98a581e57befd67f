"""Serves the company's APIs on a local port: from a thread of this process or from a process of its own."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config as HypercornConfig
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route

from exporter.clock import Clock, system_clock
from exporter.demo.aircall.api import FakeAircall
from exporter.demo.company.company import MONTHS_OF_HISTORY, SEED, DemoCompany, first_day
from exporter.demo.hubspot.access import HubspotAccess
from exporter.demo.hubspot.api import SCOPES, FakeHubspot
from exporter.errors import StartError

HOST, PORT = "127.0.0.1", 9941

TOKEN = "demo"  # noqa: S105 - opens nothing but this simulation
API_ID = "demo"

VendorRoutes = Callable[[DemoCompany, Clock], Mapping[str, Sequence[BaseRoute]]]


def vendor_routes(company: DemoCompany, clock: Clock) -> dict[str, Sequence[BaseRoute]]:
    """The routes of each vendor's API, by mount path."""
    return {
        "/hubspot": FakeHubspot(company, clock, HubspotAccess(clock, TOKEN, SCOPES)).routes(),
        "/aircall/v1": FakeAircall(company, clock, API_ID, TOKEN).routes(),
    }


@dataclass(frozen=True)
class DemoServer:
    """A running server at `host`:`port`; `close` stops it and waits for its end."""

    host: str
    port: int
    close: Callable[[], None]

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://{self.host}:{self.port}"


@dataclass(frozen=True)
class DemoOptions:
    """Which company to simulate, and how many months of history it has."""

    seed: int = SEED
    months: int = MONTHS_OF_HISTORY


DEFAULTS = DemoOptions()


def serve(
    clock: Clock = system_clock,
    host: str = HOST,
    port: int = PORT,
    options: DemoOptions = DEFAULTS,
    routes: VendorRoutes = vendor_routes,
) -> DemoServer:
    """Serves the company from a thread of this process. Port 0 selects a free port.

    Raises StartError if the port is in use.
    """
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        raise StartError(f"the demo company cannot listen on {host}:{port}: {error.strerror}") from None
    port = listener.getsockname()[1]
    now = clock()
    company = DemoCompany(options.seed, first_day(now, options.months))
    company.advance(int(now.timestamp()))
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    # longest path first, so that the mount "" comes last
    mounts = [Mount(path, routes=paths) for path, paths in sorted(routes(company, clock).items(), reverse=True)]
    app = Starlette(routes=[Route("/-/healthy", lambda _: PlainTextResponse("healthy\n")), *mounts])
    thread = threading.Thread(target=_run, args=(loop, listener, app, stop), name="demo", daemon=True)
    thread.start()

    def close() -> None:
        loop.call_soon_threadsafe(stop.set)
        thread.join()

    return DemoServer(host, port, close)


def launch(host: str = HOST, port: int = PORT, options: DemoOptions = DEFAULTS) -> DemoServer:
    """Serves the company from a process of its own, so that it takes no CPU time from the exporter.

    The process ends with this one. Raises StartError if it cannot start.
    """
    arguments = map(str, (host, port, options.seed, options.months))
    command = [sys.executable, "-m", "exporter.demo.server", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own arguments
    if process.stdin is None or process.stdout is None:
        raise AssertionError("both are pipes")
    stdin, stdout = process.stdin, process.stdout

    def close() -> None:
        stdin.close()
        stdout.close()
        process.wait()

    address = stdout.readline().decode().strip()
    if not address:
        close()
        raise StartError(f"the demo company cannot be served at {host}:{port}")
    return DemoServer(host, int(address.rpartition(":")[2]), close)


def main(host: str = HOST, port: int = PORT, options: DemoOptions = DEFAULTS, *, attached: bool = False) -> None:
    """Serves until interrupted or terminated or, if `attached`, until standard input is closed.

    Prints the address when ready. Raises StartError.
    """
    gc.disable()  # the history consists of a million small objects that live until the end
    server = serve(host=host, port=port, options=options)
    gc.freeze()
    gc.enable()
    previous_handler = signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(server.url, flush=True)  # noqa: T201 - the caller waits for it
    try:
        if attached:
            sys.stdin.buffer.read()
        else:
            threading.Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, previous_handler)
        server.close()
        gc.unfreeze()  # extension modules complain at exit about frozen objects


def _run(loop: asyncio.AbstractEventLoop, listener: socket.socket, app: Starlette, stop: asyncio.Event) -> None:
    config = HypercornConfig()
    config.bind = [f"fd://{listener.detach()}"]
    config.accesslog = config.errorlog = None
    config.include_server_header = False
    config.graceful_timeout = 1
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(hypercorn_serve(app, config, shutdown_trigger=stop.wait))  # type: ignore[arg-type]
    finally:
        loop.close()


def run_attached(host: str, port: str, seed: str, months: str) -> int:
    """Runs the process that `launch` starts; returns 1 if it cannot start."""
    try:
        main(host, int(port), DemoOptions(int(seed), int(months)), attached=True)
    except StartError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_attached(*sys.argv[1:]))
