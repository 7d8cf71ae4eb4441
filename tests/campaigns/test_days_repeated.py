"""Computing days again, in any order, from two runs at once or after a kill gives the same rows and ids."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import pytest
from campaigns.shop import NOW, World, add_sales, insert, random_world
from psycopg import Connection, errors, sql

from trackai_pipelines.campaigns.days import compute_day, compute_days
from trackai_pipelines.database.connection import connect

TABLES = (
    "campaign_analytics_daily",
    "campaign_analytics_segments",
    "campaign_trend_data",
    "campaign_daily_money",
    "campaign_credit_daily",
    "conversion_touchpoints",
    "conversion_journeys",
    "conversion_buyers",
    "buyers",
)


def snapshot(connection: Connection[Any]) -> dict[str, list[str]]:
    """All rows with their ids, but for the times at which they were computed."""
    return {
        table: sorted(
            row
            for (row,) in connection.execute(
                sql.SQL("SELECT (to_jsonb(t) - 'computed_at')::text FROM {} t").format(sql.Identifier("trackai", table))
            )
        )
        for table in TABLES
    }


def compute(connection: Connection[Any], days: list[date], *, now: datetime = NOW) -> None:
    list(compute_days(connection, days, clock=lambda: now))


@pytest.fixture
def worlds(connection: Connection[Any]) -> list[World]:
    """Two tenants, in the database and not computed yet."""
    both = [random_world(101), replace(random_world(104, tenant="t-b"), reporting=None)]
    for world in both:
        insert(connection, world)
    return both


@pytest.fixture
def days(worlds: list[World]) -> list[date]:
    """Every day of either."""
    return sorted({day for world in worlds for day in world.days})


def test_repeating_changes_nothing_but_when(connection: Connection[Any], days: list[date]) -> None:
    compute(connection, days)
    before = snapshot(connection)
    compute(connection, days, now=NOW + timedelta(minutes=1))
    assert snapshot(connection) == before
    assert connection.execute("SELECT DISTINCT created_at FROM trackai.campaign_analytics_daily").fetchall() == [(NOW,)]
    assert connection.execute("SELECT DISTINCT computed_at FROM trackai.campaign_analytics_daily").fetchall() == [
        (NOW + timedelta(minutes=1),)
    ]
    # Most rows are of these, and none was written again.
    assert connection.execute("SELECT DISTINCT computed_at FROM trackai.campaign_credit_daily").fetchall() == [(NOW,)]
    assert connection.execute(
        "SELECT DISTINCT computed_at FROM trackai.campaign_trend_data WHERE granularity = 'hourly'"
    ).fetchall() == [(NOW,)]


def test_the_order_of_days_does_not_matter(connection: Connection[Any], worlds: list[World], days: list[date]) -> None:
    compute(connection, days)
    before = snapshot(connection)
    shuffled = [(day, world.tenant) for day in days for world in worlds]
    for seed in range(4):
        Random(seed).shuffle(shuffled)
        for day, tenant in shuffled:
            compute_day(connection, tenant, day, NOW)
        assert snapshot(connection) == before


def rows_without_ids(connection: Connection[Any]) -> dict[str, list[str]]:
    drop = sql.SQL("SELECT (to_jsonb(t) - 'computed_at' - 'created_at' - 'id' - 'buyer_id')::text FROM {} t")
    return {
        table: sorted(row for (row,) in connection.execute(drop.format(sql.Identifier("trackai", table))))
        for table in TABLES
    }


def forget_results(connection: Connection[Any]) -> None:
    for table in TABLES:
        connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier("trackai", table)))


def test_days_that_were_never_computed_may_come_in_any_order(connection: Connection[Any], days: list[date]) -> None:
    compute(connection, days)
    before = rows_without_ids(connection)
    for seed in range(4):
        forget_results(connection)
        for day in Random(seed).sample(days, len(days)):
            compute(connection, [day])
        assert rows_without_ids(connection) == before


def test_two_runs_at_once(connection: Connection[Any], database_url: str, days: list[date]) -> None:
    compute(connection, days)
    expected = rows_without_ids(connection)
    forget_results(connection)
    failed: list[BaseException] = []

    def run(order: list[date]) -> None:
        try:
            with connect(database_url) as own:
                compute(own, order)
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    runs = [Thread(target=run, args=(order,)) for order in (days, days[::-1], days)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert not failed
    assert rows_without_ids(connection) == expected


def test_a_row_that_nothing_is_left_of_vanishes(
    connection: Connection[Any], worlds: list[World], days: list[date]
) -> None:
    compute(connection, days)
    tenant = worlds[0].tenant
    for table in ("matched_attributions", "ad_cost_statements"):
        connection.execute(
            sql.SQL("DELETE FROM {} WHERE tenant_id = %s").format(sql.Identifier("trackai", table)), (tenant,)
        )
    connection.execute("DELETE FROM trackai.clicks WHERE tenant_id = %s", (tenant,))
    compute(connection, days)
    for table in TABLES[:7]:
        count = sql.SQL("SELECT count(*) FROM {} WHERE tenant_id = %s").format(sql.Identifier("trackai", table))
        assert connection.execute(count, (tenant,)).fetchone() == (0,), table


def test_a_terminated_run_leaves_whole_days(connection: Connection[Any], database_url: str, days: list[date]) -> None:
    compute(connection, days)
    expected = snapshot(connection)
    with connect(database_url) as own:
        walking = compute_days(own, days, clock=lambda: NOW)
        next(walking)
        connection.execute("SELECT pg_terminate_backend(%s)", (own.info.backend_pid,))
        with pytest.raises(errors.OperationalError):
            list(walking)
    assert snapshot(connection) == expected
    compute(connection, days)
    assert snapshot(connection) == expected


@pytest.mark.processes
def test_a_killed_run_leaves_whole_days(connection: Connection[Any], database_url: str, days: list[date]) -> None:
    compute(connection, days)
    expected = snapshot(connection)
    program = (
        "import sys\n"
        "from datetime import date, datetime\n"
        "from trackai_pipelines.campaigns.days import compute_days\n"
        "from trackai_pipelines.database.connection import connect\n"
        "url, now, *days = sys.argv[1:]\n"
        "with connect(url) as connection:\n"
        "    while True:\n"
        "        for _ in compute_days(connection, [date.fromisoformat(day) for day in days],"
        " clock=lambda: datetime.fromisoformat(now)):\n"
        "            print('one', flush=True)\n"
    )
    for pause in (0.0, 0.05, 0.2):
        running = subprocess.Popen(
            [sys.executable, "-c", program, database_url, NOW.isoformat(), *map(str, days)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        )
        assert running.stdout is not None
        running.stdout.readline()
        time.sleep(pause)
        running.send_signal(signal.SIGKILL)
        running.wait()
        running.stdout.close()
        compute(connection, days)
        assert snapshot(connection) == expected


def test_a_late_sale_renumbers_those_after_it(connection: Connection[Any], add_tenant: Any) -> None:
    world = random_world(3)
    first, second = datetime(2026, 3, 4, 12, tzinfo=UTC), datetime(2026, 3, 9, 12, tzinfo=UTC)
    click = replace(world.clicks[0], id=1, at=first - timedelta(days=10), campaign="spring")
    template = replace(
        world.sales[0], gateway="stripe", value=None, currency=None, email="a" * 64, phone=None, click=1,
        strategy="fbc", user=None, loyal=False,
    )  # fmt: skip
    known = replace(world, reporting=None, memory=90, clicks=[click], costs=[], rates=[])
    known.sales = [replace(template, id=2, at=second)]
    insert(connection, known)
    compute(connection, [second.date()])
    numbers = "SELECT conversion_id, sale_number FROM trackai.conversion_buyers ORDER BY 1"
    customers = "SELECT date, new_customers, returning_customers FROM trackai.campaign_daily_money ORDER BY 1"
    assert connection.execute(numbers).fetchall() == [(2, 1)]
    add_sales(connection, known, [replace(template, id=7, at=first)])
    compute(connection, [first.date()])
    assert connection.execute(numbers).fetchall() == [(2, 2), (7, 1)]
    assert connection.execute("SELECT first_conversion_id, first_day FROM trackai.buyers").fetchall() == [
        (7, first.date())
    ]
    compute(connection, [second.date()])
    assert connection.execute(customers).fetchall() == [(first.date(), 1, 0), (second.date(), 0, 1)]


def test_a_sale_without_its_hash_keeps_its_buyer(connection: Connection[Any], add_tenant: Any) -> None:
    world = random_world(3)
    first, second = datetime(2026, 3, 4, 12, tzinfo=UTC), datetime(2026, 3, 9, 12, tzinfo=UTC)
    click = replace(world.clicks[0], id=1, at=first - timedelta(days=10), campaign="spring")
    template = replace(
        world.sales[0], gateway="stripe", value=None, currency=None, email="a" * 64, phone=None, click=1,
        strategy="fbc", user=None, loyal=False,
    )  # fmt: skip
    known = replace(world, reporting=None, memory=90, clicks=[click], costs=[], rates=[])
    known.sales = [replace(template, id=2, at=second)]
    insert(connection, known)
    compute(connection, [second.date()])
    connection.execute(
        "UPDATE trackai.conversions SET customer_email_hash = NULL, anonymised_at = %s WHERE id = 2", (NOW,)
    )
    before = snapshot(connection)
    compute(connection, [second.date()])
    assert snapshot(connection) == before
    # A sale that arrives later is recognised by the buyer's key, and the day that no hash leads to is computed with it.
    add_sales(connection, known, [replace(template, id=7, at=first)])
    compute(connection, [first.date()])
    assert connection.execute(
        "SELECT conversion_id, sale_number FROM trackai.conversion_buyers ORDER BY 1"
    ).fetchall() == [(2, 2), (7, 1)]
    assert connection.execute(
        "SELECT date, new_customers, returning_customers FROM trackai.campaign_daily_money ORDER BY 1"
    ).fetchall() == [(first.date(), 1, 0), (second.date(), 0, 1)]


def test_a_buyer_is_forgotten_after_the_tenants_time(connection: Connection[Any], worlds: list[World]) -> None:
    world = worlds[0]
    last = max(sale.day for sale in world.sales if sale.email or sale.phone)
    remembered = "SELECT count(*) FROM trackai.buyers WHERE tenant_id = %s AND buyer_key IS NOT NULL"
    at_the_end = datetime(last.year, last.month, last.day, 1, tzinfo=UTC) + timedelta(days=world.memory)
    list(compute_days(connection, world.days, due=True, clock=lambda: at_the_end))
    assert connection.execute(remembered, (world.tenant,)).fetchone() != (0,)
    list(compute_days(connection, [], due=True, clock=lambda: at_the_end + timedelta(days=1)))
    assert connection.execute(remembered, (world.tenant,)).fetchone() == (0,)
