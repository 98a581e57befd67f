"""A company for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import RunCli
from tests.trust.company import Company


@pytest.fixture
def company(run_cli: RunCli, tmp_path: Path) -> Company:
    """A company without files, in a folder of its own."""
    folder = tmp_path / "company"
    folder.mkdir()
    return Company(run_cli, folder)
