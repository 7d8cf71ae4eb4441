"""The job that follows planned changes of flags, and when it runs."""

from collections import Counter

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.flags.plans import anything_due, apply_due
from trackai_pipelines.flags.ramps import decide_due


@dg.op(
    description="Writes planned changes of flags that came into force to the rows of flags and overrides, and the "
    "present values of gates to the columns of tenants. Decides the steps of ramps that are due by their guards."
)
def write_due_plans(context: dg.OpExecutionContext, database: EventDatabase) -> None:
    """Write due plans, decide due steps, and log each of them."""
    with database.connect("flag plans") as connection:
        steps = decide_due(connection, utc_now)
        done = apply_due(connection, utc_now)
    for one in done:
        at = f" at tenant {one.tenant_id}" if one.tenant_id else ""
        context.log.info(f"{one.key}{at} is now as planned by {one.changed_by} (version {one.version})")
    for step in steps:
        context.log.info(f"{step.key}: {step.said} is {step.state}; {step.waits_for}: {step.found}")
    context.add_output_metadata({"plans written": len(done), **Counter(f"steps {step.state}" for step in steps)})


@dg.job(
    description="Follows planned changes of flags: they are in force by the clock, and this writes them to the rows of "
    "flags and the columns of tenants. Takes the steps of ramps whose guards hold. Safe to repeat and to run twice at "
    "once."
)
def apply_flag_plans() -> None:
    """Follow what is planned and due."""
    write_due_plans()


@dg.schedule(
    job=apply_flag_plans,
    cron_schedule="*/5 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every five minutes, where a planned change of a flag came into force that its rows do not show yet, "
    "or a step of a ramp is due or held.",
)
def five_minutely_flag_plans(database: EventDatabase) -> dg.RunRequest | dg.SkipReason:
    """Request a run where something is due."""
    with database.connect("flag plans") as connection:
        if anything_due(connection, utc_now()):
            return dg.RunRequest()
    return dg.SkipReason("No planned change of a flag is due.")
