"""Renders the page at `/`: every KPI and every source at a glance, for phones and wall screens, without scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from html import escape
from importlib.resources import files

from exporter import __version__, naming
from exporter.config.fields import Better, Scope, Status
from exporter.config.kpis import Kpi, Objective
from exporter.config.root import Config
from exporter.exposition.formatting import ABSENT, age, amount, ratio
from exporter.exposition.self_metrics import Labels
from exporter.exposition.series_tables import WITHHELD
from exporter.kpi.values import Evaluation, KpiValue
from exporter.metrics.label_values import label_value
from exporter.naming import Family
from exporter.printable import printable
from exporter.statuses import BAR, GREY, STATUSES, VERDICTS, colours
from exporter.web.members import PER_PAGE, SHOWN, MembersIndex, MembersQuery, Slice
from exporter.web.notices import rejections

_FULL_BAR = 1.5
"""The target ratio at the right end of the bar."""

_VOID_ELEMENTS = frozenset({"meta", "link"})


@dataclass(frozen=True)
class PageData:
    """What the page shows. `self_metrics` is a copy of the exporter's own numbers; `now` is in UTC.

    `notices` are sentences on what an operator has to do, shown above everything else. `index` is that of the
    evaluation, if it is known already. With a `query` the page lists teams or people of one KPI.
    """

    config: Config
    evaluation: Evaluation | None
    self_metrics: Mapping[Family, Mapping[Labels, float]]
    now: datetime
    notices: tuple[str, ...] = ()
    index: MembersIndex | None = field(default=None, kw_only=True)
    query: MembersQuery | None = field(default=None, kw_only=True)

    @cached_property
    def members(self) -> MembersIndex:
        """The values by KPI and scope."""
        return self.index or MembersIndex.of(self.evaluation)


def render(data: PageData) -> str:
    """The HTML of the page."""
    company, all_notices = data.config.company, (*data.notices, *rejections(data.self_metrics))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="refresh", content="300"),
        element("title", f"{company.name} · KPIs"),
        element("style", _style(data.config)),
    )
    body = element(
        "body",
        *(element("p", notice, class_="notice", role="alert") for notice in all_notices),
        _header(data),
        element("main", *_sections(data)),
        _footer(data),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _sections(data: PageData) -> list[Html]:
    """All objectives and sources, or the list that the query asks for if the page may show it."""
    query = data.query
    kpi = data.config.kpi_by_name.get(query.kpi) if query else None
    if query is not None and kpi is not None and query.scope in _scopes(data.config):
        return [_members(data, kpi, query)]
    return [*(_objective(data, objective) for objective in data.config.objectives), _sources(data)]


def _style(config: Config) -> Html:
    """The style sheet, then a class for each status with its colour as `--tone`, which differs on dark ground."""
    sheet = files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    palette = colours(config)
    tones = {_tone(status): palette[status] for status in VERDICTS} | {"none": GREY}
    light = "".join(f".{name} {{ --tone: {colour.light}; }}\n" for name, colour in tones.items())
    dark = "".join(f".{name} {{ --tone: {colour.dark}; }}\n" for name, colour in tones.items())
    bar = f":root {{ --bar: {BAR}; }}\n"
    return Html(f"{sheet}{bar}{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n")


def _header(data: PageData) -> Html:
    company, evaluation = data.config.company, data.evaluation
    if evaluation is None:
        if data.notices:
            return element("header", element("h1", company.name))
        note = "Waiting for the first evaluation: numbers appear once the sources have been synced."
        return element("header", element("h1", company.name), element("p", note, class_="soft"))
    counts = Counter(value.status for value in evaluation.kpis if value.scope is Scope.COMPANY)
    items = [
        element("li", _pill(status, count=f"{count} "), class_=_tone(status))
        for status in STATUSES
        if (count := counts[status])
    ]
    local = evaluation.at.astimezone(company.timezone)
    return element(
        "header",
        element("h1", company.name),
        element("p", f"KPIs as of {local:%A, %d %B %Y, %H:%M} ({company.timezone.key})", class_="soft"),
        element("ul", *items, class_="counts"),
    )


def _objective(data: PageData, objective: Objective) -> Html:
    kpis = [kpi for kpi in data.config.kpis if kpi.objective == objective.name]
    scores = {s.objective: s.score for s in data.evaluation.objectives} if data.evaluation else {}
    score = scores.get(objective.name)
    note = f"score {score * 100:.0f} of 100 · " if score is not None else ""
    title = element("h2", label_value(objective.title), element("small", f"{note}{objective.owner}"))
    return element("section", title, element("div", *(_card(data, kpi) for kpi in kpis), class_="cards"))


def _card(data: PageData, kpi: Kpi) -> Html:
    company = data.members.company.get(kpi.name)
    status = company.status if company else Status.NO_DATA
    children = [element("div", element("h3", kpi.title), _pill(status), class_="top")]
    if company is not None:
        children += _figures(data, kpi, company)
    children.append(element("p", kpi.why, class_="soft"))
    for scope in _scopes(data.config):
        members = data.members.read(kpi.name, scope, 1, SHOWN)
        if members.total:
            children.append(_breakdown(data, kpi, scope, members))
    return element("article", *children, class_=_tone(status))


def _figures(data: PageData, kpi: Kpi, value: KpiValue) -> list[Html]:
    def formatted(number: float | None) -> str:
        return amount(number, data.config.unit(kpi), data.config.company.currency)

    if value.status in WITHHELD:
        value = value._replace(value=None, target_ratio=None, pace_ratio=None, progress_ratio=None)
    pace = value.pace_ratio if ratio(value.pace_ratio) != ratio(value.target_ratio) else None
    facts = [
        _target(value, formatted),
        _share(kpi, value, value.target_ratio, "of target", "target ratio"),
        _share(kpi, value, pace, "of plan", "pace ratio"),
    ]
    if value.progress_ratio is not None:
        facts.append(("", _percent(value.progress_ratio), "of the way to the goal"))
    if value.previous_value is not None:
        facts.append((f"previous {kpi.period.value}", formatted(value.previous_value), ""))
    items = [element("li", f"{fact[0]} ", element("b", fact[1]), f" {fact[2]}") for fact in facts if fact]
    return [
        element("p", formatted(value.value), class_="value"),
        element("ul", *items, class_="facts"),
        *(
            [element("p", value.reason, class_="soft")]
            if value.reason and (kpi.target is not None or value.as_of is None)
            else []
        ),
        *([_bar(value.target_ratio, value.pace_ratio)] if value.target_ratio is not None else []),
        element("p", *_dates(data, kpi, value), class_="soft dates"),
    ]


def _share(kpi: Kpi, value: KpiValue, share: float | None, suffix: str, name: str) -> tuple[str, str, str] | None:
    """A ratio as a percentage if more is better; otherwise it is not a share of the target and stays a ratio."""
    if share is None:
        return None
    if kpi.better is Better.HIGHER and value.target_low is None:
        return "", _percent(share), suffix
    return name, ratio(share), ""


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _target(value: KpiValue, formatted: Callable[[float | None], str]) -> tuple[str, str, str] | None:
    if value.target_low is not None and value.target_high is not None:
        return "target", f"{formatted(value.target_low)} to {formatted(value.target_high)}", ""
    return ("target", formatted(value.target), "") if value.target is not None else None


def _dates(data: PageData, kpi: Kpi, value: KpiValue) -> tuple[Html, ...]:
    zone = data.config.company.timezone
    first, last = value.period_start.astimezone(zone), value.period_end.astimezone(zone) - timedelta(microseconds=1)
    days = f"{first.day} {first:%b}" if kpi.period == "day" else f"{first.day} {first:%b} – {last.day} {last:%b}"
    texts = (
        f"{kpi.period.value.capitalize()} {days}",
        f"{_percent(value.elapsed)} elapsed",
        f"as of {age(value.as_of, data.now)}" if value.as_of else "not synced yet",
    )
    return tuple(element("span", text) for text in texts)


def _bar(target_ratio: float, pace_ratio: float | None) -> Html:
    """The target ratio as a bar, with a mark where the plan expects it to be by now, unless that is the target."""
    planned = target_ratio / pace_ratio if pace_ratio else 1.0
    tick = element("b", style=f"left:{_position(planned)}") if 0 < planned < 0.99 else None
    fill = element("i", style=f"width:{_position(target_ratio)}")
    return element("div", fill, tick, class_="bar", aria_hidden="true")


def _position(target_ratio: float) -> str:
    return f"{max(0.0, min(target_ratio, _FULL_BAR)) / _FULL_BAR * 100:.1f}%"


def _scopes(config: Config) -> tuple[Scope, ...]:
    """The scopes that the page may list."""
    return (Scope.TEAM, Scope.PERSON) if config.privacy.people == "included" else (Scope.TEAM,)


def _breakdown(data: PageData, kpi: Kpi, scope: Scope, members: Slice) -> Html:
    summary = element("summary", f"By {scope.value} ({members.total:,})")
    rest = None
    if members.pages > 1:
        link = element("a", f"all {members.total:,}", href=MembersQuery(kpi.name, scope).href(1))
        rest = element("p", f"The first {len(members.values)} are shown, ", link, ".", class_="soft")
    return element("details", summary, _members_table(data, kpi, members.values), rest)


def _members(data: PageData, kpi: Kpi, query: MembersQuery) -> Html:
    """One page of a KPI's teams or people, with links to the others."""
    members = data.members.read(kpi.name, query.scope, query.number, PER_PAGE)
    number, last = members.number, members.pages
    pages = {"first": 1, "previous": number - 1, "next": number + 1, "last": last}
    links = [
        element("a", name, href=query.href(page))
        for name, page in pages.items()
        if page != number and 1 <= page <= last
    ]
    where = f"page {number:,} of {last:,}, {members.total:,} in all"
    return element(
        "section",
        element("h2", kpi.title, element("small", f"by {query.scope.value} · {where}")),
        element("p", element("a", "all KPIs", href="/"), *(joined(" · ", link) for link in links)),
        element("div", _members_table(data, kpi, members.values), class_="sources"),
    )


