"""Steps in temporary tables: in one statement the planner would not know how few rows each step leaves, and loop.

What belongs here: making the table of a step. What does not: the steps.
"""

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from psycopg import Connection, sql

from trackai_pipelines.database.statements import statement


def make(
    connection: Connection[Any],
    table: str,
    name: LiteralString,
    values: Mapping[str, Any],
    composed: Mapping[str, sql.Composable] = {},
    *,
    indexed: str | None = None,
    analysed: Sequence[str] = (),
) -> None:
    """Make the transaction's temporary `table` by the statement `name`, and analyse it; replaces an earlier one.

    An index on the column `indexed` keeps joins by it quick whose size the planner misjudges. Without one it may
    compare every row of a step with every row of another. Only the columns `analysed` are, by default all: of wide rows
    that is a tenth of a day's work.
    """
    target = sql.Identifier("pg_temp", table)
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(target))
    connection.execute(sql.SQL(statement(name)).format(**composed), values)
    if indexed:
        connection.execute(sql.SQL("CREATE INDEX ON {} ({})").format(target, sql.Identifier(indexed)))
    columns = sql.SQL(", ").join(map(sql.Identifier, analysed))
    connection.execute(sql.SQL("ANALYZE {} ({})" if analysed else "ANALYZE {}").format(target, columns))
