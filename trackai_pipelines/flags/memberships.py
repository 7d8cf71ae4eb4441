"""Members of segments by conversions: who has them, computed whole.

What belongs here: computing them. What does not: members that come in files (`landing`), and defining segments
(`segments`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database import locks
from trackai_pipelines.database.statements import statement


@dataclass(frozen=True, slots=True)
class RefreshedSegment:
    """What a segment's members are now."""

    segment: str
    members: int
    came: int
    gone: int


def refresh_members(connection: Connection[Any], *, clock: Clock = utc_now) -> Iterator[RefreshedSegment]:
    """Compute the members of all segments by conversions, each in a transaction; yield each when it is done.

    The conversions of the complete UTC days that a segment asks for count, as they are linked with users and matched
    now. Processes with flags are told where members changed. Idempotent; a second run at once waits.
    """
    for name, definition in connection.execute(statement("flags/conversion_segments")).fetchall():
        now = clock()
        given = {
            "segment": name,
            "from_day": now.date() - timedelta(days=definition["within_days"]),
            "to_day": now.date(),
            "min_conversions": definition.get("min_conversions", 1),
            # As it was written: a float of it would be another number.
            "min_value": str(definition["min_value"]) if "min_value" in definition else None,
            "currency": definition.get("currency"),
            "campaign_id": definition.get("campaign_id"),
            "only_matched": definition.get("only_matched", False),
            "now": now,
        }
        with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (locks.FLAG_MEMBERS,))
            found = cursor.execute(statement("flags/refresh_members"), given).fetchone()
            assert found is not None
            refreshed = RefreshedSegment(segment=name, **found)
            if refreshed.came or refreshed.gone:
                cursor.execute(statement("flags/tell_members"), {"segment": name})
        yield refreshed
