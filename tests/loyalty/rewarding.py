"""A small program with creators in tiers, written straight into the tables, and rows of rewards.

What belongs here: rows that tests of rewards begin with. What does not: what is asserted.
"""

import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from trackai_pipelines.database.connection import connect

TENANT = "t-acme"
NOW = datetime(2024, 6, 10, 12, tzinfo=UTC)
TODAY = NOW.date()
_TIERS = {"tier_1": 0, "tier_2": 1_000, "tier_3": 5_000, "tier_4": 20_000}


def insert(connection: Connection[Any], table: str, rows: list[Mapping[str, object]]) -> None:
    """Insert rows that all have the same columns."""
    columns = list(rows[0])
    query = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier("trackai", table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(map(sql.Placeholder, columns)),
    )
    with connection.cursor() as cursor:
        cursor.executemany(query, rows)


def add_program(
    connection: Connection[Any], tenant_id: str = TENANT, *, valid_from: date = date(2023, 9, 1), **columns: object
) -> None:
    """Add a tenant with a program that is active, and four tiers."""
    slug = tenant_id.removeprefix("t-")
    insert(connection, "tenants", [{"id": tenant_id, "slug": slug, "name": slug}])
    about = ("commission_boost_state_history", "quarter", [TODAY, TODAY + timedelta(days=60)])
    connection.execute("SELECT trackai.make_partitions(%s, %s, %s)", about)
    insert(
        connection,
        "loyalty_programs",
        [{"tenant_id": tenant_id, "valid_from": valid_from, "currency": "USD", "status": "active", **columns}],
    )
    insert(
        connection,
        "tiers",
        [
            {
                "tenant_id": tenant_id,
                "tier_id": tier,
                "valid_from": valid_from,
                "tier_order": order,
                "tier_name": tier,
                "sales_threshold": threshold,
                "commission_rate": 10 + order,
            }
            for order, (tier, threshold) in enumerate(_TIERS.items(), start=1)
        ],
    )


def add_creators(
    connection: Connection[Any],
    users: list[str],
    tier: str | None = "tier_3",
    *,
    tenant_id: str = TENANT,
    since: date = date(2024, 5, 15),
    enrolled_on: date = date(2023, 9, 1),
) -> None:
    """Add members who hold a tier since a day; with no tier, nothing of theirs is evaluated."""
    moment = datetime(2023, 9, 1, tzinfo=UTC)
    insert(
        connection,
        "users",
        [{"tenant_id": tenant_id, "id": user, "created_at": moment, "updated_at": moment} for user in users],
    )
    insert(
        connection,
        "loyalty_members",
        [{"tenant_id": tenant_id, "user_id": user, "enrolled_on": enrolled_on} for user in users],
    )
    for user in users if tier else ():
        hold(connection, user, str(tier), since, tenant_id=tenant_id)


def hold(connection: Connection[Any], user: str, tier: str, since: date, *, tenant_id: str = TENANT) -> None:
    """Let a creator hold a tier from a day on, as an evaluation of that day would."""
    given = {"tenant_id": tenant_id, "user_id": user, "tier": tier, "since": since}
    connection.execute(
        """
        INSERT INTO trackai.tier_checkpoints
            (tenant_id, user_id, checkpoint_date, tier_before, tier_after, status, ledger_upto)
        SELECT m.tenant_id, m.user_id, %(since)s, m.current_tier, %(tier)s, 'manual', 0
        FROM trackai.loyalty_members m
        WHERE m.tenant_id = %(tenant_id)s AND m.user_id = %(user_id)s
        """,
        given,
    )
    connection.execute(
        """
        UPDATE trackai.loyalty_members
        SET current_tier = %(tier)s, window_start = %(since)s, anchor_day = %(since)s, climb_start = %(since)s,
            window_end = (%(since)s + interval '4 months')::date, evaluated_day = %(since)s
        WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s
        """,
        given,
    )


def add_reward(connection: Connection[Any], reward_id: str = "card", **columns: Any) -> None:
    """Add a reward of tier_3, which is claimed once, unless columns say otherwise."""
    row: dict[str, Any] = {
        "tenant_id": TENANT,
        "reward_id": reward_id,
        "type": "gift_card",
        "name": reward_id,
        "tier_eligibility": "tier_3",
        **columns,
    }
    row["value_data"] = Jsonb(row.get("value_data", {}))
    insert(connection, "rewards", [row])


def add_mission(connection: Connection[Any], mission_id: str = "sell", **columns: object) -> None:
    """Add a mission to sell for 500 dollars, whose reward is `prize`."""
    row = {
        "tenant_id": TENANT,
        "mission_id": mission_id,
        "title": mission_id,
        "display_name": mission_id,
        "mission_type": "sales_dollars",
        "target_value": 500,
        "target_unit": "dollars",
        "reward_id": "prize",
        **columns,
    }
    insert(connection, "missions", [row])


def add_entries(
    connection: Connection[Any], user: str, entries: list[tuple[int, date, Decimal]], *, tenant_id: str = TENANT
) -> None:
    """Add entries with their cache by day: posting, day of the sale, amount; one unit each. Posting leaves them."""
    begin = {"tenant_id": tenant_id, "user_id": user, "source": "conversion", "units": 1, "currency": "USD"}
    insert(
        connection,
        "sales_ledger",
        [
            {
                **begin,
                "posting_no": posting,
                "source_ref": f"shop:{posting}-{number}",
                "revision": 1,
                "sale_day": day,
                "amount": amount,
                "recorded_at": NOW,
            }
            for number, (posting, day, amount) in enumerate(entries)
        ],
    )
    connection.execute(
        """
        INSERT INTO trackai.ledger_postings (tenant_id, posting_no, posted_at, entries, amount_by_currency, digest)
        SELECT DISTINCT e.tenant_id, e.posting_no, e.recorded_at, 1, '{}'::jsonb, repeat('0', 64)
        FROM trackai.sales_ledger e
        WHERE e.tenant_id = %(tenant_id)s
        ON CONFLICT DO NOTHING
        """,
        begin,
    )
    connection.execute(
        """
        INSERT INTO trackai.creator_sales_daily (tenant_id, user_id, sale_day, currency, source, amount, units)
        SELECT e.tenant_id, e.user_id, e.sale_day, e.currency, e.source, sum(e.amount), sum(e.units)
        FROM trackai.sales_ledger e
        WHERE e.tenant_id = %(tenant_id)s AND e.user_id = %(user_id)s
        GROUP BY 1, 2, 3, 4, 5
        ON CONFLICT (tenant_id, user_id, sale_day, currency, source) DO UPDATE
        SET amount = excluded.amount, units = excluded.units
        """,
        begin,
    )


def until_waiting(database_url: str, sessions: int) -> None:
    """Return once this many sessions wait for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    # Within a transaction the view would stay as it was first read.
    with connect(database_url, name="watch") as watching:
        deadline = time.monotonic() + 60
        while watching.execute(query).fetchone() != (sessions,):
            assert time.monotonic() < deadline, "nobody waits"
