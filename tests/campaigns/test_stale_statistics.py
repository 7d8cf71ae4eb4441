"""What is read does not depend on how old the statistics of the tables are."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, LiteralString

import pytest
from psycopg import Connection, sql
from rows_read import keep_statistics, rows_read

from trackai_pipelines.campaigns.buyers import number_sales
from trackai_pipelines.campaigns.days import compute_day, due_days
from trackai_pipelines.campaigns.figures import write_90_days
from trackai_pipelines.campaigns.recommendations import recommend
from trackai_pipelines.database.statements import statement

CLICKS = 3000


def read_of(connection: Connection[Any], table: str) -> int:
    """How many rows of the table, or partition, the session has read since its figures were last collected."""
    row = connection.execute(
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = %s", (table,)
    ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("campaigns/stage_day_clicks", {"day": "2026-05-02", "clicks_left": False}),
        (
            "campaigns/stage_window_clicks",
            {"from_day": "2026-05-02", "to_day": "2026-05-02", "sold_before": "2026-05-03"},
        ),
    ],
)
def test_clicks_are_read_once_or_twice(
    connection: Connection[Any], add_tenant: Callable[..., str], name: LiteralString, more: dict[str, object]
) -> None:
    tenant, other = add_tenant("acme"), add_tenant("other")
    connection.execute("ALTER TABLE trackai.clicks SET (autovacuum_enabled = false)")
    insert = (
        "INSERT INTO trackai.clicks (tenant_id, fbp, utm_campaign, created_at)"
        " SELECT %s, 'fb.1.1700000000000.' || n, 'spring', %s::timestamptz + n * interval '10 seconds'"
        " FROM generate_series(1, %s) n"
    )
    connection.execute(insert, (other, "2026-04-01T00:00Z", 20_000))
    connection.execute("ANALYZE trackai.clicks")
    connection.execute(insert, (tenant, "2026-05-02T00:00Z", CLICKS))
    with connection.transaction():
        before = read_of(connection, "clicks")
        connection.execute(statement(name), {"tenant_id": tenant, **more})
        assert CLICKS <= read_of(connection, "clicks") - before <= 3 * CLICKS


def test_the_sales_of_90_days_are_joined_by_their_ids(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    sales = 2000
    tenant = add_tenant("acme")
    for table in (
        "clicks",
        "conversions",
        "matched_attributions",
        "buyers",
        "conversion_buyers",
        "conversion_journeys",
    ):
        connection.execute(
            sql.SQL("ALTER TABLE trackai.{} SET (autovacuum_enabled = false)").format(sql.Identifier(table))
        )
    connection.execute(
        "INSERT INTO trackai.clicks (id, tenant_id, fbp, utm_campaign, created_at)"
        " SELECT n, %s, 'fb.1.1700000000000.' || n, 'spring', '2026-05-02T01:00Z' FROM generate_series(1, %s) n",
        (tenant, sales),
    )
    connection.execute(
        "INSERT INTO trackai.conversions"
        " (id, tenant_id, gateway, gateway_event_id, value, currency, occurred_at, created_at, customer_email_hash)"
        " SELECT n, %s, 'stripe', 'evt_' || n, 1, 'BRL', '2026-05-02T02:00Z', '2026-05-02T02:00Z',"
        " encode(sha256(n::text::bytea), 'hex') FROM generate_series(1, %s) n",
        (tenant, sales),
    )
    connection.execute(
        "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, click_id, strategy)"
        " SELECT %s, n, n, 'fbp' FROM generate_series(1, %s) n",
        (tenant, sales),
    )
    now = datetime(2026, 5, 3, 1, tzinfo=UTC)
    compute_day(connection, tenant, date(2026, 5, 2), now)
    joined = ("clicks", "conversions", "conversion_buyers", "conversion_touchpoints_20260502")
    with connection.transaction():
        before = {table: read_of(connection, table) for table in joined}
        write_90_days(connection, tenant, now)
        for table in joined:
            assert sales <= read_of(connection, table) - before[table] <= 3 * sales, table


SALES = 400


def sell(connection: Connection[Any], tenant: str, day: str = "2026-05-02", first: int = 1, sales: int = SALES) -> None:
    """Insert matched sales of a day, each with its click, its buyer, and an identity that has no click yet."""
    given = {"tenant": tenant, "day": day, "first": first, "last": first + sales - 1}
    numbers = " FROM generate_series(%(first)s::int, %(last)s::int) n"
    connection.execute(
        "INSERT INTO trackai.clicks (id, tenant_id, fbp, utm_campaign, created_at)"
        " SELECT n, %(tenant)s, 'fb.1.1700000000000.' || n, 'spring', %(day)s::timestamptz + interval '1 hour'"
        + numbers,
        given,
    )
    connection.execute(
        "INSERT INTO trackai.identities (id, tenant_id, email_hash, phone_hash)"
        " SELECT n, %(tenant)s, encode(sha256(n::text::bytea), 'hex'), encode(sha256(('+' || n)::bytea), 'hex')"
        + numbers,
        given,
    )
    connection.execute(
        "INSERT INTO trackai.conversions (id, tenant_id, gateway, gateway_event_id, value, currency, occurred_at,"
        " customer_email_hash, customer_phone_hash)"
        " SELECT n, %(tenant)s, 'stripe', 'evt_' || n, 1, 'BRL', %(day)s::timestamptz + interval '2 hours',"
        " encode(sha256(n::text::bytea), 'hex'), encode(sha256(('+' || n)::bytea), 'hex')" + numbers,
        given,
    )
    connection.execute(
        "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, click_id, strategy)"
        " SELECT %(tenant)s, n, n, 'fbp'" + numbers,
        given,
    )


@pytest.mark.parametrize("analysed", ["before the tenant", "before the day", "before clicks were linked"])
def test_a_day_looks_up_its_own_rows(
    connection: Connection[Any], add_tenant: Callable[..., str], analysed: str
) -> None:
    day, now = date(2026, 5, 2), datetime(2026, 5, 3, 1, tzinfo=UTC)
    veteran, newcomer = (add_tenant(slug, email_matching=True) for slug in ("veteran", "newcomer"))
    keep_statistics(connection, "clicks", "identities", "conversions", "matched_attributions")
    keep_statistics(connection, "buyers", "conversion_buyers", "conversion_journeys")
    link = "UPDATE trackai.identities SET click_id = id"
    sell(connection, veteran)
    if analysed == "before the day":
        sell(connection, newcomer, "2026-05-01", first=10_001)
    if analysed != "before clicks were linked":
        connection.execute(link)
        compute_day(connection, veteran, day, now)
        connection.execute("ANALYZE")
    sell(connection, newcomer)
    if analysed == "before clicks were linked":
        connection.execute("ANALYZE")
    connection.execute(link)
    for work in (
        lambda: compute_day(connection, newcomer, day, now),
        # The second time, what the day leaves is there.
        lambda: compute_day(connection, newcomer, day, now),
        lambda: due_days(connection, now + timedelta(days=6)),
        lambda: recommend(connection, now + timedelta(days=3)),
    ):
        read = rows_read(connection, work)
        assert read["clicks"] >= SALES
        assert {table: rows for table, rows in read.items() if rows > 40 * SALES} == {}


def test_only_partitions_with_changed_sales_are_planned(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    tenant = add_tenant("acme")
    now = datetime(2026, 5, 3, 1, tzinfo=UTC)
    for day in (date(2026, 5, 1), date(2026, 5, 2)):
        sell(connection, tenant, day.isoformat(), first=day.day, sales=1)
        compute_day(connection, tenant, day, now)
    with connection.transaction():
        number_sales(connection, tenant, date(2026, 5, 2), now)
        planned = connection.execute(
            "SELECT DISTINCT relation::regclass::text FROM pg_locks JOIN pg_class ON pg_class.oid = relation"
            " WHERE pid = pg_backend_pid() AND relispartition AND relkind = 'r'"
        ).fetchall()
    assert planned == [("trackai.conversion_touchpoints_20260502",)]
