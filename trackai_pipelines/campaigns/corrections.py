"""What people say of campaigns and accounts at the command line: taken as a file of one row would be.

What belongs here: loading one row. What does not: the rules of rows (`listed`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg import Connection

from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.context import Context, Owner
from trackai_pipelines.ingest.kinds import Kind
from trackai_pipelines.ingest.load import known_values
from trackai_pipelines.ingest.records import Fields
from trackai_pipelines.ingest.rows import RowReader
from trackai_pipelines.ingest.staging import move, stage


def correct(connection: Connection[Any], kind: Kind, owner: Owner, values: Mapping[str, object], now: datetime) -> bool:
    """Load a row of a tenant; return whether it changed anything.

    Raises ingest.outcomes.Refused with the reason why a row is none, psycopg.DataError for what only the database finds
    wrong.
    """
    with connection.transaction(), connection.cursor() as cursor:
        known = known_values(connection, [kind])
        context = Context({owner.id: owner}, owner.id, now + fields.CLOCK_SKEW, now, known=known)
        row = RowReader(kind).of_record(Fields(1, None, dict(values)), context)
        stage(cursor, kind, [row.text])
        return move(cursor, kind, now) > 0
