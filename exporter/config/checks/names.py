"""Checks of names: each is defined once, every reference resolves, and every definition is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from exporter.config.checks.context import CheckContext
from exporter.config.expression import metrics_of, parse
from exporter.config.fields import Scope, duration_text
from exporter.config.kpis import Kpi
from exporter.config.messages import quoted, suggestion
from exporter.config.positions import Finding, KeyPath, YamlMapping, value_at

_SINGULAR = {
    "sources": "source", "teams": "team", "metrics": "metric", "objectives": "objective", "kpis": "KPI",
    "contacts": "contact",
}  # fmt: skip
_UNUSED = {
    "metrics": ("no KPI uses the metric", "add it to a KPI's value or supporting"),
    "objectives": ("no KPI belongs to the objective", "name it as a KPI's objective, or remove it"),
    "contacts": ("no KPI notifies the contact", "add it to a KPI's alerts.notify, or remove it"),
}


def errors(context: CheckContext) -> Iterator[Finding]:
    """Names defined twice, values listed twice, unresolved references, and guards that form a cycle."""
    for section, kind in _SINGULAR.items():
        indexes: dict[str, int] = {}
        for index, definition in getattr(context, section):
            first = indexes.setdefault(definition.name, index)
            if first != index:
                hint = f"rename this one or {section}[{first}]"
                yield Finding((section, index, "name"), f"there is another {kind} with this name", hint)
    yield from _listed_twice(context)
    yield from _unresolved(context)
    yield from _guard_cycles(context)
    yield from _displays(context)


def warnings(context: CheckContext) -> Iterator[Finding]:
    """Metrics, objectives, contacts and teams that nothing uses, and email contacts without a mail server."""
    config = context.config
    used = {
        "metrics": {name for kpi in config.kpis for name in (*kpi.metrics, *kpi.supporting)},
        "objectives": {kpi.objective for kpi in config.kpis},
        "contacts": {name for kpi in config.kpis if kpi.alerts for name in kpi.alerts.notify},
    }
    for section, (message, hint) in _UNUSED.items():
        for index, definition in getattr(context, section):
            if definition.name not in used[section]:
                yield Finding((section, index), message, hint)
    for index, team in context.teams:
        if not team.members and not context.knows_people:
            yield Finding(("teams", index), "the team has no members", "list its members, or remove it")
    for index, contact in context.contacts:
        if contact.email and config.alerting.smtp is None:
            yield Finding(("contacts", index, "email"), "email needs a mail server", "add alerting.smtp")


def _listed_twice(context: CheckContext) -> Iterator[Finding]:
    company = context.config.company
    for path, days in company.workdays.with_paths(("company", "workdays")) if company.workdays else ():
        yield from _repeated(path, days)
    yield from _repeated(("company", "holidays", "dates"), company.holidays.dates)
    for index, source in context.sources:
        entities = getattr(source, "entities", None)
        if isinstance(entities, tuple) and all(isinstance(name, str) for name in source.reads):
            yield from _repeated(("sources", index, "entities"), entities)
    for index, metric in context.metrics:
        yield from _repeated(("metrics", index, "by"), metric.by)
        yield from _repeated(("metrics", index, "periods"), metric.periods)
    yield from _repeated(("dashboards", "kpis"), (display.kpi for display in context.config.dashboards.kpis))
    for index, kpi in context.kpis:
        yield from _repeated(("kpis", index, "scopes"), kpi.scopes)
        yield from _repeated(("kpis", index, "supporting"), kpi.supporting)
        if kpi.alerts:
            yield from _repeated(("kpis", index, "alerts", "notify"), kpi.alerts.notify)
            yield from _repeated(("kpis", index, "alerts", "on"), kpi.alerts.on)
            yield from _repeated(("kpis", index, "alerts", "scopes"), kpi.alerts.scopes)
            yield from _repeated(("kpis", index, "alerts", "people_to"), kpi.alerts.people_to)
            slack = [duration_text(rule.within) for rule in kpi.alerts.slack]
            yield from _repeated(("kpis", index, "alerts", "slack"), slack)


def _repeated(path: KeyPath, values: Iterable[object]) -> Iterator[Finding]:
    unique: set[str] = set()
    for index, value in enumerate(values):
        if str(value) in unique:
            yield Finding((*path, index), f"{value} is listed twice", "keep one")
        unique.add(str(value))


def _unresolved(context: CheckContext) -> Iterator[Finding]:
    defined = {section: context.names(section) for section in ("metrics", "objectives", "kpis", "contacts")}
    by_kpi = [(index, _references(kpi)) for index, kpi in context.kpis]
    by_kpi += [(index, _references_of_invalid(kpi)) for index, kpi in context.invalid("kpis")]
    for index, references in by_kpi:
        for path, name, section in references:
            if name not in defined[section] and section not in context.unreadable:
                yield _missing(("kpis", index, *path), name, section, defined[section])


def _missing(path: KeyPath, name: str, section: str, defined: Mapping[str, None]) -> Finding:
    kind = _SINGULAR[section]
    hint = suggestion(name, defined, f"{kind}s defined") or f"no {kind} is defined yet"
    return Finding(path, f"there is no {kind} {quoted(name)}", hint)


def _displays(context: CheckContext) -> Iterator[Finding]:
    """KPIs that dashboards are to show, but that do not exist or have no series of the company."""
    defined = context.names("kpis")
    scopes = {kpi.name: kpi.scopes for _, kpi in context.kpis}
    for index, display in enumerate(context.config.dashboards.kpis):
        path = ("dashboards", "kpis", index, "kpi")
        if display.kpi not in defined and "kpis" not in context.unreadable:
            yield _missing(path, display.kpi, "kpis", defined)
        elif Scope.COMPANY not in scopes.get(display.kpi, (Scope.COMPANY,)):
            yield Finding(
                path, f"{quoted(display.kpi)} has no value of the company to show", "add company to its scopes"
            )


def _references(kpi: Kpi) -> Iterator[tuple[KeyPath, str, str]]:
    """(path in the KPI, name, section) of each name that it refers to."""
    for path, formula in kpi.formulas.with_paths(("value",)):
        for name in metrics_of(formula):
            yield path, name, "metrics"
    for index, name in enumerate(kpi.supporting):
        yield ("supporting", index), name, "metrics"
    yield ("objective",), kpi.objective, "objectives"
    if kpi.guard is not None:
        yield ("guard",), kpi.guard, "kpis"
    for index, name in enumerate(kpi.alerts.notify if kpi.alerts else ()):
        yield ("alerts", "notify", index), name, "contacts"


def _references_of_invalid(kpi: YamlMapping) -> Iterator[tuple[KeyPath, str, str]]:
    lists: tuple[tuple[KeyPath, str], ...] = ((("supporting",), "metrics"), (("alerts", "notify"), "contacts"))
    for path, section in lists:
        names = value_at(kpi, path)
        for index, name in enumerate(names if isinstance(names, list) else ()):
            if isinstance(name, str):
                yield (*path, index), name, section
    for key, section in (("objective", "objectives"), ("guard", "kpis")):
        if isinstance(kpi.get(key), str):
            yield (key,), kpi[key], section
    with suppress(ValueError):
        for name in metrics_of(parse(str(kpi.get("value")))):
            yield ("value",), name, "metrics"


def _guard_cycles(context: CheckContext) -> Iterator[Finding]:
    guards = {kpi.name: kpi.guard for kpi in context.config.kpis if kpi.guard}
    for index, kpi in context.kpis:
        chain: list[str] = []
        name = kpi.guard
        while name in guards and name not in chain and name != kpi.name:
            chain.append(name)
            name = guards[name]
        if name == kpi.name:
            cycle = " to ".join([kpi.name, *chain, kpi.name])
            yield Finding(("kpis", index, "guard"), f"guards form a cycle: {cycle}", "remove one of them")
