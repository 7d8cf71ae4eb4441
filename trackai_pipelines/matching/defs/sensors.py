"""The sensors that start a drain when there is something to match.

What belongs here: whether a run is due. What does not: what waits (matching/drain).
"""

from datetime import timedelta

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.matching.defs.jobs import match_conversions
from trackai_pipelines.matching.drain import work_waiting
from trackai_pipelines.runs import run_under_way

# A run's status outlives its process, so a drain counts as running only this long; then another one is started
# beside it, which does no harm.
DRAIN_COUNTS_FOR = timedelta(minutes=10)


@dg.sensor(
    job=match_conversions,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a drain when conversions wait to be matched and none is on its way.",
)
def match_sensor(context: dg.SensorEvaluationContext, database: EventDatabase) -> dg.RunRequest | dg.SkipReason:
    """One drain run while conversions of eligible tenants wait."""
    with database.connect("match sensor") as connection:
        waiting = work_waiting(connection)
    if not waiting.conversions:
        return dg.SkipReason("No conversion waits to be matched.")
    return _drain(context, f"{waiting.conversions:,} conversions wait")


@dg.sensor(
    job=match_conversions,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a drain when clicks or identities arrived that unmatched conversions have not been compared "
    "with: a click that comes after its sale still gets it.",
)
def late_clicks_sensor(context: dg.SensorEvaluationContext, database: EventDatabase) -> dg.RunRequest | dg.SkipReason:
    """One drain run while arrivals wait to be compared."""
    with database.connect("late clicks sensor") as connection:
        waiting = work_waiting(connection)
    if not waiting.arrivals:
        return dg.SkipReason("Every click and identity has been compared with the unmatched conversions.")
    return _drain(context, "clicks or identities arrived")


def _drain(context: dg.SensorEvaluationContext, why: str) -> dg.RunRequest | dg.SkipReason:
    now = utc_now()
    under_way = run_under_way(context.instance, match_conversions.name, now=now, counts_for=DRAIN_COUNTS_FOR)
    if under_way:
        return dg.SkipReason(f"{why}; run {under_way[:8]} is at it.")
    return dg.RunRequest(partition_key=now.date().isoformat(), tags={"trackai/why": why})
