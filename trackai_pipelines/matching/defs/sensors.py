"""The sensors that keep drains at work.

What belongs here: whether a run is due. What does not: what waits (matching/drain), and which residents are alive
(residents/).
"""

from datetime import timedelta

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.matching.defs.jobs import match_conversions
from trackai_pipelines.matching.defs.resident import drain_terms
from trackai_pipelines.matching.drain import work_waiting
from trackai_pipelines.residents.defs.sensors import missing_residents
from trackai_pipelines.residents.leases import holders
from trackai_pipelines.runs import run_under_way

# A run's status outlives its process, so a run counts as running only for this long.
RUN_COUNTS_FOR = timedelta(minutes=10)


@dg.sensor(
    job=match_conversions,
    # Each evaluation watches (sensor_watch); the next one begins at the next turn of the sensor loop, after 5 s.
    minimum_interval_seconds=3,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Keeps resident drains at work (TRACKAI_DRAINS, 2 by default): starts one when a lease is missing, or "
    "shortly before one ends. The drains themselves see what arrives within a fraction of a second. An evaluation "
    "polls the leases every second for minutes, because each evaluation leaves a row in Dagster's storage.",
)
def match_sensor(context: dg.SensorEvaluationContext, database: EventDatabase) -> list[dg.RunRequest] | dg.SkipReason:
    """Request a run for each drain that is missing."""
    with database.connect("match sensor") as connection:
        return missing_residents(
            context, connection, drain_terms(), op="matched_attributions", config={"rematch": False, "stay": True}
        )


@dg.sensor(
    job=match_conversions,
    # It matters only where residents are switched off; they compare what arrives within a fraction of a second.
    minimum_interval_seconds=120,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a drain when clicks or identities arrived that have not been compared with the unmatched "
    "conversions, and no resident drain is there to do it (match_sensor is switched off, or TRACKAI_DRAINS is 0).",
)
def late_clicks_sensor(context: dg.SensorEvaluationContext, database: EventDatabase) -> dg.RunRequest | dg.SkipReason:
    """Request a run that drains and ends, while arrivals wait and no resident compares them."""
    with database.connect("late clicks sensor") as connection:
        if holders(connection, match_conversions.name):
            return dg.SkipReason("Resident drains compare what arrives.")
        if not work_waiting(connection).arrivals:
            return dg.SkipReason("Every click and identity has been compared with the unmatched conversions.")
    now = utc_now()
    under_way = run_under_way(context.instance, match_conversions.name, now=now, counts_for=RUN_COUNTS_FOR)
    if under_way:
        return dg.SkipReason(f"Clicks or identities arrived; run {under_way[:8]} is comparing them.")
    return dg.RunRequest(partition_key=now.date().isoformat())
