"""A small company whose commands are typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import small_company


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """The config of the small company."""
    return small_company.write(tmp_path / "company")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where its store will be."""
    return tmp_path / "data"
