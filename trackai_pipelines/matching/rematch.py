"""Re-matching on request: unmatched conversions of a range of days go back on the queue.

What belongs here: queueing on request. What does not: late clicks and identities (the drain compares those by itself).
"""

from datetime import date, timedelta

from psycopg import Connection

from trackai_pipelines.database.statements import statement


def enqueue_rematch(connection: Connection, from_day: date, to_day: date) -> int:
    """Queue the conversions without a hit of the UTC days `from_day` to `to_day`, both included; return how many.

    The day of a conversion is that of its sale (`occurred_at`). One transaction a day. Raises ValueError when the
    range is empty.
    """
    if to_day < from_day:
        raise ValueError(f"the range of days is empty: {from_day} is after {to_day}; swap them")
    queued = 0
    day = from_day
    while day <= to_day:
        following = day + timedelta(days=1)
        queued += connection.execute(
            statement("matching/enqueue_rematch"), {"from_day": day, "to_day": following}
        ).rowcount
        day = following
    return queued
