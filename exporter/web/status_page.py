"""The page at `/`: every KPI and every source at a glance, on a phone as on a wall, without scripts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files

from exporter import __version__, naming
from exporter.config.fields import Scope, Status
from exporter.config.kpis import Kpi, Objective
from exporter.config.root import Config
from exporter.exposition.families import WITHHELD
from exporter.exposition.formatting import ABSENT, age, amount, ratio
from exporter.exposition.self_metrics import Labels
from exporter.exposition.text import label_value
from exporter.kpi.values import Evaluation, KpiValue
from exporter.naming import Family
from exporter.statuses import GREY, STATUSES, VERDICTS, colours
from exporter.web.markup import Html, element, joined, table

_NOT_ENCODABLE = re.compile("[\ud800-\udfff]")

_FULL_BAR = 1.5
"""The target ratio at the bar's end; its mark stands at 1."""


@dataclass(frozen=True, slots=True)
class View:
    """All the page needs: `own` are the exporter's own numbers, `now` is in UTC."""

    config: Config
    evaluation: Evaluation | None
    own: Mapping[Family, Mapping[Labels, float]]
    now: datetime


def render(view: View) -> str:
    """The whole page."""
    company = view.config.company
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="refresh", content="300"),
        element("title", f"{company.name} · KPIs"),
        element("style", _style(view.config)),
    )
    body = element("body", _header(view), element("main", *_objectives(view), _sources(view)), _footer(view))
    return _NOT_ENCODABLE.sub("\ufffd", f"<!doctype html>\n{element('html', head, body, lang='en')}\n")


def _style(config: Config) -> Html:
    """The style sheet, then a class for each status with its colour as `--tone`."""
    sheet = files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    palette = colours(config)
    tones = {_tone(status): palette[status] for status in VERDICTS} | {"none": GREY}
    return Html(sheet + "".join(f".{name} {{ --tone: {colour}; }}\n" for name, colour in tones.items()))


def _header(view: View) -> Html:
    evaluation = view.evaluation
    if evaluation is None:
        note = "The first evaluation is still to come: numbers appear as soon as the sources have been read."
        return element("header", element("h1", view.config.company.name), element("p", note, class_="soft"))
    counts = Counter(value.status for value in _headline(evaluation).values())
    items = [
        element("li", _pill(status, count=f"{count} "), class_=_tone(status))
        for status in STATUSES
        if (count := counts[status])
    ]
    local = evaluation.at.astimezone(view.config.company.timezone)
    return element(
        "header",
        element("h1", view.config.company.name),
        element(
            "p", f"Key figures as of {local:%A, %d %B %Y, %H:%M} ({view.config.company.timezone.key})", class_="soft"
        ),
        element("ul", *items, class_="counts"),
    )


def _headline(evaluation: Evaluation) -> dict[str, KpiValue]:
    return {value.kpi: value for value in evaluation.kpis if value.scope is Scope.COMPANY}


def _objectives(view: View) -> list[Html]:
    return [_objective(view, objective) for objective in view.config.objectives]


def _objective(view: View, objective: Objective) -> Html:
    kpis = [kpi for kpi in view.config.kpis if kpi.objective == objective.name]
    scores = {s.objective: s.score for s in view.evaluation.objectives} if view.evaluation else {}
    score = scores.get(objective.name)
    note = f"score {score * 100:.0f} of 100 · " if score is not None else ""
    title = element("h2", label_value(objective.title), element("small", f"{note}{objective.owner}"))
    return element("section", title, element("div", *(_card(view, kpi) for kpi in kpis), class_="cards"))


def _card(view: View, kpi: Kpi) -> Html:
    values = [value for value in view.evaluation.kpis if value.kpi == kpi.name] if view.evaluation else []
    company = next((value for value in values if value.scope is Scope.COMPANY), None)
    status = company.status if company else Status.NO_DATA
    top = element("div", element("h3", kpi.title), _pill(status), class_="top")
    parts = [top]
    if company is not None:
        parts += _figures(view, kpi, company)
    parts.append(element("p", kpi.why, class_="soft"))
    parts += _breakdowns(view, kpi, values)
    return element("article", *parts, class_=_tone(status))


def _figures(view: View, kpi: Kpi, value: KpiValue) -> list[Html]:
    def said(number: float | None) -> str:
        return amount(number, view.config.unit(kpi), view.config.company.currency)

    if value.status in WITHHELD:
        value = value._replace(value=None, target_ratio=None, pace_ratio=None, progress_ratio=None)

    facts = {
        "target": _target(value, said),
        "ratio": ratio(value.target_ratio) if value.target_ratio is not None else None,
        "pace": ratio(value.pace_ratio) if ratio(value.pace_ratio) not in (ABSENT, ratio(value.target_ratio)) else None,
        "way to goal": f"{value.progress_ratio * 100:.0f} %" if value.progress_ratio is not None else None,
        "before": said(value.previous_value) if value.previous_value is not None else None,
    }
    shown = [
        element("div", element("dt", name), element("dd", text)) for name, text in facts.items() if text is not None
    ]
    return [
        element("p", said(value.value), class_="value"),
        element("dl", *shown, class_="facts"),
        *([_bar(value.target_ratio, value.pace_ratio)] if value.target_ratio is not None else []),
        element("p", *_dates(view, kpi, value), class_="soft dates"),
    ]


