"""The statements of a merge, as syntax trees with the entity's table and columns put in."""

from __future__ import annotations

from functools import cache

from sqlglot import exp, parse_one

from exporter.store.rows import structure
from exporter.store.schema import table_columns, time_column

_DIALECT = "duckdb"

_INCOMING = """
    CREATE OR REPLACE TEMPORARY TABLE incoming AS
    SELECT * EXCLUDE (page, position) FROM listed
    QUALIFY row_number() OVER (
        PARTITION BY id ORDER BY (deleted AND updated_at IS NULL) DESC, updated_at DESC, page DESC, position DESC
    ) = 1"""
_LISTED = """
    SELECT page, unnest(range(records)) AS position
    FROM (
        SELECT page, records, from_json_strict(payload, structure) AS content FROM pages
        WHERE source = ? AND entity = ? AND whole = ? AND payload IS NOT NULL
    ) AS unfolded"""
_HITS = """
    CREATE OR REPLACE TEMPORARY TABLE hits AS
    SELECT incoming.id, stored.rowid AS place
    FROM incoming JOIN records AS stored ON stored.id = incoming.id
    WHERE stored.source = ?"""
_VERDICTS = """
    CREATE OR REPLACE TEMPORARY TABLE verdicts AS
    SELECT hits.id, hits.place, CASE
        WHEN incoming.updated_at < stored.updated_at OR same THEN 'unchanged'
        WHEN incoming.deleted AND NOT stored.deleted THEN 'deleted'
        ELSE 'updated' END AS verdict
    FROM hits JOIN records AS stored ON stored.rowid = hits.place JOIN incoming ON incoming.id = hits.id
    UNION ALL
    SELECT id, NULL, CASE WHEN deleted THEN 'deleted' ELSE 'new' END FROM incoming ANTI JOIN hits USING (id)"""
_UNLISTED = """
    UPDATE records SET deleted = TRUE
    WHERE source = ? AND NOT deleted
        AND NOT EXISTS (SELECT 1 FROM incoming WHERE incoming.id = records.id)
        AND id NOT IN (
            SELECT unnest(from_json_strict(present, '["VARCHAR"]')) FROM pages
            WHERE source = ? AND entity = ? AND whole = ? AND present IS NOT NULL
        )"""
_LATE = """
    SELECT count(*) FROM incoming JOIN verdicts ON verdicts.id = incoming.id
    WHERE verdicts.verdict <> 'unchanged' AND instant < (SELECT max(instant) FROM records) - ?"""
_DELETE = "DELETE FROM records WHERE rowid IN (SELECT place FROM verdicts WHERE verdict <> 'unchanged')"
_CHANGED = "id IN (SELECT id FROM verdicts WHERE verdict <> 'unchanged')"

COUNTS = "SELECT verdict, count(*) FROM verdicts GROUP BY verdict"
RESULTS = "SELECT id, verdict FROM verdicts"
COUNT_LATE = "UPDATE entity_state SET late = late + ? WHERE entity = ? RETURNING late"
SORTED = "UPDATE entity_state SET late = 0 WHERE entity = ?"
TEMPORARY = ("DROP TABLE temp.verdicts", "DROP TABLE temp.hits", "DROP TABLE temp.incoming")


@cache
def incoming(entity: str) -> str:
    """Unfolds the slot's pages and keeps the newest version of each id. Values: the slot's key."""
    listed = _tree(_LISTED).transform(_fill, {"structure": exp.Literal.string(structure(entity))})
    if not isinstance(listed, exp.Select):
        raise AssertionError("a query")
    for name, _ in table_columns(entity)[1:]:
        listed = listed.select(exp.alias_(exp.Explode(this=exp.column(name, "content")), name))
    return _tree(_INCOMING).transform(_fill, {"listed": listed.subquery("listed")}).sql(_DIALECT, identify=True)


@cache
def hits(entity: str) -> str:
    """Finds the stored rows of the staged ids. Values: source."""
    return _of(_HITS, entity).sql(_DIALECT, identify=True)


@cache
def verdicts(entity: str) -> str:
    """Says of each staged id whether it is new, updated, deleted or unchanged."""
    names = [name for name, _ in table_columns(entity)[1:]]
    same = exp.and_(
        *(exp.NullSafeEQ(this=exp.column(n, "incoming"), expression=exp.column(n, "stored")) for n in names)
    )
    return _of(_VERDICTS, entity).transform(_fill, {"same": exp.paren(same)}).sql(_DIALECT, identify=True)


@cache
def delete_unlisted(entity: str, column: str | None) -> str:
    """Marks as deleted what a listing did not name. Values: source, the slot's key, the span's start."""
    update = _of(_UNLISTED, entity)
    if column is not None:
        span = exp.GTE(this=exp.column(column), expression=exp.Placeholder())
        update.set("where", exp.Where(this=exp.and_(update.args["where"].this, span)))
    return update.sql(_DIALECT, identify=True)


@cache
def late(entity: str) -> str | None:
    """Counts the rows to insert that lie before the table's newest instant. Values: by how much."""
    instant = time_column(entity)
    if instant is None:
        return None
    return _of(_LATE, entity).transform(_fill, {"instant": exp.column(instant)}).sql(_DIALECT, identify=True)


@cache
def delete(entity: str) -> str:
    """Removes the rows that are to be replaced."""
    return _of(_DELETE, entity).sql(_DIALECT, identify=True)


@cache
def insert(entity: str) -> str:
    """Inserts what changed, in the order of time. Values: source."""
    names = [name for name, _ in table_columns(entity)]
    query = exp.select(exp.Placeholder(), *map(exp.column, names[1:])).from_("incoming").where(_tree(_CHANGED))
    return exp.insert(_by_time(query, entity), entity, columns=names).sql(_DIALECT, identify=True)


@cache
def drop_source(entity: str) -> str:
    """Removes a source's rows. Values: source."""
    return _of("DELETE FROM records WHERE source = ?", entity).sql(_DIALECT, identify=True)


@cache
def size(entity: str) -> str:
    """Counts the rows of the table."""
    return exp.select("count(*)").from_(exp.to_table(entity)).sql(_DIALECT, identify=True)


@cache
def sort(entity: str) -> tuple[str, ...]:
    """Rewrites the table in the order of time."""
    query = _by_time(exp.select("*").from_(exp.to_table(entity)), entity)
    return (
        exp.Create(this=exp.to_table("sorted"), kind="TABLE", expression=query).sql(_DIALECT, identify=True),
        _of("DROP TABLE records", entity).sql(_DIALECT, identify=True),
        _of("ALTER TABLE sorted RENAME TO records", entity).sql(_DIALECT, identify=True),
    )


def _by_time(query: exp.Select, entity: str) -> exp.Select:
    instant = time_column(entity)
    return query.order_by(exp.column(instant)) if instant else query


def _tree(statement: str) -> exp.Expr:
    return parse_one(statement, read=_DIALECT)


def _of(statement: str, entity: str) -> exp.Expr:
    """The statement with the entity's table for the name `records`."""

    def name(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Identifier) and node.name == "records":
            return exp.to_identifier(entity)
        return node

    return _tree(statement).transform(name)


def _fill(node: exp.Expr, parts: dict[str, exp.Expr]) -> exp.Expr:
    """Puts a part in the place of the column or table of its name."""
    if isinstance(node, exp.Column | exp.Table) and node.name in parts:
        return parts[node.name].copy()
    return node
