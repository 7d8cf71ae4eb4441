"""Metadata about tables, as Dagster's UI shows it on an asset.

What belongs here: columns and row counts of a table. What does not: a domain's own figures.
"""

import dagster as dg
from psycopg import Connection

from trackai_pipelines.database.tables import columns_of, row_count


def table_metadata(connection: Connection, table: str) -> dict[str, dg.MetadataValue]:
    """Return the column schema, row count and relation name of `trackai.<table>`; a large count is an estimate."""
    columns = [
        dg.TableColumn(
            name=column.name,
            type=column.type,
            description=column.comment,
            constraints=dg.TableColumnConstraints(nullable=column.nullable),
        )
        for column in columns_of(connection, table)
    ]
    return {
        "dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns)),
        "dagster/row_count": dg.MetadataValue.int(row_count(connection, table)),
        "dagster/table_name": dg.MetadataValue.text(f"trackai.{table}"),
    }
