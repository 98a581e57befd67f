"""The demo's config with other sources: only the entries under `sources:` differ, the rest is the same text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from exporter.demo.vendors import ENTRIES, Vendor

_SECTION = re.compile(r"^sources:\n(.*?)(?=^\S|\Z)", re.DOTALL | re.MULTILINE)
_ENTRY = re.compile(r"^  - .*?(?=^  - |\Z)", re.DOTALL | re.MULTILINE)
_PROVIDER = re.compile(r"^    provider: (\S+)$", re.MULTILINE)

DERIVED, KEY = "demo.yaml", "demo-token"


def written(config: Path, vendors: Sequence[Vendor], directory: Path) -> Path:
    """The config that reads these vendors: `config` itself if it does, else one in the directory, beside its key.

    Raises ValueError where the config has no sources to exchange.
    """
    text = config.read_text(encoding="utf-8")
    other = exchanged(text, vendors)
    if other == text:
        return config
    (directory / KEY).write_bytes(config.with_name(KEY).read_bytes())
    (directory / DERIVED).write_text(other, encoding="utf-8")
    return directory / DERIVED


def exchanged(text: str, vendors: Sequence[Vendor]) -> str:
    """The text with an entry for each vendor: the one that it has already, else the one kept beside the demo."""
    section = _SECTION.search(text)
    if section is None:
        raise ValueError("the config has no sources to exchange")
    standing = {provider[1]: entry for entry in _ENTRY.findall(section[1]) if (provider := _PROVIDER.search(entry))}
    entries = [(standing.get(vendor.name) or _kept(vendor)).strip("\n") for vendor in vendors]
    return text[: section.start(1)] + "\n".join(entries) + "\n\n" + text[section.end(1) :]


def _kept(vendor: Vendor) -> str:
    return (ENTRIES / f"{vendor.name}.yaml").read_text(encoding="utf-8")