def _target(value: KpiValue, said: Callable[[float | None], str]) -> str | None:
    if value.target_low is not None and value.target_high is not None:
        return f"{said(value.target_low)} to {said(value.target_high)}"
    return said(value.target) if value.target is not None else None


def _dates(view: View, kpi: Kpi, value: KpiValue) -> tuple[Html, ...]:
    zone = view.config.company.timezone
    first, last = value.period_start.astimezone(zone), value.period_end.astimezone(zone) - timedelta(microseconds=1)
    days = f"{first.day} {first:%b}" if kpi.period == "day" else f"{first.day} {first:%b} – {last.day} {last:%b}"
    said = (
        f"{kpi.period.value.capitalize()} {days}",
        f"{value.elapsed * 100:.0f} % gone",
        f"data {age(value.as_of, view.now)}" if value.as_of else "not read yet",
    )
    return tuple(element("span", text) for text in said)


def _bar(target_ratio: float, pace_ratio: float | None) -> Html:
    """The target ratio as a bar, with a mark where it should be by now if that is not yet the target."""
    due = target_ratio / pace_ratio if pace_ratio else 1.0
    mark = element("b", style=f"left:{_along(due)}") if 0 < due < 0.99 else None
    return element("div", element("i", style=f"width:{_along(target_ratio)}"), mark, class_="bar", aria_hidden="true")


def _along(target_ratio: float) -> str:
    return f"{max(0.0, min(target_ratio, _FULL_BAR)) / _FULL_BAR * 100:.1f}%"


def _breakdowns(view: View, kpi: Kpi, values: list[KpiValue]) -> list[Html]:
    scopes = [(Scope.TEAM, "By team")]
    if view.config.privacy.people == "included":
        scopes.append((Scope.PERSON, "By person"))
    return [_breakdown(view, kpi, title, rows) for scope, title in scopes if (rows := _of(values, scope))]


def _of(values: list[KpiValue], scope: Scope) -> list[KpiValue]:
    return sorted((v for v in values if v.scope is scope), key=lambda v: (v.team or "", v.person or ""))


def _breakdown(view: View, kpi: Kpi, title: str, values: list[KpiValue]) -> Html:
    unit, currency = view.config.unit(kpi), view.config.company.currency
    rows = [
        (
            label_value(value.person or value.team or ""),
            amount(value.value, unit, currency),
            ratio(value.target_ratio),
            element("span", _pill(value.status), class_=_tone(value.status)),
        )
        for value in values
    ]
    summary = element("summary", f"{title} ({len(rows)})")
    return element("details", summary, table(("", "Value", "Ratio", "Status"), rows))


def _pill(status: Status, count: str = "") -> Html:
    spec = STATUSES[status]
    number = element("b", count) if count else None
    return element("span", element("span", f"{spec.symbol} ", aria_hidden="true"), number, spec.words, class_="pill")


def _tone(status: Status) -> str:
    return status.value if status in VERDICTS else "none"


def _sources(view: View) -> Html:
    rows = [_source(view, source.name, source.provider) for source in view.config.sources]
    head = ("Source", "Provider", "State", "Last read", "Next")
    return element("section", element("h2", "Sources"), element("div", table(head, rows), class_="sources"))


def _source(view: View, name: str, provider: str) -> tuple[str, ...]:
    states = view.own.get(naming.SOURCE_STATE, {})
    state = next((labels[1] for labels, on in states.items() if labels[0] == name and on), "starting")
    reads = [at for labels, at in view.own.get(naming.LAST_SUCCESS, {}).items() if labels[0] == name]
    plans = [at for labels, at in view.own.get(naming.NEXT_ATTEMPT, {}).items() if labels[0] == name]
    mark = "●" if state == "ok" else "○" if state in ("starting", "backfill") else "▼"
    tone = {"●": "on_track", "○": "none"}.get(mark, "off_track")
    shown = element("span", element("span", f"{mark} {state.replace('_', ' ')}", class_="pill"), class_=tone)
    plan = min(plans, default=None)
    due = "now" if plan and plan <= view.now.timestamp() else _when(plan, view.now)
    return name, provider, shown, _when(min(reads, default=None), view.now), due


def _when(at: float | None, now: datetime) -> str:
    return age(datetime.fromtimestamp(at, now.tzinfo), now) if at else ABSENT


def _footer(view: View) -> Html:
    links = [("/metrics", "metrics"), ("/-/ready", "ready"), ("/-/healthy", "healthy")]
    if view.config.privacy.people == "separate":
        links.insert(1, ("/metrics/people", "metrics of people"))
    links.append((view.config.dashboards.url, "dashboards"))
    legend = "Bars show the target ratio: the tall mark is the target, the short one where the KPI should be by now."
    anchors = [element("a", text, href=target) for target, text in links]
    version = element("span", f"KPI Exporter {__version__}", class_="soft")
    return element("footer", element("p", legend, class_="soft"), joined(*anchors), version)
