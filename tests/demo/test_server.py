"""The company's APIs on a port: in a thread, and in a process of their own."""

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
from exporter.demo.__main__ import run
from exporter.demo.server import API_ID, PORT, TOKEN, DemoOptions, launch, main, serve
from exporter.errors import StartError
from tests.demo.tiny_company import ManualClock

pytestmark = pytest.mark.usefixtures("young")

SHORT = DemoOptions(seed=7, months=0)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_both_vendors_are_served_at_one_address() -> None:
    running = serve(ManualClock(), port=0, options=SHORT)
    try:
        with httpx.Client(base_url=running.url, headers={"authorization": f"Bearer {TOKEN}"}) as client:
            deals = client.get("/hubspot/crm/objects/2026-03/deals").json()["results"]
            calls = client.get("/aircall/v1/calls", auth=(API_ID, TOKEN)).json()
            assert client.get("/-/healthy", headers={"authorization": ""}).status_code == 200
    finally:
        running.close()
    assert len(deals) == 10
    assert calls["meta"]["total"] > 1000
    with pytest.raises(httpx.ConnectError):
        httpx.get(running.url)


def test_a_process_of_its_own_serves_and_ends_with_its_owner() -> None:
    running = launch(port=0, options=SHORT)
    try:
        answer = httpx.get(f"{running.url}/hubspot/crm/v3/owners", headers={"authorization": f"Bearer {TOKEN}"})
        assert len(answer.json()["results"]) == 41
    finally:
        running.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(running.url)


def test_a_taken_port_is_said_at_once(taken: int) -> None:
    with pytest.raises(StartError, match=str(taken)):
        serve(ManualClock(), port=taken, options=SHORT)


def test_a_process_that_cannot_start_says_so(taken: int, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StartError, match=str(taken)):
        launch(port=taken, options=SHORT)
    assert "Traceback" not in capfd.readouterr().err


def test_attached_it_ends_with_the_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO()))
    before = signal.getsignal(signal.SIGTERM)
    assert run(["--listen", "127.0.0.1:0", "--months", "0", "--attached"]) == 0
    assert capsys.readouterr().out.startswith("http://127.0.0.1:")
    assert signal.getsignal(signal.SIGTERM) is before
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_alone_it_ends_when_terminated(monkeypatch: pytest.MonkeyPatch) -> None:
    class Waiting(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            signal.raise_signal(signal.SIGTERM)
            return super().wait(timeout)

    monkeypatch.setattr(server, "threading", SimpleNamespace(Event=Waiting, Thread=threading.Thread))
    main(port=0, options=SHORT)


def test_the_command_says_what_is_wrong(taken: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--listen", f"127.0.0.1:{taken}", "--months", "0"]) == 1
    assert str(taken) in capsys.readouterr().err


def test_the_demos_config_has_its_address_and_its_key() -> None:
    config = Path(__file__).parents[2] / "config"
    text = (config / "kpis.yaml").read_text(encoding="utf-8")
    assert f"http://127.0.0.1:{PORT}/hubspot" in text
    assert f"http://127.0.0.1:{PORT}/aircall/v1" in text
    assert (config / "demo-token").read_text(encoding="utf-8").strip() == TOKEN
