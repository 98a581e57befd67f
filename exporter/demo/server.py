"""The company's APIs on a port of this machine: in a thread of this process, or in a process of their own."""

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
    """The routes of each vendor's API, by the path under which they are mounted."""
    return {
        "/hubspot": FakeHubspot(company, clock, HubspotAccess(clock, TOKEN, SCOPES)).routes(),
        "/aircall/v1": FakeAircall(company, clock, API_ID, TOKEN).routes(),
    }


def create_app(mounts: Mapping[str, Sequence[BaseRoute]]) -> Starlette:
    """An application that serves each API below its mount, the longest path first, and `/-/healthy`."""
    healthy = Route("/-/healthy", lambda _: PlainTextResponse("healthy\n"))
    apis = [Mount(path, routes=routes) for path, routes in sorted(mounts.items(), reverse=True)]
    return Starlette(routes=[healthy, *apis])


@dataclass(frozen=True)
class DemoServer:
    """A server at `host`:`port` until `close` is called, which waits for its end."""

    host: str
    port: int
    close: Callable[[], None]

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.host}:{self.port}"


@dataclass(frozen=True)
class DemoOptions:
    """Which company is told, and for how many months back."""

    seed: int = SEED
    months: int = MONTHS_OF_HISTORY


DEFAULTS = DemoOptions()


def serve(
    clock: Clock = system_clock,
    host: str = HOST,
    port: int = PORT,
    story: DemoOptions = DEFAULTS,
    routes: VendorRoutes = vendor_routes,
) -> DemoServer:
    """Serves the company from a thread of this process. Port 0 takes a free port.

    Raises StartError if the port is taken.
    """
    listener = _listener(host, port)
    port = listener.getsockname()[1]
    now = clock()
    company = DemoCompany(story.seed, first_day(now, story.months))
    company.advance(int(now.timestamp()))
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(
        target=_run, args=(loop, listener, create_app(routes(company, clock)), stop), name="demo", daemon=True
    )
    thread.start()

    def close() -> None:
        loop.call_soon_threadsafe(stop.set)
        thread.join()

    return DemoServer(host, port, close)


def launch(host: str = HOST, port: int = PORT, story: DemoOptions = DEFAULTS) -> DemoServer:
    """Serves the company from a process of its own, so that it takes no time from the exporter's.

    The process ends with this one. Raises StartError where it cannot start.
    """
    options = {"--listen": f"{host}:{port}", "--seed": story.seed, "--months": story.months}
    command = [sys.executable, "-m", "exporter.demo", "--attached", *(str(p) for pair in options.items() for p in pair)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own arguments
    if child.stdin is None or child.stdout is None:
        raise AssertionError("both are pipes")
    given, told = child.stdin, child.stdout

    def close() -> None:
        given.close()
        told.close()
        child.wait()

    address = told.readline().decode().strip()
    if not address:
        close()
        raise StartError(f"the demo company cannot be served at {host}:{port}")
    return DemoServer(host, int(address.rpartition(":")[2]), close)


def main(host: str = HOST, port: int = PORT, story: DemoOptions = DEFAULTS, *, attached: bool = False) -> None:
    """Serves until interrupted or terminated, or, `attached`, until the standard input ends.

    Prints the address when ready. Raises StartError.
    """
    gc.disable()  # the history is a million small objects that all stay
    running = serve(host=host, port=port, story=story)
    gc.freeze()
    gc.enable()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(running.url, flush=True)  # noqa: T201 - what the caller waits for
    try:
        if attached:
            sys.stdin.buffer.read()
        else:
            threading.Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
        running.close()
        gc.unfreeze()  # extension modules complain at the end about objects that stay


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise StartError(f"the demo company cannot listen on {host}:{port}: {error.strerror}") from None


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
