"""Disks that are full, read-only or broken: what the program does meanwhile, and once there is space again."""

from __future__ import annotations

import os
from pathlib import Path

from tests.own_volume import DAYS, observations
from tests.programs import program, skip

NO_REBUILD = {"rebuilds": 0}


def test_no_post_is_acknowledged_without_space_for_it_and_none_is_lost(tmp_path: Path) -> None:
    result = observations("posts", tmp_path)
    assert result["during"] == {"retry_after": "5", "value": 70}
    assert (result["after"], result["lost"]) == (NO_REBUILD, [])


def test_reading_pauses_on_a_full_disk_and_resumes_without_a_restart(tmp_path: Path) -> None:
    result = observations("polling", tmp_path)
    assert result["during"] == {"store_up": 0, "value": 50}
    assert result["after"] == NO_REBUILD


def test_a_full_backup_disk_fails_backups_alone_until_it_has_space(tmp_path: Path) -> None:
    result = observations("backups", tmp_path)
    assert result["during"] == {"code": 3, "post": 200, "store_up": 1}
    assert result["files"] == [".backup"] * 2, "nothing unfinished is left"
    assert (result["restored"], result["lost"]) == (0, [])


def test_periods_that_fall_due_on_a_full_disk_are_sealed_once_when_there_is_space(tmp_path: Path) -> None:
    result = observations("ledger", tmp_path)
    assert (result["during"]["value"], result["after"]) == (1, NO_REBUILD)
    assert result["twice"] == 0
    assert result["values"] == list(range(1, DAYS)), "the deal of each day was won for as much as it is days ago"


def test_no_refresh_token_is_spent_without_space_for_its_successor(tmp_path: Path) -> None:
    result = observations("tokens", tmp_path)
    assert result["during"] == {"code": 4, "spent": 0}
    assert (result["locked"], result["stored"]) == (False, True)


def test_a_read_only_directory_prevents_the_start_and_is_named(tmp_path: Path) -> None:
    result = observations("read_only_start", tmp_path)
    assert result["code"] == 3
    assert str(tmp_path / "data") in result["message"]
    assert "Traceback" not in result["message"]
    assert (result["after"], result["lost"]) == (NO_REBUILD, [])


def test_a_disk_that_becomes_read_only_stops_posts_and_loses_none(tmp_path: Path) -> None:
    program("mkfs.ext4", "/usr/sbin/mkfs.ext4")
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists():
        skip("only root with loop devices can mount a disk")
    result = observations("read_only", tmp_path)
    assert result["during"] == {"retry_after": "5", "value": 70}
    assert (result["code"], result["after"], result["lost"]) == (0, NO_REBUILD, [])
