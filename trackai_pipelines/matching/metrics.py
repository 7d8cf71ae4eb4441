"""Matching's figures for `/metrics`: what waits to be matched, and for how long."""

from collections.abc import Iterator

from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Checkup, Metric


def metrics(checkup: Checkup) -> Iterator[Metric]:
    """Yield the queue's figures; without a waiting conversion both are 0."""
    waiting, since = checkup.connection.execute(statement("matching/oldest_waiting")).fetchone() or (0, None)
    yield Metric(
        name="conversions_waiting",
        says="Conversions of active tenants that wait to be matched, counted up to 10,000 a tenant.",
        samples=[((), waiting)],
    )
    yield Metric(
        name="conversions_oldest_wait_seconds",
        says="How long the oldest of them has waited.",
        samples=[((), max(0.0, (checkup.now - since).total_seconds()) if since else 0.0)],
    )
