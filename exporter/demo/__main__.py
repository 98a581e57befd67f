"""`python -m exporter.demo`: only the company's APIs, for a stack that runs the exporter elsewhere."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from exporter.demo.company.company import MONTHS_OF_HISTORY, SEED
from exporter.demo.server import HOST, PORT, DemoOptions, main
from exporter.errors import StartError


def run(arguments: Sequence[str] | None = None) -> int:
    """Serves as the arguments say; 1 where it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m exporter.demo", description=__doc__)
    parser.add_argument("--listen", default=f"{HOST}:{PORT}", metavar="HOST:PORT")
    parser.add_argument("--seed", type=int, default=SEED, help="which company")
    parser.add_argument("--months", type=int, default=MONTHS_OF_HISTORY, help="of history")
    parser.add_argument("--attached", action="store_true", help="end when the standard input ends")
    given = parser.parse_args(arguments)
    host, _, port = given.listen.rpartition(":")
    try:
        main(host, int(port), DemoOptions(given.seed, given.months), attached=given.attached)
    except StartError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run())
