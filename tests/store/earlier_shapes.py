"""Stores of every shape that this program ever wrote, kept as SQL text: all tables, and rows in those that matter.

Each text was recorded from a store that the program of that time had written: two deals, of which one changed, three
pushed payments, an interrupted pass over people, a rejected deal, and a sealed and restated period where there was a
ledger. Run as a module, it prints the text of a store file.
"""

from __future__ import annotations

import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb

FOLDER = Path(__file__).parents[1] / "data" / "stores"


def recorded() -> tuple[int, ...]:
    """The numbers of the recorded shapes."""
    return tuple(sorted(int(path.stem) for path in FOLDER.glob("*.sql")))


def build(folder: Path, number: int) -> Path:
    """Leaves a store of the shape in the folder, with neither sentinel nor lock; returns its file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "kpi.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(FOLDER.joinpath(f"{number}.sql").read_text(encoding="utf-8"))
    return path


def record(path: Path) -> str:
    """The statements that build the store again."""
    with duckdb.connect(str(path), read_only=True) as connection:
        lines = []
        for name, statement in connection.execute("SELECT table_name, sql FROM duckdb_tables() ORDER BY 1").fetchall():
            lines.append(statement)
            names = [column for _, column, *_ in connection.execute(f"PRAGMA table_info('{name}')").fetchall()]
            for row in connection.execute(f'SELECT * FROM "{name}" ORDER BY ALL').fetchall():
                filled = [
                    (column, _literal(value)) for column, value in zip(names, row, strict=True) if value is not None
                ]
                columns, values = ", ".join(column for column, _ in filled), ", ".join(value for _, value in filled)
                lines.append(f'INSERT INTO "{name}" ({columns}) VALUES ({values});')
    return "\n".join(lines) + "\n"


def _literal(value: object) -> str:
    if isinstance(value, bytes):
        digits = "".join(f"\\x{byte:02X}" for byte in value)
        return f"'{digits}'::BLOB"
    if isinstance(value, bool | int | float | Decimal):
        return str(value).upper()
    text = str(value).replace("'", "''")
    return f"TIMESTAMP '{text}'" if isinstance(value, datetime) else f"'{text}'"


if __name__ == "__main__":
    sys.stdout.write(record(Path(sys.argv[1])))
