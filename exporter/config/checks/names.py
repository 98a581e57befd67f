"""Names: each given once, each reference leading somewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from exporter.config.checks.view import View
from exporter.config.expression import metrics_of, parse
from exporter.config.kpis import Kpi
from exporter.config.messages import quoted, suggestion
from exporter.config.positions import Finding, Keyed, Path, inside

_SECTIONS = ("sources", "teams", "metrics", "objectives", "kpis", "contacts")
_SINGULAR = {
    "sources": "source", "teams": "team", "metrics": "metric", "objectives": "objective", "kpis": "KPI",
    "contacts": "contact",
}  # fmt: skip


def errors(view: View) -> Iterator[Finding]:
    """Names defined twice, values listed twice, references that lead nowhere, guards in a circle."""
    yield from _defined_twice(view)
    yield from _listed_twice(view)
    yield from _dangling(view)
    yield from _guards(view)


def _defined_twice(view: View) -> Iterator[Finding]:
    for section in _SECTIONS:
        seen: dict[str, int] = {}
        for place, definition in getattr(view, section):
            first = seen.setdefault(definition.name, place)
            if first != place:
                message = f"there is another {_SINGULAR[section]} of this name"
                yield Finding((section, place, "name"), message, f"rename this one or {section}[{first}]")


def _listed_twice(view: View) -> Iterator[Finding]:
    config = view.config
    yield from _repeated(("company", "workdays"), config.company.workdays or ())
    yield from _repeated(("company", "holidays", "dates"), config.company.holidays.dates)
    for place, source in view.sources:
        if isinstance(getattr(source, "entities", None), tuple) and all(isinstance(name, str) for name in source.reads):
            yield from _repeated(("sources", place, "entities"), getattr(source, "entities", ()))
    for place, metric in view.metrics:
        yield from _repeated(("metrics", place, "by"), metric.by)
        yield from _repeated(("metrics", place, "periods"), metric.periods)
    for place, kpi in view.kpis:
        yield from _repeated(("kpis", place, "scopes"), kpi.scopes)
        yield from _repeated(("kpis", place, "supporting"), kpi.supporting)
        if kpi.alerts:
            yield from _repeated(("kpis", place, "alerts", "notify"), kpi.alerts.notify)
            yield from _repeated(("kpis", place, "alerts", "on"), kpi.alerts.on)


def _repeated(path: Path, values: Iterable[object]) -> Iterator[Finding]:
    seen: set[str] = set()
    for place, value in enumerate(values):
        if str(value) in seen:
            yield Finding((*path, place), f"{value} is listed twice", "keep one")
        seen.add(str(value))


def _dangling(view: View) -> Iterator[Finding]:
    known = {section: view.names(section) for section in ("metrics", "objectives", "kpis", "contacts")}
    written = [(place, _references(kpi)) for place, kpi in view.kpis]
    written += [(place, _as_written(kpi)) for place, kpi in view.left_out("kpis")]
    for place, references in written:
        for path, name, section in references:
            if name not in known[section] and section not in view.lost:
                kind = _SINGULAR[section]
                cure = suggestion(name, known[section], f"{kind}s defined") or f"no {kind} is defined yet"
                yield Finding(("kpis", place, *path), f"there is no {kind} {quoted(name)}", cure)


def _references(kpi: Kpi) -> Iterator[tuple[Path, str, str]]:
    for name in metrics_of(kpi.value):
        yield ("value",), name, "metrics"
    for position, name in enumerate(kpi.supporting):
        yield ("supporting", position), name, "metrics"
    yield ("objective",), kpi.objective, "objectives"
    if kpi.guard is not None:
        yield ("guard",), kpi.guard, "kpis"
    for position, name in enumerate(kpi.alerts.notify if kpi.alerts else ()):
        yield ("alerts", "notify", position), name, "contacts"


def _as_written(kpi: Keyed) -> Iterator[tuple[Path, str, str]]:
    """The same of a KPI that has faults elsewhere."""
    lists: tuple[tuple[Path, str], ...] = ((("supporting",), "metrics"), (("alerts", "notify"), "contacts"))
    for path, section in lists:
        names = inside(kpi, path)
        for position, name in enumerate(names if isinstance(names, list) else ()):
            if isinstance(name, str):
                yield (*path, position), name, section
    for key, section in (("objective", "objectives"), ("guard", "kpis")):
        if isinstance(kpi.get(key), str):
            yield (key,), kpi[key], section
    try:
        for name in metrics_of(parse(str(kpi.get("value")))):
            yield ("value",), name, "metrics"
    except ValueError:
        return


def _guards(view: View) -> Iterator[Finding]:
    guards = {kpi.name: kpi.guard for kpi in view.config.kpis if kpi.guard}
    for place, kpi in view.kpis:
        seen: list[str] = []
        name = kpi.guard
        while name in guards and name not in seen and name != kpi.name:
            seen.append(name)
            name = guards[name]
        if name == kpi.name:
            circle = " to ".join([kpi.name, *seen, kpi.name])
            yield Finding(("kpis", place, "guard"), f"guards go in a circle: {circle}", "take one of them out")
