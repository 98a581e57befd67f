"""Checks of metrics: columns exist and have a suitable kind, filters can match, series names are unique."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.config.checks.context import CheckContext
from exporter.config.fields import Period
from exporter.config.messages import comma_separated, quoted, suggestion
from exporter.config.metrics import Condition, Filter, Metric, Scalar, span_of
from exporter.config.positions import Finding, KeyPath
from exporter.config.units import RESERVED_LABELS, label_name, with_unit
from exporter.records import ColumnKind, EntityColumn, column, columns, person_column

ATTRIBUTES = "attributes."
NUMBER_KINDS = (ColumnKind.NUMBER, ColumnKind.MONEY, ColumnKind.SECONDS)
KIND_NAMES = {
    ColumnKind.TEXT: "text",
    ColumnKind.NUMBER: "a number",
    ColumnKind.MONEY: "money",
    ColumnKind.SECONDS: "a duration",
    ColumnKind.INSTANT: "an instant",
    ColumnKind.FLAG: "true or false",
}
_COMMON_COLUMNS = {
    "id": EntityColumn("id", ColumnKind.TEXT),
    "source": EntityColumn("source", ColumnKind.TEXT),
    "updated_at": EntityColumn("updated_at", ColumnKind.INSTANT),
}
_INSTANTS = (ColumnKind.INSTANT,)
_LABEL_KINDS = (ColumnKind.TEXT, ColumnKind.FLAG, ColumnKind.NUMBER)
_COMPARISONS = ("gt", "gte", "lt", "lte")
_RESERVED_SUFFIXES = ("_total", "_count", "_sum", "_bucket", "_created", "_info")


def unknown_column(path: KeyPath, entity: str, name: str) -> Finding:
    """The finding that an entity has no column of this name."""
    names = [candidate.name for candidate in columns(entity)]
    hint = suggestion(name, names, f"columns of {entity}") + "; for a custom field use attributes.NAME"
    return Finding(path, f"{entity} have no column {quoted(name)}", hint)


def errors(context: CheckContext) -> Iterator[Finding]:
    """Entities that no source reads, unsuitable columns, impossible filters, and conflicting names or labels."""
    families: dict[str, str] = {}
    for index, metric in context.metrics:
        path: KeyPath = ("metrics", index)
        if metric.entity not in context.entities_read and context.knows_all_sources:
            entities = comma_separated(sorted(context.entities_read))
            hint = f"entities read: {entities}; let a source read {metric.entity} too"
            yield Finding((*path, "entity"), f"no source reads {metric.entity}", hint)
        for inner, name, kinds, use in _column_uses(metric):
            yield from _column((*path, *inner), metric.entity, name, kinds, use)
        if metric.during is not None and metric.during.from_ == metric.during.until:
            message, hint = "from and until are the same column", "until is the instant at which a row stops counting"
            yield Finding((*path, "during"), message, hint)
        for name, condition in metric.where.items():
            filtered = _sources(context, metric.entity) if name == "source" else _find(metric.entity, name)
            if filtered is None:
                yield unknown_column((*path, "where", name), metric.entity, name)
            else:
                yield from _filter((*path, "where", name), filtered, condition)
        yield from _labels((*path, "by"), metric)
        family = with_unit(metric, context.config.company.currency)
        if families.setdefault(family, metric.name) != metric.name:
            message = f"its series business_{family} are also those of {families[family]}"
            yield Finding((*path, "name"), message, "rename one: the unit is part of a series name")


def warnings(context: CheckContext) -> Iterator[Finding]:
    """Suffixes that Prometheus reserves, periods of levels, and people in labels."""
    for index, metric in context.metrics:
        path: KeyPath = ("metrics", index)
        for suffix in _RESERVED_SUFFIXES:
            if with_unit(metric, context.config.company.currency).endswith(suffix):
                message = f"Prometheus reserves the suffix {suffix} for other metric types"
                yield Finding((*path, "name"), message, f"name it {metric.name.removesuffix(suffix)}")
        if metric.is_level and set(metric.periods) != {Period.DAY, Period.MONTH}:
            yield Finding((*path, "periods"), "a level is a state and has no periods", "remove it")
        if metric.expected is not None and not any(metric.name in kpi.supporting for _, kpi in context.kpis):
            message = "no KPI names the metric as supporting, so nobody is warned"
            yield Finding((*path, "expected"), message, "add it to a KPI's supporting")
        if metric.is_level and metric.expected is not None and metric.expected.period is not Period.DAY:
            message = "a level is a state, which is checked as it is now"
            yield Finding((*path, "expected", "period"), message, "remove it")
        person = person_column(metric.entity)
        if context.config.privacy.people == "separate" and person in metric.by:
            message = f"by {person} exposes single people on /metrics, although privacy.people is separate"
            yield Finding((*path, "by"), message, "remove it, or set privacy.people: included")


def _sources(context: CheckContext, entity: str) -> EntityColumn:
    """The column `source` of an entity, with the sources that read it as its choices, as far as all are known."""
    names = tuple(source.name for _, source in context.sources if entity in source.reads)
    return EntityColumn("source", ColumnKind.TEXT, choices=names if context.knows_all_sources else ())


def _find(entity: str, name: str) -> EntityColumn | None:
    """The column of this name. Any attribute exists, as text of unknown meaning."""
    if name.startswith(ATTRIBUTES):
        return EntityColumn(name, ColumnKind.TEXT)
    return column(entity, name) or _COMMON_COLUMNS.get(name)


def _column_uses(metric: Metric) -> Iterator[tuple[KeyPath, str, tuple[ColumnKind, ...], str]]:
    """(path in the metric, column, suitable kinds, key) of each column that the metric names outside `where`."""
    if metric.at is not None:
        yield ("at",), metric.at, _INSTANTS, "at"
    if metric.during is not None:
        yield ("during", "from"), metric.during.from_, _INSTANTS, "from"
        yield ("during", "until"), metric.during.until, _INSTANTS, "until"
    if metric.measured is not None:
        path: KeyPath = ("percentile", "of") if metric.percentile else (metric.aggregate,)
        span = span_of(metric.measured)
        summable = (*NUMBER_KINDS, ColumnKind.FLAG)
        kinds = {"distinct": tuple(ColumnKind), "sum": summable, "mean": summable}.get(metric.aggregate, NUMBER_KINDS)
        for name in span or (metric.measured,):
            yield path, name, _INSTANTS if span else kinds, metric.aggregate
    for index, name in enumerate(metric.by):
        yield ("by", index), name, _LABEL_KINDS, "by"


def _column(path: KeyPath, entity: str, name: str, kinds: tuple[ColumnKind, ...], use: str) -> Iterator[Finding]:
    target = _find(entity, name)
    if target is None:
        yield unknown_column(path, entity, name)
    elif name == "id" and use == "by":
        yield Finding(path, "by id would create a label value for every record", "to count records, use count: rows")
    elif target.kind not in kinds and not (name.startswith(ATTRIBUTES) and ColumnKind.NUMBER in kinds):
        names = [KIND_NAMES[kind] for kind in kinds]
        needed = comma_separated(names[:-1]) + (" or " if len(names) > 1 else "") + names[-1]
        suitable = comma_separated(candidate.name for candidate in columns(entity) if candidate.kind in kinds)
        message = f"{use} needs {needed}, and {name} is {KIND_NAMES[target.kind]}"
        yield Finding(path, message, f"suitable columns of {entity}: {suitable}")


def _labels(path: KeyPath, metric: Metric) -> Iterator[Finding]:
    columns_by_label: dict[str, str] = {}
    for index, name in enumerate(metric.by):
        label = label_name(name)
        if label in RESERVED_LABELS:
            hint = "remove it; teams and people have series of their own"
            yield Finding((*path, index), f"the label {label} is reserved", hint)
        elif columns_by_label.setdefault(label, name) != name:
            message = f"{columns_by_label[label]} and {name} would both become the label {label}"
            yield Finding((*path, index), message, "keep one of them")


def _filter(path: KeyPath, column: EntityColumn, condition: Filter) -> Iterator[Finding]:
    if not isinstance(condition, Condition):
        yield from _values(path, column, condition)
        return
    for operator in _COMPARISONS:
        comparable = column.kind in NUMBER_KINDS or column.name.startswith(ATTRIBUTES)
        if getattr(condition, operator) is not None and not comparable:
            message = f"{operator} compares numbers, and {column.name} is {KIND_NAMES[column.kind]}"
            hint = "write a value or a list of values"
            if column.kind is ColumnKind.INSTANT:
                hint = "the period selects by time; to require any instant, write present: true"
            yield Finding((*path, operator), message, hint)
    if condition.is_not is not None:
        yield from _values((*path, "not"), column, condition.is_not)
    if condition.matches is not None and column.kind is not ColumnKind.TEXT:
        message = f"matches needs text, and {column.name} is {KIND_NAMES[column.kind]}"
        yield Finding((*path, "matches"), message, "compare with gte or lte, or write a value")
    yield from _impossible(path, condition)


def _impossible(path: KeyPath, condition: Condition) -> Iterator[Finding]:
    lower = [bound for bound in (condition.gt, condition.gte) if bound is not None]
    upper = [bound for bound in (condition.lt, condition.lte) if bound is not None]
    if lower and upper:
        low, high = max(lower), min(upper)
        is_open = (condition.gt is not None and condition.gt == low) or (
            condition.lt is not None and condition.lt == high
        )
        if low > high or (low == high and is_open):
            yield Finding(path, "no number is in this range", "the lower bound comes first: {gte: 1, lt: 5}")
    if condition.present is False and len(condition.model_fields_set) > 1:
        yield Finding(path, "an empty column meets no other condition", "use present: false alone")


def _values(path: KeyPath, column: EntityColumn, expected: Scalar | tuple[Scalar, ...]) -> Iterator[Finding]:
    if not isinstance(expected, tuple):
        yield from _value(path, column, expected)
        return
    for index, value in enumerate(expected):
        yield from _value((*path, index), column, value)


def _value(path: KeyPath, column: EntityColumn, value: Scalar) -> Iterator[Finding]:
    if column.choices and value not in column.choices:
        hint = suggestion(str(value), column.choices, "possible values")
        yield Finding(path, f"{column.name} is never {quoted(value)}", hint)
    elif column.kind is ColumnKind.INSTANT:
        hint = "an instant can only be tested with present: true or false"
        yield Finding(path, f"{column.name} is an instant", hint)
    elif not _has_kind(column, value):
        hints = {ColumnKind.FLAG: "write true or false", ColumnKind.TEXT: "put it in quotes"}
        hint = hints.get(column.kind, "write a number without quotes")
        yield Finding(path, f"{column.name} is {KIND_NAMES[column.kind]}, and {quoted(value)} is not", hint)


def _has_kind(column: EntityColumn, value: Scalar) -> bool:
    if column.name.startswith(ATTRIBUTES):
        return True
    if column.kind is ColumnKind.TEXT:
        # a whole number has only one spelling, so the intended text is unambiguous
        return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
    if column.kind is ColumnKind.FLAG:
        return isinstance(value, bool)
    return isinstance(value, int | float) and not isinstance(value, bool)
