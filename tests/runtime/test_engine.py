"""The running engine keeps the ledger after each evaluation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter import naming
from exporter.errors import StoreError
from exporter.exposition.self_metrics import SelfMetrics
from exporter.ledger.keeper import LedgerKeeper
from exporter.runtime.config_file import LoadedConfig
from exporter.runtime.engine import Engine, EngineContext
from exporter.store.store import Store
from exporter.web.server import ServedState
from tests.ledger.months import SETTLED, config, of_october, sync


@pytest.fixture
def context(tmp_path: Path) -> Iterator[EngineContext]:
    store = Store.open(tmp_path / "data")
    sync(store)
    yield EngineContext(store, ServedState(SelfMetrics()), {}, tmp_path / "data", lambda: SETTLED, evaluate_every=0.01)
    store.close()


def run_until(context: EngineContext, condition: Callable[[], object]) -> None:
    """Runs the engine until the condition holds, for ten seconds at most."""
    engine = Engine(LoadedConfig(config(), "1"), context)
    engine.start()
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    engine.stop()


def test_periods_are_sealed_while_the_exporter_serves(context: EngineContext) -> None:
    run_until(context, lambda: of_october(context.store))
    assert of_october(context.store)["company"].value == 1100


@pytest.mark.parametrize("error", [StoreError("full"), ZeroDivisionError()])
def test_a_ledger_that_fails_does_not_stop_evaluations(
    context: EngineContext, monkeypatch: pytest.MonkeyPatch, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    calls = []

    def fail(*_: object) -> None:
        calls.append(1)
        raise error

    monkeypatch.setattr(LedgerKeeper, "update", fail)
    run_until(context, lambda: len(calls) > 1)
    self_metrics = context.state.self_metrics
    assert len(calls) > 1
    assert self_metrics.value(naming.EVALUATION_SUCCESS) == 1
    assert (self_metrics.value(naming.STORE_ERRORS, "ledger", "failed") or 0) > 1
    assert "the ledger was not updated" in caplog.text
