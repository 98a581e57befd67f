"""Checks of sources and of the `columns` that map their fields to ours."""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporter.config.checks.context import CheckContext
from exporter.config.checks.metrics import ATTRIBUTES, KIND_NAMES, NUMBER_KINDS, unknown_column
from exporter.config.fields import duration_text
from exporter.config.messages import quoted, suggestion
from exporter.config.positions import Finding, KeyPath
from exporter.config.sources.base import ColumnSource
from exporter.config.sources.csv import CsvOptions
from exporter.config.sources.hubspot import HubspotOptions
from exporter.config.sources.push import PushOptions
from exporter.records import ColumnKind, EntityColumn, column, event_columns

_COMMON_COLUMNS = {
    "id": EntityColumn("id", ColumnKind.TEXT),
    "updated_at": EntityColumn("updated_at", ColumnKind.INSTANT),
}
_TIME_FORMATS = ("iso", "epoch", "epoch_ms")
_DIRECTIVE = re.compile("%(.?)", re.DOTALL)
_DIRECTIVES = "aAbBcdfGHIjmMpSuUVwWxXyYzZ%"
_NOT_MAPPABLE = {
    "source": "it is always the source's name",
    "deleted": "rows that disappear count as deleted; for rest, describe deletions under deleted",
}


def errors(context: CheckContext) -> Iterator[Finding]:
    """Sources that go stale between two passes, unknown columns, and conversions that do not suit the column."""
    for index, source in context.sources:
        if source.stale_after is not None and source.stale_after <= source.sync_every:
            pause = duration_text(source.sync_every)
            message = f"values would be withheld before the next pass, {pause} later"
            yield Finding(("sources", index, "stale_after"), message, "use a multiple of sync_every")
        for path, entity, columns in source.column_maps:
            for name, column_source in columns.items():
                yield from _column(("sources", index, *path, name), entity, name, column_source)
    yield from _former_names(context)


def _former_names(context: CheckContext) -> Iterator[Finding]:
    """Former names that a source still has, or that two sources claim: nobody could tell whose the records are."""
    names = {source.name for _, source in context.sources}
    claimed: dict[str, str] = {}
    for index, source in context.sources:
        for former in source.renamed_from if isinstance(source, PushOptions) else ():
            if former in names:
                hint = "remove it, or rename that source"
                yield Finding(("sources", index, "renamed_from"), f"{former} is a source of this config", hint)
            elif (other := claimed.setdefault(former, source.name)) != source.name:
                message = f"{former} is a former name of {other} already"
                yield Finding(("sources", index, "renamed_from"), message, "name it in one of the two")


def warnings(context: CheckContext) -> Iterator[Finding]:
    """Files that are read twice or have no newest row, and properties of entities that are not read."""
    files: dict[tuple[str, str], str] = {}
    for index, source in context.sources:
        if isinstance(source, CsvOptions):
            first = files.setdefault((str(source.path), source.entity), source.name)
            if first != source.name:
                message = f"{first} reads the same file as the same entity, so its rows count twice"
                yield Finding(("sources", index, "path"), message, "keep one of the two sources")
            events = event_columns(source.entity)
            if source.complete_until == "newest" and not source.columns.keys() & set(events):
                message = "no column tells when something happened, so the file's own time counts"
                hint = f"fill one of {', '.join(events)}, or write complete_until: file"
                yield Finding(("sources", index, "complete_until"), message, hint)
        if isinstance(source, HubspotOptions):
            for entity in source.properties:
                if entity not in source.entities:
                    message = f"{entity} are not read, so these properties have no effect"
                    yield Finding(("sources", index, "properties", entity), message, f"add {entity} to entities")


def _column(path: KeyPath, entity: str, name: str, source: ColumnSource) -> Iterator[Finding]:
    if name in _NOT_MAPPABLE:
        yield Finding(path, f"{name} cannot be mapped", _NOT_MAPPABLE[name])
        return
    attribute = EntityColumn(name, ColumnKind.TEXT) if name.startswith(ATTRIBUTES) else None
    target = attribute or _COMMON_COLUMNS.get(name) or column(entity, name)
    if target is None:
        yield unknown_column(path, entity, name)
        return
    yield from _conversion(path, target, source)
    if source.value is not None:
        yield from _constant((*path, "value"), target, source.value)
    for key, meaning in (source.map or {}).items():
        yield from _constant((*path, "map", key), target, meaning)


def _conversion(path: KeyPath, target: EntityColumn, source: ColumnSource) -> Iterator[Finding]:
    kind = KIND_NAMES[target.kind]
    if source.formats and target.kind is not ColumnKind.INSTANT:
        yield Finding((*path, "format"), f"format applies to instants, and {target.name} is {kind}", "remove it")
    elif source.formats:
        yield from _formats((*path, "format"), source)
    units = {ColumnKind.SECONDS: ("ms", "s", "min", "h"), ColumnKind.MONEY: ("minor",)}.get(target.kind, ())
    if source.unit is not None and source.unit not in units:
        hint = f"use one of {', '.join(units)}" if units else "remove it"
        yield Finding((*path, "unit"), f"unit {source.unit} does not apply to {target.name}, which is {kind}", hint)
    if len(source.fields) > 1 and target.kind not in (ColumnKind.TEXT, ColumnKind.INSTANT):
        message = f"several fields are joined as text, and {target.name} is {kind}"
        yield Finding((*path, "from"), message, "name one field")
    if source.map is not None and source.value is not None:
        yield Finding((*path, "map"), "map has no effect on a constant value", "keep one of value and map")


def _formats(path: KeyPath, source: ColumnSource) -> Iterator[Finding]:
    for index, text in enumerate(source.formats):
        invalid = [sign for sign in _DIRECTIVE.findall(text) if not sign or sign not in _DIRECTIVES]
        if text not in _TIME_FORMATS and (invalid or "%" not in text):
            hint = f"use {', '.join(_TIME_FORMATS)}, or a strptime format such as %d.%m.%Y %H:%M"
            yield Finding(path if isinstance(source.format, str) else (*path, index), "not a time format", hint)


def _constant(path: KeyPath, target: EntityColumn, value: str | bool | float) -> Iterator[Finding]:
    if target.choices and value not in target.choices:
        hint = suggestion(str(value), target.choices, "possible values")
        yield Finding(path, f"{target.name} is never {quoted(value)}", hint)
    elif target.name == "currency" and not re.fullmatch("[A-Z]{3}", str(value)):
        yield Finding(path, "not an ISO 4217 currency code", "three capital letters, such as EUR")
    elif not _has_kind(target, value):
        message = f"{target.name} is {KIND_NAMES[target.kind]}, and {quoted(value)} is not"
        yield Finding(path, message, f"write {KIND_NAMES[target.kind]}")


def _has_kind(target: EntityColumn, value: str | bool | float) -> bool:
    if target.kind is ColumnKind.FLAG:
        return isinstance(value, bool)
    if target.kind in NUMBER_KINDS:
        return not isinstance(value, bool | str)
    return isinstance(value, str) or (target.kind is ColumnKind.TEXT and not isinstance(value, bool))
