"""Flags as pandas frames, for notebooks.

    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.flags import frames

    with connect(url) as connection:
        frames.usage(connection, "theme", days=7)
        frames.preview(connection, "theme", {"rollout_percentage": 25})

What belongs here: checks, exposures and previews as they are. What does not: figures that nothing else has. The extra
`analysis` installs pandas. Days are UTC days, today included. What is unknown is NaN, NaT or NA: never 0. An unknown
flag or tenant raises ExpectedError.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, LiteralString

import pandas as pd
from psycopg import Connection

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.frames import frame_of
from trackai_pipelines.database.statements import statement
from trackai_pipelines.flags.altering import set_fields
from trackai_pipelines.flags.changes import ChangeTerms, propose
from trackai_pipelines.flags.preview import preview as preview_of
from trackai_pipelines.flags.recording import writing
from trackai_pipelines.flags.scopes import the_flag

_COUNTS = ("users", "gain", "lose", "switch", "unknown", "conversions")


def usage(connection: Connection[Any], key: str, days: int = 30, *, clock: Clock = utc_now) -> pd.DataFrame:
    """Return a row for equal checks of some seconds, of the last days: feature_flag_usage."""
    return _frame(connection, "flags/frame_usage", key, days, clock)


def exposures(connection: Connection[Any], key: str, days: int = 400, *, clock: Clock = utc_now) -> pd.DataFrame:
    """Return a row for each user and salt who was served a variant first in the last days: v_flag_first_exposures."""
    return _frame(connection, "flags/frame_exposures", key, days, clock)


def preview(
    connection: Connection[Any], key: str, fields: Mapping[str, Any], *, clock: Clock = utc_now
) -> pd.DataFrame:
    """Return what a change of a flag's fields would do, by tenant: users, who of them is served another value, and what
    they bought, with a column `value <currency>` for each currency. Nothing is changed.

    `fields` are those of a state: `enabled`, `rollout_percentage`, ...
    """
    with writing(connection, clock, dry_run=True) as now:
        terms = ChangeTerms(now=now, reason="a preview", reshuffle=True)
        proposal = propose(connection, key, set_fields(fields), terms)
    found = preview_of(connection, proposal)
    currencies = sorted({currency for one in found.tenants for currency in one.value})
    rows = [
        (one.slug, *(getattr(one, name) for name in _COUNTS), *(float(one.value.get(name, 0)) for name in currencies))
        for one in found.tenants
    ]
    dtypes = {"tenant": "str", **dict.fromkeys(_COUNTS, "Int64")}
    dtypes |= {f"value {currency}": "float64" for currency in currencies}
    return pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)


def _frame(connection: Connection[Any], name: LiteralString, key: str, days: int, clock: Clock) -> pd.DataFrame:
    today = clock().date()
    given = {"flag_id": the_flag(connection, key).id, "from_day": today - timedelta(days=days - 1), "to_day": today}
    return frame_of(connection, connection.execute(statement(name), given))
