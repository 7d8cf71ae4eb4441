"""The UTC day on which Dagster's partitions begin, unless TRACKAI_FIRST_DAY says so.

What belongs here: working it out from the data. What does not: the partitions (utc_days.py).
"""

from datetime import date, timedelta

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.settings import EARLIEST_DAY

# Meta takes events of the last seven days, and the nightly aggregate looks three days back.
_AT_LEAST = timedelta(days=7)


def first_day(event_database_url: str, *, clock: Clock = utc_now) -> date:
    """Return the day of the oldest sale, or seven days ago if that is earlier; never before EARLIEST_DAY.

    The database must have the schema. Processes that are running keep the day they were started with.
    """
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.database.statements import statement

    with connect(event_database_url, name="trackai first day") as connection:
        row = connection.execute(statement("service/first_day")).fetchone()
    week_ago = clock().date() - _AT_LEAST
    return max(EARLIEST_DAY, min(row[0], week_ago) if row and row[0] else week_ago)
