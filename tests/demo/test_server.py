"""The fake APIs on a port: in a thread, and in a separate process."""

from __future__ import annotations

import gc
import io
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from exporter.demo import server
from exporter.demo.server import API_ID, PORT, TOKEN, DemoOptions, launch, main, run_attached, serve
from exporter.errors import StartError
from tests.demo.tiny_company import ManualClock

pytestmark = pytest.mark.usefixtures("young")

SHORT = DemoOptions(seed=7, months=0)


@pytest.fixture
def port_in_use() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_both_vendors_are_served_at_one_address() -> None:
    demo = serve(ManualClock(), port=0, options=SHORT)
    try:
        with httpx.Client(base_url=demo.url, headers={"authorization": f"Bearer {TOKEN}"}) as client:
            deals = client.get("/hubspot/crm/objects/2026-03/deals").json()["results"]
            calls = client.get("/aircall/v1/calls", auth=(API_ID, TOKEN)).json()
            assert client.get("/-/healthy", headers={"authorization": ""}).status_code == 200
    finally:
        demo.close()
    assert len(deals) == 10
    assert calls["meta"]["total"] > 1000
    with pytest.raises(httpx.ConnectError):
        httpx.get(demo.url)


def test_a_launched_process_serves_and_ends_with_its_parent() -> None:
    demo = launch(port=0, options=SHORT)
    try:
        response = httpx.get(f"{demo.url}/hubspot/crm/v3/owners", headers={"authorization": f"Bearer {TOKEN}"})
        assert len(response.json()["results"]) == 41
    finally:
        demo.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(demo.url)


def test_a_port_in_use_is_reported_at_once(port_in_use: int) -> None:
    with pytest.raises(StartError, match=str(port_in_use)):
        serve(ManualClock(), port=port_in_use, options=SHORT)


def test_a_launched_process_reports_that_it_cannot_start(port_in_use: int, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StartError, match=str(port_in_use)):
        launch(port=port_in_use, options=SHORT)
    assert "Traceback" not in capfd.readouterr().err


def test_attached_it_stops_when_standard_input_is_closed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO()))
    before = signal.getsignal(signal.SIGTERM)
    assert run_attached("127.0.0.1", "0", "7", "0") == 0
    assert capsys.readouterr().out.startswith("http://127.0.0.1:")
    assert signal.getsignal(signal.SIGTERM) is before
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_unattached_it_stops_on_sigterm(monkeypatch: pytest.MonkeyPatch) -> None:
    class Waiting(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            signal.raise_signal(signal.SIGTERM)
            return super().wait(timeout)

    monkeypatch.setattr(server, "threading", SimpleNamespace(Event=Waiting, Thread=threading.Thread))
    main(port=0, options=SHORT)


def test_the_launched_process_prints_the_error(port_in_use: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_attached("127.0.0.1", str(port_in_use), "7", "0") == 1
    assert str(port_in_use) in capsys.readouterr().err


def test_the_demo_config_has_the_addresses_and_the_token_of_the_fake_apis() -> None:
    config = Path(__file__).parents[2] / "config"
    text = (config / "kpis.yaml").read_text(encoding="utf-8")
    assert f"http://127.0.0.1:{PORT}/hubspot" in text
    assert f"http://127.0.0.1:{PORT}/aircall/v1" in text
    assert (config / "demo-token").read_text(encoding="utf-8").strip() == TOKEN
