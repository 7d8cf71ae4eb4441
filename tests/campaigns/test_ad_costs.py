"""What ads cost: the newest statement of each key, and one level of each campaign and day."""

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from campaigns.reference import vectors
from campaigns.stated import digest_of, state
from psycopg import Connection
from psycopg.rows import dict_row

_KEY = ("campaign_id", "adset_id", "ad_id", "hour")
_DAY = date(2026, 5, 1)


def _rows(connection: Connection[Any], query: str, *values: object) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values).fetchall()


@pytest.mark.parametrize("case", vectors("costs"), ids=lambda case: case["name"])
def test_costs_of_a_day(connection: Connection[Any], add_tenant: Callable[..., str], case: Mapping[str, Any]) -> None:
    tenant = add_tenant("acme")
    state(
        connection,
        tenant,
        [{**said, "hour": -1 if said["hour"] is None else said["hour"]} for said in case["statements"]],
    )
    assert _rows(connection, "SELECT count(*) AS n FROM trackai.ad_cost_statements") == [{"n": case["kept_rows"]}]
    current = _rows(
        connection,
        "SELECT campaign_id, adset_id, ad_id, nullif(hour, -1) AS hour, round(spend, 2)::text AS spend, impressions,"
        " clicks FROM trackai.ad_costs WHERE tenant_id = %s AND day = %s ORDER BY adset_id, ad_id, ad_costs.hour",
        tenant,
        _DAY,
    )
    assert current == case["current"]
    totals = _rows(
        connection,
        "SELECT platform_campaign_id AS campaign_id, CASE WHEN ad_id <> '' THEN 'ad ' WHEN adset_id <> '' THEN 'adset '"
        " ELSE 'campaign ' END || CASE cost_basis WHEN 'hours' THEN 'hour' ELSE 'day' END AS grain,"
        " round(sum(spend), 2)::text AS spend, sum(impressions)::int AS impressions, sum(ad_clicks)::int AS clicks"
        " FROM trackai.v_counted_ad_costs WHERE tenant_id = %s AND day = %s GROUP BY 1, 2",
        tenant,
        _DAY,
    )
    assert totals == case["campaign_totals"]


@pytest.mark.parametrize(
    "case", vectors("hours_in_utc"), ids=lambda case: f"{case['day']} {case['hour']} {case['utc']}"
)
def test_an_hour_of_an_account_in_utc(
    connection: Connection[Any], add_tenant: Callable[..., str], case: Mapping[str, Any]
) -> None:
    tenant = add_tenant("acme")
    connection.execute(
        "INSERT INTO trackai.ad_accounts (tenant_id, source, account_id, time_zone) VALUES (%s, 'meta', '1', %s)",
        (tenant, case["time_zone"]),
    )
    state(connection, tenant, [{"day": case["day"], "hour": case["hour"]}])
    row = connection.execute(
        "SELECT hour_start, date, cost_basis FROM trackai.v_counted_ad_costs WHERE tenant_id = %s", (tenant,)
    ).fetchone()
    assert row == (datetime.fromisoformat(case["utc"]), date.fromisoformat(case["utc_day"]), "hours")


def test_hours_of_many_zones(connection: Connection[Any]) -> None:
    """Python's zoneinfo with fold=0 follows the same rule: the earlier of two, moved on by the gap."""
    zones = [
        "America/Sao_Paulo", "America/New_York", "America/St_Johns", "Europe/Lisbon", "Africa/Casablanca",
        "Asia/Tehran", "Asia/Kathmandu", "Australia/Lord_Howe", "Antarctica/Troll", "Pacific/Apia", "UTC",
    ]  # fmt: skip
    first = date(2001, 1, 1)
    days = [first + timedelta(days=n) for n in range(23 * 365)]
    moves = [
        (zone, day) for zone in zones for day, after in pairwise(days) if _offset(zone, day) != _offset(zone, after)
    ]
    assert len(moves) > 300
    asked = [(zone, day, hour) for zone, day in moves for hour in range(24)]
    found = connection.execute(
        "SELECT trackai.hour_start(day, hour, zone) FROM unnest(%s::text[], %s::date[], %s::smallint[])"
        " WITH ORDINALITY AS asked (zone, day, hour, place) ORDER BY place",
        tuple(map(list, zip(*asked, strict=True))),
    ).fetchall()
    expected = [
        datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(zone)).astimezone(UTC) for zone, day, hour in asked
    ]
    assert [moment for (moment,) in found] == expected


def _offset(zone: str, day: date) -> timedelta | None:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).utcoffset()


