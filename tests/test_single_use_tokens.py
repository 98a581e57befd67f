"""A vendor whose refresh tokens are valid once, and several processes that use the same data directory."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.exporter_process import COMMAND, exporting
from tests.fakes.raw import served
from tests.processes import completed
from tests.single_use_tokens import Vendor, company
from tests.waiting import until

UP = 'kpi_exporter_source_up{source="crm"}'


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIENT", "hush-hush")
    monkeypatch.setenv("REFRESH", "refresh-0")


def check(config: Path, *options: object, cwd: Path) -> tuple[int, str]:
    done = completed([COMMAND, "check", "--config", config, "--sources", *options], text=True, cwd=cwd)
    return done.returncode, done.stdout


def test_serve_and_check_share_single_use_tokens_and_neither_is_locked_out(tmp_path: Path) -> None:
    vendor, data = Vendor(), tmp_path / "data"
    with served(vendor.script) as server:
        config = company(tmp_path / "company", server.port)
        with exporting(config, data) as exporter:
            until(lambda: exporter.value(UP) == 1)
            for _ in range(3):
                before = vendor.uses
                code, output = check(config, "--data-dir", data, cwd=tmp_path)
                assert (code, "yes" in output) == (0, True), output
                assert vendor.uses > before
            after = vendor.uses
            until(lambda: vendor.uses > after + 1 or vendor.is_locked)
            assert exporter.value(UP) == 1
        assert not vendor.is_locked
        assert completed([COMMAND, "sync", "--once", "--config", config, "--data-dir", data]).returncode == 0
    assert not vendor.is_locked
    token = data / "crm.refresh-token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert f"refresh-{vendor.uses}" in token.read_text()


def test_a_lost_answer_is_told_with_the_cure_and_a_new_token_ends_it(tmp_path: Path) -> None:
    vendor, data, secret = Vendor(loses_answers=True), tmp_path / "data", tmp_path / "refresh"
    with served(vendor.script) as server:
        config = company(tmp_path / "company", server.port)
        secret.write_text("refresh-0")
        config.write_text(config.read_text().replace('{"env": "REFRESH"}', f'{{"file": "{secret}"}}'))
        once = [COMMAND, "sync", "--once", "--config", config, "--data-dir", data]
        first = completed(once, text=True)
        assert (first.returncode, vendor.uses) == (4, 1)
        assert "the answer to a request with a refresh token was lost" in first.stderr
        vendor.loses_answers = False
        code, output = check(config, "--data-dir", data, cwd=tmp_path)
        assert (code, vendor.is_locked) == (4, True)
        assert "Authorise the exporter at the vendor again" in " ".join(output.replace("│", " ").split())
        secret.write_text("refresh-1")
        vendor.is_locked = False
        assert completed(once).returncode == 0
    assert not vendor.is_locked
    assert list(data.glob("*.attempt")) == []


def test_check_without_the_data_directory_spends_nothing_and_says_so(tmp_path: Path) -> None:
    vendor = Vendor()
    (tmp_path / "here").mkdir()
    with served(vendor.script) as server:
        config = company(tmp_path / "company", server.port)
        for options in ((), ("--data-dir", tmp_path / "nowhere")):
            code, output = check(config, *options, cwd=tmp_path / "here")
            assert code == 4
            assert "--data-dir" in " ".join(output.split())
    assert vendor.uses == 0
    assert list((tmp_path / "here").iterdir()) == []
    assert not (tmp_path / "nowhere").exists()
