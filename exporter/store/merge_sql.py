"""The SQL of a merge: templates whose placeholder names are replaced by an entity's table and columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from sqlglot import exp, parse_one

from exporter.records import first_instant
from exporter.store.schema import SPAN_STARTS, entity_tables, table_columns, versions_table
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
        WHERE source = $source AND entity = $entity AND whole = $whole AND payload IS NOT NULL
    ) AS unfolded"""
_HITS = """
    CREATE OR REPLACE TEMPORARY TABLE hits AS
    SELECT incoming.id, stored.rowid AS stored_row
    FROM incoming JOIN records AS stored ON stored.id = incoming.id
    WHERE stored.source = $source"""
_CHANGES = """
    CREATE OR REPLACE TEMPORARY TABLE changes AS
    SELECT hits.id, hits.stored_row, CASE
        WHEN incoming.updated_at < stored.updated_at OR same THEN 'unchanged'
        WHEN incoming.deleted AND NOT stored.deleted THEN 'deleted'
        ELSE 'updated' END AS change, next_valid_from AS valid_from, next_known_from AS known_from
    FROM hits JOIN records AS stored ON stored.rowid = hits.stored_row JOIN incoming ON incoming.id = hits.id
    UNION ALL
    SELECT id, NULL, CASE WHEN deleted THEN 'deleted' ELSE 'new' END, NULL, $known
    FROM incoming ANTI JOIN hits USING (id)"""
_NEXT_VALID_FROM = """
    CASE WHEN $is_correction OR stored.deleted OR stored.known_from >= $known THEN stored.valid_from
        ELSE greatest(changed_at, stored.valid_from) END"""
_CHANGED_AT = (
    "CASE WHEN incoming.updated_at > stored.updated_at THEN least(incoming.updated_at, $valid) ELSE $valid END"
)
_NEXT_KNOWN_FROM = "greatest($known, stored.known_from)"
_SUPERSEDED = """
    SELECT coalesce(changes.valid_from, TIMESTAMP '0001-01-01') AS valid_until, changes.known_from AS known_until
    FROM records AS stored JOIN changes ON changes.stored_row = stored.rowid
    WHERE changes.change <> 'unchanged' AND (stored.known_from IS NULL OR stored.known_from < changes.known_from)"""
_UNLISTED = """
    INSERT INTO changes
    SELECT id, rowid, 'unlisted', next_valid_from, next_known_from FROM records AS stored
    WHERE source = $source AND NOT deleted
        AND NOT EXISTS (SELECT 1 FROM incoming WHERE incoming.id = stored.id)
        AND id NOT IN (
            SELECT unnest(from_json_strict(present, '["VARCHAR"]')) FROM pages
            WHERE source = $source AND entity = $entity AND whole = $whole AND present IS NOT NULL
        )"""
_BURY = """
    UPDATE records SET deleted = TRUE, valid_from = changes.valid_from, known_from = changes.known_from
    FROM changes WHERE changes.stored_row = records.rowid AND changes.change = 'unlisted'"""
_DROPPED = """
    CREATE OR REPLACE TEMPORARY TABLE dropped AS
    SELECT id, max(valid_until) AS valid_until FROM records
    WHERE source = $source AND known_until < $oldest AND (valid_from IS NULL OR valid_from < valid_until) GROUP BY id"""
_PROMOTE = """
    UPDATE records SET valid_from = NULL FROM dropped
    WHERE records.source = $source AND records.id = dropped.id AND records.valid_from = dropped.valid_until"""
_LATE = """
    SELECT count(*) FROM incoming JOIN changes ON changes.id = incoming.id
    WHERE changes.change <> 'unchanged' AND instant < (SELECT max(instant) FROM records) - $margin"""
_DELETE = "DELETE FROM records WHERE rowid IN (SELECT stored_row FROM changes WHERE change <> 'unchanged')"
_CHANGED = "SELECT $source FROM incoming JOIN changes ON changes.id = incoming.id WHERE changes.change <> 'unchanged'"


@dataclass(frozen=True, slots=True)
class MergeStatements:
    """The statements that merge pages of one entity, in the order in which they run, with named parameters.

    `incoming` unfolds the slot's pages and keeps the newest version of each id. `hits` finds the stored rows of these
    ids. `changes` classifies each id as new, updated, deleted or unchanged, and says from when its new row holds.
    `superseded` copies the rows to be replaced to the versions. `bury` marks the unlisted records as deleted, `buried`
    removes them from the changes. `late` counts the rows to insert that are older than the table's newest by a
    margin. `delete` removes the rows to be replaced; `insert` inserts changed records ordered by time. `size` counts
    the table's rows, `sort` rewrites the table ordered by time. `expired` drops versions that nobody may ask for any
    more; the version after the last dropped one becomes the first, which always held.
    """

    entity: str
    incoming: str
    hits: str
    changes: str
    superseded: str
    bury: str
    buried: str
    late: str | None
    delete: str
    insert: str
    size: str
    sort: tuple[str, ...]
    expired: tuple[str, ...]
    delete_source: str
    delete_versions: str

    def unlisted(self, column: str | None) -> str:
        """Adds the unlisted records to the changes; with a `column` those from `$since` on."""
        return _unlisted(self.entity, column)


