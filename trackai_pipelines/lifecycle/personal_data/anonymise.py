"""Anonymising: rows stay and count, what they say of a person is taken away or made less precise.

What belongs here: rows of a certain age. What does not: when that age is reached (retention_policies), the family of a
user agent (`user_agents`), and the data of one person (`erase`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import LiteralString

from psycopg import Connection, sql

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Table
from trackai_pipelines.lifecycle.personal_data.user_agents import family_of

_BATCH = 2_000
"""Rows a transaction: it takes a fraction of a second, and holds nobody up for longer."""


@dataclass(frozen=True)
class _Kind:
    """A table whose rows hold personal fields."""

    time: str
    """The column that a row's age is counted from."""
    user_agent: str
    change: LiteralString
    """The statement that takes personal fields away."""


_KINDS = {
    "clicks": _Kind("created_at", "user_agent", "lifecycle/personal_data/anonymise_clicks"),
    "conversions": _Kind("occurred_at", "client_user_agent", "lifecycle/personal_data/anonymise_conversions"),
}


def anonymisable(tables: Iterable[Table]) -> dict[str, Table]:
    """Return the tables whose rows lose personal fields by their age, by name."""
    return {table.name: table for table in tables if table.time and table.personal and table.personal.by_age}


def due_to_anonymise(connection: Connection, tables: Iterable[Table], table_name: str, before: date) -> int:
    """How many rows of `clicks` or `conversions` from before a UTC day still have their personal fields.

    Raises ValueError for any other table.
    """
    row = connection.execute(_about(table_name, "lifecycle/personal_data/anonymise_due"), {"before": before}).fetchone()
    assert row is not None
    return int(row[0])


def anonymise(
    connection: Connection, tables: Iterable[Table], table_name: str, before: date, *, clock: Clock = utc_now
) -> int:
    """Anonymise rows of `clicks` (by created_at) or `conversions` (by occurred_at) from before a UTC day.

    Gives how many it changed, oldest first, each batch committed. Killed at any moment, the next run goes on; two at
    once share the work. A row that somebody has locked is passed over and tried again; one that stays locked is left to
    the next run. Raises ValueError for any other table.
    """
    changed = 0
    while sweep := sum(_sweep(connection, table_name, before, clock)):
        changed += sweep
    return changed


def _sweep(connection: Connection, table_name: str, before: date, clock: Clock) -> Iterator[int]:
    """Go once from the oldest row to the last; yields the size of each batch."""
    take = _about(table_name, "lifecycle/personal_data/anonymise_take")
    # From the end of the batch before: entries of the index whose rows have just been changed are not walked again.
    after = datetime.min.replace(tzinfo=UTC)
    while True:
        with connection.transaction():
            rows = connection.execute(take, {"after": after, "before": before, "rows": _BATCH}).fetchall()
            if not rows:
                return
            tenant_ids, ids, moments, user_agents = (list(column) for column in zip(*rows, strict=True))
            connection.execute(
                statement(_KINDS[table_name].change),
                {
                    "tenant_ids": tenant_ids,
                    "ids": ids,
                    "families": [family_of(user_agent) for user_agent in user_agents],
                    "now": clock(),
                },
            )
        after = moments[-1]
        yield len(rows)


def _about(table_name: str, name: LiteralString) -> sql.Composed:
    """A statement that is the same for both tables but for their names."""
    if table_name not in _KINDS:
        raise ValueError(f"{table_name} has no personal fields that are anonymised: {' and '.join(_KINDS)} have")
    kind = _KINDS[table_name]
    return sql.SQL(statement(name)).format(
        table=sql.Identifier("trackai", table_name),
        time=sql.Identifier(kind.time),
        user_agent=sql.Identifier(kind.user_agent),
    )
