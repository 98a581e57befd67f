"""Real damage to store files."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

_BLOCKS_START, _BLOCK_SIZE, _INTO_BLOCK = 3 * 4096, 262_144, 1000


def block_of_column(path: Path, table: str, column: str, row_group: int = 0) -> int:
    """The number of the block with the first segment of a column, in a row group."""
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute(
            "SELECT block_id FROM pragma_storage_info(?) WHERE column_name = ? AND row_group_id = ?"
            " AND segment_type <> 'VALIDITY' AND block_id >= 0 ORDER BY segment_id",
            [table, column, row_group],
        ).fetchall()
    number: int = rows[0][0]
    return number


def flip_bit_of_column(path: Path, table: str, column: str, row_group: int = 0) -> None:
    """Flips one bit in the middle of the data of a column; the file keeps its size and modification time."""
    status = path.stat()
    position = _BLOCKS_START + block_of_column(path, table, column, row_group) * _BLOCK_SIZE + _INTO_BLOCK
    with path.open("r+b") as file:
        file.seek(position)
        (byte,) = file.read(1)
        file.seek(position)
        file.write(bytes([byte ^ 4]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
