"""A config whose KPIs notify leads and persons."""

from __future__ import annotations

from typing import Any

from exporter.config.root import Config
from tests.dashboards.samples import full, kpi, source

EVERYBODY = ["company", "team", "person"]
TO_ALL = {"scopes": EVERYBODY, "people_to": ["person", "lead"], "for": "0s"}
TO_PERSONS = {"scopes": ["person"], "for": "0s", "on": ["off_track", "no_data"]}
PEOPLE = {"privacy": {"people": "separate"}, "dashboards": {"people": {"prometheus_url": "http://people:9090"}}}


def digests(**changes: Any) -> Config:
    """Two KPIs; north@ leads two teams, one with a name full of signs, south@ another, and one has no lead."""
    sections: dict[str, Any] = {
        "teams": [
            {"name": "North", "lead": "north@example.com"},
            {"name": 'A "B" \\ | é.', "lead": "north@example.com"},
            {"name": "South", "lead": "south@example.com"},
            {"name": "West"},
        ],
        "sources": [source("crm"), source("desk", "tickets"), source("hr", "people")],
        "kpis": [
            kpi("deals", scopes=EVERYBODY, guard="win_rate", alerts=TO_ALL),
            kpi("win_rate", value="won / closed", unit="ratio", scopes=EVERYBODY, alerts=TO_PERSONS),
        ],
        "contacts": [{"name": "owner_mail", "email": "owner@example.com"}],
        **changes,
    }
    return full(**sections)
