"""Sample configs: a small one, one with everything, and one with hostile texts."""

from __future__ import annotations

from typing import Any

from dashboards.generate import compose_files
from dashboards.output import Manifest
from dashboards.site import Deployment, Site
from exporter.config.fields import Status
from exporter.config.root import Config

Raw = dict[str, Any]

HOSTILE = (
    '{{ query "up" }}',
    "{{ $value }}",
    '"} or vector(1) #',
    "[[kpi]] and $kpi and ${kpi} and $__all",
    "<script>alert(1)</script>",
    "ends with a brace {",
    "`back` 'single' \\ slash",
    "$HOME ${HOME} $__file{/etc/passwd}",
    "*bold* | cell | [link](javascript:1)",
)
"""Texts with a meaning for Prometheus, Grafana, a browser or a shell."""


def kpi(name: str, **changes: Any) -> Raw:
    """A KPI with all required keys."""
    return {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "objective": "grow",
        "department": "Sales",
        "owner": "owner@example.com",
        "why": "It matters.",
        "value": "won",
        "period": "month",
        "better": "higher",
        "target": 100,
        **changes,
    }


def metric(name: str, **changes: Any) -> Raw:
    """A metric that counts deals won."""
    return {"name": name, "title": name.capitalize(), "entity": "deals", "at": "closed_at", "count": "rows", **changes}


def small(**changes: Any) -> Config:
    """One source, two metrics, one KPI."""
    raw: Raw = {
        "company": {"name": "Acme", "timezone": "Europe/Zurich", "currency": "CHF"},
        "sources": [source("crm")],
        "metrics": [metric("won"), metric("closed")],
        "objectives": [{"name": "grow", "title": "Grow", "owner": "owner@example.com"}],
        "kpis": [kpi("deals")],
    }
    return Config.model_validate(raw | changes)


def source(name: str, entity: str = "deals", **changes: Any) -> Raw:
    """A source that needs no network."""
    return {
        "name": name,
        "provider": "csv",
        "path": f"{name}.csv",
        "entity": entity,
        "columns": {"id": "id"},
        "complete_until": "now",
        **changes,
    }


def full(**changes: Any) -> Config:
    """Every kind of metric, unit, target, scope and contact."""
    return small(
        **{
            "company": {
                "name": "Acme",
                "timezone": "America/New_York",
                "currency": "USD",
                "workdays": ["mon", "tue", "wed", "thu", "fri"],
                "hours": {"opens": "08:00", "closes": "17:30"},
                "holidays": {"dates": ["2026-12-24", "2026-01-02"]},
                "fiscal_year_starts": "july",
            },
            "sources": [
                source("crm", sync_every="30s", stale_after="12m"),
                source("desk", "tickets", complete_until="file"),
                source("hr", "people"),
            ],
            "metrics": _metrics(),
            "objectives": [
                {"name": "grow", "title": "Grow", "owner": "owner@example.com"},
                {"name": "serve", "title": "Serve well", "owner": "service@example.com"},
            ],
            "kpis": _kpis(),
            "contacts": _contacts(),
            "alerting": {"engine": "both", "smtp": {"host": "mail.example.com", "sender": "kpi@example.com"}},
            "dashboards": {
                "url": "https://grafana.example.com/",
                "leaderboard": True,
                "kpis": [
                    {"kpi": "revenue_won", "chart": "line", "wall": True},
                    {"kpi": "goal", "chart": "gauge", "place": "overview"},
                    {"kpi": "backlog", "chart": "bars"},
                    {"kpi": "win_rate", "chart": "bars", "place": "overview"},
                    {"kpi": "waiting_time", "chart": "number"},
                ],
            },
            **changes,
        }
    )


