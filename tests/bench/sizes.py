"""Installed size of distributions with their requirements. Runs in any environment, without the project."""

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path


def installed(*names: str) -> float:
    """Megabytes of the files of the distributions and of all their requirements, without compiled Python and extras."""
    distributions: dict[str, Distribution] = {}
    pending = list(names)
    while pending:
        try:
            current = distribution(pending.pop())
        except PackageNotFoundError:  # required on other platforms only
            continue
        key = current.metadata["Name"].lower().replace("_", "-")
        if key not in distributions:
            distributions[key] = current
            pending += [_name(text) for text in current.requires or () if "extra ==" not in text]
    return sum(map(_size, distributions.values())) / 1e6


def _name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    if match is None:
        raise ValueError(requirement)
    return match.group()


def _size(package: Distribution) -> int:
    paths = [Path(str(file.locate())) for file in package.files or () if file.suffix != ".pyc"]
    if package.metadata["Name"] == "kpi-exporter":  # installed as a link to the source tree
        paths = [path for path in Path("exporter").rglob("*") if path.suffix != ".pyc"]
    return sum(path.stat().st_size for path in paths if path.is_file())


if __name__ == "__main__":
    sys.stdout.write(f"RESULT {installed(*sys.argv[1:])} 0\n")
