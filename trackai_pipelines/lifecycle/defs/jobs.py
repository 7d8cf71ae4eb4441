"""The jobs that keep partitions ahead of the data, and Dagster's own storage small."""

from datetime import timedelta

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.database.server import checked_url
from trackai_pipelines.lifecycle.dagster_history import prune_history
from trackai_pipelines.lifecycle.partitions import create_partitions_ahead
from trackai_pipelines.settings import Settings


@dg.op(description="Makes the missing daily partitions of match_log, four weeks ahead.")
def create_partitions(context: dg.OpExecutionContext, database: EventDatabase) -> None:
    """Make what is missing and say what was made."""
    with database.connect("partitions") as connection:
        made = create_partitions_ahead(connection, today=utc_now().date())
    context.log.info(f"made {', '.join(made)}" if made else "every partition is there")
    context.add_output_metadata({"partitions made": len(made)})


@dg.job(description="Makes partitions before they are needed. Safe to repeat and to run twice at once.")
def maintain_partitions() -> None:
    """The partition manager."""
    create_partitions()


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
    with connect(checked_url("DAGSTER_POSTGRES_URL", url), name="dagster history") as connection:
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
