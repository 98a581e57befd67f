"""Who hears of which alert."""

from __future__ import annotations

from exporter.config.kpis import Kpi
from exporter.config.root import Config

LABEL = "contacts"
"""The label that routes match: `,NAME,NAME,`."""


def of_kpi(config: Config, kpi: Kpi) -> tuple[str, ...]:
    """Whoever the KPI's alerts notify; else the contact that is the KPI's owner, by name or address."""
    named = kpi.alerts.notify if kpi.alerts else ()
    if named:
        return named
    return tuple(contact.name for contact in config.contacts if kpi.owner in (contact.name, contact.email))


def of_operators(config: Config) -> tuple[str, ...]:
    """Whoever hears of the exporter's own troubles: the contact named first."""
    return tuple(contact.name for contact in config.contacts[:1])


def label(names: tuple[str, ...]) -> dict[str, str]:
    """The label that carries the names; none where nobody is to be told."""
    return {LABEL: f",{','.join(names)},"} if names else {}


def pattern(name: str) -> str:
    """A regular expression for the label where it holds this name. Names are identifiers."""
    return f".*,{name},.*"
