"""Pruning of Dagster's own storage: runs that ended long ago, and what hangs on them.

Open-source Dagster forgets ticks (`retention` in dagster.yaml) and never a run or an event; a resident drain alone
records several materialisations a minute.

What goes:

- runs that finished before the retention, with their tags, events, and captured output;
- materialisations of a partition that a newer one of it supersedes, after a day already: they are most of the rows;
- evaluations of an asset check that newer ones supersede, and backfills that ended and have no run any more.

So status, lineage and staleness in the UI are the same before and after, this stays: the newest event of each
asset, kind and partition, the newest evaluation of each check, the newest completed one, and the runs that any of these
name. Unfinished runs, and runs of unfinished backfills, are left whole. So are snapshots of jobs, one a version of the
code: a run that is being created may refer to one at any moment.

What belongs here: rows of Dagster's database, in transactions so small that nobody waits for them. What does not: the
event database's tables, and anything of Dagster's code: `instance.delete_run` would take the newest materialisations
along. Space of deleted rows is reused, not given back to the disk.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection, sql

from trackai_pipelines.database import locks
from trackai_pipelines.database.statements import statement

SUPERSEDED_AFTER = timedelta(days=1)
"""How long every materialisation of a partition is kept; after that the newest is enough."""

# Rows looked at in one transaction; it takes a fraction of a second.
_BATCH = 2000
_TABLES = ("event_logs", "asset_event_tags", "asset_check_executions", "runs", "run_tags", "bulk_actions")


@dataclass(slots=True)
class Pruned:
    """What was removed; bytes are those of the rows' contents as they were stored."""

    runs: int = 0
    runs_kept: int = 0
    """Runs older than the retention that stay, because something that stays names them."""
    events: int = 0
    superseded: int = 0
    """Events among them that went early: materialisations of a partition that has a newer one."""
    check_evaluations: int = 0
    backfills: int = 0
    bytes: int = 0


def prune_history(
    connection: Connection, *, now: datetime, keep: timedelta, forget_output: Callable[[str], None]
) -> Pruned | None:
    """Remove what ended longer than `keep` before `now` from Dagster's database, and what is superseded.

    `forget_output` is called with the id of each run that goes, to remove its captured output. Safe at any time, to
    repeat, and to interrupt: each batch is a transaction. None when another pruning is at work at this moment.
    """
    with connection.transaction():
        row = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (locks.DAGSTER_HISTORY,)).fetchone()
        if row is None or not row[0]:
            return None
    return _prune(connection, now, keep, forget_output)


def _prune(connection: Connection, now: datetime, keep: timedelta, forget_output: Callable[[str], None]) -> Pruned:
    done = Pruned()

    def evaluations_gone(count: int, size: int) -> None:
        done.check_evaluations += count
        done.bytes += size

    def events_gone(count: int, superseded: int, size: int) -> None:
        done.events += count
        done.superseded += superseded
        done.bytes += size

    def runs_gone(runs: list[str], size: int, kept: int) -> None:
        # Before the commit: an interrupted batch is repeated, and removes the rest.
        for run in runs:
            forget_output(run)
        done.runs += len(runs)
        done.runs_kept += kept
        done.bytes += size

    def backfills_gone(count: int, size: int) -> None:
        done.backfills += count
        done.bytes += size

    bounds = {"old_before": now - keep, "superseded_before": now - min(keep, SUPERSEDED_AFTER)}
    # In this order: a run goes once nothing names it any more, a backfill once its runs are gone.
    _in_batches(connection, "lifecycle/dagster_history/check_evaluations", bounds, evaluations_gone)
    _in_batches(connection, "lifecycle/dagster_history/events", bounds, events_gone)
    _in_batches(connection, "lifecycle/dagster_history/runs", bounds, runs_gone)
    _in_batches(connection, "lifecycle/dagster_history/backfills", bounds, backfills_gone)
    for table in _TABLES:
        connection.execute(
            sql.SQL(statement("lifecycle/dagster_history/vacuum_table")).format(table=sql.Identifier(table))
        )
    return done


def _in_batches(connection: Connection, name: str, bounds: dict[str, datetime], gone: Callable[..., None]) -> None:
    """Run a statement until nothing is left; each batch is a transaction, and `gone` is called before its commit."""
    after: int | None = 0
    while after is not None:
        with connection.transaction():
            # Of each batch, not of the session, which a pooler hands to others: two prunings take turns.
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (locks.DAGSTER_HISTORY,))
            row: Any = connection.execute(statement(name), {**bounds, "after": after, "size": _BATCH}).fetchone()
            after, *figures = row
            gone(*figures)
