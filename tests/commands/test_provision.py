"""`provision` prepares a stack before it starts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from exporter.commands import provision
from exporter.config.loader import load
from exporter.store.store import Store
from tests import small_company
from tests.command_line import RunCli

NOW = datetime(2025, 11, 19, 14, 30, tzinfo=UTC)


@pytest.fixture
def reloads() -> Iterator[tuple[str, list[str]]]:
    """A reload URL, and the paths that were posted to it."""
    posted: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/-/reload", posted
    server.shutdown()
    thread.join()
    server.server_close()


def arguments(company: Path, tmp_path: Path) -> list[object]:
    paths = {"--out": "generated", "--data-dir": "data", "--history": "past/history.om"}
    return [
        "provision",
        "--config",
        company,
        *(word for name, path in paths.items() for word in (name, tmp_path / path)),
    ]


def test_provisioning_again_updates_the_files_while_the_exporter_runs(
    run_cli: RunCli, company: Path, tmp_path: Path, reloads: tuple[str, list[str]]
) -> None:
    url, posted = reloads
    first = run_cli(*arguments(company, tmp_path), "--reload", "http://127.0.0.1:1/-/reload")
    assert first.code == 0
    assert "was not reloaded" in first.err
    history = (tmp_path / "past/history.om").read_bytes()
    assert b'kpi_value{kpi="yearly_revenue"}' in history
    rules = tmp_path / "generated/prometheus/rules/kpi-alerts.yml"
    assert "yearly_revenue" in rules.read_text()
    company.write_text(small_company.CONFIG + small_company.SECOND_KPI)
    running = Store.open(tmp_path / "data")
    try:
        second = run_cli(*arguments(company, tmp_path), "--reload", url)
    finally:
        running.close()
    assert (second.code, second.err) == (0, "")
    assert posted == ["/-/reload"]
    assert (tmp_path / "past/history.om").read_bytes() == history
    assert "yearly_deals" in rules.read_text()


def test_an_invalid_config_changes_nothing_and_every_problem_is_reported(
    run_cli: RunCli, company: Path, tmp_path: Path
) -> None:
    company.write_text(
        small_company.CONFIG.replace("target: 1000", "target: lots").replace("period: year", "period: x")
    )
    done = run_cli(*arguments(company, tmp_path))
    assert done.code == 2
    assert done.err.count("error:") == 2
    assert not (tmp_path / "generated").exists()


def test_invalid_options_are_rejected(run_cli: RunCli, company: Path, tmp_path: Path) -> None:
    assert run_cli(*arguments(company, tmp_path), "--reload", "file:///etc/passwd").code == 2
    assert run_cli(*arguments(company, tmp_path), "--wait", "a while").code == 2
    assert not (tmp_path / "generated").exists()


def test_without_any_readable_source_there_is_no_history(run_cli: RunCli, company: Path, tmp_path: Path) -> None:
    (company.parent / "deals.csv").write_text("wrong\n1\n")
    (company.parent / "people.csv").write_text("wrong\n1\n")
    done = run_cli(*arguments(company, tmp_path), "--wait", "0s")
    assert done.code == 4
    assert not (tmp_path / "past/history.om").exists()


def test_one_failing_source_does_not_prevent_the_history_of_the_others(
    run_cli: RunCli, company: Path, tmp_path: Path
) -> None:
    (company.parent / "people.csv").write_text("wrong\n1\n")
    done = run_cli(*arguments(company, tmp_path), "--wait", "0s")
    assert done.code == 0
    assert "without hr" in done.err
    assert "kpi_value" in (tmp_path / "past/history.om").read_text()


def test_a_source_that_is_still_starting_is_retried(company: Path, tmp_path: Path) -> None:
    people, slept = company.parent / "people.csv", []
    good = people.read_text()
    people.write_text("wrong\n1\n")
    config, store = load(company, {}).config, Store.open(tmp_path / "data")

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            people.write_text(good)

    def clock() -> datetime:
        return NOW + timedelta(seconds=sum(slept))

    try:
        wait = timedelta(minutes=1)
        assert provision.read_all(config, store, tmp_path / "data", wait, clock=clock, sleep=sleep) == ()
        assert len(slept) == 2
        people.write_text("wrong\n1\n")
        assert provision.read_all(config, store, tmp_path / "data", wait, clock=clock, sleep=sleep) == ()
        assert len(slept) == 2, "a source that was read completely is not read again"
    finally:
        store.close()


def test_retries_end_after_the_wait(company: Path, tmp_path: Path) -> None:
    (company.parent / "people.csv").write_text("wrong\n1\n")
    slept = [0.0]
    config, store = load(company, {}).config, Store.open(tmp_path / "data")
    try:
        unread = provision.read_all(
            config,
            store,
            tmp_path / "data",
            timedelta(seconds=12),
            clock=lambda: NOW + timedelta(seconds=sum(slept)),
            sleep=slept.append,
        )
    finally:
        store.close()
    assert unread == ("hr",)
    assert slept == [0.0, *[provision.RETRY_INTERVAL] * 3]


def test_sources_that_receive_posts_are_not_waited_for(
    company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_cli: RunCli
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "a-token-that-nobody-guesses")
    crm, _, rest = small_company.CONFIG.partition("metrics:")
    shop = "  - {name: shop, provider: push, token: {env: SHOP_TOKEN}, entities: [deals, people]}\n"
    company.write_text(f"{crm}{shop}metrics:{rest}")
    assert run_cli(*arguments(company, tmp_path)).code == 0
    company.write_text(f"{crm.partition('  - name: crm')[0]}{shop}metrics:{rest}")
    (tmp_path / "past/history.om").unlink()
    done = run_cli(*arguments(company, tmp_path))
    assert done.code == 0, done.err
    assert (tmp_path / "past/history.om").exists()
