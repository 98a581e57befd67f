"""Commands on the store of a data directory that no process serves."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from exporter.commands.store_access import ask_or_use_store
from exporter.control.requests import RetryRequest
from exporter.errors import StoreDamagedError, StoreError
from exporter.store.store import Store

REQUEST = RetryRequest("crm")


def test_the_store_is_open_while_it_is_used_and_closed_afterwards(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    assert ask_or_use_store(tmp_path, REQUEST, lambda store: {"outcomes": len(store.outcomes())}) == {"outcomes": 0}
    with closing(Store.open(tmp_path)) as store:
        assert store.outcomes() == ()


def test_without_a_store_none_is_created(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no store in .*: give its directory as --data-dir"):
        ask_or_use_store(tmp_path, REQUEST, lambda store: {})
    assert list(tmp_path.glob("*.duckdb")) == []


def test_a_damaged_store_is_an_error_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "kpi.duckdb").write_bytes(b"damaged")
    with pytest.raises(StoreDamagedError):
        ask_or_use_store(tmp_path, REQUEST, lambda store: {})
    assert (tmp_path / "kpi.duckdb").read_bytes() == b"damaged"
