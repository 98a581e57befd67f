"""Connections are passed on both ways, and a flood of them ends at a limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from exporter.settings import ListenAddress
from exporter.web.forward import Forwarder

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def upper_case(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers everything in capitals once the client has said all."""
    writer.write((await reader.read()).upper())
    writer.close()


@asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[ListenAddress]:
    """Serves on a free port until the block ends."""
    async with await asyncio.start_server(handler, "127.0.0.1", 0) as server:
        yield ListenAddress("127.0.0.1", server.sockets[0].getsockname()[1])


@asynccontextmanager
async def forwarding(max_connections: int = 9) -> AsyncIterator[ListenAddress]:
    """Forwards to a service that answers in capitals."""
    async with listening(upper_case) as service, listening(Forwarder(service, max_connections).handle) as front:
        yield front


async def said(address: ListenAddress, text: bytes) -> bytes:
    """What comes back after `text` and the end of it."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(text)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


def test_bytes_pass_both_ways_even_after_one_side_has_said_all() -> None:
    async def scenario() -> bytes:
        async with forwarding() as front:
            return await said(front, b"x" * 300_000)

    assert asyncio.run(scenario()) == b"X" * 300_000


def test_without_the_service_a_connection_is_closed() -> None:
    async def scenario() -> bytes:
        async with listening(Forwarder(ListenAddress("127.0.0.1", 1)).handle) as front:
            return await said(front, b"")

    assert asyncio.run(scenario()) == b""


def test_a_connection_beyond_the_limit_is_closed_and_later_ones_are_served() -> None:
    async def scenario() -> list[bytes]:
        async with forwarding(max_connections=1) as front:
            reader, writer = await asyncio.open_connection(front.host, front.port)
            writer.write(b"first")
            await writer.drain()
            second = await said(front, b"")
            writer.write_eof()
            first = await reader.read()
            writer.close()
            third = b""
            while not third:
                third = await said(front, b"third")
            return [first, second, third]

    assert asyncio.run(scenario()) == [b"FIRST", b"", b"THIRD"]
