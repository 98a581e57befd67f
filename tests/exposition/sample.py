"""A small company with every kind of KPI, and an evaluation of it: input for the tests of the exposition."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from exporter import naming
from exporter.config.fields import Period, Scope, Status
from exporter.config.root import Config
from exporter.exposition.families import business_samples, kpi_samples
from exporter.exposition.render import Renderer
from exporter.exposition.self_metrics import SelfMetrics
from exporter.exposition.snapshot import Snapshot, take
from exporter.kpi.calendar import TimeLeft
from exporter.kpi.values import Evaluation, KpiValue, ObjectiveScore
from exporter.metrics.values import MetricValue
from exporter.web.server import ServedState

NOW = datetime(2025, 11, 19, 14, 30, tzinfo=UTC)
MONTH = (datetime(2025, 10, 31, 23, tzinfo=UTC), datetime(2025, 11, 30, 23, tzinfo=UTC))
QUARTER = (datetime(2025, 9, 30, 22, tzinfo=UTC), datetime(2025, 12, 31, 23, tzinfo=UTC))


WIN_RATE = {"unit": "ratio", "target": {"within": [0.2, 0.3]}}


def sample_config(**changes: Any) -> Config:
    """A checked config; keyword arguments replace whole sections."""
    sections: dict[str, Any] = {
        "company": {"name": "Alpen & Söhne", "timezone": "Europe/Zurich", "currency": "CHF"},
        "sources": [
            {"name": "crm", "provider": "hubspot", "token": {"env": "TOKEN"}},
            {"name": "phones", "provider": "csv", "path": "calls.csv", "entity": "calls", "columns": {"id": "id"}},
        ],
        "metrics": [
            {"name": "revenue_won", "title": "Revenue won", "entity": "deals", "at": "closed_at", "sum": "amount"},
            {"name": "deals_won", "title": "Deals won", "entity": "deals", "at": "closed_at", "count": "rows"},
            {"name": "deals_closed", "title": "Deals closed", "entity": "deals", "at": "closed_at", "count": "rows"},
            {"name": "talk", "title": "Talk time", "entity": "calls", "at": "started_at", "mean": "talk_seconds"},
            {
                "name": "open_deals",
                "title": "Open deals",
                "entity": "deals",
                "during": {"from": "created_at", "until": "closed_at"},
                "count": "rows",
                "by": ["stage"],
            },
        ],
        "objectives": [
            {"name": "grow", "title": "Grow sales", "owner": "sales@example.com"},
            {"name": "serve", "title": "Serve callers", "owner": "service@example.com"},
        ],
        "kpis": [
            _kpi("revenue", "Revenue won this quarter", "grow", "revenue_won", "quarter", target=3_000_000),
            _kpi("win_rate", "Win rate", "grow", "deals_won / deals_closed", "quarter", **WIN_RATE),
            _kpi("talk_time", "Average talk time", "serve", "talk", "month", better="lower", target=240),
            _kpi("open_work", "Open deals in the pipeline", "grow", "open_deals", "month"),
            _kpi("new_calls", "Calls that nobody answered yet", "serve", "deals_won", "month", target=10),
        ],
    }
    return Config.model_validate({**sections, **changes})


def _kpi(name: str, title: str, objective: str, value: str, period: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "title": title,
        "objective": objective,
        "department": "Sales" if objective == "grow" else "Service",
        "owner": "boss@example.com",
        "why": f"{title} decides what we do next.",
        "value": value,
        "period": period,
        "better": "higher",
        "scopes": ["company", "team", "person"],
        **fields,
    }


def kpi_value(kpi: str, status: Status, value: float | None = None, **fields: Any) -> KpiValue:
    """A value of the company's month unless told otherwise."""
    start, end = fields.pop("span", MONTH)
    base = {
        "scope": Scope.COMPANY,
        "as_of": NOW - timedelta(minutes=2),
        "elapsed": 0.62,
        "time_left": TimeLeft(8.4, "workdays"),
    }
    return KpiValue(kpi, period_start=start, period_end=end, status=status, value=value, **{**base, **fields})


