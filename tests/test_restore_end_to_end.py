"""Restores by the installed program, while it serves and posts arrive, and after it was killed."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.exporter_process import Exporter, exporting
from tests.senders import sending
from tests.shop import CONFIG, REVENUE, TOKEN, kept_in, send, today, won
from tests.test_backup_end_to_end import backed_up, command, ready
from tests.waiting import until
from tests.web.live_server import get

HR_READ = 'kpi_exporter_source_last_success_timestamp_seconds{entity="people",source="hr"}'


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    path = tmp_path / "kpis.yaml"
    path.write_text(CONFIG)
    return path


def scraping(exporter: Exporter, statuses: set[int], stop: Event) -> Thread:
    def scrape() -> None:
        while not stop.is_set():
            statuses.add(get(exporter.port, "/metrics")[0])

    thread = Thread(target=scrape)
    thread.start()
    return thread


def test_a_running_process_restores_while_scrapes_are_answered(config: Path, tmp_path: Path) -> None:
    data, out, statuses, stop = tmp_path / "data", tmp_path / "kpi.backup", set[int](), Event()
    with exporting(config, data) as exporter:
        ready(exporter, data)
        assert send(exporter, [won("a", 100, closed_at=today())])[0] == 200
        backed_up(data, out)
        assert send(exporter, [won("b", 50, closed_at=today())])[0] == 200
        until(lambda: exporter.value(REVENUE) == 150)
        scrapes = scraping(exporter, statuses, stop)
        with sending(exporter, 0, 2) as senders:
            until(lambda: senders.acknowledged)
            code, output, message = command("restore", out, "--data-dir", data)
            assert code == 0, message
            assert "records: 1 deals" in output
            assert f"the former store is {data}/kpi.duckdb.former-1" in output
            until(lambda: send(exporter, won("c", 7, closed_at=today()))[0] == 200)
            until(lambda: exporter.value(REVENUE) == 107)
        stop.set()
        scrapes.join()
        assert statuses == {200}
        assert senders.statuses <= {200, 503}
        assert exporter.end()[0] == 0
    assert {"a", "c"} <= set(kept_in(data))
    assert "b" not in kept_in(data)


def test_what_cannot_be_restored_is_refused_and_the_process_goes_on(config: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (tmp_path / "text").write_text("hello, I am not a backup")
    with exporting(config, data) as exporter:
        ready(exporter, data)
        assert send(exporter, [won("a", 100, closed_at=today())])[0] == 200
        for file, reason in (
            (tmp_path / "text", "is not a database of this program"),
            (tmp_path / "none", "is not a file"),
            (data / "kpi.duckdb", "is the store in use"),
        ):
            code, _, message = command("restore", file, "--data-dir", data)
            assert code == 3
            assert reason in message
        until(lambda: exporter.value(REVENUE) == 100)


def test_kills_during_restores_leave_the_former_or_the_restored_store(config: Path, tmp_path: Path) -> None:
    rng, data, out = random.Random(7), tmp_path / "data", tmp_path / "kpi.backup"
    with exporting(config, data) as exporter:
        ready(exporter, data)
        send(exporter, [won(number, closed_at=today()) for number in range(300)])
        backed_up(data, out)
        send(exporter, [won(number, closed_at=today()) for number in range(300, 500)])
        exporter.end()
    states = set[int]()
    for _ in range(6):
        with exporting(config, data) as exporter:
            ready(exporter, data)
            restoring = Thread(target=command, args=("restore", out, "--data-dir", data))
            restoring.start()
            until(lambda: list(data.glob("*.resto*")) or not restoring.is_alive())  # noqa: B023
            time.sleep(rng.uniform(0, 0.15))
            exporter.end(signal.SIGKILL)
            restoring.join()
        states.add(len(kept_in(data)))
        assert not list(data.glob("*.damaged-*"))
    assert states <= {300, 500}
    assert command("restore", out, "--data-dir", data)[0] == 0
    assert len(kept_in(data)) == 300


def test_reading_and_posts_go_on_after_a_restore_into_a_process_whose_store_was_damaged(
    tmp_path: Path, config: Path
) -> None:
    """With a push source the default is to fail: everything stops, and the process stays for the operator."""
    data, out = tmp_path / "data", tmp_path / "kpi.backup"
    people = "  - {name: hr, provider: csv, path: people.csv, entity: people, sync_every: 1s, columns: {id: id, name: name}}\n"
    config.write_text(CONFIG.replace("sources:\n", f"sources:\n{people}", 1))
    (tmp_path / "people.csv").write_text("id,name\n1,Ada\n")
    with (tmp_path / "log").open("wb") as log, exporting(config, data, log=log.fileno()) as exporter:
        ready(exporter, data)
        assert send(exporter, [won("a", 100, closed_at=today())])[0] == 200
        until(lambda: exporter.value(HR_READ) is not None)
        backed_up(data, out)
        (data / "kpi.duckdb").unlink()
        until(lambda: exporter.value("kpi_exporter_store_up") == 0)
        until(lambda: "syncing stopped" in (tmp_path / "log").read_text())
        assert send(exporter, [won("b", 50, closed_at=today())])[0] == 503
        code, _, message = command("restore", out, "--data-dir", data)
        assert code == 0, message
        until(lambda: exporter.value(REVENUE) == 100)
        before = exporter.value(HR_READ) or 0
        (tmp_path / "people.csv").write_text("id,name\n1,Ada\n2,Bob\n")
        until(lambda: (exporter.value(HR_READ) or 0) > before)
        until(lambda: exporter.value("kpi_exporter_store_up") == 1)
        assert send(exporter, [won("b", 50, closed_at=today())])[0] == 200
        until(lambda: exporter.value(REVENUE) == 150)
        assert exporter.end()[0] == 0
    assert {"a", "b"} <= set(kept_in(data))
