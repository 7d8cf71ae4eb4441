"""The sensor that sees landing files arrive.

What belongs here: turning waiting files into a run. What does not: what a waiting file is (ingest/arrivals).
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.domain import Domain
from trackai_pipelines.ingest.arrivals import WaitingFile, waiting_files
from trackai_pipelines.ingest.defs.jobs import ingest_landing_files
from trackai_pipelines.ingest.kinds import kinds_of
from trackai_pipelines.runs import run_under_way
from trackai_pipelines.sensor_watch import watched
from trackai_pipelines.settings import Settings

# A producer that writes in place instead of renaming gets this long between two writes.
SETTLE_SECONDS = 5
# A look lists the folder and asks the database once.
_LOOK_SECONDS = 10
# A load that failed is asked for again, since its files still wait; not at every tick, though.
RETRY_EVERY = timedelta(minutes=10)
# Files wait until they are loaded, so those of a load under way still do. A second load would do no harm, only the
# same work; after this long the first one counts as dead.
LOAD_COUNTS_FOR = timedelta(hours=1)
# More files than these wait for the next run: their paths stand in the run's configuration.
MOST_FILES = 1_000


@dg.sensor(
    job=ingest_landing_files,
    # Each evaluation watches; one that found files is followed by the next after this.
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a load when the landing folder holds files that are new or have changed. What has been loaded "
    "is kept in the database, so nothing is forgotten when a run fails: the files wait, and are asked for again. An "
    "evaluation looks every ten seconds and takes minutes: each leaves a row in Dagster's storage.",
)
def landing_files_sensor(
    context: dg.SensorEvaluationContext, database: EventDatabase, domains: dg.ResourceParam[tuple[Domain, ...]]
) -> dg.RunRequest | dg.SkipReason:
    """Ask for one run for the files that wait, once for each state of theirs and retry period."""
    settings, kinds = Settings(), kinds_of(domains)
    with database.connect("landing sensor") as connection:
        waiting = watched(
            lambda: waiting_files(
                connection,
                settings.landing_url,
                kinds=kinds,
                settle_seconds=SETTLE_SECONDS,
                days=settings.landing_days,
            ),
            every_seconds=_LOOK_SECONDS,
        )
    if not waiting:
        return dg.SkipReason("Every landing file is loaded.")
    now = utc_now()
    under_way = run_under_way(context.instance, ingest_landing_files.name, now=now, counts_for=LOAD_COUNTS_FOR)
    if under_way:
        return dg.SkipReason(f"{len(waiting):,} files wait; run {under_way[:8]} is at it.")
    return load_request(waiting[:MOST_FILES], now)


def load_request(waiting: Sequence[WaitingFile], now: datetime) -> dg.RunRequest:
    """Return the run that loads these files; its key is the same for the same state of them within a retry period."""
    state = "\n".join(f"{file.file.source} {file.fingerprint}" for file in waiting)
    period = int(now.timestamp() // RETRY_EVERY.total_seconds())
    return dg.RunRequest(
        run_key=f"{hashlib.sha256(state.encode()).hexdigest()[:16]}-{period}",
        run_config={
            "ops": {"landing_files": {"config": {"paths": [file.name for file in waiting]}}},
        },
        tags={"trackai/files": str(len(waiting))},
    )
