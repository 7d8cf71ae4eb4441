"""Events delivered to Meta, as an asset.

What belongs here: which days a run is for, and its metadata. What does not: delivering itself (delivery/).
"""

from datetime import date

import dagster as dg
from psycopg import Connection
from pydantic import Field

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.metadata import table_metadata
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.delivery.backlog import backlog_of
from trackai_pipelines.delivery.coverage import coverage_of_days
from trackai_pipelines.delivery.defs.interrupts import ending_in_order
from trackai_pipelines.delivery.defs.metadata import (
    Metadata,
    coverage_metadata,
    outcome_metadata,
    outcomes_of,
    pace_metadata,
    waiting_metadata,
)
from trackai_pipelines.delivery.defs.resident import stay
from trackai_pipelines.delivery.dispatcher import dispatch
from trackai_pipelines.delivery.prepare import too_old_before
from trackai_pipelines.delivery.replay import enqueue_days
from trackai_pipelines.delivery.report import DispatchReport
from trackai_pipelines.delivery.tokens import TokenStore
from trackai_pipelines.settings import CapiSettings
from trackai_pipelines.utc_days import ONE_RUN, UTC_DAYS, days_of_run, is_partition

OWNERS = ["team:tracking"]


class DispatchConfig(dg.Config):
    """What a run does beyond replaying its days and delivering what is due."""

    resend_already_sent_at_the_risk_of_counting_twice: bool = Field(
        default=False,
        description="Also send again what Meta has accepted of the run's days, with the same event ids. Meta promises "
        "to count an event once only between a browser and a server, and within 48 hours: each of these sales may be "
        "counted twice. Meant for events that Meta has lost or that went to a wrong pixel.",
    )
    stay: bool = Field(
        default=False,
        description="Stay as a resident dispatcher until a successor takes over, and replay nothing. dispatch_sensor "
        "sets it.",
    )
    promised: str = Field(default="", description="The lease that dispatch_sensor promised to a resident dispatcher.")


@dg.asset(
    group_name="delivery",
    deps=["matched_attributions", "feature_flags"],
    partitions_def=UTC_DAYS,
    backfill_policy=ONE_RUN,
    owners=OWNERS,
    kinds={"postgres"},
    metadata={"dagster/table_name": "trackai.dispatch_attempts"},
    description="Events of Meta's Conversions API: each sale that is due is sent once, and every attempt is recorded "
    "with its outcome (`dispatch_attempts`). A row of `matched_attributions` reaches this asset through "
    "`dispatch_queue`: the triggers `attributed_are_queued` and `matched_late_are_queued` put each attributed sale on "
    "it, in the transaction that attributes the sale. A partition holds the sales of one UTC day. `dispatch_sensor` "
    "keeps it up to date; materialising a partition replays it: sales of the day that were not accepted, and are "
    "younger than the seven days (in a store 62) within which Meta takes events, are tried again. Accepted events are "
    "not sent twice.",
)
def capi_dispatches(
    context: dg.AssetExecutionContext,
    config: DispatchConfig,
    database: EventDatabase,
    capi_tokens: dg.ResourceParam[TokenStore],
) -> dg.MaterializeResult[None]:
    """Replay the run's days and deliver what is due; or stay as a resident."""
    days = days_of_run(context)
    queued = 0
    if config.stay:
        report = stay(context, database, capi_tokens, config.promised)
    else:
        queued = _replay(context, database, days, config.resend_already_sent_at_the_risk_of_counting_twice)
        report = _deliver(context, database, capi_tokens)
        _show_other_days(context, report, days)
    with database.connect("dispatch") as connection:
        _show_days(context, connection, report, days)
        return dg.MaterializeResult(metadata=_run_metadata(connection, report, queued))


def _deliver(context: dg.AssetExecutionContext, database: EventDatabase, tokens: TokenStore) -> DispatchReport:
    with ending_in_order():
        return dispatch(database.resolved_url(), tokens=tokens, settings=CapiSettings(), run_id=context.run.run_id)


def _run_metadata(connection: Connection, report: DispatchReport, queued: int) -> Metadata:
    return {
        **{f"{outcome} in this run": counted.total() for outcome, counted in report.outcomes.items()},
        "queued again": queued,
        **pace_metadata(report.requests, report.failed_requests, report.sent.total(), report.seconds),
        **waiting_metadata(backlog_of(connection, now=utc_now())),
        **table_metadata(connection, "dispatch_attempts"),
    }


def _show_days(
    context: dg.AssetExecutionContext, connection: Connection, report: DispatchReport, days: list[date]
) -> None:
    for day in days:
        # Older days no longer change, and counting a day costs in proportion to its sales.
        coverage = coverage_of_days(connection, day, day) if day >= _first_day_in_time() else []
        shown = {**outcome_metadata(outcomes_of(report, day)), **coverage_metadata(coverage)}
        context.add_asset_metadata(shown, partition_key=day.isoformat())


def _first_day_in_time() -> date:
    return too_old_before(utc_now()).date()


def _replay(context: dg.AssetExecutionContext, database: EventDatabase, days: list[date], resend: bool) -> int:
    first = too_old_before(utc_now(), "physical_store").date()
    in_time = [day for day in days if day >= first]
    if len(in_time) < len(days):
        context.log.info(
            f"Meta takes events for seven days, and sales in a store for 62: nothing of the {len(days) - len(in_time)} "
            f"days before {first} can be sent any more."
        )
    if not in_time:
        return 0
    with database.connect("dispatch") as connection:
        queued = enqueue_days(connection, in_time[0], in_time[-1], resend_already_sent=resend)
    context.log.info(f"{queued:,} sales of {in_time[0]} to {in_time[-1]} are tried again.")
    return queued


def _show_other_days(context: dg.AssetExecutionContext, report: DispatchReport, own: list[date]) -> None:
    """Record a materialisation for each other day whose sales were sent or tried."""
    touched = {day for counted in report.outcomes.values() for _, day in counted}
    for day in sorted(touched - set(own)):
        if is_partition(day):
            shown = outcome_metadata(outcomes_of(report, day))
            context.log_event(dg.AssetMaterialization("capi_dispatches", partition=day.isoformat(), metadata=shown))
