"""Scheduled backups: when they are taken, which ones are kept, and what a failure does."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from exporter import naming
from exporter.exposition.self_metrics import SelfMetrics
from exporter.runtime.backups import BackupSchedule
from exporter.settings import BackupSettings
from exporter.store.store import Store
from tests.store.samples import NOW, deal, read
from tests.waiting import until

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def self_metrics() -> SelfMetrics:
    return SelfMetrics()


@pytest.fixture
def schedule(tmp_path: Path, store: Store, self_metrics: SelfMetrics) -> BackupSchedule:
    return BackupSchedule(BackupSettings(tmp_path / "backups", DAY, keep=3), store, self_metrics, lambda: NOW)


def names(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "backups").iterdir())


def test_a_backup_is_due_once_the_newest_is_older_than_the_interval(schedule: BackupSchedule) -> None:
    assert schedule.is_due(NOW)
    schedule.take(NOW)
    assert not schedule.is_due(NOW + DAY - MINUTE)
    assert schedule.is_due(NOW + DAY)


def test_a_restart_does_not_take_a_backup_early(
    schedule: BackupSchedule, tmp_path: Path, store: Store, self_metrics: SelfMetrics
) -> None:
    schedule.take(NOW)
    later = NOW + DAY - MINUTE
    restarted = BackupSchedule(BackupSettings(tmp_path / "backups", DAY), store, self_metrics, lambda: later)
    assert not restarted.is_due(later)


def test_only_the_newest_backups_are_kept(schedule: BackupSchedule, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / "notes.txt").write_text("mine")
    (tmp_path / "backups" / "kpi-20250101T000000Z.backup.partial").mkdir()
    for number in range(5):
        schedule.take(NOW + number * DAY)
    assert names(tmp_path) == [
        "kpi-20251121T143000Z.backup",
        "kpi-20251122T143000Z.backup",
        "kpi-20251123T143000Z.backup",
        "notes.txt",
    ]


def test_a_clock_that_was_ahead_neither_delays_nor_deletes_backups(schedule: BackupSchedule, tmp_path: Path) -> None:
    schedule.take(NOW + 300 * DAY)
    assert schedule.is_due(NOW)
    for number in range(4):
        schedule.take(NOW + number * DAY)
    assert len(names(tmp_path)) == 4


def test_success_failure_and_age_are_exposed(
    schedule: BackupSchedule, tmp_path: Path, self_metrics: SelfMetrics, caplog: pytest.LogCaptureFixture
) -> None:
    schedule.start()
    until(lambda: self_metrics.value(naming.BACKUP_SUCCESS) == NOW.timestamp())
    schedule.stop()
    assert self_metrics.value(naming.BACKUP_OVERDUE) == (NOW + 2 * DAY).timestamp()
    assert self_metrics.value(naming.BACKUP_FAILURE) is None
    backups = tmp_path / "backups"
    backups.rename(tmp_path / "former")
    backups.write_text("a file")
    failed = NOW + DAY
    schedule.take(failed)
    assert self_metrics.value(naming.BACKUP_FAILURE) == failed.timestamp()
    assert "the scheduled backup failed" in caplog.text
    assert not schedule.is_due(failed + 9 * MINUTE)
    assert schedule.is_due(failed + 10 * MINUTE)


def test_a_schedule_without_any_success_becomes_overdue(
    schedule: BackupSchedule, tmp_path: Path, self_metrics: SelfMetrics
) -> None:
    (tmp_path / "backups").write_text("a file")
    schedule.take(NOW)
    assert self_metrics.value(naming.BACKUP_SUCCESS) is None
    assert self_metrics.value(naming.BACKUP_OVERDUE) == (NOW + 2 * DAY).timestamp()


def test_a_disk_with_too_little_space_is_not_filled(
    schedule: BackupSchedule,
    tmp_path: Path,
    self_metrics: SelfMetrics,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    store: Store,
) -> None:
    read(store, deal(1))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1 << 20})())
    schedule.take(NOW)
    assert "MB of free space" in caplog.text
    assert names(tmp_path) == []
    assert self_metrics.value(naming.BACKUP_FAILURE) == NOW.timestamp()


def test_the_file_name_is_in_utc(schedule: BackupSchedule, tmp_path: Path) -> None:
    schedule.take(datetime.fromisoformat("2025-11-19T00:30:00+02:00"))
    assert names(tmp_path) == ["kpi-20251118T223000Z.backup"]
