"""How far the first load is where nobody watches: a log line a minute."""

from __future__ import annotations

import logging

from exporter.sync.observer import NullObserver, PassReport, Progress

LOG_EVERY = 60.0
"""Seconds of a pass between two lines."""

_log = logging.getLogger(__name__)


class Lines(NullObserver):
    """Tells of a long pass once a minute."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], float] = {}

    def progressed(self, progress: Progress) -> None:
        """A page was read."""
        key = progress.source, progress.entity
        if progress.seconds - self._told.get(key, 0.0) < LOG_EVERY:
            return
        self._told[key] = progress.seconds
        left = "" if progress.remaining is None else f", about {progress.remaining:.0f} s left"
        _log.warning(
            "reading %s of %s: %d records in %d pages, %.0f a second%s",
            progress.entity, progress.source, progress.records, progress.pages, progress.rate, left,
        )  # fmt: skip

    def finished(self, report: PassReport) -> None:
        """A pass ended."""
        self._told.pop((report.source, report.entity), None)
