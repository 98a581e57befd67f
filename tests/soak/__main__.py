"""Runs the soak: python -m tests.soak [--minutes 30] [--owners 50000] [--write]."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.soak.report import PAGE, table, with_table
from tests.soak.run import run


def main() -> int:
    """Prints the table; 1 if anything happened that must not."""
    parser = argparse.ArgumentParser(prog="make soak")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--owners", type=int, default=50_000)
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = run(Path(folder), arguments.minutes * 60, arguments.owners)
    text = table(result)
    sys.stdout.write(text)
    faults = result.faults()
    if faults:
        sys.stdout.write(f"FAILED: {', '.join(faults)}\n")
    elif arguments.write:
        PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
