"""The drain: takes waiting conversions in micro-batches and matches each batch in one transaction.

What belongs here: looking for work until there is none, and the report. What does not: staying for more (follow.py),
when it runs (defs/), and what matches (sql/matching). Several drains at once share the work; the batch of one that dies
returns to the queue.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from psycopg import Connection, errors
from psycopg.rows import class_row, namedtuple_row
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from trackai_pipelines.clock import Clock
from trackai_pipelines.database import locks
from trackai_pipelines.database.statements import statement
from trackai_pipelines.matching.batch_size import BatchSize, SizeOfNext, built_in

FACTS_PER_COMPARISON = 20_000
"""Comparisons of arrived clicks and identities with unmatched conversions in one transaction. It is also what one entry
of `fact_arrivals` holds at most (`note_arrivals` in sql/schema.sql), so entries are taken whole."""

CLICKS_PER_UNLINKING = 20_000
"""Notes of deleted clicks that are processed in one transaction."""

ROWS_PER_VACUUM = 100_000
"""Conversions and arrivals taken off their queues between two vacuums of these. Until a vacuum, each claim walks over
the index entries of rows that are gone; autovacuum looks once a minute, when millions may be gone. Measured: a claim
takes 8 microseconds for each conversion instead of 2."""


# An identity's click that is deleted meanwhile, or another worker, can make a transaction fail with one of these. It is
# retried after 20 ms, 40 ms and so on, for five seconds in all; then the last error is raised.
_retrying = Retrying(
    retry=retry_if_exception_type((errors.DeadlockDetected, errors.SerializationFailure, errors.ForeignKeyViolation)),
    stop=stop_after_attempt(9),
    wait=wait_exponential(multiplier=0.02),
    reraise=True,
)


@dataclass
class DrainReport:
    """What a drain did: decisions by (UTC day of the sale, strategy), and totals."""

    decisions: Counter[tuple[date, str]] = field(default_factory=Counter)
    latencies: Counter[int] = field(default_factory=Counter)
    """Conversions decided for the first time, by bucket of the time from arrival to decision (see latency.py)."""
    conversions: int = 0
    """All decisions, re-matches included."""
    rematched: int = 0
    """Decisions about conversions that had been unmatched before."""
    attempts: int = 0
    """Rows written to match_log."""
    batches: int = 0
    late: int = 0
    """Unmatched conversions put back on the queue because a click or identity arrived."""
    sizes: Counter[BatchSize] = field(default_factory=Counter)
    """Micro-batches by how many conversions they took at most, and the version of the flag that said so."""
    latencies_by_size: dict[BatchSize, Counter[int]] = field(default_factory=dict)
    """Latencies by the same."""
    seconds: float = 0.0
    """Time at work, without waiting."""

    @property
    def by_strategy(self) -> Counter[str]:
        """Decisions by strategy over all days."""
        total: Counter[str] = Counter()
        for (_, strategy), count in self.decisions.items():
            total[strategy] += count
        return total

    @property
    def match_rate(self) -> float | None:
        """Matched / decided; None when nothing was decided."""
        if not self.conversions:
            return None
        return 1 - self.by_strategy["unmatched"] / self.conversions

    def add(self, other: "DrainReport") -> None:
        """Add what another drain did."""
        self.decisions.update(other.decisions)
        self.latencies.update(other.latencies)
        self.conversions += other.conversions
        self.rematched += other.rematched
        self.attempts += other.attempts
        self.batches += other.batches
        self.late += other.late
        self.sizes.update(other.sizes)
        for size, latencies in other.latencies_by_size.items():
            self.latencies_by_size.setdefault(size, Counter()).update(latencies)
        self.seconds += other.seconds


@dataclass(frozen=True)
class Look:
    """One look at the queue, and what was done about it."""

    report: DrainReport
    idle: bool
    """Nothing waited, for any tenant."""
    full: bool
    """More is likely to wait."""


def drain(
    connection: Connection,
    *,
    run_id: str,
    batch_size: SizeOfNext | int = built_in,
    clock: Clock | None = None,
    on_batch: Callable[[DrainReport], None] | None = None,
) -> DrainReport:
    """Match everything that waits, including what late clicks and identities make matchable; return a report.

    `run_id` goes into match_log. `batch_size` is asked before each micro-batch. `clock` replaces the server's time.
    `on_batch` is called after each commit.
    Raises psycopg.Error when the server goes away; what was committed stays, the rest waits on the queue.
    """
    report = DrainReport()
    for look in looks(connection, run_id=run_id, batch_size=batch_size, clock=clock):
        report.add(look.report)
        if look.idle:
            break
        if on_batch and look.report.batches:
            on_batch(report)
    return report


def looks(
    connection: Connection, *, run_id: str, batch_size: SizeOfNext | int = built_in, clock: Clock | None = None
) -> Iterator[Look]:
    """Look for work once for each item requested: a portion of late facts, then one micro-batch, each committed."""
    after = ""
    gone = 0
    while True:
        report = DrainReport()
        started = time.monotonic()
        compared = _retrying(_compare_arrivals, connection, report)
        unlinked = _retrying(_unlink_deleted, connection)
        size = BatchSize(batch_size) if isinstance(batch_size, int) else batch_size()
        claimed, following = _match_settled(connection, report, run_id, size.size, after, clock)
        gone += claimed + compared
        if gone >= ROWS_PER_VACUUM:
            # Only a table's owner may vacuum it. The server skips others with a warning, and a second vacuum at once.
            connection.execute("VACUUM (SKIP_LOCKED, TRUNCATE off) trackai.match_queue, trackai.fact_arrivals")
            gone = 0
        report.seconds = time.monotonic() - started
        report.batches = 1 if claimed else 0
        if claimed:
            report.sizes[size] = 1
            report.latencies_by_size[size] = report.latencies
        yield Look(
            report,
            idle=not (claimed or compared or unlinked or after),
            full=bool(compared or unlinked or following or after),
        )
        after = following


@dataclass(frozen=True)
class Waiting:
    """What a drain would find."""

    conversions: int
    arrivals: bool


def work_waiting(connection: Connection) -> Waiting:
    """Count the queued conversions of eligible tenants (up to 10,000 each); look for waiting arrivals and deletions."""
    with connection.cursor(row_factory=class_row(Waiting)) as cursor:
        waiting = cursor.execute(statement("matching/work_waiting")).fetchone()
    assert waiting is not None
    return waiting


class _UnsettledError(Exception):
    """A sale of one of these tenants has no settings for its moment."""

    def __init__(self, tenant_ids: list[str]) -> None:
        super().__init__(
            f"a sale of one of these tenants has no row of trackai.matching_settings for its moment, and was left on "
            f"the queue: {', '.join(tenant_ids)}"
        )
        self.tenant_ids = tenant_ids


def _match_settled(connection: Connection, *batch: Any) -> tuple[int, str]:
    """Match one batch; where a tenant was added past its trigger, make its settings first."""
    try:
        return _retrying(_match_batch, connection, *batch)
    except _UnsettledError as unsettled:
        connection.execute(statement("matching/settle_tenants"), {"tenant_ids": unsettled.tenant_ids})
        return _retrying(_match_batch, connection, *batch)


def _match_batch(
    connection: Connection,
    report: DrainReport,
    run_id: str,
    batch_size: int,
    after: str,
    clock: Clock | None,
) -> tuple[int, str]:
    """Claim and match one batch; return its size and the tenant after which the next one starts.

    Tenants take turns: after a full batch comes the tenant after its last one, after a partial batch the first tenant.
    Raises _UnsettledError, with the batch back on the queue, where the moment of a sale has no settings.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", (locks.BATCHES,))
        connection.execute(statement("matching/keep_to_indexes"))
        claimed = connection.execute(
            statement("matching/claim_batch"), {"after": after, "batch_size": batch_size}
        ).fetchall()
        if not claimed:
            return 0, ""
        tenant_ids, conversion_ids, causes = (list(column) for column in zip(*claimed, strict=True))
        now: datetime | None = clock() if clock else None
        given = {"tenant_ids": tenant_ids, "conversion_ids": conversion_ids, "causes": causes}
        with connection.cursor(row_factory=namedtuple_row) as cursor:
            try:
                cursor.execute(statement("matching/match_batch"), {**given, "run_id": run_id, "now": now})
            except errors.NotNullViolation as error:
                # Without settings there is no strategy.
                raise _UnsettledError(sorted(set(tenant_ids))) from error
            decided: list[Any] = cursor.fetchall()
    for row in decided:
        report.decisions[row.day, row.strategy] += row.conversions
        if row.latency is not None:
            report.latencies[row.latency] += row.conversions
        report.conversions += row.conversions
        report.rematched += row.conversions - row.new
        report.attempts += int(row.attempts)
    return len(claimed), max(tenant_ids) if len(claimed) == batch_size else ""