def _members_table(data: PageData, kpi: Kpi, values: Sequence[KpiValue]) -> Html:
    unit, currency = data.config.unit(kpi), data.config.company.currency
    rows = [
        (
            label_value(value.person or value.team or ""),
            amount(value.value, unit, currency),
            ratio(value.target_ratio),
            element("span", _pill(value.status), class_=_tone(value.status)),
        )
        for value in values
    ]
    return table(("", "Value", "Target ratio", "Status"), rows)


def _pill(status: Status, count: str = "") -> Html:
    spec = STATUSES[status]
    number = element("b", count) if count else None
    return element("span", element("span", f"{spec.symbol} ", aria_hidden="true"), number, spec.label, class_="pill")


def _tone(status: Status) -> str:
    return status.value if status in VERDICTS else "none"


def _sources(data: PageData) -> Html:
    rows = [_source(data, source.name, source.provider) for source in data.config.sources]
    head = ("Source", "Provider", "State", "Last sync", "Next sync")
    listed = element("div", table(head, rows), class_="sources")
    return element("section", element("h2", "Sources"), listed, *_removed_sources(data))


def _removed_sources(data: PageData) -> list[Html]:
    counts: Counter[str] = Counter()
    for (source, _), count in data.self_metrics.get(naming.REMOVED_RECORDS, {}).items():
        counts[source] += int(count)
    return [
        element(
            "p",
            f"{count:,} records of {source}, a push source that the config no longer has, are kept and count "
            f"nowhere. kpi-exporter forget --source {source} deletes them.",
            class_="soft",
        )
        for source, count in sorted(counts.items())
    ]


