"""The one-shot before a stack starts."""

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
from tests.command_line import Typed, typist


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    return typist(monkeypatch, capsys)


@pytest.fixture
def reloads() -> Iterator[tuple[str, list[str]]]:
    """An address that may be asked to reload, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/-/reload", asked
    server.shutdown()
    thread.join()
    server.server_close()


def words(company: Path, tmp_path: Path) -> list[object]:
    places = {"--out": "generated", "--data-dir": "data", "--history": "past/history.om"}
    return ["provision", "--config", company, *(w for name, at in places.items() for w in (name, tmp_path / at))]


def test_twice_is_as_good_as_once_also_while_the_exporter_runs(
    typed: Typed, company: Path, tmp_path: Path, reloads: tuple[str, list[str]]
) -> None:
    url, asked = reloads
    once = typed(*words(company, tmp_path), "--reload", "http://127.0.0.1:1/-/reload")
    assert once.code == 0
    assert "was not reloaded" in once.err
    history = (tmp_path / "past/history.om").read_bytes()
    assert b'kpi_value{kpi="yearly_revenue"}' in history
    rules = tmp_path / "generated/prometheus/rules/kpi-alerts.yml"
    assert "yearly_revenue" in rules.read_text()
    company.write_text(small_company.CONFIG + small_company.SECOND_KPI)
    running = Store.open(tmp_path / "data")
    try:
        again = typed(*words(company, tmp_path), "--reload", url)
    finally:
        running.close()
    assert (again.code, again.err) == (0, "")
    assert asked == ["/-/reload"]
    assert (tmp_path / "past/history.om").read_bytes() == history
    assert "yearly_deals" in rules.read_text()


def test_a_bad_config_changes_nothing_and_every_problem_is_told(typed: Typed, company: Path, tmp_path: Path) -> None:
    company.write_text(
        small_company.CONFIG.replace("target: 1000", "target: lots").replace("period: year", "period: x")
    )
    done = typed(*words(company, tmp_path))
    assert done.code == 2
    assert done.err.count("error:") == 2
    assert not (tmp_path / "generated").exists()


def test_what_is_no_address_is_refused(typed: Typed, company: Path, tmp_path: Path) -> None:
    assert typed(*words(company, tmp_path), "--reload", "file:///etc/passwd").code == 2
    assert typed(*words(company, tmp_path), "--wait", "a while").code == 2
    assert not (tmp_path / "generated").exists()


def test_where_no_source_answers_there_is_no_history_to_write(typed: Typed, company: Path, tmp_path: Path) -> None:
    (company.parent / "deals.csv").write_text("wrong\n1\n")
    (company.parent / "people.csv").write_text("wrong\n1\n")
    done = typed(*words(company, tmp_path), "--wait", "0s")
    assert done.code == 4
    assert not (tmp_path / "past/history.om").exists()


def test_one_source_that_stays_away_does_not_keep_the_rest(typed: Typed, company: Path, tmp_path: Path) -> None:
    (company.parent / "people.csv").write_text("wrong\n1\n")
    done = typed(*words(company, tmp_path), "--wait", "0s")
    assert done.code == 0
    assert "without hr" in done.err
    assert "kpi_value" in (tmp_path / "past/history.om").read_text()


def test_a_source_that_is_still_starting_is_waited_for(company: Path, tmp_path: Path) -> None:
    people, now, slept = company.parent / "people.csv", datetime.now(UTC), []
    good = people.read_text()
    people.write_text("wrong\n1\n")
    config, store = load(company, {}).config, Store.open(tmp_path / "data")

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            people.write_text(good)

    def clock() -> datetime:
        return now + timedelta(seconds=sum(slept))

    try:
        wait = timedelta(minutes=1)
        assert provision.read_all(config, store, tmp_path / "data", wait, clock=clock, sleep=sleep) == ()
        assert len(slept) == 2
        people.write_text("wrong\n1\n")
        assert provision.read_all(config, store, tmp_path / "data", wait, clock=clock, sleep=sleep) == ()
        assert len(slept) == 2, "what was read whole is not read again"
    finally:
        store.close()


def test_waiting_has_an_end(company: Path, tmp_path: Path) -> None:
    (company.parent / "people.csv").write_text("wrong\n1\n")
    now, slept = datetime.now(UTC), [0.0]
    config, store = load(company, {}).config, Store.open(tmp_path / "data")
    try:
        unread = provision.read_all(
            config,
            store,
            tmp_path / "data",
            timedelta(seconds=12),
            clock=lambda: now + timedelta(seconds=sum(slept)),
            sleep=slept.append,
        )
    finally:
        store.close()
    assert unread == ("hr",)
    assert slept == [0.0, *[provision.AGAIN_AFTER] * 3]


def test_sources_that_wait_for_posts_are_not_waited_for(
    company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: Typed
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "a-token-that-nobody-guesses")
    crm, _, rest = small_company.CONFIG.partition("metrics:")
    shop = "  - {name: shop, provider: push, token: {env: SHOP_TOKEN}, entities: [deals, people]}\n"
    company.write_text(f"{crm}{shop}metrics:{rest}")
    assert typed(*words(company, tmp_path)).code == 0
    company.write_text(f"{crm.partition('  - name: crm')[0]}{shop}metrics:{rest}")
    (tmp_path / "past/history.om").unlink()
    done = typed(*words(company, tmp_path))
    assert done.code == 0, done.err
    assert (tmp_path / "past/history.om").exists()
