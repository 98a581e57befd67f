"""The smallest valid config, as text or as values, with sections replaced for a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from exporter.config.loader import CheckedConfig, parse
from exporter.config.root import Config
from exporter.errors import ConfigError

SECTIONS = {
    "company": "company: {name: Acme, timezone: Europe/Zurich, currency: CHF}",
    "sources": "sources:\n- {name: crm, provider: csv, path: deals.csv, entity: deals, columns: {id: id}}",
    "metrics": "metrics:\n- {name: won, title: Won, entity: deals, at: closed_at, count: rows}",
    "objectives": "objectives:\n- {name: grow, title: Grow, owner: boss@example.com}",
    "kpis": "",
}
KPI = {
    "name": "deals",
    "title": "Deals won",
    "objective": "grow",
    "department": "Sales",
    "owner": "boss@example.com",
    "why": "It matters.",
    "value": "won",
    "period": "month",
    "better": "higher",
}


def text(**sections: str) -> str:
    """A config as YAML; keyword arguments replace or add sections, each with its key."""
    return "\n".join({**SECTIONS, **sections}.values()) + "\n"


def loaded(**sections: str) -> CheckedConfig:
    """The config, loaded."""
    return parse(text(**sections), "test.yaml", Path())


def problems(**sections: str) -> list[str]:
    """The problems of the config; empty if it is valid."""
    try:
        loaded(**sections)
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []


def config(*kpis: dict[str, Any], metrics: list[dict[str, Any]] | None = None, **sections: Any) -> Config:
    """A config from Python values; each KPI is the smallest valid one with changes."""
    won = {"name": "won", "title": "Won", "entity": "deals", "at": "closed_at", "count": "rows"}
    source = {"name": "crm", "provider": "csv", "path": "deals.csv", "entity": "deals", "columns": {"id": "id"}}
    return Config.model_validate(
        {
            "company": {"name": "Acme", "timezone": "Europe/Zurich", "currency": "CHF"},
            "sources": [source],
            "metrics": [won, *(metrics or [])],
            "objectives": [{"name": "grow", "title": "Grow", "owner": "boss@example.com"}],
            "kpis": [{**KPI, **kpi} for kpi in kpis],
            **sections,
        }
    )
