"""Carrying out a plan of retention, step by step; the outcome of each step is recorded as it ends.

What belongs here: the course of a plan, and what a failed step means for the others. What does not: which steps there
are (plan.py), and how rows are archived, dropped (archive/) or anonymised (personal_data/).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import psycopg
from psycopg import Connection, sql

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.partitions import detach_partition, drop_detached, partition_name
from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Table
from trackai_pipelines.lifecycle.archive.manifest import Archive, archives, change
from trackai_pipelines.lifecycle.archive.store import ArchiveError, Store
from trackai_pipelines.lifecycle.leaving import leaving
from trackai_pipelines.lifecycle.mover import only_mover
from trackai_pipelines.lifecycle.personal_data.anonymise import anonymise
from trackai_pipelines.lifecycle.retention.plan import Plan, Step, is_due, policies

PLANS_KEPT = timedelta(days=400)
"""How long plans and their outcomes are kept."""

# Rows deleted in one transaction; it takes a fraction of a second.
_BATCH = 5_000


def apply_plan(
    connection: Connection,
    database_url: str,
    store: Store,
    tables: Sequence[Table],
    plan: Plan,
    *,
    clock: Clock = utc_now,
) -> Plan:
    """Carry out the plan's steps that nothing blocks, in order; return the plan with the outcome of each.

    `tables` are all tables in the order of the flow. A failed step is recorded with its reason, and the others go on,
    except those that depend on it. It can be killed at any moment: the next plan finishes it. Raises MoverBusyError
    while another session moves rows, psycopg.OperationalError when the database goes away, and ValueError for a dry
    run's plan or for one of a future day.
    """
    if plan.dry_run:
        raise ValueError(f"plan {plan.id} is a dry run's: it cannot be carried out")
    if plan.day > clock().date():
        raise ValueError(f"{plan.day} is in the future: what is old on that day is not old yet")
    work = _Work(connection, database_url, store, tables, plan, clock)
    with only_mover(connection):
        steps: list[Step] = []
        for step in plan.steps:
            done = _carry_out(work, step, steps) if step.state == "planned" else step
            steps.append(done)
            if done is not step:
                _record(connection, plan, done)
        now = clock()
        connection.execute(
            statement("lifecycle/retention/finish"), {"id": plan.id, "now": now, "forget_before": now - PLANS_KEPT}
        )
    return replace(plan, finished_at=now, steps=tuple(steps))


def _record(connection: Connection, plan: Plan, step: Step) -> None:
    connection.execute(
        statement("lifecycle/retention/record_step"),
        {
            "plan_id": plan.id,
            "place": step.place,
            "state": step.state,
            "blocked_by": step.blocked_by,
            "rows_done": step.rows_done,
            "outcome": step.outcome,
        },
    )


@dataclass(frozen=True)
class _Work:
    """What the steps of a plan work with."""

    connection: Connection
    database_url: str
    store: Store
    tables: Sequence[Table]
    plan: Plan
    clock: Clock
    made: list[Archive] = field(default_factory=list)
    """Archives of this run: the plan did not know their rows, so it drops none of them."""


def _carry_out(work: _Work, step: Step, before: list[Step]) -> Step:
    """Do a step after those `before` it; return it with its outcome."""
    failed = {(other.action, other.table_name, other.day) for other in before if other.state == "failed"}
    if step.action == "drop" and ("archive", step.table_name, step.day) in failed:
        return replace(step, state="blocked", blocked_by="rows of this day that came later could not be archived")
    try:
        rows, outcome = _DO[step.action](work, step)
    except (ArchiveError, psycopg.Error, OSError) as error:
        if work.connection.closed:
            raise
        return replace(step, state="failed", outcome=_sentence(error))
    return replace(step, state="done", rows_done=rows, outcome=outcome)


def _anonymise(work: _Work, step: Step) -> tuple[int, str]:
    rows = anonymise(
        work.connection, work.tables, step.table_name, step.day, tenant_ids=step.tenant_ids, clock=work.clock
    )
    return rows, f"anonymised {rows:,} rows"


def _archive(work: _Work, step: Step) -> tuple[int, str]:
    from trackai_pipelines.lifecycle.archive.export import archive_day

    policy = policies(work.connection, work.plan.day).get(step.table_name)
    if policy is None:
        raise ArchiveError(f"nothing was archived: the policy of {step.table_name} has been switched off meanwhile")
    table = leaving(work.tables)[step.table_name]
    made = archive_day(
        work.connection, work.database_url, work.store, table, step.day, grace=policy.grace, clock=work.clock
    )
    if made is not None:
        work.made.append(made)
        return made.rows, f"archived {made.rows:,} rows in {made.path} ({made.bytes:,} bytes)"
    if table.partitioned and _drop_partition(work.connection, table, step.day, only_empty=True) == 0:
        return 0, "dropped the empty partition"
    return 0, "there was no row any more"


def _drop(work: _Work, step: Step) -> tuple[int, str]:
    from trackai_pipelines.lifecycle.archive.drop import drop_day

    table = leaving(work.tables)[step.table_name]
    due = [
        archive
        for archive in archives(work.connection, table.name, step.day, states=["verified"])
        if is_due(archive, work.plan.made_at) and archive not in work.made
    ]
    rows = sum(drop_day(work.connection, work.store, table, archive, clock=work.clock) for archive in due)
    return rows, f"dropped {rows:,} rows, which are in {', '.join(archive.path for archive in due)}"


def _delete(work: _Work, step: Step) -> tuple[int, str]:
    table = leaving(work.tables)[step.table_name]
    if table.partitioned:
        rows = _drop_partition(work.connection, table, step.day, only_empty=False)
    else:
        rows = _delete_rows(work.connection, table, step.day)
    for archive in archives(work.connection, table.name, step.day, states=["restored"]):
        # The day had come back; now its file holds the only copy again.
        change(work.connection, archive, state="dropped", dropped_at=work.clock())
    return rows, f"deleted {rows:,} rows"


_DO: dict[str, Callable[[_Work, Step], tuple[int, str]]] = {
    "anonymise": _anonymise,
    "archive": _archive,
    "drop": _drop,
    "delete": _delete,
}


def _drop_partition(connection: Connection, table: Table, day: date, *, only_empty: bool) -> int:
    """Detach the day's partition and drop it; return its number of rows. With `only_empty`, rows keep it."""
    detach_partition(connection, table.name, day)
    count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("trackai", partition_name(table.name, day)))
    row = connection.execute(count).fetchone()
    assert row is not None
    if row[0] == 0 or not only_empty:
        drop_detached(connection, table.name, day)
    return int(row[0])


def _delete_rows(connection: Connection, table: Table, day: date) -> int:
    delete = sql.SQL(statement("lifecycle/retention/delete_rows")).format(
        table=sql.Identifier("trackai", table.name),
        time=sql.Identifier(table.time_column),
        key=sql.SQL(", ").join(map(sql.Identifier, table.key)),
    )
    rows = 0
    while gone := connection.execute(delete, {"day": day, "size": _BATCH}).rowcount:
        rows += gone
    return rows


def _sentence(error: Exception) -> str:
    """Return what went wrong, in a sentence; only the first line of the server's words, because details quote rows."""
    if isinstance(error, psycopg.Error):
        return (error.diag.message_primary or str(error)).partition("\n")[0] or type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