def _contacts() -> list[Raw]:
    return [
        {"name": "owner_mail", "email": "owner@example.com"},
        {"name": "team_slack", "slack": {"webhook": {"file": "../secrets/slack"}, "channel": "#kpi"}},
        {"name": "hook", "webhook": {"url": "http://hook.example.com/kpi"}},
        {"name": "teams_room", "teams": {"webhook": {"env": "TEAMS_URL"}}},
    ]


def _metrics() -> list[Raw]:
    return [
        metric("won", expected={"min": 3, "max": 30, "period": "week"}),
        metric("closed"),
        metric("revenue", sum="amount", count=None),
        metric("by_origin", by=["origin"]),
        metric("size_by_stage", mean="amount", count=None, by=["stage"]),
        metric("pipeline", at=None, during={"from": "created_at", "until": "closed_at"}, expected={"max": 400}),
        metric("replies", entity="tickets", at="first_reply_at"),
        metric("waiting", entity="tickets", at="solved_at", mean="attributes.wait", count=None, unit="seconds"),
        metric("rating", entity="tickets", at="solved_at", mean="satisfaction", count=None, unit="score"),
        metric("visits", unit="visits per day"),
    ]


SLACK = [{"spent": "5%", "within": "2h"}, {"spent": "10%", "within": "8h"}]


def _kpis() -> list[Raw]:
    everybody = ["company", "team", "person"]
    return [
        kpi(
            "revenue_won",
            value="revenue",
            scopes=everybody,
            supporting=["won", "by_origin", "pipeline"],
            alerts={"for": "1h", "notify": ["team_slack", "hook"], "on": ["at_risk", "off_track", "exceeded"]},
            decision="Whom to hire.",
            review="quarterly",
            reviewed="2026-01-01",
        ),
        kpi(
            "win_rate",
            value="won / closed",
            unit="ratio",
            better="within",
            target={"within": [0.2, 0.4]},
            scopes=everybody,
        ),
        kpi("backlog", value="pipeline", better="lower", target=50, period="day"),
        kpi("waiting_time", value="waiting", better="lower", target=60, objective="serve", department="Service & Care"),
        kpi("rating_mean", value="rating", unit="score", objective="serve", department="Service & Care"),
        kpi("site_visits", value="visits", target={"growth": "5%", "over": "previous"}, supporting=["size_by_stage"]),
        kpi("replies_sent", value="replies", target=None, department="Service & Care", objective="serve"),
        kpi(
            "goal",
            value="won / closed",
            unit="ratio",
            target={"from": 0.1, "to": 0.3, "start": "2026-01-01", "by": "2026-12-31"},
        ),
        kpi("service_level", value="won / closed", unit="ratio", target=0.8, alerts={"slack": SLACK}),
        kpi("dated", target=[{"value": 5}, {"value": 6, "since": "2026-06-01"}], alerts={"on": list(_STATUSES)}),
    ]


_STATUSES = tuple(status.value for status in Status)


def hostile() -> Config:
    """Hostile titles, owners, departments and reasons."""
    kpis = [
        kpi(
            f"kpi_{index}",
            title=text,
            why=text,
            decision=text,
            owner=text,
            department=text,
            unit=text[:20],
            scopes=["company", "team", "person"],
            supporting=["bad"],
        )
        for index, text in enumerate(HOSTILE)
    ]
    return small(
        company={"name": HOSTILE[0], "timezone": "UTC"},
        metrics=[metric("won"), metric("bad", title=HOSTILE[3], unit=HOSTILE[1]), metric("split", by=["origin"])],
        objectives=[{"name": "grow", "title": HOSTILE[4], "owner": HOSTILE[2]}],
        kpis=kpis,
        contacts=[{"name": "mail", "email": "{{x}}@example.com"}],
        alerting={"engine": "both"},
        dashboards={"leaderboard": True, "folder": "KPI $HOME"},
    )


def files_of(config: Config, earlier: Manifest | None = None) -> dict[str, str]:
    """All files generated for a self-contained stack."""
    return compose_files(Site(config), Deployment(), earlier or Manifest())
