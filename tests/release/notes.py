"""Prints a version's section of the changelog, as the notes of its release: python -m tests.release.notes VERSION."""

from __future__ import annotations

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"


def release_notes(changelog: str, version: str) -> str:
    """The section with one line for each change, as web pages wrap them; raises LookupError if there is none."""
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    titles = [re.split(r"[\s\]]", section.lstrip("["), maxsplit=1)[0] for section in sections]
    if version not in titles:
        raise LookupError(f"the changelog has no section {version}, only {', '.join(titles)}")
    text = sections[titles.index(version)].partition("\n")[2].strip()
    if not text:
        raise LookupError(f"the section {version} of the changelog is empty")
    return re.sub(r"\n {2}(?=\S)", " ", text) + "\n"


if __name__ == "__main__":
    try:
        sys.stdout.write(release_notes(CHANGELOG.read_text(encoding="utf-8"), sys.argv[1]))
    except (LookupError, IndexError) as error:
        sys.exit(str(error) if isinstance(error, LookupError) else "name a version, such as 0.1.0 or Unreleased")
