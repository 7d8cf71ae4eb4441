"""The residents' figure for `/metrics`: how many are alive."""

from collections.abc import Iterator

from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Checkup, Metric


def metrics(checkup: Checkup) -> Iterator[Metric]:
    """Yield it."""
    alive = checkup.connection.execute(statement("residents/alive")).fetchall()
    yield Metric(
        name="residents_alive",
        says="Resident runs that hold a lease, by what they do. No sample: none of that name was ever started.",
        labels=("name",),
        samples=[((name,), count) for name, count in alive],
    )