def test_random_statements_against_brute_force(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    tenants = [add_tenant("acme"), add_tenant("globex")]
    zones = {"1": "America/Sao_Paulo", "2": "UTC", "3": "Pacific/Auckland"}
    for tenant in tenants:
        for account, zone in zones.items():
            connection.execute(
                "INSERT INTO trackai.ad_accounts (tenant_id, source, account_id, time_zone)"
                " VALUES (%s, 'meta', %s, %s)",
                (tenant, account, zone),
            )
    rng = random.Random(20260501)
    worlds = {tenant: [_statement(rng) for _ in range(1_500)] for tenant in tenants}
    for tenant, world in worlds.items():
        state(connection, tenant, world)
    bases = set()
    for tenant, world in worlds.items():
        expected = sorted(_counted(tenant, world, zones), key=str)
        found = _rows(
            connection,
            "SELECT account_id, platform_campaign_id AS campaign_id, adset_id, ad_id, day, hour, date, spend,"
            " impressions, ad_clicks, currency, cost_basis FROM trackai.v_counted_ad_costs WHERE tenant_id = %s",
            tenant,
        )
        assert sorted(found, key=str) == expected
        bases |= {(row["cost_basis"], row["ad_id"] != "", row["adset_id"] != "") for row in found}
        day = _rows(
            connection,
            "SELECT sum(spend) AS spend FROM trackai.v_counted_ad_costs"
            " WHERE tenant_id = %s AND day BETWEEN %s AND %s AND date = %s",
            tenant,
            _DAY - timedelta(days=1),
            _DAY + timedelta(days=1),
            _DAY,
        )
        assert day == [{"spend": sum(row["spend"] for row in expected if row["date"] == _DAY)}]
    assert len(bases) == 8, "every level and basis must have been counted somewhere"


def _statement(rng: random.Random) -> dict[str, Any]:
    adset, ad = rng.choice([("", ""), ("s1", ""), ("s1", "a1"), ("s1", "a2"), ("s2", "a3"), ("", "a4")])
    hour = rng.choice([-1, -1, 9, 22])
    return {
        "account_id": rng.choice("123"),
        "campaign_id": rng.choice(["c1", "c2", "c3", "c4", "c5", "c6"]) + adset[:1] * rng.choice([0, 0, 1]) + ad[:1],
        "adset_id": adset,
        "ad_id": ad,
        "day": _DAY + timedelta(days=rng.randrange(-2, 3)),
        "hour": hour,
        "currency": rng.choice(["BRL"] * 9 + ["USD"]),
        "spend": Decimal(rng.choice(["4.50", "4.49", "4.485", "9.00", "0"])) * (2 if hour < 0 else 1),
        "impressions": rng.randrange(3),
        "clicks": rng.randrange(3),
        "link_clicks": rng.choice([None, 0, 1]),
        "stated_at": datetime(2026, 5, rng.randrange(4, 8), tzinfo=UTC),
    }


def _counted(tenant: str, world: list[dict[str, Any]], zones: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """What counts of these statements, one statement after the other."""

    def key(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return (row["account_id"], row["day"], *(row[name] for name in _KEY))

    def order(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return (row["stated_at"], row["spend"], row["impressions"], row["clicks"], digest_of(tenant, row))

    newest: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in sorted(world, key=order):
        newest[key(row)] = row

    def campaign(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return (row["account_id"], row["campaign_id"], row["day"])

    for _, group in groupby(sorted(newest.values(), key=campaign), key=campaign):
        members = list(group)
        level = min(map(_level, members))
        units: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in members:
            if _level(row) == level:
                units.setdefault((row["adset_id"], row["ad_id"]), []).append(row)
        for unit in units.values():
            yield from (_booked(row, zones) for row in _hours_or_day(unit))


def _level(row: Mapping[str, Any]) -> int:
    return 2 if row["ad_id"] else 1 if row["adset_id"] else 0


def _hours_or_day(unit: list[dict[str, Any]]) -> list[dict[str, Any]]:
    hours = [row for row in unit if row["hour"] >= 0]
    days = [row for row in unit if row["hour"] < 0]
    if not hours or not days:
        return unit
    (day,) = days
    gap = abs(sum(row["spend"] for row in hours) - day["spend"])
    agree = gap <= Decimal("0.01") * len(hours) and {row["currency"] for row in hours} == {day["currency"]}
    return hours if agree else days


def _booked(row: dict[str, Any], zones: Mapping[str, str]) -> dict[str, Any]:
    booked = row["day"]
    if row["hour"] >= 0:
        start = datetime.combine(row["day"], datetime.min.time(), ZoneInfo(zones[row["account_id"]]))
        booked = start.replace(hour=row["hour"]).astimezone(UTC).date()
    named = ("account_id", "campaign_id", "adset_id", "ad_id", "day", "hour", "spend", "impressions", "currency")
    return {
        **{name: row[name] for name in named},
        "date": booked,
        "ad_clicks": row["clicks"] if row["link_clicks"] is None else row["link_clicks"],
        "cost_basis": "hours" if row["hour"] >= 0 else "account_day",
    }
