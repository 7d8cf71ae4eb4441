"""Ingest's figure for `/metrics`: what it refused of late."""

from collections.abc import Iterator

from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Checkup, Metric


def metrics(checkup: Checkup) -> Iterator[Metric]:
    """Yield it."""
    row = checkup.connection.execute(statement("ingest/rejects_of_last_day"), {"now": checkup.now}).fetchone()
    yield Metric(
        name="ingest_rejects_last_day",
        says="Lines that ingest set aside in the last 24 hours.",
        samples=[((), row[0])] if row else [],
    )
