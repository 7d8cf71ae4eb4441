"""The sensor that keeps dispatchers at work.

What belongs here: whether a run is due. What does not: what waits (delivery/backlog), and which residents are alive
(residents/).
"""

import dagster as dg

from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.delivery.defs.jobs import dispatch_conversions
from trackai_pipelines.delivery.defs.resident import dispatcher_terms
from trackai_pipelines.residents.defs.sensors import missing_residents


@dg.sensor(
    job=dispatch_conversions,
    # Each evaluation watches (sensor_watch); the next one begins at the next turn of the sensor loop.
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Keeps resident dispatchers at work (TRACKAI_DISPATCHERS, 1 by default): starts one when a lease is "
    "missing, or shortly before one ends. The dispatcher itself sees what becomes due within a fraction of a second. "
    "An evaluation polls the leases every second for minutes, because each evaluation leaves a row in Dagster's "
    "storage.",
)
def dispatch_sensor(
    context: dg.SensorEvaluationContext, database: EventDatabase
) -> list[dg.RunRequest] | dg.SkipReason:
    """Request a run for each dispatcher that is missing."""
    with database.connect("dispatch sensor") as connection:
        return missing_residents(context, connection, dispatcher_terms(), op="capi_dispatches", config={"stay": True})
