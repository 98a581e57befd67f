"""Files that are durable, private, and named after another one."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from exporter.disk import open_private, sync_to_disk, unused_name


def test_a_private_file_is_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with open(tmp_path / "file", "wb", opener=open_private) as file:
            file.write(b"secret")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_files_and_directories_are_made_durable_and_others_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    sync_to_disk(tmp_path / "file")
    sync_to_disk(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_to_disk(tmp_path / "other")


def test_an_unused_name_has_the_first_free_number(tmp_path: Path) -> None:
    store = tmp_path / "kpi.duckdb"
    assert unused_name(store, "former") == tmp_path / "kpi.duckdb.former-1"
    (tmp_path / "kpi.duckdb.former-1").touch()
    (tmp_path / "kpi.duckdb.former-3").touch()
    assert unused_name(store, "former") == tmp_path / "kpi.duckdb.former-2"
