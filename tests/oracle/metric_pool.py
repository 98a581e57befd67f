"""The metrics of every generated company, and the values that its KPIs choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_EVERYONE = ("company", "team", "person")
_DEAL_LIFE = {"from": "created_at", "until": "closed_at"}


def _metric(name: str, entity: str, time: str | Mapping[str, str], **rest: Any) -> dict[str, Any]:
    rule = {"at": time} if isinstance(time, str) else {"during": dict(time)}
    return {"name": name, "entity": entity, **rule, **rest}


METRICS: Sequence[Mapping[str, Any]] = (
    _metric("won", "deals", "closed_at", count="rows", where={"status": "won"}),
    _metric("revenue", "deals", "closed_at", sum="amount", where={"status": "won"}, by=["stage"]),
    _metric("closed", "deals", "closed_at", count="rows", where={"status": ["won", "lost"]}, by=["status"]),
    _metric("created", "deals", "created_at", count="rows", by=["stage", "attributes.Deal Type"]),
    _metric("won_of_created", "deals", "created_at", count="rows", where={"status": "won"}),
    _metric("open_deals", "deals", _DEAL_LIFE, count="rows", by=["stage"]),
    _metric("pipeline", "deals", _DEAL_LIFE, sum="amount", where={"status": "open"}),
    _metric("deal_size", "deals", "closed_at", mean="amount"),
    _metric("deal_median", "deals", "closed_at", percentile={"of": "amount", "at": 0.5}),
    _metric("largest", "deals", "closed_at", max="amount", where={"stage": {"not": "a"}}),
    _metric("open_smallest", "deals", _DEAL_LIFE, min="amount"),
    _metric("stages", "deals", "closed_at", distinct="stage"),
    _metric("sized", "deals", "closed_at", mean="attributes.size", where={"attributes.size": {"gt": 1}}),
    _metric("shop_won", "deals", "closed_at", count="rows", where={"source": "shop", "status": "won"}),
    _metric("unlike_a", "deals", "created_at", count="rows", where={"attributes.Deal Type": {"not": ["n", "x"]}, "stage": {"matches": "^[ab]"}}),
    _metric("big", "deals", "closed_at", count="rows", where={"amount": {"gte": 500}}),
    _metric("big_open", "deals", _DEAL_LIFE, sum="amount", where={"amount": {"gt": 100, "lt": 1500}}, by=["stage"]),
    _metric("sized_open", "deals", _DEAL_LIFE, mean="attributes.size", where={"name": {"matches": "^x"}}),
    _metric("staged", "deals", _DEAL_LIFE, sum="amount", where={"stage": {"present": True}}),
    _metric("stages_open", "deals", _DEAL_LIFE, distinct="stage"),
    _metric("median_open", "deals", _DEAL_LIFE, percentile={"of": "amount", "at": 0.7}),
    _metric("sold", "deals", _DEAL_LIFE, count="rows", where={"status": ["won", "lost"]}),
    _metric("closing_time", "deals", "created_at", max="closed_at - created_at", unit="seconds"),
    _metric("touched", "deals", "created_at", count="rows", where={"updated_at": {"present": True}}),
    _metric("tasks", "activities", "due_at", count="rows", by=["status"]),
    _metric("done", "activities", "created_at", count="rows", where={"status": "done", "completed_at": {"present": True}}),
    _metric("overdue", "activities", {"from": "due_at", "until": "completed_at"}, count="rows"),
    _metric("mrr", "subscriptions", {"from": "started_at", "until": "ended_at"}, sum="monthly_amount", where={"status": "active"}, by=["plan"]),
    _metric("churned", "subscriptions", "started_at", count="rows", where={"ended_at": {"present": True}}),
    _metric("paid", "payments", "paid_at", sum="amount", where={"status": "succeeded"}),
    _metric("refunds", "payments", "paid_at", sum="refunded", by=["status"]),
    _metric("csat", "surveys", "answered_at", mean="score", where={"kind": "csat"}, by=["attributes.mood"]),
    _metric("leads", "leads", "created_at", count="rows", by=["status"]),
    _metric("converted", "leads", "created_at", count="rows", where={"status": "converted"}),
    _metric("qualified", "leads", "created_at", count="rows", where={"qualified_at": {"present": True}}),
    _metric("opened", "tickets", "created_at", count="rows", by=["status"]),
    _metric("solved", "tickets", "created_at", count="rows", where={"solved_at": {"present": True}}),
    _metric("unsolved", "tickets", "created_at", count="rows", where={"status": ["open", "pending"]}),
    _metric("solve_time", "tickets", "created_at", mean="solved_at - created_at", unit="seconds"),
    _metric("reply_time", "tickets", "created_at", percentile={"of": "first_reply_at - created_at", "at": 0.9}, unit="seconds"),
    _metric("backlog", "tickets", {"from": "created_at", "until": "solved_at"}, count="rows", by=["priority"]),
    _metric("urgent", "tickets", {"from": "created_at", "until": "solved_at"}, count="rows", where={"priority": "high"}),
    _metric("unreplied", "tickets", {"from": "created_at", "until": "solved_at"}, count="rows", where={"first_reply_at": {"present": False}}),
    _metric("invoiced", "invoices", "issued_at", sum="amount", by=["status"]),
    _metric("unpaid", "invoices", {"from": "issued_at", "until": "paid_at"}, sum="amount", where={"status": "open"}),
    _metric("planned", "invoices", "issued_at", count="rows", where={"due_at": {"present": True}}),
    _metric("calls", "calls", "started_at", count="rows"),
    _metric("talk", "calls", "started_at", sum="talk_seconds", where={"status": "answered"}),
    _metric("resolved", "calls", "started_at", count="rows", where={"resolved": True}),
    _metric("visits", "measurements", "at", sum="value", where={"name": "visits"}),
)  # fmt: skip

VALUES: Mapping[str, tuple[str, str, tuple[str, ...], float]] = {
    "revenue": ("revenue", "currency", _EVERYONE, 1000.0),
    "won": ("won", "count", _EVERYONE, 2.0),
    "win_rate": ("won / closed", "ratio", _EVERYONE, 0.4),
    "cohort": ("won_of_created / created", "ratio", _EVERYONE, 0.3),
    "open_deals": ("open_deals", "count", _EVERYONE, 3.0),
    "pipeline": ("pipeline", "currency", _EVERYONE, 2000.0),
    "deal_size": ("deal_size", "currency", _EVERYONE, 800.0),
    "largest": ("largest", "currency", _EVERYONE, 900.0),
    "big_open": ("big_open", "currency", _EVERYONE, 300.0),
    "big": ("big", "count", _EVERYONE, 1.0),
    "median_open": ("median_open", "currency", _EVERYONE, 400.0),
    "tasks_done": ("done", "count", _EVERYONE, 2.0),
    "overdue": ("overdue", "count", _EVERYONE, 2.0),
    "mrr": ("mrr", "currency", ("company",), 700.0),
    "net_paid": ("paid - refunds", "currency", ("company",), 300.0),
    "csat": ("csat", "points", _EVERYONE, 4.0),
    "conversion": ("converted / leads", "ratio", _EVERYONE, 0.2),
    "qualified": ("qualified", "count", _EVERYONE, 2.0),
    "solved_share": ("solved / opened", "ratio", _EVERYONE, 0.5),
    "solve_time": ("solve_time", "seconds", _EVERYONE, 86400.0),
    "backlog": ("backlog", "count", _EVERYONE, 3.0),
    "urgent": ("urgent", "count", _EVERYONE, 1.0),
    "unpaid": ("unpaid", "currency", ("company",), 1500.0),
    "talk_time": ("talk / calls", "seconds", _EVERYONE, 60.0),
    "resolution": ("resolved / calls", "ratio", _EVERYONE, 0.5),
    "visits": ("visits", "count", ("company",), 50.0),
    "orders_per_visit": ("won / visits", "ratio", ("company",), 0.01),
    "net": ("revenue - invoiced * 0.5", "currency", ("company",), 500.0),
    "shop_won": ("shop_won", "count", _EVERYONE, 1.0),
}
"""By name: the expression, its unit, its scopes, and the size of a plausible target."""

MEANS = ("deal_size", "largest", "median_open", "csat", "solve_time")
"""The values that are means, extremes or percentiles: no part of a whole."""

FORMER: Mapping[str, str] = {
    "won": "created",
    "revenue": "revenue + won * 100",
    "win_rate": "won / created",
    "cohort": "won_of_created / closed",
    "open_deals": "backlog + open_deals",
    "pipeline": "pipeline - open_deals",
    "deal_size": "deal_median",
    "solved_share": "unsolved / opened",
    "talk_time": "talk / resolved",
    "net": "invoiced - revenue",
    "tasks_done": "tasks + done",
}
"""Formulas of the same kind that some values had before."""
