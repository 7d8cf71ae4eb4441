"""Query results as a stream of Arrow record batches.

What belongs here: the one way in which many rows leave the database at once. What does not: what is done with them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from psycopg import OperationalError, sql

from trackai_pipelines.database.connection import SPELLING, setting
from trackai_pipelines.database.pooler import direct_url

if TYPE_CHECKING:
    import pyarrow

# A quarter of the driver's default: wide rows are in memory several times over.
_BATCH_BYTES = str(4 * 1024 * 1024)


@contextmanager
def record_batches(database_url: str, query: sql.Composable) -> "Iterator[pyarrow.RecordBatchReader]":
    """Within the block, stream the rows of one query as they are requested; one query sees one snapshot.

    Times are in UTC. Types without an Arrow counterpart (numeric, inet, jsonb) must be cast to text by the query.
    The driver prepares the query, so the session must be its own. Raises psycopg.OperationalError when the server does
    not answer or refuses, and PoolerError.
    """
    from adbc_driver_manager import Error
    from adbc_driver_postgresql import dbapi

    try:
        with dbapi.connect(direct_url(database_url), autocommit=True) as connection, connection.cursor() as cursor:
            # The driver sends one statement at a time.
            for name, value in SPELLING.items():
                cursor.execute(setting(name, value))
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": _BATCH_BYTES})
            cursor.execute(query.as_string())
            yield cursor.fetch_record_batch()
    except Error as error:
        # Callers handle the same error from every other connection.
        raise OperationalError(str(error)) from error
