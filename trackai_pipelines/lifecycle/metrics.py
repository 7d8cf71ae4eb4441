"""Lifecycle's figure for `/metrics`: for how many days ahead there are partitions."""

from collections.abc import Iterator

from trackai_pipelines.database.partitions import partition_days
from trackai_pipelines.domain import Checkup, Metric


def metrics(checkup: Checkup) -> Iterator[Metric]:
    """Yield it for each declared table that has a partition a day."""
    tables = [table.name for domain in checkup.domains for table in domain.tables if table.leaves == "partition"]
    yield Metric(
        name="partitions_ahead_days",
        says="Days after today up to the last one with a partition, by table.",
        labels=("table",),
        samples=[((table,), _days_ahead(checkup, table)) for table in tables],
    )


def _days_ahead(checkup: Checkup, table: str) -> int:
    days = partition_days(checkup.connection, table)
    today = checkup.now.date()
    return (max(days) - today).days if days else 0
