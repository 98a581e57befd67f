"""Backups by the installed program, while it serves and posts arrive, and while it does not."""

from __future__ import annotations

import json
import random
import resource
import signal
import stat
import time
from pathlib import Path
from threading import Thread
from typing import Any

import duckdb
import pytest

from exporter.control.channel import SOCKET_NAME
from tests.exporter_process import COMMAND, Exporter, exporting
from tests.processes import completed
from tests.senders import sending
from tests.shop import CONFIG, TOKEN, kept_in, send, today, won
from tests.waiting import until
from tests.web.live_server import get


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    path = tmp_path / "kpis.yaml"
    path.write_text(CONFIG)
    return path


def command(*words: object) -> tuple[int, str, str]:
    """Exit code, output and messages of the installed program."""
    done = completed([COMMAND, *words], text=True)
    return done.returncode, done.stdout, done.stderr


def backed_up(data: Path, out: Path, *options: str) -> dict[str, Any]:
    code, output, message = command("backup", "--data-dir", data, "--out", out, "--json", *options)
    assert code == 0, message
    answer: dict[str, Any] = json.loads(output)
    return answer


def ready(exporter: Exporter, data: Path) -> None:
    until(lambda: send(exporter, [])[0] == 200)
    until((data / SOCKET_NAME).exists)


def ids_in(path: Path) -> set[str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return {key for (key,) in connection.execute("SELECT id FROM deals WHERE NOT deleted").fetchall()}


def test_every_post_acknowledged_before_a_backup_is_in_it_and_none_waits(config: Path, tmp_path: Path) -> None:
    data, statuses = tmp_path / "data", set[int]()
    with exporting(config, data) as exporter:
        ready(exporter, data)
        with sending(exporter, 0, 4) as senders:
            until(lambda: len(senders.acknowledged) > 20)
            for number in range(3):
                before, out = set(senders.acknowledged), tmp_path / f"{number}.backup"
                answer = backed_up(data, out)
                statuses.add(get(exporter.port, "/metrics")[0])
                ids = ids_in(out)
                assert before <= ids <= senders.sent
                assert answer["records"]["deals"] == len(ids)
                assert answer["sources"] == ["shop"]
                assert stat.S_IMODE(out.stat().st_mode) == 0o600
        assert senders.statuses == statuses == {200}
        assert exporter.end()[0] == 0
    assert senders.acknowledged <= set(kept_in(data))
    assert not [path for path in tmp_path.glob("*.backup") if TOKEN.encode() in path.read_bytes()]


def test_without_a_running_process_the_command_makes_the_backup(config: Path, tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "kpi.backup"
    assert command("backup", "--data-dir", data, "--out", out)[0] == 3
    assert not data.exists()
    with exporting(config, data) as exporter:
        ready(exporter, data)
        send(exporter, [won(1, closed_at=today()), won(2)])
        exporter.end(signal.SIGKILL)
    code, output, message = command("backup", "--data-dir", data, "--out", out)
    assert (code, message) == (0, "")
    assert "verified" in output
    assert "records: 2 deals" in output
    assert ids_in(out) == {"1", "2"}
    code, _, message = command("backup", "--data-dir", data, "--out", out)
    assert code == 3
    assert "--overwrite" in message
    backed_up(data, out, "--overwrite")


def test_a_full_disk_fails_the_backup_and_nothing_else(config: Path, tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "kpi.backup"
    with exporting(config, data) as exporter:
        ready(exporter, data)
        assert send(exporter, [won(number, name="x" * 900) for number in range(500)])[0] == 200
        backed_up(data, out)
        before = resource.prlimit(exporter.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(exporter.process.pid, resource.RLIMIT_FSIZE, (out.stat().st_size // 2, before[1]))
        code, _, message = command("backup", "--data-dir", data, "--out", tmp_path / "other.backup")
        resource.prlimit(exporter.process.pid, resource.RLIMIT_FSIZE, before)
        assert code == 3
        assert "Traceback" not in message
        assert get(exporter.port, "/metrics")[0] == 200
        until(lambda: send(exporter, won("last"))[0] == 200)
        until(lambda: exporter.value("kpi_exporter_store_up") == 1)
        assert len(ids_in(out)) == 500
        assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "kpi.backup", "kpis.yaml"]
        assert backed_up(data, tmp_path / "other.backup")["records"]["deals"] == 501


def test_a_kill_during_a_backup_loses_nothing(config: Path, tmp_path: Path) -> None:
    rng, data, out = random.Random(11), tmp_path / "data", tmp_path / "kpi.backup"
    acknowledged = set[str]()
    for number in range(6):
        with exporting(config, data) as exporter:
            ready(exporter, data)
            with sending(exporter, number * 10_000, 2) as senders:
                words = ("backup", "--data-dir", data, "--out", out, "--overwrite")
                backing_up = Thread(target=command, args=words)
                backing_up.start()
                until(lambda: list(tmp_path.glob("*.partial")) or not backing_up.is_alive())  # noqa: B023
                time.sleep(rng.uniform(0, 0.2))
                exporter.end(signal.SIGKILL)
                backing_up.join()
        acknowledged |= senders.acknowledged
    assert acknowledged <= set(kept_in(data))
    assert backed_up(data, out, "--overwrite")["records"]["deals"] >= len(acknowledged)
    assert not list(tmp_path.glob("*.partial"))


def test_serve_takes_scheduled_backups_and_keeps_the_newest(config: Path, tmp_path: Path) -> None:
    data, backups = tmp_path / "data", tmp_path / "backups"
    schedule = ("--backup-dir", str(backups), "--backup-every", "1s", "--backup-keep", "2")
    with exporting(config, data, *schedule) as exporter:
        ready(exporter, data)
        assert send(exporter, [won(1), won(2)])[0] == 200
        until(lambda: len(names := sorted(backups.glob("*.backup"))) == 2 and ids_in(names[-1]) == {"1", "2"})
        first = min(backups.glob("*.backup"))
        until(lambda: not first.exists())
        assert (exporter.value("kpi_exporter_backup_last_success_timestamp_seconds") or 0) > 0
        assert exporter.value("kpi_exporter_backup_last_failure_timestamp_seconds") is None
        assert exporter.end()[0] == 0
