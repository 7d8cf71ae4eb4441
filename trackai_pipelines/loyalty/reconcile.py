"""Whether the ledger is what it promises to be.

What belongs here: the questions that checks ask of it, and their findings in sentences. What does not: how bad a
finding is (defs/).
"""

from datetime import date, datetime, timedelta
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.caches import wrong_caches
from trackai_pipelines.loyalty.credit import credit_faults
from trackai_pipelines.loyalty.posting import hash_joins, staged_differences


def faults_of_credit(connection: Connection[Any], days: list[date]) -> tuple[list[str], list[str]]:
    """Return what is wrong with the credit of UTC days, and what may be because figures are older than facts."""
    found = [fault for day in days for fault in credit_faults(connection, day)]
    return [said for said, warns in found if not warns], [said for said, warns in found if warns]


def sources_unlike_ledger(connection: Connection[Any]) -> list[str]:
    """Return the reports, adjustments and refunds that the ledger does not have as they are; nothing is changed."""
    said = []
    for tenant_id in tenants(connection):
        with connection.transaction(force_rollback=True), staged_differences(connection, tenant_id):
            for source, count, some in connection.execute(statement("loyalty/differences_found")):
                said.append(f"{tenant_id}: {count:,} of {source} differ ({', '.join(some)})")
    return said


def wrong_postings(connection: Connection[Any]) -> list[str]:
    """Return the postings that their digests contradict."""
    said = []
    for tenant_id in tenants(connection):
        with connection.transaction(), hash_joins(connection):
            for posting_no, wrong in connection.execute(statement("loyalty/wrong_digests"), {"tenant_id": tenant_id}):
                said.append(f"{tenant_id}: posting {posting_no} {wrong}")
    return said


def caches_unlike_ledger(connection: Connection[Any], now: datetime) -> list[str]:
    """Return the tenants whose caches differ from their ledger."""
    wrong = {tenant_id: wrong_caches(connection, tenant_id, now) for tenant_id in tenants(connection)}
    return [f"{tenant_id}: {rows:,} rows" for tenant_id, rows in wrong.items() if rows]


def incomplete_syncs(connection: Connection[Any], now: datetime) -> list[str]:
    """Return the syncs whose report of yesterday is missing or cut short."""
    found = connection.execute(statement("loyalty/incomplete_syncs"), {"now": now})
    return [f"{tenant_id}: {said}" for tenant_id, said in found]


def days_before(today: date, days: int) -> list[date]:
    """Return the days before one, the earliest first."""
    return [today - timedelta(days=back) for back in range(days, 0, -1)]


def tenants(connection: Connection[Any]) -> list[str]:
    """Return the tenants that have a program."""
    found = connection.execute(statement("loyalty/tenants_with_programs"), {"tenant_id": None})
    return [tenant_id for (tenant_id,) in found]
