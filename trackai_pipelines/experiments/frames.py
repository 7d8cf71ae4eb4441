"""Tests as pandas frames, for notebooks.

    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.experiments import frames

    with connect(url) as connection:
        frames.results_frame(connection, "acme", "checkout")
        frames.users_frame(connection, "acme", "checkout")

What belongs here: results and users as they are. What does not: figures that no table has. The extra `analysis`
installs pandas. Days are UTC days. What is unknown is NaN, NaT or NA: never 0. A tenant is a slug or an id; an unknown
one, or an unknown test, raises ExpectedError.
"""

from typing import Any, LiteralString

import pandas as pd
from psycopg import Connection

from trackai_pipelines.database.frames import frame_of
from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments.chosen import tenant_of
from trackai_pipelines.experiments.designs import read_design


def results_frame(connection: Connection[Any], tenant: str, test: str) -> pd.DataFrame:
    """Return a row for each day, population, variant, metric and estimator: ab_test_daily_results, with the users,
    conversions and revenue behind it.
    """
    return _frame(connection, "experiments/frame_results", tenant, test)


def users_frame(connection: Connection[Any], tenant: str, test: str) -> pd.DataFrame:
    """Return a row for each user of the test, with the variant and time that count, why the user is not analysed, and
    what the user bought in the window.
    """
    return _frame(connection, "experiments/frame_users", tenant, test)


def _frame(connection: Connection[Any], name: LiteralString, tenant: str, test: str) -> pd.DataFrame:
    tenant_id = tenant_of(connection, tenant)
    given = {"tenant_id": tenant_id, "test_id": read_design(connection, tenant_id, test).id}
    return frame_of(connection, connection.execute(statement(name), given))
