"""`python -m exporter.demo`: only the company's APIs, for a stack that runs the exporter elsewhere."""

from __future__ import annotations

import argparse

from exporter.demo.company import SEED
from exporter.demo.server import HOST, PORT, main

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m exporter.demo", description=__doc__)
    parser.add_argument("--listen", default=f"{HOST}:{PORT}", metavar="HOST:PORT")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--attached", action="store_true", help="end when the standard input is closed")
    given = parser.parse_args()
    host, _, port = given.listen.rpartition(":")
    main(host, int(port), given.seed, given.attached)
