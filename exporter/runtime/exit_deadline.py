"""The last resort of a stop: the process ends, whatever still hangs."""

from __future__ import annotations

import logging
import os
from threading import Event, Timer, main_thread
from time import sleep

from exporter.errors import ExitCode

EXIT_SECONDS = 9.0
"""Seconds from the request to stop until the process ends at the latest."""

_LOG_SECONDS = 0.3
"""For the log's thread to write the last line."""

_log = logging.getLogger(__name__)


class ExitDeadline:
    """Ends the process some seconds after `start`, unless `finished` was set and it can end by itself.

    Nothing is lost: acknowledged records are on disk, and a write that is cut off is rolled back at the next start.
    """

    def __init__(self, seconds: float = EXIT_SECONDS) -> None:
        self._timer = Timer(seconds, self._exit)
        self._timer.daemon = True
        self.finished = Event()

    def start(self) -> None:
        """Starts the countdown; starting again does nothing."""
        if self._timer.ident is None:
            self._timer.start()

    def _exit(self) -> None:
        # threads that hang can also delay the end of the interpreter, when the main thread has ended
        if main_thread().is_alive() and self.finished.is_set():
            return
        _log.warning("something still hangs: the process ends without it")
        sleep(_LOG_SECONDS)
        os._exit(ExitCode.OK)