def sample_evaluation() -> Evaluation:
    """Each verdict once, two teams and three people."""
    kpis = [
        kpi_value(
            "revenue", Status.AT_RISK, 1_484_250.5, span=QUARTER, target=3e6, target_ratio=0.495, expected=1.63e6,
            pace_ratio=0.91, previous_value=2_790_112.0, coverage=0.998,
        ),
        kpi_value(
            "win_rate", Status.ON_TRACK, 0.2461, span=QUARTER, target=0.25, target_low=0.2, target_high=0.3,
            target_ratio=1.0, coverage=1.0, previous_value=0.2318,
        ),
        kpi_value("talk_time", Status.EXCEEDED, 187.4, target=240.0, target_ratio=1.28, pace_ratio=1.28, coverage=1.0),
        kpi_value("open_work", Status.NO_TARGET, 512.0, coverage=1.0),
        kpi_value("new_calls", Status.STALE, 3.0, target=10.0, target_ratio=0.3, as_of=NOW - timedelta(hours=9)),
        *_people("revenue"),
        *_people("talk_time"),
    ]  # fmt: skip
    metrics = [
        MetricValue("revenue_won", Scope.COMPANY, Period.MONTH, 1_484_250.5),
        MetricValue("talk", Scope.COMPANY, Period.DAY, 187.4),
        MetricValue("talk", Scope.COMPANY, Period.MONTH, 201.0),
        MetricValue("talk", Scope.TEAM, Period.DAY, 99.5, team="North"),
        MetricValue("talk", Scope.PERSON, Period.DAY, 99.5, team="North", person="Ada"),
        MetricValue("open_deals", Scope.COMPANY, None, 500.0, labels=(("stage", "Offer"),)),
        MetricValue("open_deals", Scope.COMPANY, None, 12.0, labels=(("stage", "__other__"),)),
    ]
    scores = (ObjectiveScore("grow", 0.83, 1.0), ObjectiveScore("serve", None, 0.4))
    return Evaluation(
        NOW, tuple(kpis), tuple(metrics), scores, {("open_deals", "stage"): 7}, {("deals", "closed_at"): 3}
    )


def _people(kpi: str) -> list[KpiValue]:
    team = {"scope": Scope.TEAM, "target": 100.0}
    person = {"scope": Scope.PERSON, "target": 50.0}
    return [
        kpi_value(kpi, Status.OFF_TRACK, 80.0, team="North", target_ratio=0.8, pace_ratio=0.85, **team),
        kpi_value(kpi, Status.ON_TRACK, 101.0, team="South", target_ratio=1.01, pace_ratio=1.02, **team),
        kpi_value(kpi, Status.TOO_FEW, 12.0, team="North", person="Ada Lovelace", target_ratio=0.24, **person),
        kpi_value(kpi, Status.EXCEEDED, 61.0, team="North", person="Björn Ståhl", target_ratio=1.22, **person),
        kpi_value(kpi, Status.NO_DATA, None, team=None, person="<b>Eve</b>", **person),
    ]


def sample_snapshot(*, separate: bool = False) -> Snapshot:
    """The sample evaluation, rendered."""
    config, evaluation = sample_config(), sample_evaluation()
    rows = [*business_samples(config, evaluation.metrics), *kpi_samples(config, evaluation)]
    return take(Renderer().render(rows), NOW, separate=separate)


def sample_state() -> ServedState:
    """A server state with the sample snapshot."""
    self_metrics = SelfMetrics()
    self_metrics.set(naming.SOURCE_UP, 1, "crm")
    self_metrics.count(naming.REQUESTS, "crm", "2xx")
    return ServedState(self_metrics, sample_snapshot(), page=lambda _: "<!doctype html><title>page</title>")
