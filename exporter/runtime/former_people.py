"""Looks regularly for people who have been gone for too long, while `serve` runs."""

from __future__ import annotations

import logging
from threading import Event, Thread

from exporter.clock import Clock
from exporter.errors import StoreError
from exporter.privacy.former import are_former, replace_former
from exporter.runtime.reload import Reloader
from exporter.store.store import Store

CHECK_INTERVAL = 60.0
"""Seconds between two looks."""

RETRY_INTERVAL = 3600.0
"""Seconds until the next look after one that failed, because each attempt interrupts reading and posts."""

_log = logging.getLogger(__name__)


class FormerPeople:
    """Replaces former people by tokens, from `start` to `stop`. Reading and posts pause while it does."""

    def __init__(self, store: Store, reloader: Reloader, clock: Clock) -> None:
        self._store = store
        self._reloader = reloader
        self._clock = clock
        self._stopping = Event()

    def start(self) -> None:
        """Begins to look, in a thread."""
        Thread(target=self._run, name="former-people", daemon=True).start()

    def stop(self) -> None:
        """Looks no more."""
        self._stopping.set()

    def look(self) -> bool:
        """Replaces who has been gone for too long; a failure is logged, and returns False."""
        try:
            config = self._reloader.config
            if are_former(self._store, config, self._clock()):
                self._reloader.replace_store(lambda: replace_former(self._store, config, self._clock()))
        except StoreError as error:
            _log.warning("former people keep their names for now: %s", error)
            return False
        except Exception:  # noqa: BLE001 - a thread's edge: the next look may succeed
            _log.exception("former people keep their names for now")
            return False
        return True

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._stopping.wait(CHECK_INTERVAL if self.look() else RETRY_INTERVAL)