def _source(data: PageData, name: str, provider: str) -> tuple[str, ...]:
    def of_source(family: Family) -> dict[Labels, float]:
        return {labels: value for labels, value in data.self_metrics.get(family, {}).items() if labels[0] == name}

    state = next((labels[1] for labels, flag in of_source(naming.SOURCE_STATE).items() if flag), "starting")
    last_sync = min(of_source(naming.LAST_SUCCESS).values(), default=None)
    next_sync = min(of_source(naming.NEXT_ATTEMPT).values(), default=None)
    symbol = "●" if state == "ok" else "○" if state in ("starting", "backfill") else "▼"
    tone = {"●": "on_track", "○": "none"}.get(symbol, "off_track")
    pill = element("span", element("span", f"{symbol} {state.replace('_', ' ')}", class_="pill"), class_=tone)
    due = "now" if next_sync and next_sync <= data.now.timestamp() else _age(next_sync, data.now)
    return name, provider, pill, _age(last_sync, data.now), due


def _age(timestamp: float | None, now: datetime) -> str:
    return age(datetime.fromtimestamp(timestamp, now.tzinfo), now) if timestamp else ABSENT


def _footer(data: PageData) -> Html:
    links = [("/metrics", "metrics"), ("/-/ready", "ready"), ("/-/healthy", "healthy")]
    if data.config.privacy.people == "separate":
        links.insert(1, ("/metrics/people", "metrics of people"))
    links.append((data.config.dashboards.url, "dashboards"))
    legend = "Bars show the target ratio: the tall mark is the target, the short mark is the plan for today."
    anchors = [element("a", text, href=target) for target, text in links]
    version = element("span", f"KPI Exporter {__version__}", class_="soft")
    return element("footer", element("p", legend, class_="soft"), joined(*anchors), version)


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, *children: str | None, **attributes: str | None) -> Html:
    """`<tag attributes>children</tag>`, with text escaped; None is left out and `class_` becomes `class`."""
    pairs = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(printable(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _VOID_ELEMENTS:
        return Html(f"<{tag}{pairs}>")
    return Html(f"<{tag}{pairs}>{joined(*children)}</{tag}>")


def joined(*children: str | None) -> Html:
    """The children one after the other, with text escaped."""
    return Html("".join(c if isinstance(c, Html) else escape(printable(c)) for c in children if c is not None))


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Html:
    """A table whose first column names the row; each cell carries its column's name for narrow screens."""
    top = element("tr", *(element("th", name, scope="col") for name in head))
    body = [
        element(
            "tr",
            element("th", row[0], scope="row"),
            *(element("td", cell, data_label=name) for name, cell in zip(head[1:], row[1:], strict=True)),
        )
        for row in rows
    ]
    return element("table", element("thead", top), element("tbody", *body))
