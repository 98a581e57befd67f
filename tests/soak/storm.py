"""Scrape storms: many scrapers at once for a time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


@dataclass
class StormResult:
    """Answers by status (or the name of an error), and the seconds of each."""

    answers: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def p99(self) -> float:
        """Seconds within which 99 of 100 requests were answered."""
        return sorted(self.seconds)[len(self.seconds) * 99 // 100] if self.seconds else 0.0


def storm(port: int, scrapers: int, seconds: float, result: StormResult) -> None:
    """Lets that many scrapers ask one after the other until the time is over, and adds their answers to `result`."""
    until = time.monotonic() + seconds

    async def scraper() -> None:
        while time.monotonic() < until:
            started_at = time.monotonic()
            result.answers[await _answer(port)] += 1
            result.seconds.append(time.monotonic() - started_at)

    async def all_scrapers() -> None:
        await asyncio.gather(*(scraper() for _ in range(scrapers)))

    asyncio.run(all_scrapers())


async def _answer(port: int) -> str:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(REQUEST)
            response = await reader.read()
            return response.partition(b" ")[2][:3].decode() or "nothing"
        finally:
            writer.close()
    except OSError as error:
        return type(error).__name__
