"""The job that keeps partitions ahead of the data."""

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.lifecycle.partitions import create_partitions_ahead


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
