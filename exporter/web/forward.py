"""Forwards TCP connections to another address, for a service that has no way out and so no published port.

Run as `python3 -m exporter.web.forward LISTEN TARGET`, each as HOST:PORT.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

from exporter.settings import ListenAddress

MAX_CONNECTIONS = 512
"""Further connections are closed at once, so that a flood cannot use up the service's files."""
_BLOCK_SIZE = 64 * 1024


class Forwarder:
    """Passes the bytes of each connection on to the target and back, until either side closes."""

    def __init__(self, target: ListenAddress, max_connections: int = MAX_CONNECTIONS) -> None:
        self._target = target
        self._free = max_connections

    async def handle(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Serves one connection; closes it at once if there are too many or the target does not answer."""
        if self._free == 0:
            to_client.close()
            return
        self._free -= 1
        try:
            with suppress(OSError):
                service, to_service = await asyncio.open_connection(self._target.host, self._target.port)
                try:
                    await asyncio.gather(_copy(client, to_service), _copy(service, to_client))
                finally:
                    to_service.close()
        finally:
            self._free += 1
            to_client.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copies until the source ends, and passes its end on; the other direction may go on."""
    with suppress(OSError):
        while block := await source.read(_BLOCK_SIZE):
            target.write(block)
            await target.drain()
        target.write_eof()


async def forward(listen: ListenAddress, target: ListenAddress) -> None:
    """Forwards connections until cancelled."""
    server = await asyncio.start_server(Forwarder(target).handle, listen.host, listen.port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(forward(*map(ListenAddress.parse, sys.argv[1:3])))
