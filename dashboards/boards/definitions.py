"""What the KPIs mean, as a Markdown table from the config."""

from __future__ import annotations

from collections.abc import Iterable

from dashboards.quoting import markdown
from exporter.config.expression import Binary, Constant, Expression
from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.config.targets import Band, Goal, Growth

_HEADINGS = ("KPI", "Why", "Value", "Period", "Target", "Decision", "Owner", "Review")


def definitions(config: Config, kpis: Iterable[Kpi]) -> str:
    """One row for each KPI."""
    lines = [" | ".join(_HEADINGS), " | ".join("---" for _ in _HEADINGS)]
    lines += [" | ".join(markdown(cell) or "–" for cell in _cells(config, kpi)) for kpi in kpis]
    return "\n".join(f"| {line} |" for line in lines)


def _cells(config: Config, kpi: Kpi) -> tuple[str, ...]:
    return (
        kpi.title,
        kpi.why,
        f"{formula(config, kpi.value)} ({config.unit(kpi)})",
        kpi.period.value,
        f"{target(kpi)} ({kpi.better.value} is better)" if kpi.target is not None else "",
        kpi.decision or "",
        kpi.owner,
        kpi.review or "",
    )


def formula(config: Config, value: Expression) -> str:
    """The KPI's value over the titles of its metrics."""
    if isinstance(value, Constant):
        return _number(value.value)
    if isinstance(value, Binary):
        return f"{_operand(config, value.left)} {value.operator} {_operand(config, value.right)}"
    return config.metric_by_name[value.metric].title


def _operand(config: Config, value: Expression) -> str:
    text = formula(config, value)
    return f"({text})" if isinstance(value, Binary) else text


def target(kpi: Kpi) -> str:
    """The target as a person says it."""
    goal = kpi.target
    if isinstance(goal, Band):
        return f"{_number(goal.within[0])} to {_number(goal.within[1])}"
    if isinstance(goal, Goal):
        return f"from {_number(goal.from_)} on {goal.start} to {_number(goal.to)} by {goal.by}"
    if isinstance(goal, Growth):
        return f"{goal.growth:+.1%} over {goal.over.value.replace('_', ' ')}"
    if isinstance(goal, tuple):
        return "dated, see the chart"
    return _number(goal) if goal is not None else ""


def _number(value: float) -> str:
    return f"{value:,.10g}"
