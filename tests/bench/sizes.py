"""Installed size of distributions with all they require. Runs in any environment and imports nothing of ours."""

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path


def installed(*names: str) -> float:
    """Megabytes of their files and of those of everything they require here, without compiled Python.

    What only an extra requires does not count.
    """
    found: dict[str, Distribution] = {}
    wanted = list(names)
    while wanted:
        try:
            one = distribution(wanted.pop())
        except PackageNotFoundError:  # required on other machines only
            continue
        key = one.metadata["Name"].lower().replace("_", "-")
        if key not in found:
            found[key] = one
            wanted += [_name(text) for text in one.requires or () if "extra ==" not in text]
    return sum(map(_size, found.values())) / 1e6


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    if found is None:
        raise ValueError(requirement)
    return found.group()


def _size(one: Distribution) -> int:
    places = [Path(str(file.locate())) for file in one.files or () if file.suffix != ".pyc"]
    if one.metadata["Name"] == "kpi-exporter":  # installed as a link to the source tree
        places = [path for path in Path("exporter").rglob("*") if path.suffix != ".pyc"]
    return sum(place.stat().st_size for place in places if place.is_file())


if __name__ == "__main__":
    sys.stdout.write(f"RESULT {installed(*sys.argv[1:])} 0\n")
