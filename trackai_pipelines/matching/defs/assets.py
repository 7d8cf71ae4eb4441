"""Attributions and the match log as assets.

What belongs here: which days a run is for, and its metadata. What does not: matching itself (matching/).
"""

from datetime import date

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.metadata import table_metadata
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.flag_values.client import open_flags
from trackai_pipelines.matching.batch_size import sizes_of_run
from trackai_pipelines.matching.defs.metadata import decided_of, latency_metadata, sizes_metadata
from trackai_pipelines.matching.defs.resident import stay
from trackai_pipelines.matching.drain import DrainReport, drain
from trackai_pipelines.matching.log import DayOfLog, analyse_log, day_of_log
from trackai_pipelines.matching.rematch import enqueue_rematch
from trackai_pipelines.utc_days import ONE_RUN, UTC_DAYS, days_of_run, is_partition

OWNERS = ["team:tracking"]


class MatchConfig(dg.Config):
    """What a run does beyond matching everything that waits."""

    rematch: bool = True
    """Put the unmatched conversions of the run's days back on the queue first; each attempt is logged."""
    stay: bool = False
    """Stay as a resident drain until a successor takes over, instead of ending when nothing waits."""
    promised: str = ""
    """The lease that match_sensor promised to a resident drain."""


@dg.asset(
    group_name="matching",
    deps=["clicks", "identities", "conversions", "feature_flags"],
    partitions_def=UTC_DAYS,
    backfill_policy=ONE_RUN,
    owners=OWNERS,
    kinds={"postgres"},
    description="One row for each conversion: the click it is attributed to and the strategy that found it (`fbc`, "
    "then `fbp`, then `email` where a tenant wants it), or `unmatched`. A row of `conversions` reaches this asset "
    "through `match_queue`: the trigger `conversions_are_queued` puts it there in the inserting transaction. The "
    "triggers `clicks_are_noted` and `identities_are_noted` note new clicks and identities in `fact_arrivals`, to be "
    "compared with the unmatched conversions. A partition holds the sales of one UTC day. `match_sensor` keeps it up "
    "to date; materialising a partition tries its unmatched conversions again.",
)
def matched_attributions(
    context: dg.AssetExecutionContext, config: MatchConfig, database: EventDatabase
) -> dg.MaterializeResult[None]:
    """Match what waits, with `rematch` also the unmatched conversions of the run's days; or stay as a resident."""
    days = days_of_run(context)
    if config.stay:
        report = stay(context, database, config.promised)
    else:
        report = _drain_once(context, database, days if config.rematch else [])
        _show_other_days(context, report, days)
    for day in days:
        context.add_asset_metadata(decided_of(report, day), partition_key=day.isoformat())
    with database.connect("match") as connection:
        table = table_metadata(connection, "matched_attributions")
    return dg.MaterializeResult(metadata={**_totals(report), **table})


def _totals(report: DrainReport) -> dict[str, int | float | str]:
    return {
        "decided in this run": report.conversions,
        "re-matched": report.rematched,
        "late facts led back to": report.late,
        "log rows written": report.attempts,
        "micro-batches": report.batches,
        "conversions per second at work": round(report.conversions / report.seconds) if report.conversions else 0,
        **latency_metadata(report.latencies),
        **sizes_metadata(report.sizes, report.latencies_by_size),
    }


def _drain_once(context: dg.AssetExecutionContext, database: EventDatabase, again: list[date]) -> DrainReport:
    url, run_id = database.resolved_url(), context.run.run_id
    with database.connect("match") as connection, open_flags(url) as flags:
        queued = enqueue_rematch(connection, again[0], again[-1]) if again else 0
        if queued:
            context.log.info(f"{queued:,} conversions of {again[0]} to {again[-1]} are tried again")
        report = drain(connection, run_id=run_id, batch_size=sizes_of_run(flags, run_id))
    context.log.info(f"{report.conversions:,} conversions decided in {report.seconds:.1f} s")
    return report


def _show_other_days(context: dg.AssetExecutionContext, report: DrainReport, own: list[date]) -> None:
    """Record a materialisation for each other day whose sales were decided, and for today's partition of the log."""
    touched = sorted({day for day, _ in report.decisions if is_partition(day)} - set(own))
    for day in touched:
        context.log_event(
            dg.AssetMaterialization("matched_attributions", partition=day.isoformat(), metadata=decided_of(report, day))
        )
    if report.attempts:
        context.log_event(
            dg.AssetMaterialization(
                "match_log",
                partition=utc_now().date().isoformat(),
                metadata={"log rows written": report.attempts, "conversions": report.conversions},
            )
        )


@dg.asset(
    group_name="matching",
    deps=["matched_attributions"],
    partitions_def=UTC_DAYS,
    backfill_policy=ONE_RUN,
    owners=OWNERS,
    kinds={"postgres"},
    description="Every attempt to match, with its outcome: why a sale was or was not matched. Append-only. A partition "
    "is a partition of the table: the UTC day of the attempt. It is written together with the attributions; "
    "materialising a partition counts the day and refreshes the planner's statistics.",
)
def match_log(context: dg.AssetExecutionContext, database: EventDatabase) -> dg.MaterializeResult[None]:
    """Count the log of the run's days, and refresh the planner's statistics of them."""
    with database.connect("match log") as connection:
        analyse_log(connection)
        for day in days_of_run(context):
            context.add_asset_metadata(_log_metadata(day_of_log(connection, day)), partition_key=day.isoformat())
        return dg.MaterializeResult(metadata=table_metadata(connection, "match_log"))


def _log_metadata(day: DayOfLog) -> dict[str, int | float | dg.MetadataValue]:
    rows = [f"| {strategy} | {outcome} | {count:,} |" for (strategy, outcome), count in sorted(day.outcomes.items())]
    return {
        "dagster/partition_row_count": day.rows,
        "conversions": day.conversions,
        "outcomes": dg.MetadataValue.md("\n".join(["| strategy | outcome | attempts |", "|---|---|---:|", *rows])),
    }
