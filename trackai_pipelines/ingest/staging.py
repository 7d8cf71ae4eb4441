"""The staging table of a kind: made from the catalogue, filled by COPY, emptied into the kind's table.

What belongs here: these statements, composed from a kind's columns, and the statistics that they need. What does not:
transactions, retries and counting (`writing`).

Sessions keep their staging tables: making one costs more than emptying it. Through a pooler each transaction makes its
own.

A staging table has the names, types and collations of the table's columns, so a value that the database cannot take
fails in COPY. It has no index, since it is read once, whole. Every commit and rollback empties it.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from psycopg import Connection, Cursor, sql
from psycopg.errors import UniqueViolation

from trackai_pipelines.database.connection import is_pooled
from trackai_pipelines.database.statements import statement
from trackai_pipelines.ingest.kinds import Kind


def stage(cursor: Cursor[Any], kind: Kind, rows: Iterable[str]) -> None:
    """Copy lines of COPY's text format into the staging table, in their order; it is made on first use."""
    cursor.execute(_create_for_one(kind) if is_pooled(cursor.connection) else _create(kind))
    with cursor.copy(_copy(kind)) as copy:
        copy.write("\n".join(rows).encode() + b"\n")


def move(cursor: Cursor[Any], kind: Kind, now: datetime, *, likely_new: bool = False) -> int:
    """Move the staged rows into the kind's table, and return how many are new or changed.

    `likely_new` rows are first inserted as if none of them were here, which costs the server a seventh less. Where one
    is here, that is undone.
    """
    for name in kind.beforehand:
        cursor.execute(statement(name), {"now": now})
    moved = _all_moved(cursor, kind, now) if likely_new and kind.insert is None else None
    if moved is None:
        insert = _insert_new(kind) if kind.insert is None else statement(kind.insert)
        row = cursor.execute(insert, {"now": now}).fetchone()
        assert row is not None
        moved = int(row[0])
    _renew_statistics(cursor, kind)
    for name in kind.afterwards:
        cursor.execute(statement(name), {"now": now})
    return moved


def _all_moved(cursor: Cursor[Any], kind: Kind, now: datetime) -> int | None:
    """Return how many rows were moved; None where nothing was, because one is here already or stands twice."""
    try:
        with cursor.connection.transaction():
            return cursor.execute(_insert(kind), {"now": now}).rowcount
    except UniqueViolation:
        return None


def _renew_statistics(cursor: Cursor[Any], kind: Kind) -> None:
    """Analyse those tables of the kind that have outgrown their statistics: autovacuum comes after the first load."""
    grown = cursor.execute(statement("ingest/grown_tables"), {"tables": [kind.table, *kind.looks_into]}).fetchall()
    if not grown:
        return
    # 3,000 rows tell an index from another in a tenth of the time; autovacuum makes full statistics.
    cursor.execute("SET LOCAL default_statistics_target = 10")
    # Another loader that analyses a table already does so for this one too.
    tables = sql.SQL(", ").join(sql.Identifier("trackai", table) for (table,) in grown)
    cursor.execute(sql.SQL("ANALYZE (SKIP_LOCKED) {}").format(tables))


def prepare(connection: Connection[Any]) -> None:
    """Give the connection room for a chunk in memory; to be called before its first chunk.

    Through a pooler it would be another connection's session, and one that has used temporary tables refuses.
    """
    if not is_pooled(connection):
        connection.execute("SET temp_buffers = '64MB'")


def _staged(kind: Kind) -> sql.Identifier:
    return sql.Identifier("pg_temp", f"staged_{kind.name}")


def _columns(kind: Kind) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, kind.columns))


@cache
def _create(kind: Kind) -> sql.Composed:
    return sql.SQL(
        "CREATE TEMPORARY TABLE IF NOT EXISTS {} ON COMMIT DELETE ROWS AS SELECT {} FROM trackai.{} WITH NO DATA"
    ).format(_staged(kind), _columns(kind), sql.Identifier(kind.table))


@cache
def _create_for_one(kind: Kind) -> sql.Composed:
    """Through a pooler the next transaction has another session, and this session another client."""
    return sql.SQL(
        "CREATE TEMPORARY TABLE IF NOT EXISTS {} ON COMMIT DROP AS SELECT {} FROM trackai.{} WITH NO DATA"
    ).format(_staged(kind), _columns(kind), sql.Identifier(kind.table))


@cache
def _copy(kind: Kind) -> sql.Composed:
    return sql.SQL("COPY {} FROM STDIN WITH (FORMAT text, NULL '')").format(_staged(kind))


@cache
def _insert(kind: Kind) -> sql.Composed:
    """Rows are read in the order in which they were staged (a temporary table is never read from its middle), so two
    processes that load the same rows lock them in one order.
    """
    values = [
        sql.SQL("coalesce({}, %(now)s)").format(sql.Identifier(name)) if name == kind.now else sql.Identifier(name)
        for name in kind.columns
    ]
    return sql.SQL("INSERT INTO trackai.{} ({}) SELECT {} FROM {}").format(
        sql.Identifier(kind.table),
        _columns(kind),
        sql.SQL(", ").join(values),
        _staged(kind),
    )


@cache
def _insert_new(kind: Kind) -> sql.Composed:
    """Rows that are there already stay as they are: the table's unique indexes make repeating it change nothing."""
    return sql.SQL("WITH moved AS ({} ON CONFLICT DO NOTHING RETURNING 1) SELECT count(*) FROM moved").format(
        _insert(kind)
    )
