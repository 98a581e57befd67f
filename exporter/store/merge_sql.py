"""The SQL of a merge: templates whose placeholder names are replaced by an entity's table and columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sqlglot import exp, parse_one

from exporter.store.schema import table_columns, time_column
from exporter.store.staging import payload_structure

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
    SELECT incoming.id, stored.rowid AS stored_row
    FROM incoming JOIN records AS stored ON stored.id = incoming.id
    WHERE stored.source = ?"""
_CHANGES = """
    CREATE OR REPLACE TEMPORARY TABLE changes AS
    SELECT hits.id, hits.stored_row, CASE
        WHEN incoming.updated_at < stored.updated_at OR same THEN 'unchanged'
        WHEN incoming.deleted AND NOT stored.deleted THEN 'deleted'
        ELSE 'updated' END AS change
    FROM hits JOIN records AS stored ON stored.rowid = hits.stored_row JOIN incoming ON incoming.id = hits.id
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
    SELECT count(*) FROM incoming JOIN changes ON changes.id = incoming.id
    WHERE changes.change <> 'unchanged' AND instant < (SELECT max(instant) FROM records) - ?"""
_DELETE = "DELETE FROM records WHERE rowid IN (SELECT stored_row FROM changes WHERE change <> 'unchanged')"
_IS_CHANGED = "id IN (SELECT id FROM changes WHERE change <> 'unchanged')"


@dataclass(frozen=True, slots=True)
class MergeStatements:
    """The statements that merge pages of one entity, in the order in which they run.

    `incoming` unfolds the slot's pages and keeps the newest version of each id; values: the slot's key. `hits` finds
    the stored rows of these ids; values: source. `changes` classifies each id as new, updated, deleted or unchanged.
    `late` counts the rows to insert that are older than the table's newest by a margin; values: the margin. `delete`
    removes the rows to be replaced; `insert` inserts changed records ordered by time; values: source. `size` counts
    the table's rows, `sort` rewrites the table ordered by time.
    """

    entity: str
    incoming: str
    hits: str
    changes: str
    late: str | None
    delete: str
    insert: str
    size: str
    sort: tuple[str, ...]
    delete_source: str

    def delete_unlisted(self, column: str | None) -> str:
        """Marks unlisted records as deleted. Values: source, the slot's key, and with a `column` the span's start."""
        return _delete_unlisted(self.entity, column)


@cache
def merge_statements(entity: str) -> MergeStatements:
    """The statements for one entity."""
    names = [name for name, _ in table_columns(entity)]
    listed = _tree(_LISTED).transform(_fill, {"structure": exp.Literal.string(payload_structure(entity))})
    if not isinstance(listed, exp.Select):
        raise AssertionError("a query")
    for name in names[1:]:
        listed = listed.select(exp.alias_(exp.Explode(this=exp.column(name, "content")), name))
    same = exp.and_(
        *(exp.NullSafeEQ(this=exp.column(n, "incoming"), expression=exp.column(n, "stored")) for n in names[1:])
    )
    changed = exp.select(exp.Placeholder(), *map(exp.column, names[1:])).from_("incoming").where(_tree(_IS_CHANGED))
    instant = time_column(entity)
    late = _of(_LATE, entity).transform(_fill, {"instant": exp.column(instant)}) if instant else None
    table = exp.to_table(entity)
    by_time = _by_time(exp.select("*").from_(table), entity)
    return MergeStatements(
        entity=entity,
        incoming=_text(_tree(_INCOMING).transform(_fill, {"listed": listed.subquery("listed")})),
        hits=_text(_of(_HITS, entity)),
        changes=_text(_of(_CHANGES, entity).transform(_fill, {"same": exp.paren(same)})),
        late=_text(late) if late else None,
        delete=_text(_of(_DELETE, entity)),
        insert=_text(exp.insert(_by_time(changed, entity), entity, columns=names)),
        size=_text(exp.select("count(*)").from_(table)),
        sort=(
            _text(exp.Create(this=exp.to_table("sorted"), kind="TABLE", expression=by_time)),
            _text(_of("DROP TABLE records", entity)),
            _text(_of("ALTER TABLE sorted RENAME TO records", entity)),
        ),
        delete_source=_text(_of("DELETE FROM records WHERE source = ?", entity)),
    )


@cache
def _delete_unlisted(entity: str, column: str | None) -> str:
    update = _of(_UNLISTED, entity)
    if column is not None:
        span = exp.GTE(this=exp.column(column), expression=exp.Placeholder())
        update.set("where", exp.Where(this=exp.and_(update.args["where"].this, span)))
    return _text(update)


def _by_time(query: exp.Select, entity: str) -> exp.Select:
    instant = time_column(entity)
    return query.order_by(exp.column(instant)) if instant else query


def _tree(statement: str) -> exp.Expr:
    return parse_one(statement, read=_DIALECT)


def _text(tree: exp.Expr) -> str:
    return tree.sql(_DIALECT, identify=True)


def _of(statement: str, entity: str) -> exp.Expr:
    """The statement with the name `records` replaced by the entity's table."""

    def rename(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Identifier) and node.name == "records":
            return exp.to_identifier(entity)
        return node

    return _tree(statement).transform(rename)


def _fill(node: exp.Expr, expressions: dict[str, exp.Expr]) -> exp.Expr:
    """Replaces columns and tables by the expressions given for their names."""
    if isinstance(node, exp.Column | exp.Table) and node.name in expressions:
        return expressions[node.name].copy()
    return node
