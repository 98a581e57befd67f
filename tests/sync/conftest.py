"""An empty store for each test, copied from one that was made once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.store.store import Store


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a store that was never used."""
    folder = tmp_path_factory.mktemp("empty")
    Store.open(folder).close()
    return folder


@pytest.fixture
def store(tmp_path: Path, empty: Path) -> Iterator[Store]:
    """An empty store, closed in the end."""
    shutil.copytree(empty, tmp_path / "data")
    made = Store.open(tmp_path / "data", on_corrupt="fail")
    yield made
    made.close()
