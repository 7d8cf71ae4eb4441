"""The jobs that keep partitions ahead of the data, take old rows out, and keep Dagster's own storage small."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date, timedelta

import dagster as dg
from psycopg import Connection
from pydantic import Field

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.connection import connect_elsewhere
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.database.partitions import maintain
from trackai_pipelines.database.server import checked_url
from trackai_pipelines.domain import Domain, Table, tables_of
from trackai_pipelines.flag_values.client import Flags, open_flags
from trackai_pipelines.lifecycle.archive.store import open_store
from trackai_pipelines.lifecycle.dagster_history.prune import prune_history
from trackai_pipelines.lifecycle.mover import MoverBusyError, only_mover
from trackai_pipelines.lifecycle.retention.apply import apply_plan
from trackai_pipelines.lifecycle.retention.plan import Plan, plan_retention
from trackai_pipelines.lifecycle.retention.plan_shown import plan_metadata, plan_text
from trackai_pipelines.settings import Settings
from trackai_pipelines.utc_days import UTC_DAYS

# Runs of a backfill start at once, and one works at a time. Waiting costs a run its place, not the others' work.
_TRIES = 10
_TRY_AGAIN_SECONDS = 60


@dg.op(
    description="Makes the missing daily partitions of every partitioned table, four weeks ahead, finishes interrupted "
    "detaches, and refreshes the tables' statistics."
)
def create_partitions(
    context: dg.OpExecutionContext, database: EventDatabase, domains: dg.ResourceParam[tuple[Domain, ...]]
) -> None:
    """Maintain, and report what was done."""
    with database.connect_directly("partitions") as connection:
        done = maintain(connection, tables_of(domains), today=utc_now().date())
    context.log.info(f"made {', '.join(done.made)}" if done.made else "every partition is there")
    for held_up in done.waiting:
        context.log.warning(held_up)
    context.add_output_metadata(
        {
            "partitions made": len(done.made),
            "detaches finished": len(done.finished),
            "detaches held up": len(done.waiting),
        }
    )


@dg.job(description="Makes partitions before they are needed. Safe to repeat and to run twice at once.")
def maintain_partitions() -> None:
    """The partition manager."""
    create_partitions()


class RetentionConfig(dg.Config):
    """Whether anything is to be changed."""

    dry_run: bool = Field(default=False, description="Only plan: the plan is stored and shown, and nothing changes.")


@dg.op(
    description="Plans as of the partition's day, then carries the plan out: personal fields are removed, days are "
    "archived to Parquet, archived days whose grace is over are dropped, and what is not to be archived is deleted."
)
def plan_and_apply(
    context: dg.OpExecutionContext,
    config: RetentionConfig,
    database: EventDatabase,
    domains: dg.ResourceParam[tuple[Domain, ...]],
) -> None:
    """Show the plan, carry it out, and fail at the end if a step of it failed."""
    tables = tables_of(domains)
    today = date.fromisoformat(context.partition_key)
    url = database.resolved_url()
    with database.connect_directly("retention") as connection, open_flags(url) as flags:
        if config.dry_run:
            plan = plan_retention(connection, tables, today=today, dry_run=True, flags=flags)
            context.log.info(plan_text(plan))
        else:
            plan = _plan_and_apply(context, connection, url, tables, today, flags)
    context.add_output_metadata(plan_metadata(plan))
    for step in plan.of("blocked"):
        context.log.warning(f"{step.title}: {step.blocked_by}.")
    failed = plan.of("failed")
    if failed:
        raise dg.Failure(
            description="; ".join(f"{step.title}: {step.outcome}" for step in failed),
            metadata=plan_metadata(plan),
            allow_retries=False,
        )


def _plan_and_apply(
    context: dg.OpExecutionContext,
    connection: Connection,
    url: str,
    tables: Sequence[Table],
    today: date,
    flags: Flags,
) -> Plan:
    store = open_store(Settings().archive_url)
    with ExitStack() as alone:
        try:
            # The lock is taken before planning: a plan that another run carries out meanwhile would be out of date.
            alone.enter_context(only_mover(connection))
        except MoverBusyError as error:
            raise dg.RetryRequested(max_retries=_TRIES, seconds_to_wait=_TRY_AGAIN_SECONDS) from error
        plan = plan_retention(connection, tables, today=today, dry_run=False, flags=flags)
        context.log.info(plan_text(plan))
        return apply_plan(connection, url, store, tables, plan)


@dg.job(
    partitions_def=UTC_DAYS,
    description="Retention as of a UTC day, by the rows of retention_policies: anonymises, archives, drops and deletes "
    "what is old enough on that day. Safe to repeat, and to kill: the next run finishes what was interrupted.",
)
def apply_retention() -> None:
    """The retention run."""
    plan_and_apply()


@dg.op(
    description="Removes runs that ended more than TRACKAI_DAGSTER_KEEP_DAYS days ago, and superseded materialisations "
    "of partitions after a day, from Dagster's own storage. What the UI shows of assets, partitions and checks stays."
)
def prune_runs_and_events(context: dg.OpExecutionContext) -> None:
    """Prune the storage of the instance that runs this, if it is PostgreSQL."""
    url = _storage_url(context.instance)
    if url is None:
        context.log.warning("Nothing was pruned: Dagster's storage is not PostgreSQL. Set DAGSTER_POSTGRES_URL.")
        return
    output = context.instance.compute_log_manager
    days = Settings().dagster_keep_days
    with connect_elsewhere(checked_url("DAGSTER_POSTGRES_URL", url), name="dagster history") as connection:
        pruned = prune_history(
            connection,
            now=utc_now(),
            keep=timedelta(days=days),
            forget_output=lambda run_id: output.delete_logs(prefix=[run_id]),
        )
    if pruned is None:
        context.log.info("Nothing was pruned: another run is at it.")
        return
    context.add_output_metadata(
        {
            "runs removed": pruned.runs,
            "events removed": pruned.events,
            "of them superseded materialisations": pruned.superseded,
            "check evaluations removed": pruned.check_evaluations,
            "backfills removed": pruned.backfills,
            "bytes removed": pruned.bytes,
            "old runs kept": pruned.runs_kept,
            "days kept": days,
            "why some stay": "The newest event of every asset and partition and the newest evaluation of every check "
            "stay, with the runs that they name. The space of removed rows is used again, not given back to the disk.",
        }
    )


def _storage_url(instance: dg.DagsterInstance) -> str | None:
    """Where Dagster keeps runs and events, if both are in one PostgreSQL database."""
    from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage

    runs, events = instance.run_storage, instance.event_log_storage
    if not (isinstance(runs, PostgresRunStorage) and isinstance(events, PostgresEventLogStorage)):
        return None
    return events.postgres_url if events.postgres_url == runs.postgres_url else None


@dg.job(description="Keeps Dagster's own storage small. Safe to repeat, and while everything else runs.")
def prune_dagster_history() -> None:
    """The pruner of Dagster's history."""
    prune_runs_and_events()
