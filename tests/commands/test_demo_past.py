"""The past of the demo."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Event, Timer
from typing import Any, cast

import pytest

from exporter.commands.demo_past import HOURLY, steps, write_past
from exporter.errors import StartError
from exporter.runtime.app import App
from exporter.store.store import Store
from tests.evaluation.stored import ADA, NOW, deal, put, small_config

CONFIG = small_config()


class Standing:
    """As much of an app as has a store, from the second time it is asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asked = 0

    @property
    def store(self) -> Store | None:
        self._asked += 1
        return self._store if self._asked > 1 else None


def test_late_steps_are_an_hour_apart_and_early_ones_six() -> None:
    found = steps(CONFIG, NOW - timedelta(days=90), NOW)
    gaps = [later - earlier for earlier, later in pairwise(found)]
    assert set(gaps[:100]) == {timedelta(hours=6)}
    assert all(timedelta(0) < gap <= timedelta(hours=6) for gap in gaps)
    assert [gap for at, gap in zip(found, gaps, strict=False) if at >= NOW - HOURLY] == [timedelta(hours=1)] * 743
    assert found[-1] == NOW.replace(minute=0)


def test_a_young_company_has_a_short_past() -> None:
    found = steps(CONFIG, NOW - timedelta(days=2), NOW)
    assert found[0] == datetime(2025, 10, 31, 23, tzinfo=UTC)
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(hours=1)}


@pytest.mark.parametrize("read", [False, True])
def test_it_waits_until_all_was_read_or_it_is_stopped(tmp_path: Path, read: bool) -> None:
    store, stopped = Store.open(tmp_path / "data"), Event()
    put(store, "crm", "deals", [deal(1, 500, NOW - timedelta(days=1))])
    timer = Timer(0.1, lambda: put(store, "hr", "people", [ADA]) if read else stopped.set())
    timer.start()
    try:
        app = cast("App", Standing(store))
        assert write_past(app, CONFIG, tmp_path / "h.om", stopped) is read
    finally:
        timer.join()
        store.close()
    assert (tmp_path / "h.om").exists() is read


def test_it_stops_in_the_middle(tmp_path: Path) -> None:
    class Sudden(Event):
        """Set once the waiting is over."""

        def wait(self, timeout: float | None = None) -> Any:
            self.set()
            return False

    store, stopped = Store.open(tmp_path / "data"), Sudden()
    try:
        put(store, "crm", "deals", [deal(1, 500, NOW - timedelta(days=1))])
        put(store, "hr", "people", [ADA])
        with pytest.raises(StartError, match="stopped after"):
            write_past(cast("App", Standing(store)), CONFIG, tmp_path / "h.om", stopped)
    finally:
        store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
