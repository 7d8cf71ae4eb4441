"""Match rates' figures for `/metrics`: the latest day that was aggregated, and when."""

from collections.abc import Iterator

from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Checkup, Metric


def metrics(checkup: Checkup) -> Iterator[Metric]:
    """Yield both; without any aggregated day neither has a sample."""
    day, computed = checkup.connection.execute(statement("match_rates/latest_day")).fetchone() or (None, None)
    yield Metric(
        name="aggregate_latest_day_timestamp_seconds",
        says="When the latest UTC day began whose match rates are there.",
        samples=[((), day.timestamp())] if day else [],
    )
    yield Metric(
        name="aggregate_latest_run_timestamp_seconds",
        says="When the match rates of that day were computed last.",
        samples=[((), computed.timestamp())] if computed else [],
    )
