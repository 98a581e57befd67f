"""Files for tests of commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import small_company


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """The config file of a small company."""
    return small_company.write(tmp_path / "company")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory that does not exist yet."""
    return tmp_path / "data"
