"""Rows as pandas frames, with types that do not depend on the rows.

What belongs here: making a frame of what a statement returned. What does not: which statements (the domains' `frames`).
Only those import this module, because pandas is installed by the extra `analysis`. What is unknown is NaN, NaT or NA:
never 0. Amounts are float64.
"""

from typing import Any

import pandas as pd
from psycopg import Connection, Cursor

# By PostgreSQL's type, so that a frame has the same ones without rows.
_DTYPES = {
    "bool": "boolean",
    "int2": "Int64",
    "int4": "Int64",
    "int8": "Int64",
    "numeric": "float64",
    "float8": "float64",
    "date": "datetime64[s]",
    "timestamptz": "datetime64[us, UTC]",
    "text": "str",
}


def frame_of(connection: Connection[Any], cursor: Cursor[Any]) -> pd.DataFrame:
    """Return the rows that are left in a cursor, a column for each of its columns."""
    columns = cursor.description or []
    rows = cursor.fetchall()
    types = [connection.adapters.types[column.type_code].name for column in columns]
    return pd.DataFrame(
        {
            column.name: pd.Series([row[at] for row in rows], dtype=_DTYPES[kind])
            for at, (column, kind) in enumerate(zip(columns, types, strict=True))
        }
    )
