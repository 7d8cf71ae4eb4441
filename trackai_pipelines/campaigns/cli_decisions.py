"""`trackai campaigns train`: learn what the data-driven models give credit by.

What belongs here: options, and what is shown. What does not: what is learned (training.py).
"""

from datetime import datetime, timedelta
from typing import Annotated

import typer

from trackai_pipelines.terminal.days import DAY_FORMAT
from trackai_pipelines.terminal.output import remark, results, table
from trackai_pipelines.terminal.workspace import ready_database


def train(
    tenant: Annotated[str | None, typer.Option(metavar="TENANT", help="Slug or id; every tenant if not given.")] = None,
    to_day: Annotated[
        datetime | None,
        typer.Option(
            "--to", formats=DAY_FORMAT, metavar="DAY", help="Last UTC day to learn from; yesterday if not given."
        ),
    ] = None,
) -> None:
    """Train the data-driven models on the 90 days that end with a day; repeating it changes nothing.

    Later days take their weights from it: compute them again with `trackai campaigns aggregate` to use them for days
    that are there already. A tenant needs 100 conversions with a journey, and two campaigns or channels.
    """
    from trackai_pipelines.campaigns import training
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.settings import Settings

    now = utc_now()
    day = to_day.date() if to_day else now.date() - timedelta(days=1)
    with connect(ready_database(Settings()), name="trackai campaigns train") as connection:
        found = training.train(connection, day, now, tenant=tenant)
    trained = [one for one in found if one.conversion_probability is not None]
    for one in found:
        if one.left:
            remark(f"{one.slug}: facts of these days are in archives only. An earlier training up to {day} stays.")
        elif one not in trained:
            remark(
                f"{one.slug}: {one.conversions:,} conversions of {one.units:,} {one.unit}s up to {day} are too few "
                f"to learn from; it takes {training.LEAST_CONVERSIONS} of {training.LEAST_UNITS}."
            )
    if trained:
        columns = ("tenant", "unit", "from", "to", "journeys", "conversions", "units", "probability")
        rows = [
            (
                *(one.slug, one.unit, str(one.from_day), str(one.to_day), one.journeys, one.conversions, one.units),
                f"{one.conversion_probability:.4f}",
            )
            for one in trained
        ]
        results().print(table(columns, rows))
