"""What doctor finds of campaigns: accounts that have gone silent, days that were not computed, amounts without a rate.

What belongs here: the findings. What does not: the questions that the checks of costs ask as well (reconcile_costs.py).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from psycopg import Connection

from trackai_pipelines.campaigns.reconcile_costs import accounts_that_are_silent, rates_that_miss
from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Checkup, Finding, Level

OVERDUE = timedelta(days=3)
"""Days are computed every night; so long after the last time, something stands still."""

_SHOWN = 5


def health(checkup: Checkup) -> Iterator[Finding]:
    """Yield a finding of accounts, of days and of rates."""
    connection, today = checkup.connection, checkup.now.date()
    silent = accounts_that_are_silent(connection, today)
    fix = "Look after the export of these accounts; a late file is taken as if it had come in time."
    yield _of("ad accounts", silent, "each has costs of yesterday, or has ended", fix)
    yield _days(connection, checkup.now)
    missing = rates_that_miss(connection, today)
    yield _of("exchange rates", missing, "all amounts of the last week can be converted", "Load files fx_rates*.")


def _of(check: str, said: Sequence[str], fine: str, fix: str) -> Finding:
    if not said:
        return Finding(check, Level.OK, fine)
    more = f"; and {len(said) - _SHOWN:,} more" if len(said) > _SHOWN else ""
    return Finding(check, Level.WARN, "; ".join(said[:_SHOWN]) + more, fix)


def _days(connection: Connection, now: datetime) -> Finding:
    waiting = connection.execute(statement("campaigns/scans_overdue"), {"before": now - OVERDUE}).fetchall()
    said = [f"{slug}: {f'last on {at:%Y-%m-%d}' if at else 'never'}" for slug, at in waiting]
    fix = "Let the daemon run, which computes them at 01:00 UTC (nightly_campaigns), or run aggregate_campaigns."
    return _of("campaign days", said, "looked through every night", fix)
