"""Which format and which transfer form a scraper gets, by its headers."""

from __future__ import annotations

from collections.abc import Iterator

TEXT = b"text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = b"application/openmetrics-text; version=1.0.0; charset=utf-8"


def openmetrics_accepted(accept: str) -> bool:
    """True where OpenMetrics 1.x is named: as with prometheus-client, its weight against plain text does not count."""
    return any(
        kind == "application/openmetrics-text" and _weight(said) > 0 and said.get("version", "1.").startswith("1.")
        for kind, said in _offers(accept)
    )


def gzip_accepted(accept_encoding: str) -> bool:
    """True where gzip is named and not refused with a weight of 0."""
    return any(kind == "gzip" and _weight(said) > 0 for kind, said in _offers(accept_encoding))


def _offers(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    for offer in header.lower().split(","):
        kind, *parameters = offer.split(";")
        pairs = (parameter.partition("=") for parameter in parameters)
        yield kind.strip(), {name.strip(): value.strip() for name, _, value in pairs}


def _weight(said: dict[str, str]) -> float:
    try:
        return float(said.get("q", "1"))
    except ValueError:
        return 0.0
