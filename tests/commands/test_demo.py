"""`demo`: its company, companions, config and history."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from threading import Event, Timer
from typing import Any, cast

import pytest

from exporter.commands import demo
from exporter.commands.demo import write_history
from exporter.config.root import Config
from exporter.demo.server import DemoServer
from exporter.errors import StartError
from exporter.runtime.app import App
from exporter.store.store import Store
from tests.command_line import RunCli
from tests.evaluation.records import ADA, NOW, deal, put, small_config

CONFIG = small_config()


def test_the_demo_runs_its_company_and_companions_and_prints_their_addresses(
    run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    monkeypatch.setattr(
        demo, "launch", lambda *_: DemoServer("127.0.0.1", 9941, lambda: events.append("company ended"))
    )
    installed = EntryPoint("companion", "tests.commands.test_demo:companion", demo.COMPANIONS)
    missing = EntryPoint("missing", "no_such_library:begin", demo.COMPANIONS)
    monkeypatch.setattr(demo, "entry_points", lambda group: [missing, installed] if group == demo.COMPANIONS else [])

    class ShortApp:
        """An app that is ready and stops at once."""

        def __init__(self, settings: Any, *_: Any, **__: Any) -> None:
            events.append(str(settings.data_dir))

        def run(self, ready: Callable[[str], None]) -> None:
            ready("http://127.0.0.1:1")

    monkeypatch.setattr(demo, "App", ShortApp)
    done = run_cli("demo", "--data-dir", tmp_path / "kept")
    assert done.code == 0
    assert events == [str(tmp_path / "kept" / "store"), "company ended"]
    assert "http://127.0.0.1:1/metrics" in done.err
    assert re.search(r"dashboards +http://companion", done.err)
    assert run_cli("demo").code == 0
    assert not Path(events[2]).parent.exists()


@contextmanager
def companion(config: Config, address: str, directory: Path, history: Any) -> Iterator[dict[str, str]]:
    """A program that runs with the demo."""
    assert config.company.name == "Alpenwerk"
    assert callable(history)
    assert address.startswith("http://")
    assert directory.is_dir()
    yield {"dashboards": "http://companion"}


def test_the_apis_can_run_alone(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(demo, "main", lambda *address: calls.append(address))
    assert run_cli("demo", "--apis-only", "--listen", "127.0.0.1:9").code == 0
    assert calls == [("127.0.0.1", 9)]


def test_the_demo_config_is_found_or_an_error_says_where_to_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert demo.demo_config().name == "kpis.yaml"
    monkeypatch.setattr(demo, "__file__", str(tmp_path / "a" / "b" / "c.py"))
    with pytest.raises(StartError, match=r"config/kpis\.yaml"):
        demo.demo_config()


class AppWithStore:
    """The part of an app that has a store, available at the second access."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._accesses = 0

    @property
    def store(self) -> Store | None:
        self._accesses += 1
        return self._store if self._accesses > 1 else None


@pytest.mark.parametrize("read", [False, True])
def test_the_history_waits_for_all_sources_or_until_it_is_stopped(tmp_path: Path, read: bool) -> None:
    store, stopped = Store.open(tmp_path / "data"), Event()
    put(store, "crm", "deals", [deal(1, 500, NOW - timedelta(days=1))])
    timer = Timer(0.1, lambda: put(store, "hr", "people", [ADA]) if read else stopped.set())
    timer.start()
    try:
        app = cast("App", AppWithStore(store))
        assert write_history(app, CONFIG, tmp_path / "h.om", stopped) is read
    finally:
        timer.join()
        store.close()
    assert (tmp_path / "h.om").exists() is read


def test_the_history_can_be_stopped_while_it_is_written(tmp_path: Path) -> None:
    class StoppedAfterWait(Event):
        """Set by the first wait."""

        def wait(self, timeout: float | None = None) -> Any:
            self.set()
            return False

    store, stopped = Store.open(tmp_path / "data"), StoppedAfterWait()
    try:
        put(store, "crm", "deals", [deal(1, 500, NOW - timedelta(days=1))])
        put(store, "hr", "people", [ADA])
        with pytest.raises(StartError, match="stopped after"):
            write_history(cast("App", AppWithStore(store)), CONFIG, tmp_path / "h.om", stopped)
    finally:
        store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
