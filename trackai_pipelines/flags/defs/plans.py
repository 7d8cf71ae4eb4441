"""The job that follows planned changes of flags, and when it runs."""

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.flags.plans import anything_due, apply_due


@dg.op(
    description="Writes planned changes of flags that came into force to the rows of flags and overrides, and the "
    "present values of gates to the columns of tenants."
)
def write_due_plans(context: dg.OpExecutionContext, database: EventDatabase) -> None:
    """Write, and name the flags."""
    with database.connect("flag plans") as connection:
        done = apply_due(connection, utc_now)
    for one in done:
        at = f" at tenant {one.tenant_id}" if one.tenant_id else ""
        context.log.info(f"{one.key}{at} is now as planned by {one.changed_by} (version {one.version})")
    context.add_output_metadata({"plans written": len(done)})


@dg.job(
    description="Follows planned changes of flags: they are in force by the clock, and this writes them to the rows of "
    "flags and the columns of tenants. Safe to repeat and to run twice at once."
)
def apply_flag_plans() -> None:
    """What is planned, once it is due."""
    write_due_plans()


@dg.schedule(
    job=apply_flag_plans,
    cron_schedule="*/5 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every five minutes, where a planned change of a flag came into force that its rows do not show yet.",
)
def five_minutely_flag_plans(database: EventDatabase) -> dg.RunRequest | dg.SkipReason:
    """Request a run where something is due."""
    with database.connect("flag plans") as connection:
        if anything_due(connection, utc_now()):
            return dg.RunRequest()
    return dg.SkipReason("No planned change of a flag is due.")
