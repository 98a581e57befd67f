"""Clients that post to the installed program while a test does something else to it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Event, Lock

from tests.exporter_process import Exporter
from tests.shop import send, won


class Senders:
    """Clients that post one new deal after the other until they are stopped."""

    def __init__(self, first: int) -> None:
        self.next = first
        self.sent: set[str] = set()
        self.acknowledged: set[str] = set()
        self.statuses: set[int] = set()
        self.acknowledgement = Event()
        self._lock = Lock()
        self._stop = Event()

    def run(self, exporter: Exporter) -> None:
        while not self._stop.is_set():
            with self._lock:
                key, self.next = str(self.next), self.next + 1
                self.sent.add(key)
            with suppress(OSError, ValueError, IndexError):
                status, answer = send(exporter, won(key))
                self.statuses.add(status)
                if status == 200:
                    assert answer["records"][0]["result"] in ("new", "unchanged")
                    with self._lock:
                        self.acknowledged.add(key)
                    self.acknowledgement.set()

    def stop(self) -> None:
        self._stop.set()


@contextmanager
def sending(exporter: Exporter, first: int, clients: int) -> Iterator[Senders]:
    """Clients that post until the block ends."""
    senders = Senders(first)
    with ThreadPoolExecutor(clients) as pool:
        runs = [pool.submit(senders.run, exporter) for _ in range(clients)]
        try:
            yield senders
        finally:
            senders.stop()
    for run in runs:
        run.result()
