"""Circuits that opened since they were last reported, as messages.

What belongs here: which are new, and the text. What does not: opening them (delivery), and sending (`alert`).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from psycopg import Connection

from trackai_pipelines.database.statements import statement


def open_circuits(connection: Connection) -> list[tuple[str, datetime, int, str]]:
    """Return tenant, time of opening, events that wait and reason of each open circuit with events behind it."""
    return connection.execute(statement("alerts/open_circuits")).fetchall()


def new_messages(opened: Sequence[tuple[str, datetime, int, str]], cursor: str | None) -> tuple[list[str], str]:
    """Return a message for each circuit that the cursor does not know, and the cursor that knows them all.

    A circuit that closes and opens again is new: the cursor knows when each one opened.
    """
    known: Mapping[str, str] = json.loads(cursor) if cursor else {}
    times = {slug: since.isoformat() for slug, since, _, _ in opened}
    messages = [
        f"Nothing is sent to Meta for {slug} since {since:%Y-%m-%d %H:%M:%S} UTC; {events:,} events wait: {reason}\n"
        "Nothing is lost for seven days, and the next try is made by itself: fix what the reason says."
        for slug, since, events, reason in opened
        if known.get(slug) != times[slug]
    ]
    return messages, json.dumps(times)
