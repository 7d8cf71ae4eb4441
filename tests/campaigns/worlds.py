"""Small worlds of clicks and sales for the tests of journeys: put into the database, and read back.

What belongs here: inserting a world, and reading its journeys. What does not: what they should be.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from trackai_pipelines.campaigns.credit_models import MODELS
from trackai_pipelines.campaigns.journeys import (
    LIMITS,
    JourneyLimits,
    JourneyTotals,
    compute_journeys,
    find_touches,
    prepare_day,
)

Row = dict[str, Any]
NOW = datetime(2026, 6, 1, tzinfo=UTC)
KINDS = {1: "click_id", 2: "browser", 3: "email", 4: "phone"}
_UTMS = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")


def insert_world(
    connection: Connection[Any],
    tenant: str,
    *,
    clicks: Sequence[Row] = (),
    identities: Sequence[Row] = (),
    conversions: Sequence[Row] = (),
    attributions: Sequence[Row] = (),
) -> None:
    """Insert these facts of a tenant; a key that a row lacks is NULL there, and a sale is worth 100 BRL."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO trackai.clicks (tenant_id, id, created_at, fbclid, fbc, fbp,
                                        utm_source, utm_medium, utm_campaign, utm_content, utm_term)
            VALUES (%(tenant)s, %(id)s, %(created_at)s, %(fbclid)s, %(fbc)s, %(fbp)s,
                    %(utm_source)s, %(utm_medium)s, %(utm_campaign)s, %(utm_content)s, %(utm_term)s)
            """,
            [{"tenant": tenant, **dict.fromkeys(("fbclid", "fbc", "fbp", *_UTMS)), **row} for row in clicks],
        )
        cursor.executemany(
            """
            INSERT INTO trackai.identities (tenant_id, click_id, email_hash, phone_hash, created_at)
            VALUES (%(tenant)s, %(click_id)s, %(email_hash)s, %(phone_hash)s, %(created_at)s)
            """,
            [{"tenant": tenant, "email_hash": None, "phone_hash": None, **row} for row in identities],
        )
        cursor.executemany(
            """
            INSERT INTO trackai.conversions
                (tenant_id, id, gateway, gateway_event_id, value, currency, event_name, occurred_at, fbclid, fbc, fbp,
                 customer_email_hash, customer_phone_hash)
            VALUES (%(tenant)s, %(id)s, 'stripe', 'evt_' || %(id)s::text, %(value)s, %(currency)s, %(event_name)s,
                    %(occurred_at)s, %(fbclid)s, %(fbc)s, %(fbp)s, %(customer_email_hash)s, %(customer_phone_hash)s)
            """,
            [
                {
                    "tenant": tenant,
                    "value": 100,
                    "currency": "BRL",
                    "event_name": "Purchase",
                    **dict.fromkeys(("fbclid", "fbc", "fbp", "customer_email_hash", "customer_phone_hash")),
                    **row,
                }
                for row in conversions
            ],
        )
        cursor.executemany(
            """
            INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, click_id, strategy, matched_at)
            VALUES (%(tenant)s, %(conversion_id)s, %(click_id)s, %(strategy)s, '2026-05-30')
            """,
            [{"tenant": tenant, "strategy": "fbc", **row} for row in attributions],
        )


def sale_days(connection: Connection[Any], tenant: str) -> list[date]:
    """Return the UTC days of a tenant's sales, in order."""
    rows = connection.execute(
        "SELECT DISTINCT (occurred_at AT TIME ZONE 'UTC')::date FROM trackai.conversions WHERE tenant_id = %s",
        (tenant,),
    )
    return sorted(day for (day,) in rows)


def compute(
    connection: Connection[Any], tenant: str, *, limits: JourneyLimits = LIMITS, now: datetime = NOW
) -> list[JourneyTotals]:
    """Compute the journeys of every day with sales of a tenant."""
    totals = []
    for day in sale_days(connection, tenant):
        prepare_day(connection, day)
        with connection.transaction():
            totals.append(compute_journeys(connection, tenant, day, now, limits=limits))
    return totals


def touches_of(connection: Connection[Any], tenant: str) -> dict[int, list[Row]]:
    """Return a tenant's stored touches by conversion, in order; columns of credit by their model."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            "SELECT * FROM trackai.conversion_touchpoints WHERE tenant_id = %s ORDER BY conversion_id, position",
            (tenant,),
        ).fetchall()
    touches: dict[int, list[Row]] = {}
    for row in rows:
        shares = {model: row.pop(f"credit_{model}") for model in MODELS}
        touches.setdefault(row["conversion_id"], []).append({**row, **shares})
    return touches


def journeys_of(connection: Connection[Any], tenant: str) -> dict[int, Row]:
    """Return a tenant's stored journeys by conversion."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute("SELECT * FROM trackai.conversion_journeys WHERE tenant_id = %s", (tenant,)).fetchall()
    return {row["conversion_id"]: row for row in rows}


def refused_keys(
    connection: Connection[Any], tenant: str, limits: JourneyLimits = LIMITS
) -> dict[int, set[tuple[str, str]]]:
    """Return the keys that were not followed, as (kind, key), by conversion; conversions without any are left out."""
    refused: dict[int, set[tuple[str, str]]] = {}
    for day in sale_days(connection, tenant):
        with connection.transaction(force_rollback=True):
            find_touches(connection, tenant, day, limits=limits)
            for conversion, rank, key in connection.execute(
                """
                SELECT conversion_id, rank, key FROM journey_keys_1 WHERE why IS NOT NULL
                UNION ALL
                SELECT conversion_id, rank, key FROM journey_keys_2 WHERE why IS NOT NULL
                """
            ):
                refused.setdefault(conversion, set()).add((KINDS[rank], key))
    return refused
