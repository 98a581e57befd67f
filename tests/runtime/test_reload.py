"""One engine in the place of another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter import naming
from exporter.clock import system_clock
from exporter.errors import StoreError
from exporter.exposition.self_metrics import SelfMetrics
from exporter.runtime.config_file import read_config
from exporter.runtime.engine import Engine, Process
from exporter.runtime.reload import Reloading
from exporter.store.store import Store
from exporter.web.server import ServedState
from tests import small_company


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return small_company.write(tmp_path)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    store = Store.open(tmp_path / "data")
    yield Process(store, ServedState(SelfMetrics()), {}, tmp_path / "data", system_clock)
    store.close()


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What engines were told, instead of running."""
    told: list[str] = []
    monkeypatch.setattr(Engine, "start", lambda _: told.append("start"))
    monkeypatch.setattr(Engine, "stop", lambda _: told.append("stop"))
    return told


def reloading(process: Process, config: Path) -> Reloading:
    return Reloading(process, lambda: read_config(config, {}))


def test_the_engine_before_ends_before_the_next_begins(process: Process, config: Path, engines: list[str]) -> None:
    one = reloading(process, config)
    one.begin(read_config(config, {}), b"")
    one.reload()
    one.stop()
    assert engines == ["start", "stop", "start", "stop"]


def test_a_config_that_cannot_work_leaves_the_engine_as_it_was(
    process: Process, config: Path, engines: list[str]
) -> None:
    one = reloading(process, config)
    one.begin(read_config(config, {}), b"")
    digest = one.digest
    country = "currency: CHF, holidays: {country: XX}}"
    config.write_text(small_company.CONFIG.replace("currency: CHF}", country).replace("target: 1000", "target: 9"))
    one.reload()
    assert engines == ["start"]
    assert one.digest == digest
    assert process.state.self_metrics.value(naming.RELOAD_SUCCESS) == 0


def test_before_the_first_engine_and_after_the_last_nothing_happens(
    process: Process, config: Path, engines: list[str]
) -> None:
    one = reloading(process, config)
    one.reload()
    one.stop()
    one.begin(read_config(config, {}), b"")
    one.reload()
    assert engines == []


def test_a_store_that_cannot_forget_just_now_is_no_reason_to_stop(
    process: Process, config: Path, engines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Any:
        raise StoreError("disk full")

    monkeypatch.setattr(process.store, "retain", full)
    reloading(process, config).begin(read_config(config, {}), b"[]")
    assert engines == ["start"]
