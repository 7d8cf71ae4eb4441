"""What the catalog knows of a table: its columns, their comments, its rows. For people who look at an asset.

What belongs here: descriptions of tables as such. What does not: anything about their contents.
"""

from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    type: str
    nullable: bool
    comment: str | None


def columns_of(connection: Connection, table: str) -> list[Column]:
    """The columns of `trackai.<table>` in order, with the comments of the schema."""
    with connection.cursor(row_factory=class_row(Column)) as cursor:
        return cursor.execute(statement("database/columns_of"), {"table": table}).fetchall()


def row_estimate(connection: Connection, table: str) -> int:
    """About how many rows `trackai.<table>` has, its partitions included, without reading them."""
    row = connection.execute(statement("database/row_estimate"), {"table": table}).fetchone()
    assert row is not None
    return int(row[0])