@cache
def merge_statements(entity: str) -> MergeStatements:
    """The statements for one entity."""
    names = [name for name, _ in table_columns(entity)]
    table, versions = exp.to_table(entity), versions_table(entity)
    instant = first_instant(entity)
    late = _of(_LATE, entity).transform(_fill, {"instant": exp.column(instant)}) if instant else None
    by_time = _by_time(exp.select("*").from_(table), entity)
    return MergeStatements(
        entity=entity,
        incoming=_text(_tree(_INCOMING).transform(_fill, {"listed": _listed(entity, names).subquery("listed")})),
        hits=_text(_of(_HITS, entity)),
        changes=_text(_of(_CHANGES, entity).transform(_fill, {"same": _same(names), **_next(_CHANGED_AT)})),
        superseded=_superseded(entity),
        expired=(
            _text(_of(_DROPPED, versions)),
            _text(_of(_PROMOTE, entity)),
            _text(_of(f"{_PROMOTE} AND records.valid_from < records.valid_until", versions)),
            _text(_of("DELETE FROM records WHERE source = $source AND known_until < $oldest", versions)),
            "DROP TABLE temp.dropped",
        ),
        bury=_text(_of(_BURY, entity)),
        buried="DELETE FROM temp.changes WHERE change = 'unlisted'",
        late=_text(late) if late else None,
        delete=_text(_of(_DELETE, entity)),
        insert=_insert(entity, names),
        size=_text(exp.select("count(*)").from_(table)),
        sort=(
            _text(exp.Create(this=exp.to_table("sorted"), kind="TABLE", expression=by_time)),
            _text(_of("DROP TABLE records", entity)),
            _text(_of("ALTER TABLE sorted RENAME TO records", entity)),
        ),
        delete_source=_text(_of("DELETE FROM records WHERE source = $source", entity)),
        delete_versions=_text(_of("DELETE FROM records WHERE source = $source", versions)),
    )


@cache
def _unlisted(entity: str, column: str | None) -> str:
    insert = _of(_UNLISTED, entity).transform(_fill, _next("$valid"))
    if column is not None:
        query = insert.args["expression"]
        since = exp.Parameter(this=exp.var("since"))
        query.where(exp.GTE(this=exp.column(column, "stored"), expression=since), copy=False)
    return _text(insert)


def _listed(entity: str, names: Sequence[str]) -> exp.Select:
    listed = _tree(_LISTED).transform(_fill, {"structure": exp.Literal.string(payload_structure(entity))})
    if not isinstance(listed, exp.Select):
        raise AssertionError("a query")
    for name in names[1:]:
        listed = listed.select(exp.alias_(exp.Explode(this=exp.column(name, "content")), name))
    return listed


def _same(names: Sequence[str]) -> exp.Expr:
    pairs = ((exp.column(name, "incoming"), exp.column(name, "stored")) for name in names[1:])
    return exp.paren(exp.and_(*(exp.NullSafeEQ(this=new, expression=old) for new, old in pairs)))


def _next(changed_at: str) -> Mapping[str, exp.Expr]:
    """From when the row that replaces a stored one holds, and is known; `changed_at` is when its record changed.

    A record changed when its vendor says so, at the latest when the pass saw it. If the vendor's instant did not
    move, only the pass is a witness.
    """
    valid_from = _tree(_NEXT_VALID_FROM).transform(_fill, {"changed_at": _tree(changed_at)})
    return {"next_valid_from": valid_from, "next_known_from": _tree(_NEXT_KNOWN_FROM)}


def _superseded(entity: str) -> str:
    """Inserts the replaced rows that were known for some time, with the ends of their spans."""
    names = [name for name, _ in entity_tables(entity)[entity]]
    query = _of(_SUPERSEDED, entity)
    ends = query.expressions
    query.set("expressions", [*(exp.column(name, "stored") for name in names), *ends])
    columns = [*names, *(end.alias for end in ends)]
    return _text(exp.insert(query, versions_table(entity), columns=columns))


def _insert(entity: str, names: Sequence[str]) -> str:
    query = _tree(_CHANGED)
    if not isinstance(query, exp.Select):
        raise AssertionError("a query")
    starts = [name for name, _ in SPAN_STARTS]
    query = query.select(*(exp.column(n, "incoming") for n in names[1:]), *(exp.column(n, "changes") for n in starts))
    return _text(exp.insert(_by_time(query, entity), entity, columns=[*names, *starts]))


def _by_time(query: exp.Select, entity: str) -> exp.Select:
    instant = first_instant(entity)
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


def _fill(node: exp.Expr, expressions: Mapping[str, exp.Expr]) -> exp.Expr:
    """Replaces columns and tables by the expressions given for their names."""
    if isinstance(node, exp.Column | exp.Table) and node.name in expressions:
        return expressions[node.name].copy()
    return node
