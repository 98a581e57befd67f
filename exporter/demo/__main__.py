"""`python -m exporter.demo`: only the company's APIs, for a stack that runs the exporter elsewhere."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from exporter.demo.company.company import MONTHS_OF_HISTORY, SEED
from exporter.demo.server import HOST, PORT, DemoOptions, main
from exporter.errors import StartError


def run(arguments: Sequence[str] | None = None) -> int:
    """Serves until it is stopped; returns 1 if it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m exporter.demo", description=__doc__)
    parser.add_argument("--listen", default=f"{HOST}:{PORT}", metavar="HOST:PORT")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of the simulation")
    parser.add_argument("--months", type=int, default=MONTHS_OF_HISTORY, help="months of history")
    parser.add_argument("--attached", action="store_true", help="stop when standard input is closed")
    options = parser.parse_args(arguments)
    host, _, port = options.listen.rpartition(":")
    try:
        main(host, int(port), DemoOptions(options.seed, options.months), attached=options.attached)
    except StartError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run())
