"""How many rows statements read and compare, for tests of what they cost: counted, never timed."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from psycopg import Connection, sql


def keep_statistics(connection: Connection[Any], *tables: str) -> None:
    """See to it that nobody but the test analyses these tables."""
    for table in tables:
        target = sql.Identifier("trackai", table)
        connection.execute(sql.SQL("ALTER TABLE {} SET (autovacuum_enabled = false)").format(target))


def rows_read(connection: Connection[Any], work: Callable[[], object]) -> Mapping[str, int]:
    """Do `work` in a transaction; return how many rows it reads of each table, also of temporary ones, by any way."""
    with connection.transaction():
        before = _read(connection)
        work()
        return {table: rows - before.get(table, 0) for table, rows in _read(connection).items()}


def rows_compared(connection: Connection[Any], statement: sql.Composable, given: Mapping[str, object]) -> int:
    """Execute a statement; return how many rows the nodes of its plan hand on or leave out, all together."""
    row = connection.execute(
        sql.SQL("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {}").format(statement), given
    ).fetchone()
    assert row is not None
    return rows_of_plan(row[0])


def rows_of_plan(explained: list[dict[str, Any]]) -> int:
    """Return how many rows the nodes of an explained plan hand on or leave out, all together."""
    return sum(
        round(node["Actual Loops"] * sum(rows for name, rows in node.items() if name in _ROWS))
        for node in _nodes(explained[0]["Plan"])
    )


_ROWS = {"Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter", "Rows Removed by Index Recheck"}


def _nodes(plan: dict[str, Any]) -> Iterable[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def _read(connection: Connection[Any]) -> Mapping[str, int]:
    return dict(
        connection.execute(
            "SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
        ).fetchall()
    )
