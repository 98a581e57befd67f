"""Scheduled backups of the running process, which keeps the newest ones and deletes the others."""

from __future__ import annotations

import logging
import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

from exporter import naming
from exporter.clock import Clock
from exporter.errors import ExporterError
from exporter.exposition.self_metrics import SelfMetrics
from exporter.settings import BackupSettings
from exporter.store.backup import PARTIAL, back_up
from exporter.store.store import Store

RETRY_INTERVAL = timedelta(minutes=10)
"""Time until the next attempt after a failed backup, unless backups are more frequent."""

CHECK_INTERVAL = 30.0
"""Seconds between two looks at the wall clock, which may jump."""

_NAME = "kpi-%Y%m%dT%H%M%SZ.backup"

_log = logging.getLogger(__name__)


class BackupSchedule:
    """Takes a backup whenever the newest one in the directory is older than the interval, from `start` to `stop`.

    A failure is logged and exposed, and affects nothing else.
    """

    def __init__(self, settings: BackupSettings, store: Store, self_metrics: SelfMetrics, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._self_metrics = self_metrics
        self._clock = clock
        self._stopping = Event()
        self._started_at = clock()
        self._failed_at: datetime | None = None

    def start(self) -> None:
        """Begins to take backups in a thread."""
        self._report(self._newest(self._started_at))
        Thread(target=self._run, name="backups", daemon=True).start()

    def stop(self) -> None:
        """Takes no further backup; one that is being written ends when the store is closed."""
        self._stopping.set()

    def is_due(self, now: datetime) -> bool:
        """True if a backup is to be taken now."""
        every, failed_at = self._settings.every, self._failed_at
        if failed_at is not None and failed_at <= now < failed_at + min(every, RETRY_INTERVAL):
            return False
        newest = self._newest(now)
        return newest is None or now >= newest + every

    def take(self, now: datetime) -> None:
        """Takes a backup and deletes those that are no longer kept; a failure is logged and exposed."""
        directory = self._settings.directory
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            answer = back_up(self._store, directory / now.astimezone(UTC).strftime(_NAME), now)
            self._delete_older(now)
        except (ExporterError, OSError) as error:
            self._failed_at = now
            self._self_metrics.set(naming.BACKUP_FAILURE, now.timestamp())
            _log.error("the scheduled backup failed: %s", error)
        else:
            self._failed_at = None
            _log.info("%s: %d bytes, verified", answer["file"], answer["bytes"])
        self._report(self._newest(now))

    def _run(self) -> None:
        while not self._stopping.is_set():
            now = self._clock()
            if self.is_due(now):
                try:
                    self.take(now)
                except Exception:  # noqa: BLE001 - a thread's edge: the next backup may succeed
                    self._failed_at = now
                    self._self_metrics.set(naming.BACKUP_FAILURE, now.timestamp())
                    _log.exception("the scheduled backup failed")
            self._stopping.wait(min(CHECK_INTERVAL, self._settings.every.total_seconds() / 4))

    def _report(self, newest: datetime | None) -> None:
        if newest is not None:
            self._self_metrics.set(naming.BACKUP_SUCCESS, newest.timestamp())
        overdue = (newest or self._started_at) + 2 * self._settings.every
        self._self_metrics.set(naming.BACKUP_OVERDUE, overdue.timestamp())

    def _newest(self, now: datetime) -> datetime | None:
        """When the newest backup was taken; those of a clock that was ahead do not count."""
        return max((at for at in self._backups() if at <= now), default=None)

    def _backups(self) -> dict[datetime, Path]:
        backups = {}
        with suppress(OSError):
            for path in self._settings.directory.iterdir():
                with suppress(ValueError):
                    backups[datetime.strptime(path.name, _NAME).replace(tzinfo=UTC)] = path
        return backups

    def _delete_older(self, now: datetime) -> None:
        """Deletes all backups but the newest ones, and what killed processes left of theirs. Raises OSError."""
        past = sorted((at, path) for at, path in self._backups().items() if at <= now)
        for _, path in past[: -self._settings.keep]:
            path.unlink()
        for path in self._settings.directory.glob(f"kpi-*.backup{PARTIAL}"):
            shutil.rmtree(path, ignore_errors=True)
