"""Writes the version into a bill of materials: python -m tests.release.bill FILE VERSION.

cyclonedx-py leaves it out if the version is not in pyproject.toml itself, and a bill of no version is about nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def with_version(bill: str, version: str) -> str:
    """The bill about this version of what it describes; raises KeyError if it describes nothing."""
    content = json.loads(bill)
    content["metadata"]["component"]["version"] = version
    return json.dumps(content, indent=2) + "\n"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_version(path.read_text(encoding="utf-8"), sys.argv[2]), encoding="utf-8")
