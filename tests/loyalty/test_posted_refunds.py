"""Posting adjustments and refunds: what is left of a sale, and the day on which it counts."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from loyalty.sources import (
    NOW,
    add_creator,
    add_refund,
    add_sale,
    found_program,
    insert,
    net,
    posted,
)
from psycopg import Connection

DAY = date(2026, 3, 2)
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_adjustments_count_on_their_day_or_on_the_local_day_they_were_made(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    tenant = add_tenant("globex")
    found_program(connection, tenant, time_zone="America/Sao_Paulo")
    add_creator(connection, tenant, "c02")
    made = datetime(2026, 3, 3, 2, 30, tzinfo=UTC)
    about = {"tenant_id": tenant, "user_id": "c02", "currency": "USD", "reason": "r", "created_at": made}
    for number, (amount, units, day) in enumerate(((5, 1, None), (-3, 0, date(2026, 1, 1)), (0, 4, date(2020, 1, 1)))):
        values = {"id": number, "amount": amount, "amount_units": units, "effective_on": day}
        insert(connection, "sales_adjustments", adjustment_type="correction", **about, **values)
    assert posted(connection, tenant) == [
        ("adj:0", "c02", 1, date(2026, 3, 2), 5, 1),
        ("adj:1", "c02", 1, date(2026, 1, 1), -3, 0),
        ("adj:2", "c02", 1, date(2020, 1, 1), 0, 4),
    ]
    member = connection.execute(
        "SELECT total_sales, total_units, manual_adjustments_total, manual_adjustments_units "
        "FROM trackai.loyalty_members"
    ).fetchone()
    assert member == (2, 5, 2, 5)


def test_refunds_take_what_is_left_in_the_order_they_were_made(connection: Connection[Any], tenant: str) -> None:
    sale = add_sale(connection, tenant, "e1", AT, 100, link="C2")
    later = {"occurred_at": NOW - timedelta(hours=1)}
    add_refund(connection, tenant, "r3", sale, 500)
    add_refund(connection, tenant, "r2", sale, 60, **later)
    assert posted(connection, tenant) == [
        ("stripe:e1", "c02", 1, DAY, 100, 1),
        ("stripe:r2", "c02", 1, NOW.date(), -60, 0),
        ("stripe:r3", "c02", 1, NOW.date(), -40, -1),
    ]
    # One that was made before them arrives: they have less to take.
    add_refund(connection, tenant, "r1", sale, 70, occurred_at=NOW - timedelta(hours=2))
    assert posted(connection, tenant) == [
        ("stripe:r1", "c02", 1, NOW.date(), -70, 0),
        ("stripe:r2", "c02", 2, NOW.date(), 30, -1),
        ("stripe:r3", "c02", 2, NOW.date(), 40, 1),
    ]
    assert sum(amount for amount, _ in net(connection, tenant).values()) == 0


def test_a_refund_waits_for_its_sale_and_takes_no_other_currency(connection: Connection[Any], tenant: str) -> None:
    sale = add_sale(connection, tenant, "e1", AT, 0, link=None)
    add_refund(connection, tenant, "r1", sale, 10)
    add_refund(connection, tenant, "r2", None, 10)
    add_refund(connection, tenant, "r3", sale, 10, currency="EUR")
    assert posted(connection, tenant) == []
    connection.execute("UPDATE trackai.clicks SET utm_content = 'C2'")
    assert posted(connection, tenant) == [
        ("stripe:e1", "c02", 1, DAY, 0, 1),
        ("stripe:r1", "c02", 1, NOW.date(), 0, -1),
    ]


def test_refunds_may_count_on_the_day_of_their_sale(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    tenant = add_tenant("globex")
    found_program(connection, tenant, refund_dating="sale")
    add_creator(connection, tenant, "c02", link="C2")
    sale = add_sale(connection, tenant, "e1", AT, 100, link="C2")
    add_refund(connection, tenant, "r1", sale, 100)
    assert [entry[3] for entry in posted(connection, tenant)] == [DAY, DAY]
