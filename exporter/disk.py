"""Files that survive a power cut, that only their owner can read, and that take no other's name."""

from __future__ import annotations

import os
from pathlib import Path

FILE_MODE = 0o600


def sync_to_disk(path: Path) -> None:
    """Makes a file, or the names of a directory's files, durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_private(path: str, flags: int) -> int:
    """An opener for `open`, whose new files are for their owner only."""
    return os.open(path, flags, FILE_MODE)


def unused_name(path: Path, purpose: str) -> Path:
    """The first name beside `path` that no file has, such as `kpi.duckdb.damaged-1`."""
    number = 1
    while (unused := path.with_name(f"{path.name}.{purpose}-{number}")).exists():
        number += 1
    return unused
