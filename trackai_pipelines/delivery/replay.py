"""Replay: sales of past days go on the queue again.

What belongs here: queueing on request. What does not: sending (`dispatcher`), and what triggers queue by themselves.
"""

from datetime import date, timedelta

from psycopg import Connection

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.statements import statement
from trackai_pipelines.delivery.prepare import arrives_at


def enqueue_days(
    connection: Connection,
    first: date,
    last: date,
    *,
    resend_already_sent: bool = False,
    clock: Clock = utc_now,
) -> int:
    """Queue the sales of the UTC days `first` to `last`, both included, that were not accepted; return how many.

    Sales that failed for good are tried again, sales older than Meta takes are left out, and nothing is sent twice.
    `resend_already_sent` queues accepted sales, too, with the same event ids. Meta promises to count an event once only
    between a browser and a server, and within 48 hours: **each of these sales may be counted twice**.
    One transaction a day. Raises ValueError when the range is empty.
    """
    if last < first:
        raise ValueError(f"the range of days is empty: {first} is after {last}; swap them")
    queued = 0
    for days in range((last - first).days + 1):
        day = first + timedelta(days=days)
        queued += connection.execute(
            statement("delivery/enqueue_replay"),
            {
                "from_day": day,
                "to_day": day + timedelta(days=1),
                "arrives_at": arrives_at(clock()),
                "resend": resend_already_sent,
            },
        ).rowcount
    return queued
