"""A push source that leaves the config of the installed program, and comes back under another name."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.command_line import RunCli, cli_runner
from tests.exporter_process import Exporter, exporting
from tests.shop import CONFIG, REVENUE, TOKEN, send, today, won
from tests.waiting import until
from tests.web.live_server import get

OTHER = CONFIG.replace("name: shop", "name: desk")
KEPT = 'kpi_exporter_removed_source_records{entity="deals",removed_source="shop"}'


@pytest.fixture
def run_cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunCli:
    return cli_runner(monkeypatch, capsys)


def reload(exporter: Exporter, config: Path, text: str) -> None:
    config.write_text(text)
    exporter.process.send_signal(signal.SIGHUP)


def test_records_of_a_removed_source_wait_for_it_until_they_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_cli: RunCli
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    config, data = tmp_path / "kpis.yaml", tmp_path / "data"
    config.write_text(CONFIG)
    with exporting(config, data) as exporter:
        until(lambda: send(exporter, [won(1, 100, closed_at=today())])[0] == 200)
        until(lambda: exporter.value(REVENUE) == 100)
        reload(exporter, config, OTHER)
        until(lambda: exporter.value(KEPT) == 1)
        until(lambda: send(exporter, [won(2, 7, closed_at=today())], "/push/desk/deals")[0] == 200)
        until(lambda: exporter.value(REVENUE) == 7)
        page = get(exporter.port, "/")[2].decode()
        assert "1 records of shop, a push source that the config no longer has, are kept" in page
        refused = run_cli("forget", "--source", "desk", "-d", data)
        assert (refused.code, "only of shop" in refused.err) == (2, True)
        reload(exporter, config, OTHER.replace("name: desk,", "name: desk, renamed_from: [shop],"))
        until(lambda: exporter.value(REVENUE) == 107)
        assert exporter.value(KEPT) is None
        reload(exporter, config, CONFIG)
        until(lambda: exporter.value(KEPT.replace("shop", "desk")) == 2)
        forgotten = run_cli("forget", "--source", "desk", "-d", data)
        assert (forgotten.code, forgotten.out) == (0, "2 records of desk were deleted\n")
        assert exporter.value(KEPT.replace("shop", "desk")) is None
        assert exporter.end()[0] == 0
    again = run_cli("forget", "--source", "desk", "-d", data)
    assert (again.code, "of no removed source" in again.err) == (2, True)


def test_check_names_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_cli: RunCli) -> None:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    config, data = tmp_path / "kpis.yaml", tmp_path / "data"
    config.write_text(CONFIG)
    with exporting(config, data) as exporter:
        until(lambda: send(exporter, [won(1, 100, closed_at=today())])[0] == 200)
        reload(exporter, config, OTHER)
        until(lambda: exporter.value(KEPT) == 1)
        exporter.end()
    done = run_cli("check", "--config", config, "--data-dir", data)
    assert "note: 1 records of shop, a push source that the config no longer has, are kept" in done.out
