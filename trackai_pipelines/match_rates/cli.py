"""`trackai aggregate`: recompute the daily match rates of some days."""

from trackai_pipelines.terminal.days import FromDay, ToDay, days_of
from trackai_pipelines.terminal.output import percent, results, table
from trackai_pipelines.terminal.workspace import ready_database


def aggregate(from_day: FromDay, to_day: ToDay) -> None:
    """Recompute the daily match rates of those days; repeating it changes nothing."""
    from rich.progress import track

    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.match_rates.aggregate import aggregate_days
    from trackai_pipelines.settings import Settings
    from trackai_pipelines.terminal.output import remarks

    first, last = days_of(from_day, to_day)
    with connect(ready_database(Settings()), name="trackai aggregate") as connection:
        days = list(
            track(
                aggregate_days(connection, first, last),
                "aggregating",
                total=(last - first).days + 1,
                console=remarks(),
                transient=True,
            )
        )
    columns = ("day", "conversions", "fbc", "fbp", "email", "unmatched", "pending", "rate")
    rows = [
        (str(d.day), d.conversions, d.fbc, d.fbp, d.email, d.unmatched, d.pending, percent(d.match_rate)) for d in days
    ]
    results().print(table(columns, rows))
