"""A vendor whose refresh tokens are valid once, and several processes that use the same data directory."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from tests.exporter_process import COMMAND, exporting
from tests.fakes.raw import RawRequest, json_response, served
from tests.processes import completed
from tests.small_company import rewritten
from tests.this_year import recent
from tests.waiting import until

UP = 'kpi_exporter_source_up{source="crm"}'


@dataclass
class Vendor:
    """Issues access tokens for `lifetime` seconds. A refresh token that is used again locks the account for good."""

    lifetime: int = 1
    uses: int = 0
    is_locked: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def script(self, request: RawRequest) -> Iterable[bytes]:
        if request.path == "/token":
            return [self._issue(request.form["refresh_token"])]
        if self.is_locked or request.headers["authorization"] != f"Bearer access-{self.uses}":
            return [json_response({}, 401)]
        row = {"id": "1", "amount": 5, "closed": recent(timedelta(minutes=1)).isoformat()}
        return [json_response({"data": [row]})]

    def _issue(self, refresh_token: str) -> bytes:
        with self.lock:
            self.is_locked |= refresh_token != f"refresh-{self.uses}"
            if self.is_locked:
                return json_response({"error": "invalid_grant"}, 400)
            self.uses += 1
            tokens = {"access_token": f"access-{self.uses}", "refresh_token": f"refresh-{self.uses}"}
            return json_response({**tokens, "expires_in": self.lifetime})


def company(folder: Path, port: int) -> Path:
    columns = {"id": "id", "amount": "amount", "closed_at": "closed", "status": {"value": "won"}}
    oauth = {
        "client_id": "app",
        "client_secret": {"env": "CLIENT"},
        "refresh_token": {"env": "REFRESH"},
        "token_url": f"http://127.0.0.1:{port}/token",
    }
    source = {
        "name": "crm",
        "provider": "rest",
        "base_url": f"http://127.0.0.1:{port}",
        "allow_insecure": True,
        "allow_private": True,
        "sync_every": "1s",
        "auth": {"oauth": oauth},
        "entities": [{"entity": "deals", "path": "/rows", "records": "data", "columns": columns}],
    }
    return rewritten(folder, [source])


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
