"""Flags' figures for `/metrics`: the newest version, what is held, and what was lost."""

from collections.abc import Iterator
from datetime import timedelta

from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Checkup, Metric


def metrics(checkup: Checkup) -> Iterator[Metric]:
    """Yield a sample of each."""
    since = checkup.now - timedelta(days=1)
    row = checkup.connection.execute(statement("flags/metrics"), {"since": since}).fetchone()
    assert row is not None
    newest, held, lost = row
    yield Metric(name="flag_version", says="The newest version of any flag.", samples=[((), newest)])
    yield Metric(name="flag_steps_held", says="Steps of ramps whose guard does not hold.", samples=[((), held)])
    yield Metric(
        name="flag_checks_lost_last_day", says="Checks that were not kept, in the last 24 hours.", samples=[((), lost)]
    )
