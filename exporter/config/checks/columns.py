"""Columns that metrics name: they exist and hold what the metric does with them."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.config.checks.view import View
from exporter.config.messages import listed, quoted, suggestion
from exporter.config.metrics import Metric, span_of
from exporter.config.positions import Finding, Path
from exporter.records import Column, Kind, column, columns

ATTRIBUTES = "attributes."
NUMBERS = (Kind.NUMBER, Kind.MONEY, Kind.SECONDS)
IN_WORDS = {
    Kind.TEXT: "text",
    Kind.NUMBER: "a number",
    Kind.MONEY: "money",
    Kind.SECONDS: "a duration",
    Kind.INSTANT: "an instant",
    Kind.FLAG: "true or false",
}
_COMMON = {
    "id": Column("id", Kind.TEXT),
    "source": Column("source", Kind.TEXT),
    "updated_at": Column("updated_at", Kind.INSTANT),
}
_INSTANTS = (Kind.INSTANT,)
_SUMMED = (*NUMBERS, Kind.FLAG)
_LABELS = (Kind.TEXT, Kind.FLAG, Kind.NUMBER)


def look_up(entity: str, name: str) -> Column | None:
    """The column of that name; attributes are text of any meaning, and exist whatever their name."""
    if name.startswith(ATTRIBUTES):
        return Column(name, Kind.TEXT)
    return column(entity, name) or _COMMON.get(name)


def unknown(path: Path, entity: str, name: str) -> Finding:
    """The fault of naming a column that the entity does not have."""
    names = [known.name for known in columns(entity)]
    cure = suggestion(name, names, f"columns of {entity}") + "; a custom field is attributes.NAME"
    return Finding(path, f"{entity} have no column {quoted(name)}", cure)


def errors(view: View) -> Iterator[Finding]:
    """Columns that do not exist, or hold something else than the metric needs; entities that nothing reads."""
    for place, metric in view.metrics:
        at: Path = ("metrics", place)
        if metric.entity not in view.entities_read and view.knows_all_sources:
            cure = f"read so far: {listed(sorted(view.entities_read))}; let a source read {metric.entity} too"
            yield Finding((*at, "entity"), f"no source reads {metric.entity}", cure)
        for path, name, kinds, use in _uses(metric):
            yield from _fits((*at, *path), metric.entity, name, kinds, use)
        if metric.during is not None and metric.during.from_ == metric.during.until:
            yield Finding(
                (*at, "during"), "from and until are the same column", "until is where the life of a row ends"
            )


def _uses(metric: Metric) -> Iterator[tuple[Path, str, tuple[Kind, ...], str]]:
    if metric.at is not None:
        yield ("at",), metric.at, _INSTANTS, "at"
    if metric.during is not None:
        yield ("during", "from"), metric.during.from_, _INSTANTS, "from"
        yield ("during", "until"), metric.during.until, _INSTANTS, "until"
    if metric.measured is not None:
        path: Path = ("percentile", "of") if metric.percentile else (metric.aggregate,)
        span = span_of(metric.measured)
        kinds = _INSTANTS if span else _kinds(metric.aggregate)
        for name in span or (metric.measured,):
            yield path, name, kinds, metric.aggregate
    for position, name in enumerate(metric.by):
        yield ("by", position), name, _LABELS, "by"


def _kinds(aggregate: str) -> tuple[Kind, ...]:
    if aggregate == "distinct":
        return tuple(Kind)
    return _SUMMED if aggregate in ("sum", "mean") else NUMBERS


def _fits(path: Path, entity: str, name: str, kinds: tuple[Kind, ...], use: str) -> Iterator[Finding]:
    found = look_up(entity, name)
    if found is None:
        yield unknown(path, entity, name)
    elif name == "id" and use == "by":
        yield Finding(path, "by id would make a label of every record", "count: rows counts them")
    elif found.kind not in kinds and not (name.startswith(ATTRIBUTES) and Kind.NUMBER in kinds):
        fitting = [known.name for known in columns(entity) if known.kind in kinds]
        message = f"{use} needs {_either(kinds)}, and {name} is {IN_WORDS[found.kind]}"
        yield Finding(path, message, f"fitting columns of {entity}: {listed(fitting)}")


def _either(kinds: tuple[Kind, ...]) -> str:
    return listed(IN_WORDS[kind] for kind in kinds[:-1]) + (" or " if len(kinds) > 1 else "") + IN_WORDS[kinds[-1]]
