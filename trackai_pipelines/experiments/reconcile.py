"""Whether tests add up: outcomes with sales, totals and results with outcomes, decisions with what was frozen.

What belongs here: what the checks ask, each as a function that returns sentences. What does not: how bad a finding is
(defs/checks.py), and computing (computing.py).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.rows import DictRow, dict_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments.designs import HEALTHY, UNSOUND, designs_to_compute
from trackai_pipelines.experiments.periods import MARGIN

OVERDUE = timedelta(hours=36)
"""What arrived longer ago should have been worked in by a nightly run."""
CONFLICTING = 0.01
"""Above this share of users who saw several variants, something assigns them anew."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a comparison found."""

    faults: Sequence[str] = ()
    waiting: int = 0
    """Differences that the next computation works in."""

    def said(self) -> str | None:
        """Return the first findings in a few sentences, or None."""
        if not self.faults:
            return None
        others = f"; and {len(self.faults) - 3:,} others" if len(self.faults) > 3 else ""
        return "; ".join(self.faults[:3]) + others + "."


def outcomes_of_sales(connection: Connection[Any], now: datetime) -> Reconciled:
    """Compare outcomes with the linked sales of assigned users, and counted ones with attribution and delivery."""
    faults, waiting = [], 0
    for row in _rows(connection, "experiments/outcome_differences", overdue=now - OVERDUE):
        waiting += row["waiting"]
        words = {"without an outcome": row["missing"], "that are no user's sale, or another's": row["stray"]}
        found = [f"{count:,} {what}" for what, count in words.items() if count]
        if found:
            of = f"{row['tenant']}: {row['test']} on {row['day']}"
            faults.append(f"{of}: sales {', outcomes '.join(found)} (e.g. conversion {row['example']})")
    for row in _rows(connection, "experiments/counted_splits"):
        faults += _unequal_parts(row)
    return Reconciled(faults, waiting)


def _unequal_parts(row: DictRow) -> Iterator[str]:
    """Yield a sentence for each way to divide counted conversions that does not come to their number."""
    of, counted = f"{row['tenant']}: {row['test']}", row["counted"]
    attributed = sum(row[name] for name in ("fbc", "fbp", "email", "unmatched", "pending"))
    placed = sum(row[name] for name in ("accepted", "waiting", "failed", "not_due"))
    if row["distinct_conversions"] != counted:
        yield f"{of}: {counted:,} conversions count, and only {row['distinct_conversions']:,} are distinct"
    if attributed != counted:
        yield f"{of}: {counted:,} conversions count, and {attributed:,} are attributed or wait for it"
    if placed != counted:
        yield f"{of}: {counted:,} conversions count, and their events are in {placed:,} places"


def totals_of_outcomes(connection: Connection[Any]) -> Reconciled:
    """Compare totals of every day with users and outcomes, and results with the totals and the decision."""
    faults, waiting = [], 0
    for row in _rows(connection, "experiments/total_differences", margin=MARGIN):
        if row["waits"]:
            waiting += 1
        else:
            of = f" of {row['variant']}, {row['population']}" if row["variant"] else ""
            faults.append(
                f"{row['tenant']}: {row['test']} on {row['day']}: {row['figure']}{of}: "
                f"{row['found']:f}, not {row['expected']:f}"
            )
    for row in _rows(connection, "experiments/result_differences", unsound=list(UNSOUND)):
        faults.append(
            f"{row['tenant']}: the result of {row['test']}, {row['variant']}: {row['figure']} is "
            f"{row['found'] or 'missing'}, not {row['expected'] or 'there'}"
        )
    return Reconciled(faults, waiting)


def changed_configurations(connection: Connection[Any]) -> Reconciled:
    """Find tests of which something that starting froze is different now."""
    slugs = dict(connection.execute("SELECT id, slug FROM trackai.tenants").fetchall())
    return Reconciled(
        [
            f"{slugs[design.tenant_id]}: what starting froze of {design.test_key} was changed"
            for design in designs_to_compute(connection)
            if design.configuration_changed
        ]
    )


def changed_decisions(connection: Connection[Any]) -> Reconciled:
    """Find tests that are not archived whose decision was changed by data that arrived late."""
    return Reconciled(
        [
            f"{row['tenant']}: {row['test']} was {row['before']} for {row['day_before']}, and is {row['now']} since "
            f"{row['decided_at']:%Y-%m-%d}: {row['reason']}"
            for row in _rows(connection, "experiments/changed_decisions")
        ]
    )


def uneven_splits(connection: Connection[Any]) -> Reconciled:
    """Find tests whose users are not split as planned, or saw several variants, and pairs that go together."""
    given = {"threshold": HEALTHY, "conflicting": CONFLICTING}
    return _uneven(connection, "experiments/uneven_splits", **given)


def uneven_linkage(connection: Connection[Any]) -> Reconciled:
    """Find tests whose variants differ in how many users are linked, or have a click."""
    return _uneven(connection, "experiments/uneven_linkage", threshold=HEALTHY)


def uncomputed_tests(connection: Connection[Any], now: datetime) -> Reconciled:
    """Find tests that should have figures of yesterday and have none."""
    rows = _rows(connection, "experiments/uncomputed_tests", today=now.date())
    return Reconciled([f"{row['tenant']}: {row['test']} {row['what']}" for row in rows])


def _uneven(connection: Connection[Any], name: LiteralString, **given: Any) -> Reconciled:
    faults = []
    for row in _rows(connection, name, **given):
        p_value = "" if row["p_value"] is None else f" (p {row['p_value']:.2g})"
        faults.append(f"{row['tenant']}: {row['test']} {row['what']}{p_value}")
    return Reconciled(faults)


def _rows(connection: Connection[Any], name: LiteralString, **given: Any) -> list[DictRow]:
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        # Tables are read once and joined by hashes, whatever the server knows of them: of new ones it expects a row.
        cursor.execute("SET LOCAL enable_nestloop = off")
        return cursor.execute(statement(name), given).fetchall()
