"""What schema.sql says of columns is what a migrated database says."""

from psycopg import Connection

from trackai_pipelines.database.schema_file import columns_shipped
from trackai_pipelines.database.tables import columns_of


def test_columns_are_those_of_the_database(connection: Connection) -> None:
    tables = connection.execute(
        "SELECT relname FROM pg_class"
        " WHERE relnamespace = 'trackai'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"
    ).fetchall()
    assert {table for (table,) in tables} == set(columns_shipped())
    for table, columns in columns_shipped().items():
        assert columns == columns_of(connection, table), table
