"""Descriptions of a table for people who look at an asset: its columns, their comments, its number of rows.

What belongs here: descriptions of tables as such. What does not: anything about their contents.
"""

from dataclasses import dataclass

from psycopg import Connection, sql
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement

# Counting so many takes a millisecond or two.
_EXACTLY = 10_000


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    type: str
    nullable: bool
    comment: str | None


def columns_of(connection: Connection, table: str) -> list[Column]:
    """Return the columns of `trackai.<table>` in order, with their comments."""
    with connection.cursor(row_factory=class_row(Column)) as cursor:
        return cursor.execute(statement("database/columns_of"), {"table": table}).fetchall()


def row_count(connection: Connection, table: str) -> int:
    """Return how many rows `trackai.<table>` has, its partitions included: exact for small tables, else an estimate.

    An estimate alone would be 0 for a table that this connection has just filled.
    """
    query = sql.SQL(statement("database/row_count")).format(table=sql.Identifier("trackai", table))
    row = connection.execute(query, {"name": f"trackai.{table}", "exactly": _EXACTLY}).fetchone()
    assert row is not None
    return int(row[0])
