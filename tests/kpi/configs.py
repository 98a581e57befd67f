"""Configs and calendars for the tests of KPI evaluation."""

from __future__ import annotations

from typing import Any

from exporter.config.company import Company
from exporter.config.root import Config
from exporter.kpi.calendar import Calendar

_METRICS = [
    {"name": "won", "title": "Deals won", "entity": "deals", "at": "closed_at", "count": "rows"},
    {"name": "closed", "title": "Deals closed", "entity": "deals", "at": "closed_at", "count": "rows"},
    {"name": "revenue", "title": "Revenue", "entity": "deals", "at": "closed_at", "sum": "amount"},
    {
        "name": "open",
        "title": "Open deals",
        "entity": "deals",
        "during": {"from": "created_at", "until": "closed_at"},
        "count": "rows",
    },
    {"name": "wait", "title": "Wait", "entity": "calls", "at": "started_at", "mean": "wait_seconds"},
    {"name": "calls", "title": "Calls", "entity": "calls", "at": "started_at", "count": "rows"},
    {
        "name": "slow",
        "title": "Slowest answers",
        "entity": "calls",
        "at": "started_at",
        "percentile": {"of": "wait_seconds", "at": 0.9},
    },
]


def company_of(**settings: Any) -> Company:
    """A company in Zurich, unless said otherwise."""
    return Company.model_validate({"name": "Acme", "timezone": "Europe/Zurich", **settings})


def calendar_of(**settings: Any) -> Calendar:
    """That company's calendar."""
    return Calendar.of(company_of(**settings))


def kpi(name: str = "goal", **settings: Any) -> dict[str, Any]:
    """A monthly KPI on deals won, unless said otherwise."""
    return {
        "name": name,
        "title": name,
        "objective": "growth",
        "department": "Sales",
        "owner": "sales@example.com",
        "why": "It matters.",
        "value": "won",
        "period": "month",
        "better": "higher",
        **settings,
    }


def config_of(
    *kpis: dict[str, Any],
    metrics: list[dict[str, Any]] | None = None,
    teams: list[dict[str, Any]] | None = None,
    **settings: Any,
) -> Config:
    """A config with these KPIs, on metrics that tests know; `settings` are the company's."""
    csv = {"provider": "csv", "columns": {"id": "id"}}
    return Config.model_validate(
        {
            "company": {"name": "Acme", "timezone": "Europe/Zurich", **settings},
            "sources": [
                {"name": "crm", "path": "deals.csv", "entity": "deals", **csv},
                {"name": "phones", "path": "calls.csv", "entity": "calls", **csv},
            ],
            "teams": teams or [],
            "metrics": metrics or _METRICS,
            "objectives": [{"name": "growth", "title": "Growth", "owner": "sales@example.com"}],
            "kpis": list(kpis),
        }
    )