def _compare_arrivals(connection: Connection, report: DrainReport) -> int:
    """Compare one portion of arrived facts with what waits for them; return how many entries of `fact_arrivals`."""
    with connection.transaction():
        connection.execute(statement("matching/keep_to_indexes"))
        claimed = connection.execute(statement("matching/claim_arrivals"), {"facts": FACTS_PER_COMPARISON}).fetchall()
        arrived = [entry for *entry, compare in claimed if compare == "arrived"]
        awaited = [entry for *entry, compare in claimed if compare == "waiting"]
        late = _late(connection, arrived, awaited) if arrived or awaited else set()
        if late:
            tenant_ids, conversion_ids = (list(column) for column in zip(*late, strict=True))
            queued = connection.execute(
                statement("matching/enqueue_late"), {"tenant_ids": tenant_ids, "conversion_ids": conversion_ids}
            ).fetchall()
            report.late += len(queued)
    return len(claimed)


def _late(connection: Connection, arrived: list[list[Any]], awaited: list[list[Any]]) -> set[tuple[Any, ...]]:
    """Link identities with the clicks they wait for; return (tenant, conversion) of what can be matched now."""
    awaiting = sorted({entry[0] for entry in awaited})
    linked = connection.execute(
        statement("matching/link_identities"), _columns(arrived) | {"awaiting": awaiting}
    ).fetchall()
    arrived = arrived + [[tenant_id, "identity", identity, identity] for tenant_id, identity in linked]
    late: set[tuple[Any, ...]] = set()
    if arrived:
        late.update(connection.execute(statement("matching/find_late"), _columns(arrived)))
    if awaited:
        late.update(connection.execute(statement("matching/find_awaited"), _columns(awaited)))
    return late


def _unlink_deleted(connection: Connection) -> bool:
    """Clear clicks that were deleted meanwhile from attributions; return whether any deletion was noted.

    A batch that began before the deletion was committed may have chosen the click. All such batches have ended once the
    lock was held exclusively; later ones see the deletion. The lock is released at once, so nothing waits for the rest.
    """
    with connection.transaction():
        gone = connection.execute(statement("matching/claim_deleted"), {"clicks": CLICKS_PER_UNLINKING}).fetchall()
        if not gone:
            return False
        connection.execute("SELECT pg_advisory_lock(%(key)s), pg_advisory_unlock(%(key)s)", {"key": locks.BATCHES})
        tenant_ids, click_ids = (list(column) for column in zip(*gone, strict=True))
        connection.execute(statement("matching/unlink_deleted"), {"tenant_ids": tenant_ids, "click_ids": click_ids})
    return True


def _columns(entries: list[list[Any]]) -> dict[str, list[Any]]:
    names = ("tenant_ids", "facts", "first_ids", "last_ids")
    return {name: [entry[place] for entry in entries] for place, name in enumerate(names)}
