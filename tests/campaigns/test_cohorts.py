"""Cohorts against reference values and a loop over buyers; what holdout tests say next to what was matched."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

import dagster as dg
import pytest
from campaigns.reference import vectors
from psycopg import Connection, sql

from trackai_pipelines.campaigns.cohorts import AGES, compute_cohorts
from trackai_pipelines.campaigns.defs import decisions
from trackai_pipelines.database.defs.resources import EventDatabase

NOW = datetime(2026, 6, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)
CENT_OF_A_CENT = Decimal("0.0001")
Rows = dict[tuple[str, date, str, int], tuple[int, int, Decimal, Decimal]]


@dataclass(frozen=True)
class Sale:
    """A sale of a buyer, and the campaign that it was matched to."""

    buyer: str
    day: date
    campaign: str
    value: Decimal
    currency: str


def add_sales(connection: Connection[Any], insert_sale: Callable[..., int], tenant: str, sales: list[Sale]) -> None:
    """Insert sales with their buyers, as a computed day leaves them."""
    buyers: dict[str, int] = {}
    for number, sale in enumerate(sorted(sales, key=lambda sale: sale.day)):
        at = datetime(sale.day.year, sale.day.month, sale.day.day, 12, tzinfo=UTC)
        conversion = insert_sale(tenant, at, value=sale.value, currency=sale.currency)
        if sale.buyer not in buyers:
            row = connection.execute(
                "INSERT INTO trackai.buyers"
                " (tenant_id, first_conversion_id, first_day, acquired_campaign_id, last_day)"
                " VALUES (%s, %s, %s, %s, %s) RETURNING buyer_id",
                (tenant, conversion, sale.day, sale.campaign, sale.day),
            ).fetchone()
            assert row
            buyers[sale.buyer] = row[0]
        connection.execute(
            "INSERT INTO trackai.conversion_buyers (tenant_id, conversion_id, day, buyer_id, sale_number)"
            " VALUES (%s, %s, %s, %s, %s)",
            (tenant, conversion, sale.day, buyers[sale.buyer], number + 1),
        )


def add_spend(connection: Connection[Any], tenant: str, campaign: str, day: date, spend: int, currency: str) -> None:
    connection.execute(
        "INSERT INTO trackai.campaign_daily_money (tenant_id, campaign_id, date, currency, conversions, revenue, spend,"
        " new_customers, returning_customers, unknown_customers, new_customer_revenue, computed_at)"
        " VALUES (%s, %s, %s, %s, 0, 0, %s, 0, 0, 0, 0, %s)",
        (tenant, campaign, day, currency, spend, NOW),
    )


def stored(connection: Connection[Any], tenant: str) -> Rows:
    rows = connection.execute(
        "SELECT campaign_id, cohort_month, currency, age_days, buyers, orders, revenue, ltv"
        " FROM trackai.campaign_cohorts WHERE tenant_id = %s",
        (tenant,),
    ).fetchall()
    return {row[:4]: row[4:] for row in rows}


def brute_force(sales: list[Sale], to_day: date) -> Rows:
    """Cohorts by a loop over people."""
    people: dict[str, list[Sale]] = defaultdict(list)
    for sale in sorted(sales, key=lambda sale: sale.day):
        people[sale.buyer].append(sale)
    sizes: dict[tuple[str, date], int] = defaultdict(int)
    bought: dict[tuple[str, date, str, int], list[Decimal]] = defaultdict(list)
    for own in people.values():
        first = own[0]
        month = first.day.replace(day=1)
        sizes[first.campaign, month] += 1
        last_of_month = (month + timedelta(days=31)).replace(day=1) - DAY
        for age in AGES:
            if last_of_month + age * DAY <= to_day:
                for sale in own:
                    if sale.day <= first.day + age * DAY:
                        bought[first.campaign, month, sale.currency, age].append(sale.value)
    rows: Rows = {}
    for key, values in bought.items():
        revenue, buyers = sum(values, Decimal(0)), sizes[key[:2]]
        rows[key] = (buyers, len(values), revenue, (revenue / buyers).quantize(CENT_OF_A_CENT, ROUND_HALF_UP))
    return rows


def test_reference_values(
    connection: Connection[Any], add_tenant: Callable[..., str], insert_sale: Callable[..., int]
) -> None:
    acme = add_tenant("acme")
    reference = vectors("cohorts")
    sales = [
        Sale(of["buyer"], date.fromisoformat(of["day"]), of["campaign_id"], Decimal(of["value"]), of["currency"])
        for of in reference["sales"]
    ]
    add_sales(connection, insert_sale, acme, sales)
    last = date.fromisoformat(reference["last_complete_day"])
    compute_cohorts(connection, last, last, NOW)
    assert stored(connection, acme) == {
        (of["campaign_id"], date.fromisoformat(of["cohort_month"]), "BRL", of["age_days"]): (
            *(of["buyers"], of["orders"], Decimal(of["revenue"]), Decimal(of["ltv"])),
        )
        for of in reference["expected"]
    }


def world(random: Random) -> list[Sale]:
    begin = date(2025, 1, 1)
    return [
        Sale(
            str(random.randint(1, 40)),
            begin + timedelta(days=random.choice((0, 30, 31, 58, 59, 365, 395, 396)) + random.randint(0, 60)),
            random.choice(("a", "b", "(unmatched)")),
            Decimal(random.randint(0, 10_000)) / 100,
            random.choice(("BRL", "BRL", "USD")),
        )
        for _ in range(150)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_cohorts_are_those_of_people(
    connection: Connection[Any], add_tenant: Callable[..., str], insert_sale: Callable[..., int], seed: int
) -> None:
    random = Random(seed)
    tenants = {add_tenant(slug): world(random) for slug in ("acme", "other")}
    for tenant, sales in tenants.items():
        add_sales(connection, insert_sale, tenant, sales)
    for to_day in (date(2026, 3, 31), date(2026, 1, 30), date(2026, 1, 31)):
        connection.execute("TRUNCATE trackai.campaign_cohorts")
        compute_cohorts(connection, to_day, to_day, NOW)
        for tenant, sales in tenants.items():
            assert stored(connection, tenant) == brute_force(sales, to_day)


def test_a_row_does_not_depend_on_the_day_it_is_computed_on(
    connection: Connection[Any], add_tenant: Callable[..., str], insert_sale: Callable[..., int]
) -> None:
    """An older day leaves later rows alone, computing again changes nothing, and rows whose facts have gone go."""
    acme = add_tenant("acme")
    sales = world(Random(7))
    add_sales(connection, insert_sale, acme, sales)
    last = date(2026, 3, 31)
    compute_cohorts(connection, last, last, NOW)
    rows = stored(connection, acme)
    for day in (date(2025, 9, 15), last, date(2025, 2, 1)):
        compute_cohorts(connection, day, day, NOW)
        assert stored(connection, acme) == rows
    kept = [sale for sale in sales if sale.buyer != sales[0].buyer]
    connection.execute("DELETE FROM trackai.conversion_buyers")
    connection.execute("DELETE FROM trackai.buyers")
    add_sales(connection, insert_sale, acme, kept)
    compute_cohorts(connection, last, last, NOW)
    assert stored(connection, acme) == brute_force(kept, last)


def test_months_of_more_than_14_months_ago_stay(
    connection: Connection[Any], add_tenant: Callable[..., str], insert_sale: Callable[..., int]
) -> None:
    acme = add_tenant("acme")
    add_sales(connection, insert_sale, acme, [Sale("1", date(2024, 1, 5), "a", Decimal(10), "BRL")])
    compute_cohorts(connection, date(2025, 2, 1), date(2025, 2, 1), NOW)
    before = stored(connection, acme)
    assert len(before) == len(AGES)
    connection.execute("DELETE FROM trackai.conversion_buyers")
    compute_cohorts(connection, date(2026, 2, 1), date(2026, 2, 1), NOW)
    assert stored(connection, acme) == before


@pytest.mark.parametrize(("left", "computed"), [(date(2025, 1, 31), False), (date(2025, 2, 28), False), (None, True)])
def test_months_whose_sales_have_begun_to_leave_stay(
    connection: Connection[Any],
    add_tenant: Callable[..., str],
    insert_sale: Callable[..., int],
    left: date | None,
    computed: bool,
) -> None:
    acme = add_tenant("acme")
    sales = [
        Sale("1", date(2025, 1, 31), "a", Decimal(10), "BRL"),
        Sale("2", date(2025, 3, 1), "a", Decimal(10), "BRL"),
    ]
    add_sales(connection, insert_sale, acme, sales)
    if left:
        connection.execute(
            "INSERT INTO trackai.archives (table_name, day, part, state, path, rows, bytes, sha256, checksum,"
            " first_row_at, last_row_at, verified_at, keep_until, dropped_at)"
            " VALUES ('conversion_buyers', %s, 1, 'verified', 'p', 1, 1, repeat('0', 64), 'c', %s, %s, %s, %s, %s)",
            (left, NOW, NOW, NOW, NOW, NOW),
        )
    compute_cohorts(connection, date(2026, 3, 1), date(2026, 3, 1), NOW)
    months = {month for _, month, *_ in stored(connection, acme)}
    assert months == {date(2025, 3, 1), *([date(2025, 1, 1)] if computed else [])}


def test_spend_is_that_of_the_month_in_the_currency(
    connection: Connection[Any], add_tenant: Callable[..., str], insert_sale: Callable[..., int]
) -> None:
    acme = add_tenant("acme")
    add_sales(
        connection,
        insert_sale,
        acme,
        [
            Sale("1", date(2026, 1, 5), "a", Decimal(10), "BRL"),
            Sale("1", date(2026, 1, 5), "a", Decimal(10), "USD"),
            Sale("2", date(2026, 1, 5), "b", Decimal(10), "BRL"),
        ],
    )
    days = ((date(2026, 1, 1), 3), (date(2026, 1, 31), 4), (date(2025, 12, 31), 90), (date(2026, 2, 1), 90))
    for day, spend in days:
        add_spend(connection, acme, "a", day, spend, "BRL")
    compute_cohorts(connection, date(2026, 1, 31), date(2026, 1, 31), NOW)
    rows = connection.execute("SELECT campaign_id, currency, spend FROM trackai.campaign_cohorts ORDER BY 1, 2")
    assert rows.fetchall() == [("a", "BRL", 7), ("a", "USD", None), ("b", "BRL", None)]


def test_the_asset_computes_up_to_its_day(
    connection: Connection[Any],
    add_tenant: Callable[..., str],
    insert_sale: Callable[..., int],
    database: EventDatabase,
    instance: dg.DagsterInstance,
) -> None:
    acme = add_tenant("acme")
    add_sales(connection, insert_sale, acme, [Sale("1", date(2026, 1, 5), "a", Decimal(10), "BRL")])
    result = dg.materialize(
        [decisions.campaign_cohorts], partition_key="2026-02-07", instance=instance, resources={"database": database}
    )
    assert result.success
    assert sorted(age for *_, age in stored(connection, acme)) == [0, 7]


# Holdout tests ------------------------------------------------------------------------------------------------------


def add_lift(connection: Connection[Any], tenant: str, **columns: Any) -> None:
    row = {
        "tenant_id": tenant,
        "campaign_id": "a",
        "from_day": date(2026, 1, 1),
        "to_day": date(2026, 1, 31),
        "method": "geo holdout",
        "incremental_conversions": 30,
        "incremental_revenue": 900,
        "currency": "BRL",
        "ci_low": 20,
        "ci_high": 45,
        "stated_at": NOW,
        **columns,
    }
    statement = sql.SQL("INSERT INTO trackai.campaign_lifts ({}) VALUES ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(map(sql.Placeholder, row))
    )
    connection.execute(statement, row)


def add_money(
    connection: Connection[Any], tenant: str, day: date, conversions: int, spend: int | None, currency: str = "BRL"
) -> None:
    connection.execute(
        "INSERT INTO trackai.campaign_daily_money (tenant_id, campaign_id, date, currency, conversions, revenue, spend,"
        " new_customers, returning_customers, unknown_customers, new_customer_revenue, computed_at)"
        " VALUES (%s, 'a', %s, %s, %s, 0, %s, 0, 0, %s, 0, %s)",
        (tenant, day, currency, conversions, spend, conversions, NOW),
    )


def incrementality(connection: Connection[Any], tenant: str) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT conversions, spend, factor, factor_low, factor_high, iroas FROM trackai.v_campaign_incrementality"
        " WHERE tenant_id = %s",
        (tenant,),
    ).fetchall()


def test_incrementality(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    acme, other = add_tenant("acme"), add_tenant("other")
    add_lift(connection, acme)
    # Stated before, and replaced.
    add_lift(connection, acme, incremental_conversions=1, stated_at=NOW - DAY)
    for day, conversions in ((date(2025, 12, 31), 99), (date(2026, 1, 1), 40), (date(2026, 1, 31), 10)):
        add_money(connection, acme, day, conversions, 150)
    add_money(connection, acme, date(2026, 2, 1), 99, 99)
    add_money(connection, acme, date(2026, 1, 2), 10, None, "USD")
    add_money(connection, other, date(2026, 1, 2), 10, 5)
    assert incrementality(connection, acme) == [
        (60, 300, Decimal("0.5"), Decimal("0.333333333333"), Decimal("0.75"), Decimal(3))
    ]


@pytest.mark.parametrize(
    ("money", "lift", "expected"),
    [
        ([], {}, (None, None, None, None, None, None)),
        ([(0, 0, "BRL")], {}, (0, None, None, None, None, None)),
        ([(10, 90, "BRL"), (0, 1, "USD")], {}, (10, None, 3, 2, Decimal("4.5"), None)),
        ([(10, 90, "USD")], {}, (10, None, 3, 2, Decimal("4.5"), None)),
        ([(10, 90, "BRL")], {"incremental_revenue": None, "ci_low": None}, (10, 90, 3, None, Decimal("4.5"), None)),
        (
            [(10, 90, "BRL")],
            {"incremental_revenue": None, "currency": None},
            (10, None, 3, 2, Decimal("4.5"), None),
        ),
    ],
)
def test_no_ratio_over_zero_or_the_unknown(
    connection: Connection[Any],
    add_tenant: Callable[..., str],
    money: list[tuple[int, int, str]],
    lift: dict[str, Any],
    expected: tuple[Any, ...],
) -> None:
    acme = add_tenant("acme")
    add_lift(connection, acme, **lift)
    for conversions, spend, currency in money:
        add_money(connection, acme, date(2026, 1, 2), conversions, spend, currency)
    assert incrementality(connection, acme) == [expected]
