"""Checks of delivery: nothing is unexplained, and nothing waits for too long.

They run by schedule (schedules.py), also when no dispatcher is at work, and when a partition is materialised in the UI.
They are not part of the resident job: Dagster shows a check as in progress for as long as its run lasts. A resident
reports the age of what waits with each window instead (resident.py): Dagster treats an evaluation as out of date once
the asset has been materialised again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.delivery.account import Account, Place, account_for
from trackai_pipelines.delivery.backlog import Backlog, backlog_of
from trackai_pipelines.delivery.coverage import coverage_of_days
from trackai_pipelines.delivery.defs.metadata import Cell, Metadata, coverage_metadata, table, waiting_metadata

ON_ITS_WAY = timedelta(minutes=1)
"""Events of sales this recent are counted but not listed: at any moment some are in flight."""

WARN_AFTER = timedelta(hours=1)
"""Meta recommends sending within an hour."""

ERROR_AFTER = timedelta(hours=24)
"""Six days are left to fix what holds it back."""


@dg.asset_check(
    asset="capi_dispatches",
    description="Every event of the last 7 days that is due was sent, waits with a reason, or failed with a reason. "
    "Shows where they are, by tenant, and which keys yesterday's events carried.",
)
def every_due_event_is_accounted_for(database: EventDatabase) -> dg.AssetCheckResult:
    """Check that no event is unexplained."""
    yesterday = utc_now().date() - timedelta(days=1)
    with database.connect("checks") as connection:
        account = account_for(connection)
        coverage = coverage_of_days(connection, yesterday, yesterday)
    lost = [place for place in account.places if place.place == "unexplained"]
    return dg.AssetCheckResult(
        passed=account.unexplained == 0,
        description=f"{account.unexplained:,} events are neither sent, nor waiting, nor failed, the oldest of a sale "
        f"of {min(place.oldest for place in lost):%Y-%m-%d}: materialise capi_dispatches from that day on."
        if lost
        else None,
        metadata={**_account_metadata(account), **coverage_metadata(coverage)},
    )


def _account_metadata(account: Account) -> Metadata:
    def of(name: str) -> list[Place]:
        return [place for place in account.places if place.place == name]

    totals = account.totals
    found: Metadata = {
        "sent": totals["sent"],
        **waiting_metadata(of("waiting")),
        "failed": totals["failed"],
        "in the sandbox": totals["sandbox"],
        "not due": totals["not_due"],
        "unexplained": totals["unexplained"],
    }
    if account.places:
        found["by tenant"] = _by_tenant(account.places)
    if failed := sorted(of("failed"), key=lambda place: (-place.events, place.slug, place.reason)):
        rows: list[list[Cell]] = [[place.slug, place.events, place.reason] for place in failed]
        found["failed by tenant"] = table(["tenant", "events", "why"], rows)
    return found


def _by_tenant(places: Sequence[Place]) -> dg.MetadataValue:
    # Few ever use the sandbox.
    sandbox = ("sandbox",) if any(place.place == "sandbox" for place in places) else ()
    names = ("unexplained", "failed", "waiting", "sent", *sandbox, "not_due")
    counts: dict[str, dict[str, int]] = {}
    for place in places:
        of = counts.setdefault(place.slug, dict.fromkeys(names, 0))
        of[place.place] += place.events
    worst_first = sorted(counts.items(), key=lambda item: [-count for count in item[1].values()])
    rows: list[list[Cell]] = [[slug, *of.values()] for slug, of in worst_first]
    return table(["tenant", *(name.replace("_", " ") for name in names)], rows)


@dg.asset_check(
    asset="capi_dispatches",
    description="The oldest sale whose event could go out and still waits: warns when it is an hour old, fails when it "
    "is a day old. Meta takes no event older than seven days.",
)
def oldest_due_event(database: EventDatabase) -> dg.AssetCheckResult:
    """Check that delivery keeps up, and that whatever holds back a tenant's events is fixed in time."""
    now = utc_now()
    with database.connect("checks") as connection:
        return age_of_backlog(backlog_of(connection, now=now), now)


def age_of_backlog(backlog: Sequence[Backlog], now: datetime) -> dg.AssetCheckResult:
    """Return the result of oldest_due_event for a backlog."""
    waiting = waiting_metadata(backlog, sold_before=now - ON_ITS_WAY)
    oldest = min((one for one in backlog if one.due), key=lambda one: one.oldest, default=None)
    if oldest is None or now - oldest.oldest <= ON_ITS_WAY:
        return dg.AssetCheckResult(passed=True, metadata=waiting)
    age = now - oldest.oldest
    return dg.AssetCheckResult(
        passed=age < WARN_AFTER,
        severity=dg.AssetCheckSeverity.ERROR if age >= ERROR_AFTER else dg.AssetCheckSeverity.WARN,
        description=None
        if age < WARN_AFTER
        else f"An event of tenant {oldest.slug} waits whose sale was at {oldest.oldest:%Y-%m-%d %H:%M} UTC: "
        f"{oldest.reason}.",
        metadata={
            "tenant": oldest.slug,
            "hours old": round(age / timedelta(hours=1), 2),
            "why": oldest.reason,
            **waiting,
        },
    )
