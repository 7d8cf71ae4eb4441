"""Members of segments by conversions, against a loop over the facts."""

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from psycopg import Connection
from psycopg.types.json import Jsonb

from trackai_pipelines.database.connection import connect
from trackai_pipelines.flags.memberships import refresh_members

NOW = datetime(2026, 5, 20, 10, 30, tzinfo=UTC)
MIDNIGHT = NOW.replace(hour=0, minute=0)
DAY = timedelta(days=1)
Sale = dict[str, Any]


@pytest.fixture
def tenants(add_tenant: Callable[..., str]) -> list[str]:
    return [add_tenant("acme"), add_tenant("globex")]


def sell(connection: Connection[Any], sales: list[Sale]) -> None:
    """Insert sales with their users, clicks and what they were matched to."""
    for number, sale in enumerate(sales):
        tenant, user, campaign = sale["tenant"], sale["user"], sale["campaign"]
        connection.execute(
            "INSERT INTO trackai.users (tenant_id, id, created_at, updated_at) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT DO NOTHING",
            (tenant, user, NOW, NOW),
        )
        click = None
        if campaign:
            click = connection.execute(
                "INSERT INTO trackai.clicks (tenant_id, utm_campaign, created_at) VALUES (%s, %s, %s) RETURNING id",
                (tenant, campaign, sale["at"] - DAY),
            ).fetchone()
        (conversion,) = connection.execute(
            "INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency, occurred_at) "
            "VALUES (%s, 'stripe', %s, %s, %s, %s) RETURNING id",
            (tenant, f"evt_{number}", sale["value"], sale["currency"], sale["at"]),
        ).fetchone() or (0,)
        connection.execute(
            "INSERT INTO trackai.user_conversions (tenant_id, user_id, conversion_id, linked_by, linked_at) "
            "VALUES (%s, %s, %s, 'email', %s)",
            (tenant, user, conversion, NOW),
        )
        if sale["decided"]:
            connection.execute(
                "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, click_id, strategy) "
                "VALUES (%s, %s, %s, %s)",
                (tenant, conversion, click[0] if click else None, "fbc" if click else "unmatched"),
            )


def random_sales(chance: random.Random, tenants: list[str], number: int) -> list[Sale]:
    sales = []
    for _ in range(number):
        # Around both ends of the days that count, to the microsecond.
        at = chance.choice([MIDNIGHT, MIDNIGHT - 30 * DAY, MIDNIGHT - chance.randrange(45) * DAY])
        at += timedelta(microseconds=chance.choice([-1, 0, 1, 10**9]))
        decided = chance.random() < 0.8
        sales.append(
            {
                "tenant": chance.choice(tenants),
                "user": f"user-{chance.randrange(12)}",
                "at": at,
                "value": Decimal(chance.randrange(1, 5_000)) / 100,
                "currency": chance.choice(["BRL", "USD"]),
                "decided": decided,
                "campaign": chance.choice(["summer", "winter", None]) if decided else None,
            }
        )
    return sales


def wanted(sales: list[Sale], definition: dict[str, Any]) -> set[tuple[str, str]]:
    first = MIDNIGHT - definition["within_days"] * DAY
    theirs: dict[tuple[str, str], list[Sale]] = defaultdict(list)
    for sale in sales:
        counts = first <= sale["at"] < MIDNIGHT
        counts = counts and (not definition.get("only_matched") or sale["campaign"] is not None)
        if counts and definition.get("campaign_id") in (None, sale["campaign"]):
            theirs[sale["tenant"], sale["user"]].append(sale)
    if "min_value" in definition:
        least = Decimal(str(definition["min_value"]))
        return {
            person
            for person, own in theirs.items()
            if sum(sale["value"] for sale in own if sale["currency"] == definition["currency"]) >= least
        }
    return {person for person, own in theirs.items() if len(own) >= definition.get("min_conversions", 1)}


def define(connection: Connection[Any], name: str, definition: dict[str, Any]) -> None:
    connection.execute(
        "INSERT INTO trackai.feature_flag_segments (name, kind, definition) VALUES (%s, 'conversions', %s)",
        (name, Jsonb(definition)),
    )


def members(connection: Connection[Any], name: str) -> set[tuple[str, str]]:
    query = "SELECT tenant_id, user_id FROM trackai.feature_flag_segment_members WHERE segment = %s"
    return set(connection.execute(query, (name,)))


DEFINITIONS: dict[str, dict[str, Any]] = {
    "buyers": {"within_days": 30},
    "regulars": {"within_days": 30, "min_conversions": 3},
    "spenders": {"within_days": 30, "min_value": 60.1, "currency": "BRL"},
    "of_summer": {"within_days": 45, "campaign_id": "summer"},
    "matched": {"within_days": 7, "only_matched": True},
    "spenders_of_summer": {"within_days": 45, "campaign_id": "summer", "min_value": 20, "currency": "USD"},
    "of_a_year": {"within_days": 365, "min_conversions": 5},
}


@pytest.mark.parametrize("seed", range(3))
def test_members_are_who_a_loop_over_the_sales_says(connection: Connection[Any], tenants: list[str], seed: int) -> None:
    sales = random_sales(random.Random(seed), tenants, 150)
    sell(connection, sales)
    for name, definition in DEFINITIONS.items():
        define(connection, name, definition)
    found = {one.segment: one for one in refresh_members(connection, clock=lambda: NOW)}
    for name, definition in DEFINITIONS.items():
        expected = wanted(sales, definition)
        assert members(connection, name) == expected
        assert (found[name].members, found[name].came, found[name].gone) == (len(expected), len(expected), 0)
    assert {(one.came, one.gone) for one in refresh_members(connection, clock=lambda: NOW)} == {(0, 0)}


def test_who_has_no_such_sale_any_more_goes_and_lists_stay(connection: Connection[Any], tenants: list[str]) -> None:
    sale = {"value": Decimal(1), "currency": "BRL", "decided": False, "campaign": None, "tenant": "t-acme"}
    sell(connection, [{**sale, "user": "old", "at": NOW - 8 * DAY}, {**sale, "user": "new", "at": NOW - DAY}])
    define(connection, "week", {"within_days": 8})
    connection.execute("INSERT INTO trackai.feature_flag_segments (name, kind) VALUES ('staff', 'list')")
    connection.execute("INSERT INTO trackai.feature_flag_segment_members VALUES ('t-acme', 'staff', 'ana')")
    (first,) = refresh_members(connection, clock=lambda: NOW)
    (second,) = refresh_members(connection, clock=lambda: NOW + DAY)
    assert (first.members, second.members, second.came, second.gone) == (2, 1, 0, 1)
    assert members(connection, "week") == {("t-acme", "new")}
    assert members(connection, "staff") == {("t-acme", "ana")}


def test_processes_are_told_of_changes_alone(
    connection: Connection[Any], database_url: str, tenants: list[str]
) -> None:
    sale = {"value": Decimal(1), "currency": "BRL", "decided": False, "campaign": None, "tenant": "t-acme"}
    sell(connection, [{**sale, "user": "new", "at": NOW - DAY}])
    define(connection, "week", {"within_days": 7})
    define(connection, "nobody", {"within_days": 7, "min_conversions": 2})
    with connect(database_url) as listener:
        listener.execute("LISTEN trackai_flag_members")
        for _ in range(2):
            list(refresh_members(connection, clock=lambda: NOW))
        assert [told.payload for told in listener.notifies(timeout=0)] == ["week"]
