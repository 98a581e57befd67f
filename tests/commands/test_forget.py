"""`forget --person` and `privacy`, beside a running `serve` and without one."""

from __future__ import annotations

import json
from pathlib import Path

from tests import small_company
from tests.command_line import RunCli
from tests.exporter_process import exporting
from tests.waiting import until

ADA = 'person_kpi_value{kpi="yearly_revenue",person="Ada Lovelace",team="North"}'
TEAM = 'team_kpi_value{kpi="yearly_revenue",team="North"}'


def test_a_person_is_forgotten_while_serve_runs(run_cli: RunCli, tmp_path: Path) -> None:
    config, data = small_company.write(tmp_path / "company"), tmp_path / "data"
    with exporting(config, data) as exporter:
        until(lambda: exporter.value(ADA) == 700)
        refused = run_cli("forget", "--person", "Nobody", "--config", config, "--data-dir", data)
        assert (refused.code, "nobody is known" in refused.err) == (2, True)
        done = run_cli("forget", "--person", "Ada Lovelace", "--config", config, "--data-dir", data, "--json")
        assert done.code == 0, done.err
        token = json.loads(done.out)["token"]
        until(lambda: exporter.value(ADA.replace("Ada Lovelace", token)) == 700)
        assert exporter.value(ADA) is None
        assert exporter.value(TEAM) == 700
        assert exporter.end()[0] == 0
    traces = [path.name for path in data.iterdir() if path.is_file() and b"Ada Lovelace" in path.read_bytes()]
    assert traces == []


def test_without_serve_the_command_does_it_itself(run_cli: RunCli, company: Path, data: Path) -> None:
    assert run_cli("sync", "--once", "-c", company, "-d", data).code == 0
    done = run_cli("forget", "--person", "ada", "-c", company, "-d", data)
    assert done.code == 0, done.err
    assert "Ada" not in done.out
    assert "is called forgotten-" in done.out
    values = run_cli("values", "-c", company, "-d", data, "--scope", "all", "--no-sync").out
    assert "Ada" not in values
    assert "forgotten-" in values


def test_what_to_forget_must_be_said(run_cli: RunCli, company: Path, data: Path) -> None:
    assert run_cli("forget", "-c", company, "-d", data).code == 2
    assert run_cli("forget", "--person", "a", "--source", "b", "-c", company, "-d", data).code == 2


def test_privacy_is_told_as_text_and_as_json(run_cli: RunCli, company: Path) -> None:
    text = run_cli("privacy", "-c", company)
    assert (text.code, "labels team and person on /metrics" in text.out) == (0, True)
    topics = {note["topic"] for note in json.loads(run_cli("privacy", "-c", company, "--json").out)}
    assert topics >= {"source crm", "source hr", "store", "series", "ledger", "backups", "on request"}
