"""The nightly report as an asset, one partition a UTC day: the last day that the page covers."""

import dagster as dg

from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.domain import Domain
from trackai_pipelines.report.page import Report, write_report
from trackai_pipelines.report.places import DAYS, path_of_night, period_to
from trackai_pipelines.settings import Settings
from trackai_pipelines.utc_days import ONE_RUN, UTC_DAYS, days_of_run


@dg.asset(
    group_name="report",
    deps=["daily_match_rates", "capi_dispatches"],
    partitions_def=UTC_DAYS,
    backfill_policy=ONE_RUN,
    owners=["team:tracking"],
    kinds={"html"},
    description=f"One HTML page about the {DAYS} days up to the partition's, for people without access to the "
    "database. It is TRACKAI_HOME/reports/report-YYYY-MM-DD.html. Materialising a day again replaces its page with the "
    "current figures. A range of days is one run, and a page a day.",
)
def daily_report(
    context: dg.AssetExecutionContext, database: EventDatabase, domains: dg.ResourceParam[tuple[Domain, ...]]
) -> None:
    """Write the page of each of the run's days."""
    home = Settings().home
    with database.connect("report") as connection:
        for day in days_of_run(context):
            report = write_report(connection, path_of_night(home, day), domains, period_to(day))
            context.add_asset_metadata(_metadata(report), partition_key=day.isoformat())


def _metadata(report: Report) -> dict[str, dg.MetadataValue]:
    shown = {
        label: dg.MetadataValue.int(figure) if isinstance(figure, int) else dg.MetadataValue.float(round(figure, 4))
        for label, figure in report.figures.items()
        if figure is not None
    }
    return {
        "page": dg.MetadataValue.path(report.path),
        "link": dg.MetadataValue.url(report.path.as_uri()),
        "days": dg.MetadataValue.text(f"{report.period.first} to {report.period.last}"),
        **shown,
    }
