"""A country's public holidays, without loading those of all other countries."""

from __future__ import annotations

import sys
from collections.abc import Container, Iterator
from contextlib import contextmanager
from datetime import date
from importlib.util import find_spec, module_from_spec


def countries() -> frozenset[str]:
    """ISO 3166 codes of the countries whose holidays are known."""
    import holidays

    return frozenset(known[1] for known in holidays.registry.COUNTRIES.values())


def subdivisions(country: str) -> list[str]:
    """Codes and names of the parts of a known country that have holidays of their own."""
    import holidays

    with _one_country():
        kind = getattr(holidays, country)
        return [*kind.subdivisions, *getattr(kind, "subdivisions_aliases", ())]


def public_holidays(country: str, subdivision: str | None) -> Container[date]:
    """The holidays of any year. Raises NotImplementedError where none are known for the country or its part."""
    import holidays

    with _one_country():
        found: Container[date] = holidays.country_holidays(country, subdiv=subdivision)
        return found


@contextmanager
def _one_country() -> Iterator[None]:
    """Lets a country's module be imported alone: the package around it imports all 250 and 8 MB of them."""
    name = "holidays.countries"
    spec = find_spec(name)
    if name in sys.modules or spec is None:
        yield
        return
    sys.modules[name] = module_from_spec(spec)
    try:
        yield
    finally:
        del sys.modules[name]
