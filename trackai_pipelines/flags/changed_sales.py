"""The sales whose settings a change of a gate changes, because their moment is in the past: counted and matched again.

    with writing(connection, clock) as now:
        versions, periods = carry_out_and_compare(connection, propose(connection, ...), author)
    days = changed_sales(connection, periods)      # after the commit: changes of flags wait for the block above
    queued = queue_changed_sales(connection, periods)

What belongs here: gates that are timed by the sale. What does not: changing them (changes.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, scalar_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.flags.changes import Proposal, carry_out
from trackai_pipelines.flags.recording import Author


@dataclass(frozen=True, slots=True)
class ChangedPeriod:
    """A period in which sales of a tenant have other settings than before."""

    tenant_id: str
    since: str
    """As PostgreSQL writes moments: it may be -infinity."""
    until: str
    """The first moment after it; it may be infinity."""


@dataclass(frozen=True, slots=True)
class ChangedDay:
    """The sales of a tenant's UTC day whose settings changed."""

    tenant: str
    """The slug."""
    day: date
    conversions: int
    unmatched: int


def carry_out_and_compare(
    connection: Connection[Any], proposal: Proposal, author: Author
) -> tuple[list[int], list[ChangedPeriod]]:
    """Record what is proposed; return the new versions, and where sales have other settings than before."""
    if proposal.flag.gate is None or not proposal.flag.gate.timed_by_sale:
        return carry_out(connection, proposal, author), []
    remember_settings(connection)
    return carry_out(connection, proposal, author), changed_periods(connection)


def remember_settings(connection: Connection[Any]) -> None:
    """Keep the settings of all tenants until the transaction ends; call it once, before the change is recorded."""
    connection.execute(statement("flags/remember_settings"))


def changed_periods(connection: Connection[Any]) -> list[ChangedPeriod]:
    """Return where settings differ from the remembered ones, in the same transaction, past, present and planned."""
    with connection.cursor(row_factory=class_row(ChangedPeriod)) as cursor:
        return cursor.execute(statement("flags/changed_periods")).fetchall()


def changed_sales(connection: Connection[Any], periods: Sequence[ChangedPeriod]) -> list[ChangedDay]:
    """Return the days with sales in these periods, by tenant's slug and day."""
    with connection.cursor(row_factory=class_row(ChangedDay)) as cursor:
        return cursor.execute(statement("flags/changed_sales"), _columns(periods)).fetchall()


def queue_changed_sales(connection: Connection[Any], periods: Sequence[ChangedPeriod]) -> int:
    """Queue the unmatched sales of these periods to be matched again; return how many were not queued yet."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return int(cursor.execute(statement("flags/queue_changed_sales"), _columns(periods)).fetchone() or 0)


def _columns(periods: Sequence[ChangedPeriod]) -> dict[str, list[str]]:
    return {
        "tenant_ids": [period.tenant_id for period in periods],
        "since": [period.since for period in periods],
        "until": [period.until for period in periods],
    }
