"""`trackai campaigns train`, `recommend` and `implemented`: what campaigns are judged by, and what to do.

What belongs here: options, and what is shown. What does not: what is learned (training.py) or recommended
(recommendations.py).
"""

from datetime import datetime, timedelta
from typing import Annotated

import typer

from trackai_pipelines.terminal.days import DAY_FORMAT
from trackai_pipelines.terminal.output import remark, results, table
from trackai_pipelines.terminal.workspace import ready_database

_Tenant = Annotated[str | None, typer.Option(metavar="TENANT", help="Slug or id; every tenant if not given.")]


def train(
    tenant: _Tenant = None,
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


def recommend(tenant: _Tenant = None) -> None:
    """Bring recommendations for campaigns up to date and show the open ones, the most urgent first.

    They follow from the 28 days that ended 3 days ago; repeating it changes nothing. Those that no longer hold are
    withdrawn, and those that were implemented 28 days ago are measured.
    """
    from trackai_pipelines.campaigns import recommendations
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.settings import Settings

    with connect(ready_database(Settings()), name="trackai campaigns recommend") as connection:
        for one in recommendations.recommend(connection, utc_now(), tenant=tenant):
            remark(
                f"{one.slug}: {one.new} new, {one.changed} changed, {one.withdrawn} withdrawn, {one.measured} measured."
            )
        found = recommendations.open_recommendations(connection, tenant=tenant)
    if not found:
        remark("Nothing is recommended.")
        return
    columns = ("tenant", "id", "priority", "recommendation", "uplift", "confidence", "effort")
    rows = [
        (
            *(one.slug, str(one.id), one.priority, one.recommendation_text),
            None if one.potential_uplift_percent is None else f"{one.potential_uplift_percent:.1f}%",
            *(f"{one.confidence_score:.4f}", one.implementation_effort),
        )
        for one in found
    ]
    results().print(table(columns, rows))


def implemented(
    number: Annotated[int, typer.Argument(metavar="ID", help="Its id, as `trackai campaigns recommend` shows it.")],
) -> None:
    """Note that a recommendation was implemented today; what came of it is measured 28 days later."""
    from trackai_pipelines.campaigns.recommendations import implement
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.settings import Settings

    with connect(ready_database(Settings()), name="trackai campaigns implemented") as connection:
        slug, _, text, at = implement(connection, number, utc_now())
    remark(f"{slug}, implemented on {at:%Y-%m-%d}: {text}")
