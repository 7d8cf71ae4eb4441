"""A complete small test, with every class of outcome: what goes in and what must come out, to the last row."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from experiments.shop import add_test
from experiments.world import assign, exclude, put_sale, put_user
from psycopg import Connection

from trackai_pipelines.experiments.computing import compute_tests

WORLD = json.loads((Path(__file__).parent / "vectors" / "small_world.json").read_text())


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _build(connection: Connection[Any], tenant: str) -> tuple[int, dict[int, int]]:
    """Put the world in; return the test's number, and the world's number of each sale by ours."""
    said, arrived = WORLD["test"], moment("2026-03-20")
    test = add_test(
        connection,
        tenant,
        said["test_key"],
        start_date=moment("2026-03-01"),
        started_at=moment("2026-03-01"),
        status="running",
        window_days=said["window_days"],
        pre_days=said["pre_days"],
        currency=said["currency"],
        control_variant=said["control_variant"],
        variant_a=said["variant_a"],
        weights=said["weights"],
    )
    for user in WORLD["users"]:
        put_user(connection, tenant, user["id"], user["email_hash"], arrived)
    for user, variant, at in WORLD["assignments"]:
        assign(connection, tenant, test, user, variant, moment(at), arrived)
    for user, reason in WORLD["excluded_users"].items():
        exclude(connection, tenant, user, arrived, reason)
    sales = {}
    for number, contact, at, value, currency, event in WORLD["conversions"]:
        columns = {"value": Decimal(value), "currency": currency, "event_name": event}
        sales[put_sale(connection, tenant, contact, moment(at), arrived, **columns)] = number
    return test, sales


def test_small_world(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    """Computed after each of five days, and once afterwards: totals, excluded users, the account and every outcome."""
    tenant = add_tenant("acme")
    test, sales = _build(connection, tenant)
    expected = {date.fromisoformat(of_day["day"]): of_day for of_day in WORLD["expected"]}
    for day, of_day in expected.items():
        assert [one.to_day for one in compute_tests(connection, _after(day))] == [day]
        rows = connection.execute("SELECT conversion_id, user_id, class FROM trackai.ab_test_outcomes").fetchall()
        found = sorted([sales[sale], user, reason] for sale, user, reason in rows)
        assert found == of_day["rows"]
        assert len(found) == of_day["conversions_of_assigned_users"]
        account = connection.execute("SELECT class, conversions FROM trackai.v_ab_test_account").fetchall()
        assert _summed(account) == of_day["account"]
    for day, of_day in expected.items():
        for variant, totals in of_day["totals"].items():
            for population, sums in (("so_far", totals), ("mature", totals.pop("mature"))):
                _check_totals(connection, test, day, population, variant, sums)
        excluded = connection.execute(
            "SELECT excluded_users FROM trackai.ab_test_daily_health WHERE test_id = %s AND day = %s", (test, day)
        ).fetchone()
        assert excluded is not None
        assert {reason: sum(users.values()) for reason, users in excluded[0].items()} == of_day["excluded_users"]


def _after(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 1, tzinfo=UTC) + timedelta(days=1)


def _summed(rows: list[Any]) -> dict[str, int]:
    summed: Counter[str] = Counter()
    for reason, conversions in rows:
        summed[reason] += conversions
    return summed


def _check_totals(
    connection: Connection[Any], test: int, day: date, population: str, variant: str, sums: dict[str, float]
) -> None:
    cursor = connection.execute(
        "SELECT * FROM trackai.ab_test_daily_totals WHERE (test_id, day, population, variant_name) = (%s, %s, %s, %s)",
        (test, day, population, variant),
    )
    row = cursor.fetchone()
    assert row is not None, (day, population, variant)
    assert cursor.description is not None
    found = dict(zip((column.name for column in cursor.description), row, strict=True))
    for name, value in sums.items():
        assert found[name] == Decimal(str(value)), (day, population, variant, name)
