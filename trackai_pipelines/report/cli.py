"""`trackai report`: a page about any range of days, for people without access to the database or the UI."""

from datetime import datetime
from typing import Annotated

import typer

from trackai_pipelines.terminal.days import DAY_FORMAT
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import remark, step
from trackai_pipelines.terminal.workspace import ready_database, workspace


def report(
    from_day: Annotated[
        datetime | None,
        typer.Option("--from", formats=DAY_FORMAT, metavar="DAY", help="First UTC day.  [default: 30 days up to --to]"),
    ] = None,
    to_day: Annotated[
        datetime | None,
        typer.Option("--to", formats=DAY_FORMAT, metavar="DAY", help="Last UTC day, included.  [default: today]"),
    ] = None,
    tenant: Annotated[str | None, typer.Option(metavar="SLUG", help="One tenant's report.  [default: all]")] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write one HTML file that needs nothing else, and print its path: rates, delivery and input of some days.

    It is in TRACKAI_HOME/reports; the same days and tenant replace an older one.
    """
    import webbrowser

    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.domain import Period
    from trackai_pipelines.report.page import write_report
    from trackai_pipelines.report.places import path_of, period_to
    from trackai_pipelines.settings import Settings

    last = to_day.date() if to_day else utc_now().date()
    first = from_day.date() if from_day else period_to(last).first
    if last < first:
        raise usage(f"the range of days is empty: {first} is after {last}; give an earlier --from or a later --to")
    settings = Settings()
    period = Period(first, last, tenant)
    with step("Report"), connect(ready_database(settings), name="trackai report") as connection:
        written = write_report(connection, path_of(settings.home, period), workspace().domains, period)
    if written.empty:
        remark(
            f"There is no data from {first} to {last}: the report says so. Load files with `trackai ingest`, or choose "
            "other days with --from and --to.",
            style="yellow",
        )
    typer.echo(written.path)
    if open_it and not webbrowser.open(written.path.as_uri()):
        remark("No browser could be opened. Open the file yourself.", style="yellow")
