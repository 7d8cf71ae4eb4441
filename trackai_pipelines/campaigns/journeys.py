"""Journeys: the touches that led to each matched sale, found from the keys that a person leaves.

What belongs here: finding the touches of a tenant's UTC day, and storing them with their credit. What does not: the
statements' rules (sql/campaigns/journey_*.sql), how credit is divided (credit.py), which days are due.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Literal, LiteralString

from psycopg import Connection, sql
from psycopg.rows import class_row

from trackai_pipelines.campaigns.credit import divide
from trackai_pipelines.campaigns.steps import make
from trackai_pipelines.database.partitions import attach_partition, create_detached, days_apart, partition_days
from trackai_pipelines.database.statements import statement

TOUCHES = "conversion_touchpoints"
CLICKS = sql.Identifier("trackai", "clicks")


@dataclass(frozen=True)
class JourneyLimits:
    """Beyond these, a key is shared by too many people to be followed, or a journey too long to be kept whole."""

    max_clicks: int = 50
    """Clicks that any key may lead to."""
    max_browsers_of_a_click_id: int = 3
    """Browsers that a click id may be found on: beyond, the link was passed on."""
    max_buyers_of_a_browser: int = 3
    """Buyers of a browser or a phone number with two clicks or more."""
    max_browsers_of_a_contact: int = 20
    """Browsers that an e-mail address or a phone number may lead to."""
    max_touches: int = 100
    """Touches of a journey."""
    visit_minutes: int = 30
    """Clicks without a click id at most this far apart are one visit."""


LIMITS = JourneyLimits()


@dataclass(frozen=True)
class JourneyTotals:
    """The journeys of a tenant's UTC day."""

    journeys: int
    touches: int
    shared_keys: int
    """Keys that were not followed."""
    met_shared_keys: int
    """Journeys with such a key."""
    truncated: int
    """Journeys that lost touches because they had too many."""


def prepare_day(connection: Connection[Any], day: date) -> bool:
    """Make the partition of the UTC day where it is missing; return False where its touches have left: it is final.

    Call it outside a transaction, before `compute_journeys`. Raises psycopg.errors.LockNotAvailable when the table
    stays locked for half a minute.
    """
    left = connection.execute(statement("campaigns/touches_left"), {"day": day}).fetchone()
    if left is not None or day in days_apart(connection, TOUCHES):
        return False
    if day not in partition_days(connection, TOUCHES):
        create_detached(connection, TOUCHES, day)
        attach_partition(connection, TOUCHES, day)
    return True


def compute_journeys(
    connection: Connection[Any], tenant_id: str, day: date, now: datetime, *, limits: JourneyLimits = LIMITS
) -> JourneyTotals:
    """Replace the journeys of a tenant's UTC day, with their touches and credits, inside the caller's transaction.

    A journey whose facts have left keeps its touches; all else is computed from the facts, so repeating it changes
    nothing but `computed_at`. Needs the day's partition (`prepare_day`), and that nobody computes the same day at once.
    """
    find_touches(connection, tenant_id, day, limits=limits)
    divide(connection, tenant_id, day)
    of_day = {"tenant_id": tenant_id, "day": day}
    connection.execute(statement("campaigns/delete_lost_journeys"), of_day)
    connection.execute(statement("campaigns/delete_changed_touches"), of_day)
    connection.execute(statement("campaigns/insert_touches"), of_day)
    with connection.cursor(row_factory=class_row(JourneyTotals)) as cursor:
        store = sql.SQL(statement("campaigns/store_journeys")).format(**_ROUNDS)
        totals = cursor.execute(store, {**of_day, "now": now}).fetchone()
    assert totals is not None
    return totals


def find_touches(
    connection: Connection[Any],
    tenant_id: str,
    day: date,
    *,
    limits: JourneyLimits = LIMITS,
    conversion_id: int | None = None,
    journey_days: int | None = None,
    keep: Literal["none", "left", "all"] = "left",
    clicks: sql.Identifier = CLICKS,
) -> None:
    """Make the temporary tables journey_sales and journey_touches of a tenant's UTC day.

    Only of one conversion where `conversion_id` is given, and over another window where `journey_days` is. `keep` says
    which journeys keep their stored touches: those whose facts have left, none or all. `clicks` is a relation with the
    columns and indexes of trackai.clicks. The keys of both rounds, and why some were not followed, are in
    journey_keys_1 and journey_keys_2.
    """
    values = {
        "tenant_id": tenant_id,
        "day": day,
        "conversion_id": conversion_id,
        "journey_days": journey_days,
        "keep": keep,
        **asdict(limits),
    }

    def step(table: str, name: LiteralString, *, analysed: Sequence[str] = (), **composed: sql.Composable) -> None:
        relations = {**_ROUNDS, "clicks": clicks, **composed}
        make(connection, table, name, values, relations, indexed="conversion_id", analysed=analysed)

    joined = ("conversion_id", "rank", "key")
    step("journey_sales", "campaigns/journey_sales")
    step("journey_found_1", "campaigns/journey_first_round", analysed=joined, found=_ROUNDS["first_found"])
    step("journey_keys_1", "campaigns/journey_keys", found=_ROUNDS["first_found"], keys=_ROUNDS["first_keys"])
    step("journey_found_2", "campaigns/journey_second_round", analysed=joined, found=_ROUNDS["second_found"])
    step("journey_keys_2", "campaigns/journey_keys", found=_ROUNDS["second_found"], keys=_ROUNDS["second_keys"])
    step("journey_touches", "campaigns/journey_touches")


_ROUNDS: Mapping[str, sql.Composable] = {
    "first_found": sql.Identifier("journey_found_1"),
    "first_keys": sql.Identifier("journey_keys_1"),
    "second_found": sql.Identifier("journey_found_2"),
    "second_keys": sql.Identifier("journey_keys_2"),
}
