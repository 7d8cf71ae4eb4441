"""How a revision runs its file of `sql/migrations`."""

from alembic import op
from psycopg import Connection

from trackai_pipelines.database.statements import statement


def run_sql_file(name: str) -> None:
    """Run `sql/migrations/<name>.sql` in the migration's transaction.

    Straight through psycopg and without parameters: the file may hold many statements and any per cent sign.
    """
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, Connection)
    connection.execute(statement(f"migrations/{name}"), prepare=False)
