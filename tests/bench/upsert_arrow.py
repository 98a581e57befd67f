"""Deletes and inserts the same rows from Arrow in DuckDB. Runs in the peers' environment, without the project."""

import sys
import tempfile
import time
from datetime import datetime, timedelta

import duckdb
import pyarrow

BEGIN = datetime(2026, 1, 1)  # noqa: DTZ001 - DuckDB's plain TIMESTAMP, as in the store


def table(batch: int, size: int) -> pyarrow.Table:
    first = batch * size - (100 if batch else 0)
    numbers = range(first, first + size)
    starts = [BEGIN + timedelta(seconds=number) for number in numbers]
    return pyarrow.table(
        {
            "id": [f"call-{number:08}" for number in numbers],
            "updated_at": [start + timedelta(hours=batch) for start in starts],
            "direction": ["inbound"] * size,
            "status": ["answered"] * size,
            "queue": [f"queue {number % 12}" for number in numbers],
            "agent": [f"agent {number % 500}" for number in numbers],
            "started_at": starts,
            "wait_seconds": [float(number % 90) for number in numbers],
            "talk_seconds": [float(number % 500 + batch) for number in numbers],
        }
    )


def main() -> None:
    batches, size = int(sys.argv[1]), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        connection = duckdb.connect(f"{folder}/peer.duckdb")
        rows = table(0, size)
        connection.execute("CREATE TABLE calls AS SELECT * FROM rows LIMIT 0")
        start = time.process_time()
        for batch in range(batches):
            rows = table(batch, size)  # noqa: F841 - DuckDB looks it up by its name
            connection.execute("BEGIN")
            connection.execute("DELETE FROM calls WHERE id IN (SELECT id FROM rows)")
            connection.execute("INSERT INTO calls SELECT * FROM rows")
            connection.execute("COMMIT")
        sys.stdout.write(f"RESULT {(time.process_time() - start) / batches} 0\n")


if __name__ == "__main__":
    main()
