"""A person whose name is an attack, through every command, the log and the status page in a real browser."""

from __future__ import annotations

import csv
import json
import logging
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exporter.config.loader import load
from exporter.ledger.keeper import LedgerKeeper
from exporter.logs import configure
from exporter.store.store import Store
from tests import small_company
from tests.command_line import CliResult, RunCli
from tests.evaluation.records import ADA, deal, put
from tests.exporter_process import exporting
from tests.processes import completed
from tests.programs import program
from tests.waiting import until

NAME = (
    "Ada\x1b[2J\x1b]0;owned\x07\x9b31m\u202eevil\u2066\r\nforged row  99999 [red]no[/red] {{7*7}}"
    '</style><script>document.title="owned"</script><img src=x onerror="document.title=1">'
)
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]")


@pytest.fixture
def company(tmp_path: Path) -> Path:
    config = small_company.CONFIG + "privacy: {people: included}\n"
    path = small_company.write(tmp_path / "company", config)
    with (path.parent / "people.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("id", "name", "team"), ("ada", NAME, f"North {NAME[3:40]}")])
    return path


def harmless(done: CliResult) -> str:
    """Everything a command printed, after a look for what would drive a terminal."""
    printed = done.out + done.err
    assert FORBIDDEN.search(printed) is None
    return printed


@pytest.mark.usefixtures("logging_as_before")
def test_values_and_sync_show_the_name_on_one_line(
    run_cli: RunCli, company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "600")
    options = ["-c", company, "-d", tmp_path / "data"]
    harmless(run_cli("sync", "--once", *options))
    harmless(run_cli("sync", "--once", "--format", "json", *options))
    table = harmless(run_cli("values", "--scope", "all", *options))
    row = next(line for line in table.splitlines() if "forged row" in line)
    assert "\ufffd[2J\ufffd]0;owned" in row
    assert any("[red]no[/red]" in line for line in table.splitlines())
    listed = json.loads(harmless(run_cli("values", "--scope", "person", "--format", "json", *options)))
    assert listed["kpis"][0]["person"].startswith("Ada")
    exposition = run_cli("values", "--scope", "all", "--format", "openmetrics", *options).out
    assert re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", exposition) is None  # labels keep directions, they are data


@pytest.mark.usefixtures("logging_as_before")
def test_check_reports_names_on_one_line(run_cli: RunCli, company: Path, tmp_path: Path) -> None:
    run_cli("sync", "--once", "-c", company, "-d", tmp_path / "data")
    text = company.read_text().replace("target: 1000", 'target: [{value: 9}, {value: 1, person: "Ad\\e[2Ja\\u202e"}]')
    company.write_text(text.replace("title: Revenue,", 'title: "Rev\\x9b31menue",'))
    harmless(run_cli("check", "-c", company, "-d", tmp_path / "data", "--sources"))
    company.write_text(text + '"new\\e]0;key\\a\\u202e": 1\n')
    harmless(run_cli("check", "-c", company))
    harmless(run_cli("values", "-c", company, "-d", tmp_path / "data"))


@pytest.mark.usefixtures("logging_as_before")
def test_the_ledger_shows_names_on_one_line(run_cli: RunCli, company: Path, tmp_path: Path) -> None:
    company.write_text(company.read_text().replace("period: year", "period: month"))
    store = Store.open(tmp_path / "ledger")
    keeper = LedgerKeeper(load(company, {}).config, store)
    settled = datetime(2025, 11, 5, 23, tzinfo=UTC)
    person = replace(ADA, name=NAME)
    for at, amount in ((settled, 400), (settled + timedelta(hours=3), 300)):
        put(store, "hr", "people", [person], at)
        put(store, "crm", "deals", [deal(1, amount, datetime(2025, 10, 10, tzinfo=UTC))], at)
        keeper.update(at)
    store.close()
    options = ["-c", company, "-d", tmp_path / "ledger", "--all", "--scope", "all"]
    assert "Ada" in harmless(run_cli("ledger", *options))
    assert json.loads(harmless(run_cli("ledger", "--json", *options)))


@pytest.mark.usefixtures("logging_as_before")
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_log_lines_and_tracebacks_contain_no_control_characters(
    log_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = configure(log_format, "info")
    try:
        raise ValueError(NAME)
    except ValueError:
        logging.getLogger("exporter").exception("record of %s", NAME, extra={"owner": NAME})
    logs.handler.close()
    assert FORBIDDEN.search(capsys.readouterr().err) is None


def test_the_page_shows_the_name_and_runs_nothing(company: Path, tmp_path: Path) -> None:
    with exporting(company, tmp_path / "data") as exporter:
        until(lambda: exporter.value('kpi_value{kpi="yearly_revenue"}'))
        address = f"http://127.0.0.1:{exporter.port}/"
        flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'browser'}"]
        done = completed([program("chromium"), *flags, "--dump-dom", address])
    dom = done.stdout.decode()
    assert "<title>Small · KPIs</title>" in dom
    assert "forged row" in dom
    assert "<script" not in dom
    assert "<img" not in dom
    assert FORBIDDEN.search(dom) is None
