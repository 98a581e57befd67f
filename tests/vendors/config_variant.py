"""The demo's config with other sources: only the entries under `sources:` differ, the rest is the same text.

Where a vendor carries what the config does not measure, its metrics and KPIs are added behind the others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.vendors.roster import ADDITIONS, ENTRIES, Vendor

_SECTION = re.compile(r"^sources:\n(.*?)(?=^\S|\Z)", re.DOTALL | re.MULTILINE)
_ADDED = re.compile(r"^(\w+):\n(.*?)(?=^\w|\Z)", re.DOTALL | re.MULTILINE)
_ENTRY = re.compile(r"^  - .*?(?=^  - |\Z)", re.DOTALL | re.MULTILINE)
_PROVIDER = re.compile(r"^    provider: (\S+)$", re.MULTILINE)

KEY = "demo-token"


def exchanged(text: str, vendors: Sequence[Vendor]) -> str:
    """The text with an entry for each vendor: the one that it has already, else the one kept beside the demo.

    Raises ValueError where the text has no sources, or lacks a section to which something is added.
    """
    section = _SECTION.search(text)
    if section is None:
        raise ValueError("the config has no sources to exchange")
    standing = {provider[1]: entry for entry in _ENTRY.findall(section[1]) if (provider := _PROVIDER.search(entry))}
    entries = [(standing.get(vendor.name) or _kept(vendor)).strip("\n") for vendor in vendors]
    text = text[: section.start(1)] + "\n".join(entries) + "\n\n" + text[section.end(1) :]
    for addition in (ADDITIONS / f"{vendor.name}.yaml" for vendor in vendors):
        text = added(text, addition.read_text(encoding="utf-8")) if addition.exists() else text
    return text


def added(text: str, addition: str) -> str:
    """The text with what stands in each section of the addition behind what it has there, unless it has that already.

    Raises ValueError where it lacks a section.
    """
    for name, more in _ADDED.findall(addition):
        section = re.search(rf"^{name}:\n.*?(?=\s*^\S|\s*\Z)", text, re.DOTALL | re.MULTILINE)
        if section is None:
            raise ValueError(f"the config has no {name} to add to")
        if more.strip("\n") not in section[0]:
            text = text[: section.end()] + "\n" + more.strip("\n") + text[section.end() :]
    return text


def _kept(vendor: Vendor) -> str:
    return (ENTRIES / f"{vendor.name}.yaml").read_text(encoding="utf-8")
