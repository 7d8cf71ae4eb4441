"""Whether flags add up: values with sales, decisions with gates, rows with their history, analytics with checks.

What belongs here: what the checks ask, each as a function that returns sentences. What does not: how bad a finding is
(defs/checks.py), and answering logged checks again (repeating.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from trackai_pipelines.database.statements import statement

TOLERANCE = timedelta(seconds=60)
"""A decision this close to the recording of a version may be of either."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison found."""

    faults: Sequence[str] = ()
    stale: int = 0
    """Tenants' days that wait to be computed again."""
    superseded: int = 0
    """Decisions by what was known then, and is known otherwise now."""

    def said(self) -> str | None:
        """Return the first findings in a few sentences, or None."""
        if not self.faults:
            return None
        others = f"; and {len(self.faults) - 3:,} others" if len(self.faults) > 3 else ""
        return "; ".join(self.faults[:3]) + others + "."


def values_of_sales(connection: Connection[Any], from_day: date, to_day: date) -> Compared:
    """Compare gate_exposures with daily_match_rates: each sale has one value of each gate that matching reads."""
    faults, stale = [], 0
    given = {"from_day": from_day, "to_day": to_day}
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(statement("flags/sales_without_one_value"), given):
            if row["stale"]:
                stale += 1
            else:
                faults.append(
                    f"{row['tenant']} on {row['day']}: {row['found']:,} values of {row['gate']} "
                    f"for {row['expected']:,} sales"
                )
    return Compared(faults, stale)


def decisions_of(connection: Connection[Any], days: Sequence[date], *, tolerance: timedelta = TOLERANCE) -> Compared:
    """Compare matching's decisions of UTC days with what the gates said, as known when they were made."""
    faults, superseded = [], 0
    for day in days:
        given = {"day": day, "tolerance": tolerance}
        with connection.cursor(row_factory=dict_row) as cursor:
            for row in cursor.execute(statement("flags/decisions_against_gates"), given):
                if row["fault"] is None:
                    superseded += row["decisions"]
                else:
                    faults.append(
                        f"{row['tenant']} on {day}: {row['decisions']:,} decisions, the first of {row['first']}: "
                        f"{row['fault']}"
                    )
    return Compared(faults, superseded=superseded)


def settings_against_history(connection: Connection[Any], now: datetime) -> Compared:
    """Compare matching_settings and the columns of tenants with the versions of their gates."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(statement("flags/settings_against_history"), {"now": now}).fetchall()
    return Compared([f"{row['tenant']}: {row['what']}" for row in found])


def history_faults(connection: Connection[Any], now: datetime) -> Compared:
    """Compare flags and overrides with their versions in force, and versions with the audit log."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(statement("flags/history_faults"), {"now": now}).fetchall()
    return Compared([f"{row['flag']}{' at ' + row['tenant'] if row['tenant'] else ''} {row['what']}" for row in found])


def analytics_against_usage(connection: Connection[Any], days: Sequence[date]) -> Compared:
    """Compare feature_flag_analytics of UTC days, whose checks are still here, with these checks."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(statement("flags/analytics_against_usage"), {"days": list(days)}).fetchall()
    return Compared(
        [
            f"{row['tenant']}, {row['flag']} on {row['day']}: {row['found']:,} checks, not {row['expected']:,}"
            if row["found"] != row["expected"]
            else f"{row['tenant']}, {row['flag']} on {row['day']}: other users, errors or values than its checks have"
            for row in found
        ]
    )
