"""Journeys as rows: what tests of what is made from touches insert."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from psycopg import Connection, sql

MODELS = (
    "matched",
    "last_touch",
    "first_touch",
    "linear",
    "position_based",
    "time_decay",
    "last_non_direct",
    "markov",
    "shapley",
)

_INSERT = sql.SQL(
    "INSERT INTO trackai.conversion_touchpoints"
    " (tenant_id, conversion_id, position, day, click_id, clicked_at, campaign_id, channel, via, {columns})"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'browser', {credits})"
).format(
    columns=sql.SQL(", ").join(sql.Identifier(f"credit_{model}") for model in MODELS),
    credits=sql.SQL(", ").join(sql.SQL("%s") for _ in MODELS),
)


def make_room(connection: Connection[Any]) -> None:
    """Make a partition for the touches of every day that has none."""
    connection.execute(
        "CREATE TABLE trackai.conversion_touchpoints_of_tests PARTITION OF trackai.conversion_touchpoints DEFAULT"
    )


def add_journeys(
    connection: Connection[Any],
    tenant_id: str,
    day: date,
    conversion_ids: Iterable[int],
    campaigns: Sequence[str],
    *,
    channel: str = "paid_social",
    clicks: Sequence[int | None] = (),
) -> None:
    """Insert the same journey for each conversion, by plain SQL; the last touch has all the credit."""
    rows = [
        (
            *(tenant_id, conversion, position, day, clicks[position - 1] if clicks else None, None, campaign, channel),
            *[int(position == len(campaigns))] * len(MODELS),
        )
        for conversion in conversion_ids
        for position, campaign in enumerate(campaigns, start=1)
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT, rows)
