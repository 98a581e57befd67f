"""The demo's config with other vendors: only the entries under `sources:` change.

Metrics and KPIs of what a vendor provides and the config does not measure are appended.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.vendors.roster import ADDITIONS, ENTRIES, Vendor

_SECTION = re.compile(r"^sources:\n(.*?)(?=^\S|\Z)", re.DOTALL | re.MULTILINE)
_ADDITION = re.compile(r"^(\w+):\n(.*?)(?=^\w|\Z)", re.DOTALL | re.MULTILINE)
_ENTRY = re.compile(r"^  - .*?(?=^  - |\Z)", re.DOTALL | re.MULTILINE)
_PROVIDER = re.compile(r"^    provider: (\S+)$", re.MULTILINE)

KEY = "demo-token"


def with_vendors(text: str, vendors: Sequence[Vendor]) -> str:
    """The config with an entry for each vendor: the existing entry, or else the one stored in `entries`.

    Raises ValueError if the config has no sources, or lacks a section to be extended.
    """
    section = _SECTION.search(text)
    if section is None:
        raise ValueError("the config has no sources to replace")
    existing = {provider[1]: entry for entry in _ENTRY.findall(section[1]) if (provider := _PROVIDER.search(entry))}
    entries = [(existing.get(vendor.name) or _stored_entry(vendor)).strip("\n") for vendor in vendors]
    text = text[: section.start(1)] + "\n".join(entries) + "\n\n" + text[section.end(1) :]
    for addition in (ADDITIONS / f"{vendor.name}.yaml" for vendor in vendors):
        text = with_addition(text, addition.read_text(encoding="utf-8")) if addition.exists() else text
    return text


def with_addition(text: str, addition: str) -> str:
    """The config with each section of the addition appended to its own section, unless it is already there.

    Raises ValueError if a section is missing.
    """
    for name, lines in _ADDITION.findall(addition):
        section = re.search(rf"^{name}:\n.*?(?=\s*^\S|\s*\Z)", text, re.DOTALL | re.MULTILINE)
        if section is None:
            raise ValueError(f"the config has no {name} to add to")
        if lines.strip("\n") not in section[0]:
            text = text[: section.end()] + "\n" + lines.strip("\n") + text[section.end() :]
    return text


def _stored_entry(vendor: Vendor) -> str:
    return (ENTRIES / f"{vendor.name}.yaml").read_text(encoding="utf-8")
