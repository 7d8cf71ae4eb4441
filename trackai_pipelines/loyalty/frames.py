"""Loyalty as pandas frames, for notebooks.

    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.loyalty import frames

    with connect(url) as connection:
        frames.standing(connection, "acme")
        frames.moves(connection, "acme", date(2026, 5, 1), date(2026, 5, 31))

What belongs here: tables and views as they are. What does not: figures that no table has. The extra `analysis` installs
pandas. Days are local days of the program, both included. Amounts are float64, and what is unknown is NaN, NaT or NA:
never 0. A tenant is a slug or an id; an unknown one raises ExpectedError.
"""

from datetime import date
from typing import Any, LiteralString

import pandas as pd
from psycopg import Connection

from trackai_pipelines.database.frames import frame_of
from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.chosen import tenant_of


def standing(connection: Connection[Any], tenant: str) -> pd.DataFrame:
    """Return a row for each creator: creator_standing."""
    return _frame(connection, "loyalty/frame_standing", tenant)


def ledger(connection: Connection[Any], tenant: str, from_day: date, to_day: date) -> pd.DataFrame:
    """Return a row for each entry of the ledger with a sale on the days, in the order of postings."""
    return _frame(connection, "loyalty/frame_ledger", tenant, from_day=from_day, to_day=to_day)


def moves(connection: Connection[Any], tenant: str, from_day: date, to_day: date) -> pd.DataFrame:
    """Return a row for each event of the evaluated days: tier_checkpoints."""
    return _frame(connection, "loyalty/frame_moves", tenant, from_day=from_day, to_day=to_day)


def _frame(connection: Connection[Any], name: LiteralString, tenant: str, **given: Any) -> pd.DataFrame:
    given["tenant_id"] = tenant_of(connection, tenant)
    return frame_of(connection, connection.execute(statement(name), given))
