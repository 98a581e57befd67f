"""Configs around some metrics, and stores in memory with some records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from exporter.config.root import Config
from exporter.records import ENTITIES
from exporter.store.schema import create_table, entity_tables

BASE = Path(__file__).parent


def at(text: str) -> datetime:
    """An instant in UTC from ISO text."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def config_of(*metrics: Mapping[str, Any], base: Path = BASE, **sections: Any) -> Config:
    """A config with these metrics; each gets a title, and `at` where it names no time rule."""
    company = {"name": "Example", "timezone": "Europe/Zurich", "currency": "EUR", **sections.pop("company", {})}
    sources = sections.pop("sources", [_source("crm", "deals"), _source("phones", "calls")])
    full = [{"title": metric["name"], **metric} for metric in metrics]
    config = Config.model_validate({"company": company, "sources": sources, "metrics": full, **sections})
    return config.located_in(base)


def store_of(**entities: Sequence[Mapping[str, Any]]) -> duckdb.DuckDBPyConnection:
    """A store in memory with the schema's tables of these entities, and of people, and these rows."""
    store = duckdb.connect()
    for entity in {"people", *entities}:
        for table, columns in entity_tables(entity).items():
            store.execute(create_table(table, columns))
    for entity, rows in entities.items():
        insert(store, entity, rows)
    return store


def insert(store: duckdb.DuckDBPyConnection, entity: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds rows; ids, source and flags are made up where they do not matter."""
    full = [
        {"source": "crm", "id": f"{entity}-{number}", "deleted": False, **row}
        for number, row in enumerate(rows, start=1)
    ]
    types = dict(
        next(columns for tables in map(entity_tables, ENTITIES) for name, columns in tables.items() if name == entity)
    )
    assert all(types.keys() >= row.keys() for row in full)
    columns = {name: [_plain(row.get(name)) for row in full] for name in types}
    lists = ", ".join(f"UNNEST(CAST(${name} AS {types[name]}[]))" for name in types)
    store.execute(f'INSERT INTO "{entity}" SELECT {lists}', columns)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    return json.dumps(value, sort_keys=True, ensure_ascii=False) if isinstance(value, dict) else value


def _source(name: str, entity: str) -> dict[str, Any]:
    return {"name": name, "provider": "csv", "path": f"{name}.csv", "entity": entity, "columns": {"id": "id"}}
