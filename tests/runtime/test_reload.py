"""Replacing the running engine."""

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
from exporter.runtime.engine import Engine, EngineContext
from exporter.runtime.reload import Reloader
from exporter.store.store import Store
from exporter.web.server import ServedState
from tests import small_company


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return small_company.write(tmp_path)


@pytest.fixture
def context(tmp_path: Path) -> Iterator[EngineContext]:
    store = Store.open(tmp_path / "data")
    yield EngineContext(store, ServedState(SelfMetrics()), {}, tmp_path / "data", system_clock)
    store.close()


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Calls of start and stop, which do nothing else."""
    calls: list[str] = []
    monkeypatch.setattr(Engine, "start", lambda _: calls.append("start"))
    monkeypatch.setattr(Engine, "stop_reading", lambda _: calls.append("stop reading"))
    monkeypatch.setattr(Engine, "stop", lambda _: calls.append("stop"))
    return calls


def create_reloader(context: EngineContext, config: Path) -> Reloader:
    return Reloader(context, lambda: read_config(config, {}))


def test_the_previous_engine_reads_no_more_when_the_next_one_starts_and_accepts_posts_until_then(
    context: EngineContext, config: Path, engines: list[str]
) -> None:
    reloader = create_reloader(context, config)
    reloader.start(read_config(config, {}), b"")
    reloader.reload()
    assert engines == ["start", "stop reading", "start", "stop"]


def test_a_stop_ends_the_running_engine(context: EngineContext, config: Path, engines: list[str]) -> None:
    reloader = create_reloader(context, config)
    reloader.start(read_config(config, {}), b"")
    reloader.stop()
    assert set(engines[1:]) == {"stop"}


def test_a_config_that_cannot_work_leaves_the_engine_running(
    context: EngineContext, config: Path, engines: list[str]
) -> None:
    reloader = create_reloader(context, config)
    reloader.start(read_config(config, {}), b"")
    digest = reloader.digest
    country = "currency: CHF, holidays: {country: XX}}"
    config.write_text(small_company.CONFIG.replace("currency: CHF}", country).replace("target: 1000", "target: 9"))
    reloader.reload()
    assert engines == ["start"]
    assert reloader.digest == digest
    assert context.state.self_metrics.value(naming.RELOAD_SUCCESS) == 0


def test_nothing_starts_before_the_first_engine_or_after_the_last(
    context: EngineContext, config: Path, engines: list[str]
) -> None:
    reloader = create_reloader(context, config)
    reloader.reload()
    reloader.stop()
    reloader.start(read_config(config, {}), b"")
    reloader.reload()
    assert engines == []


def test_a_store_that_cannot_drop_old_records_does_not_prevent_the_start(
    context: EngineContext, config: Path, engines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise StoreError("disk full")

    monkeypatch.setattr(context.store, "retain", full)
    create_reloader(context, config).start(read_config(config, {}), b"[]")
    assert engines == ["start"]
