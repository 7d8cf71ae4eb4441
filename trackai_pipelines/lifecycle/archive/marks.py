"""The mark of a day's table that is being filled from its archive: it is not complete.

What belongs here: setting and reading that mark, which lives and dies with the table. What does not: filling it
(restore).
"""

from datetime import date
from typing import Any

from psycopg import Connection, sql

from trackai_pipelines.database.partitions import partition_name

_MARK = "Being restored from its archive: not complete."


def mark_half_restored(connection: Connection[Any], table: str, day: date) -> None:
    """Set the mark, in the transaction that makes the table."""
    _comment(connection, table, day, _MARK)


def unmark(connection: Connection[Any], table: str, day: date) -> None:
    """Remove the mark, in the transaction in which the manifest learns that the day is back."""
    _comment(connection, table, day, None)


def is_half_restored(connection: Connection[Any], table: str, day: date) -> bool:
    """Return whether the day's table is there and marked."""
    row = connection.execute(
        "SELECT obj_description(to_regclass('trackai.' || quote_ident(%s)), 'pg_class')", (partition_name(table, day),)
    ).fetchone()
    return row == (_MARK,)


def _comment(connection: Connection[Any], table: str, day: date, text: str | None) -> None:
    relation = sql.Identifier("trackai", partition_name(table, day))
    connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(relation, sql.Literal(text)))
