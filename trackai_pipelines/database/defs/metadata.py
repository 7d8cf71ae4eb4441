"""Metadata about tables, as Dagster's UI shows it on an asset.

What belongs here: columns and row counts of a table. What does not: a domain's own figures.
"""

from collections.abc import Iterable

import dagster as dg
from psycopg import Connection

from trackai_pipelines.database.schema_file import columns_shipped
from trackai_pipelines.database.tables import Column, columns_of, row_count


def table_metadata(connection: Connection, table: str) -> dict[str, dg.MetadataValue]:
    """Return the column schema, row count and relation name of `trackai.<table>`; a large count is an estimate."""
    return {
        "dagster/column_schema": _column_schema(columns_of(connection, table)),
        "dagster/row_count": dg.MetadataValue.int(row_count(connection, table)),
        "dagster/table_name": dg.MetadataValue.text(f"trackai.{table}"),
    }


def described_columns(spec: dg.AssetSpec) -> dict[str, dg.MetadataValue]:
    """Return the column schema of an asset's table, as this version ships it; nothing for one without a table.

    The UI shows it before the first materialisation, and between those that bring the columns themselves. The table is
    named by `dagster/table_name`, else as the asset.
    """
    name = spec.metadata.get("dagster/table_name", spec.key.to_user_string())
    columns = columns_shipped().get(str(name).removeprefix("trackai."))
    return {"dagster/column_schema": _column_schema(columns)} if columns else {}


def _column_schema(columns: Iterable[Column]) -> dg.MetadataValue:
    return dg.MetadataValue.table_schema(
        dg.TableSchema(
            [
                dg.TableColumn(
                    name=column.name,
                    type=column.type,
                    description=column.comment,
                    constraints=dg.TableColumnConstraints(nullable=column.nullable),
                )
                for column in columns
            ]
        )
    )
