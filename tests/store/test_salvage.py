"""Salvage of stores with real damage."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from exporter.errors import StoreDamagedError
from exporter.passes import Page
from exporter.store.restore import restore
from exporter.store.salvage import salvage
from exporter.store.store import Store
from tests.command_line import RunCli
from tests.store.damage import flip_bit_of_column
from tests.store.killing import abandoned
from tests.store.samples import NOW, deal, filled, live

PUSHED = 150_000


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store with pushed records in two groups of rows."""
    folder = tmp_path_factory.mktemp("pushed")
    with closing(Store.open(folder)) as store:
        for first in range(0, PUSHED, 50_000):
            page = Page(tuple(deal(key, name=f"deal {key}") for key in range(first, first + 50_000)))
            store.deliver("shop", {"deals": page}, NOW)
    return folder


@pytest.fixture
def damaged(intact: Path, tmp_path: Path) -> Path:
    """A copy with a flipped bit in the middle of the first group of pushed records."""
    shutil.copytree(intact, tmp_path / "data")
    flip_bit_of_column(tmp_path / "data" / "kpi.duckdb", "deals", "name")
    return tmp_path / "data"


def test_a_damaged_block_costs_its_rows_only(damaged: Path, tmp_path: Path) -> None:
    store, out = damaged / "kpi.duckdb", tmp_path / "salvaged"
    before = store.read_bytes()
    result = salvage(store, out, NOW)
    deals = next(table for table in result.tables if table.name == "deals")
    assert deals.lost is not None
    assert 0 < deals.lost < 122_880
    assert deals.rows + deals.lost == PUSHED
    assert [table.lost for table in result.tables if table.name != "deals"] == [0] * (len(result.tables) - 1)
    assert not result.is_complete
    assert store.read_bytes() == before
    restore(tmp_path / "new", out, NOW)
    with closing(Store.open(tmp_path / "new", on_corrupt="fail")) as restored:
        ids = live(restored)
        (loss,) = restored.unaccepted_rebuilds()
    assert (loss.at, loss.moved_to) == (NOW, str(store)), "what rests on pushed records is withheld"
    assert len(ids) == deals.rows
    assert len(set(ids)) == len(ids)


def test_an_intact_store_loses_nothing_not_even_what_is_in_its_log(tmp_path: Path) -> None:
    abandoned(tmp_path / "killed", passes=5)
    result = salvage(tmp_path / "killed" / "kpi.duckdb", tmp_path / "salvaged", NOW)
    assert result.is_complete
    restore(tmp_path / "new", tmp_path / "salvaged", NOW)
    with closing(Store.open(tmp_path / "new", on_corrupt="fail")) as restored:
        assert len(live(restored)) == 5
        assert restored.begin("crm", "deals", NOW).cursor == "c"
        assert restored.unaccepted_rebuilds() == ()


def test_sources_are_read_again_if_records_are_lost(tmp_path: Path) -> None:
    data = tmp_path / "data"
    filled(data, range(5000))
    flip_bit_of_column(data / "kpi.duckdb", "deals", "id")
    salvage(data / "kpi.duckdb", tmp_path / "salvaged", NOW)
    restore(tmp_path / "new", tmp_path / "salvaged", NOW)
    with closing(Store.open(tmp_path / "new", on_corrupt="fail")) as restored:
        assert restored.begin("crm", "deals", NOW).cursor is None


def test_what_cannot_be_read_at_all_is_an_error(tmp_path: Path) -> None:
    filled(tmp_path / "data", range(50))
    os.truncate(tmp_path / "data" / "kpi.duckdb", 20_000)
    with pytest.raises(StoreDamagedError, match="restore a backup"):
        salvage(tmp_path / "data" / "kpi.duckdb", tmp_path / "salvaged", NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_the_command_says_what_is_lost_and_exits_with_3(run_cli: RunCli, damaged: Path, tmp_path: Path) -> None:
    done = run_cli("salvage", "--data-dir", damaged)
    assert done.code == 3
    assert "deals" in done.out
    assert "rows are lost" in done.out
    assert (damaged / "kpi.duckdb.salvaged").exists()
    filled(tmp_path / "good")
    done = run_cli("salvage", "--data-dir", tmp_path / "good", "--out", tmp_path / "salvaged")
    assert (done.code, "nothing is lost" in done.out) == (0, True)
