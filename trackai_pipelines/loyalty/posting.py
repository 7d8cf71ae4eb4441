"""Posting: what is wanted of conversions, reports, adjustments and refunds, less what the ledger has of them.

What belongs here: the order of the steps, their transaction and lock. What does not: what is wanted of a source
(sql/loyalty/differences_of_*.sql), and when it runs (defs/).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString

from psycopg import Connection

from trackai_pipelines.database import locks
from trackai_pipelines.database.statements import statement

POSTING_SIZE = 500_000
"""Entries of a posting at most: its digest is made of a text of all of them."""

_DIFFERENCES = (
    "loyalty/differences_of_reports",
    "loyalty/differences_of_conversions",
    "loyalty/differences_of_adjustments",
    # What is left of a sale depends on the conversions that are about to be posted.
    "loyalty/differences_of_refunds",
)


@dataclass(frozen=True, slots=True)
class Posted:
    """What a posting of a tenant did."""

    tenant_id: str
    posting_no: int
    """The last posting, of this run or an earlier one; 0: there is none."""
    entries: int = 0
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    """The sums of the entries by currency."""
    enrolled: int = 0
    """Creators who became members by a report."""


def post(connection: Connection[Any], tenant_id: str, now: datetime, *, run_id: str | None = None) -> Posted:
    """Post what differs between the sources of a tenant's program and its ledger, in one transaction.

    Posting again without news writes nothing. Several at once take turns; one that is killed has written nothing.
    """
    with connection.transaction():
        lock_program(connection, tenant_id)
        about = {"tenant_id": tenant_id, "now": now}
        enrolled = _number(connection, "loyalty/enrol_handles", about)
        with hash_joins(connection):
            if _number(connection, "loyalty/assign_reports", about):
                connection.execute(statement("loyalty/assign_videos"), about)
                connection.execute(statement("loyalty/count_unassigned"), about)
        last = _number(connection, "loyalty/last_posting", about)
        with staged_differences(connection, tenant_id) as entries:
            if not entries:
                return Posted(tenant_id, last, enrolled=enrolled)
            upto = _number(connection, "loyalty/insert_entries", {**about, "last": last, "size": POSTING_SIZE})
            connection.execute(statement("loyalty/add_to_days"), about)
            with hash_joins(connection):
                connection.execute(statement("loyalty/add_to_members"), about)
        amounts: dict[str, Decimal] = {}
        for posting_no in range(last + 1, upto + 1):
            closing = {**about, "posting_no": posting_no, "run_id": run_id}
            for currency, amount in connection.execute(statement("loyalty/insert_posting"), closing):
                amounts[currency] = amounts.get(currency, Decimal()) + amount
        return Posted(tenant_id, upto, entries, amounts, enrolled)


def post_programs(
    connection: Connection[Any], now: datetime, *, tenant_id: str | None = None, run_id: str | None = None
) -> Iterator[Posted]:
    """Post for each tenant that has a program, or for one of them."""
    found = connection.execute(statement("loyalty/tenants_with_programs"), {"tenant_id": tenant_id}).fetchall()
    for (tenant,) in found:
        yield post(connection, tenant, now, run_id=run_id)


def lock_program(connection: Connection[Any], tenant_id: str) -> None:
    """Wait for other postings and evaluations of a tenant, and keep them waiting until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (locks.LOYALTY, tenant_id))


@contextmanager
def hash_joins(connection: Connection[Any]) -> Iterator[None]:
    """Within a transaction, join by hashes whatever the server knows of a tenant, which may be new to its statistics.

    Where a statement looks rows up one by one, it does so all the same.
    """
    connection.execute("SELECT set_config('enable_nestloop', 'off', true)")
    yield
    connection.execute("SELECT set_config('enable_nestloop', 'on', true)")


@contextmanager
def staged_differences(connection: Connection[Any], tenant_id: str) -> Iterator[int]:
    """Put what differs into `pg_temp.ledger_differences`, within a transaction; yield how many entries differ."""
    connection.execute(statement("loyalty/make_differences"))
    about = {"tenant_id": tenant_id}
    with hash_joins(connection):
        found = sum(_number(connection, name, about) for name in _DIFFERENCES)
    yield found
    connection.execute(statement("loyalty/drop_differences"))


def _number(connection: Connection[Any], name: LiteralString, about: dict[str, Any]) -> int:
    row = connection.execute(statement(name), about).fetchone()
    assert row is not None
    return int(row[0])
