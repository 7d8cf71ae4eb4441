"""The daily aggregate against an independent one in Python, on random sales around the edges of UTC days."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Thread
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection, Rollback

from trackai_pipelines.database.connection import connect
from trackai_pipelines.match_rates.aggregate import aggregate_days, days_to_net
from trackai_pipelines.match_rates.summary import summary_by_tenant

FIRST, LAST = date(2026, 3, 9), date(2026, 3, 11)
NOW = datetime(2026, 4, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
STRATEGIES = ("fbc", "fbp", "email", "unmatched")


@dataclass(frozen=True)
class Sale:
    """A conversion and what was decided of it; `strategy` None: nothing yet."""

    tenant: str
    gateway: str
    currency: str
    value: Decimal
    at: datetime
    strategy: str | None
    seconds: float
    """From its arrival to its attribution."""
    refunds: tuple[tuple[Decimal, bool], ...] = ()
    """What went back each time, and whether in the sale's currency."""

    @property
    def back(self) -> list[Decimal]:
        """Return what counts of it: what is in the sale's currency."""
        return [value for value, same_currency in self.refunds if same_currency]

    @property
    def refunded(self) -> Decimal:
        """Return what is subtracted: at most the value."""
        return min(self.value, sum(self.back, Decimal(0)))


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


moments = st.builds(
    lambda day, shift: midnight(date(2026, 3, day)) + shift,
    st.integers(8, 13),
    st.sampled_from([-MICROSECOND, timedelta(0), MICROSECOND, timedelta(hours=3), timedelta(hours=21, minutes=1)]),
)
sales = st.builds(
    Sale,
    # Tenant q is suspended: nothing is decided of its sales (below).
    tenant=st.sampled_from(("a", "b", "q")),
    gateway=st.sampled_from(("shopify", "kiwify")),
    currency=st.sampled_from(("BRL", "USD")),
    value=st.sampled_from((Decimal(0), Decimal(10) ** 12))
    | st.decimals(min_value=0, max_value=10_000, places=4, allow_nan=False),
    at=moments,
    strategy=st.sampled_from((*STRATEGIES, None)),
    seconds=st.integers(0, 90_000_000_000).map(lambda microseconds: microseconds / 1_000_000),
    refunds=st.lists(
        st.tuples(st.decimals(min_value="0.0001", max_value=6_000, places=4, allow_nan=False), st.booleans()),
        max_size=3,
    ).map(tuple),
)


def percentile_95(numbers: list[float]) -> Any:
    """By linear interpolation between the two nearest ranks, to the width of the buckets that waits are counted in.

    The first bucket holds every wait up to a millisecond, so its width is an absolute error.
    """
    if not numbers:
        return None
    ordered = sorted(numbers)
    place = 0.95 * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return pytest.approx(ordered[below] + (ordered[above] - ordered[below]) * (place - below), abs=1e-3, rel=0.033)


def expected(world: list[Sale]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The rows of daily_match_rates by their key."""
    groups: dict[tuple[Any, ...], list[Sale]] = defaultdict(list)
    for sale in world:
        day = sale.at.astimezone(UTC).date()
        if FIRST <= day <= LAST:
            groups[sale.tenant, day, sale.gateway, sale.currency].append(sale)
    rows = {}
    for key, group in groups.items():
        counts = {name: sum(sale.strategy == name for sale in group) for name in STRATEGIES}
        matched = [sale for sale in group if sale.strategy not in (None, "unmatched")]
        decided = len(matched) + counts["unmatched"]
        rows[key] = {
            "conversions": len(group),
            **counts,
            "pending": len(group) - decided,
            "match_rate": pytest.approx(len(matched) / decided) if decided else None,
            "value_total": sum((sale.value for sale in group), Decimal(0)),
            "value_matched": sum((sale.value for sale in matched), Decimal(0)),
            "refunds": sum(len(sale.back) for sale in group),
            "refunded_total": sum((sale.refunded for sale in group), Decimal(0)),
            "refunded_matched": sum((sale.refunded for sale in matched), Decimal(0)),
            "net_total": sum((sale.value - sale.refunded for sale in group), Decimal(0)),
            "net_matched": sum((sale.value - sale.refunded for sale in matched), Decimal(0)),
            "p95_match_seconds": percentile_95([sale.seconds for sale in group if sale.strategy is not None]),
        }
    return rows


def stored(connection: Connection[Any]) -> dict[tuple[Any, ...], dict[str, Any]]:
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        rows = cursor.execute("SELECT * FROM trackai.daily_match_rates").fetchall()
    found = {}
    for row in rows:
        assert row.pop("computed_at") == NOW
        found[tuple(row.pop(name) for name in ("tenant_id", "day", "gateway", "currency"))] = row
    return found


def insert(connection: Connection[Any], world: list[Sale]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO trackai.conversions"
            " (tenant_id, id, gateway, gateway_event_id, value, currency, occurred_at, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (sale.tenant, number, sale.gateway, str(number), sale.value, sale.currency, sale.at, sale.at)
                for number, sale in enumerate(world)
            ],
        )
        cursor.executemany(
            "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, strategy, matched_at)"
            " VALUES (%s, %s, %s, %s)",
            [
                (sale.tenant, number, sale.strategy, sale.at + timedelta(seconds=sale.seconds))
                for number, sale in enumerate(world)
                if sale.strategy is not None
            ],
        )
        cursor.executemany(
            "INSERT INTO trackai.refunds (tenant_id, gateway, gateway_event_id, order_id, value, currency, occurred_at,"
            " created_at, conversion_id) VALUES (%s, %s, %s, 'any', %s, %s, %s, %s, %s)",
            [
                # Whenever it was made: it counts on the day of the sale.
                (sale.tenant, sale.gateway, f"re_{number}_{place}", value, sale.currency if same else "KWD",
                 *[sale.at + timedelta(days=place)] * 2, number)
                for number, sale in enumerate(world)
                for place, (value, same) in enumerate(sale.refunds)
            ],
        )  # fmt: skip


def decided_world(world: list[Sale]) -> list[Sale]:
    """The world with nothing decided of the suspended tenant."""
    return [replace(sale, strategy=None) if sale.tenant == "q" else sale for sale in world]


@pytest.fixture
def tenants(connection: Connection[Any]) -> None:
    connection.execute(
        "INSERT INTO trackai.tenants (id, slug, name, status)"
        " VALUES ('a', 'a', 'A', 'active'), ('b', 'b', 'B', 'retired'), ('q', 'q', 'Q', 'suspended')"
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=st.lists(sales, max_size=40).map(decided_world), later=st.lists(sales, max_size=8).map(decided_world))
def test_the_aggregate_is_what_python_counts(
    connection: Connection[Any], tenants: None, world: list[Sale], later: list[Sale]
) -> None:
    with connection.transaction():
        insert(connection, world)
        totals = list(aggregate_days(connection, FIRST, LAST, clock=lambda: NOW))
        rows = expected(world)
        assert stored(connection) == rows
        for day in totals:
            own = [row for key, row in rows.items() if key[1] == day.day]
            assert day.groups == len(own)
            for name in ("conversions", *STRATEGIES, "pending", "refunds"):
                assert getattr(day, name) == sum(row[name] for row in own)
        assert [day.day for day in totals] == [FIRST, date(2026, 3, 10), LAST]
        # What was just computed is not stale; what is over is compared with what is there.
        assert set(days_to_net(connection, LAST + timedelta(days=1))) == {
            sale.at.astimezone(UTC).date() for sale in world if sale.at < midnight(FIRST) and sale.back
        }
        # Again over other facts: nothing of the first answer is left over.
        connection.execute("DELETE FROM trackai.matched_attributions")
        connection.execute("DELETE FROM trackai.conversions")
        connection.execute("DELETE FROM trackai.refunds")
        insert(connection, later)
        list(aggregate_days(connection, FIRST, LAST, clock=lambda: NOW))
        assert stored(connection) == expected(later)
        raise Rollback


def test_edges_of_a_utc_day(connection: Connection[Any], tenants: None) -> None:
    day = date(2026, 3, 10)
    world = [
        Sale("a", "shopify", "BRL", Decimal("0.0001"), at, "fbc", 1.0)
        for at in (
            midnight(day) - MICROSECOND,
            midnight(day),
            midnight(day) + timedelta(hours=23, minutes=59, seconds=59, microseconds=999_999),
            midnight(day) + timedelta(days=1),
        )
    ]
    insert(connection, world)
    # A session in another zone counts the same days.
    connection.execute("SET timezone = 'America/Sao_Paulo'")
    (totals,) = aggregate_days(connection, day, day, clock=lambda: NOW)
    assert (totals.groups, totals.conversions, totals.match_rate) == (1, 2, 1.0)
    connection.execute("SET timezone = 'UTC'")
    ((key, row),) = stored(connection).items()
    assert key == ("a", day, "shopify", "BRL")
    assert row["value_total"] == Decimal("0.0002")


def test_sums_are_exact_and_a_day_without_decisions_has_no_rate(connection: Connection[Any], tenants: None) -> None:
    at = midnight(FIRST)
    cents = [Sale("a", "shopify", "BRL", Decimal("0.1"), at, "fbp", 0.0)] * 10
    huge = [Sale("a", "shopify", "USD", Decimal(10) ** 12, at, "email", 0.0)] * 3
    waiting = [Sale("q", "shopify", "BRL", Decimal(7), at, None, 0.0)]
    insert(connection, cents + huge + waiting)
    list(aggregate_days(connection, FIRST, FIRST, clock=lambda: NOW))
    rows = stored(connection)
    assert str(rows["a", FIRST, "shopify", "BRL"]["value_matched"]) == "1.0000"
    assert rows["a", FIRST, "shopify", "USD"]["value_total"] == 3 * Decimal(10) ** 12
    pending = rows["q", FIRST, "shopify", "BRL"]
    assert (pending["pending"], pending["match_rate"], pending["p95_match_seconds"]) == (1, None, None)
    assert pending["value_matched"] == 0


def test_an_empty_day_has_totals_and_no_rows(connection: Connection[Any], tenants: None) -> None:
    (totals,) = aggregate_days(connection, FIRST, FIRST)
    assert (totals.groups, totals.conversions, totals.match_rate, totals.p95_match_seconds) == (0, 0, None, None)
    assert stored(connection) == {}


def test_an_empty_range_is_refused(connection: Connection[Any]) -> None:
    with pytest.raises(ValueError, match="swap them"):
        list(aggregate_days(connection, LAST, FIRST))


def test_two_runs_of_one_range_at_once_agree(database_url: str, connection: Connection[Any], tenants: None) -> None:
    world = [
        Sale("a", gateway, currency, Decimal(number), midnight(FIRST) + timedelta(hours=number % 70), "fbc", 1.0)
        for number in range(200)
        for gateway, currency in [(("shopify", "kiwify")[number % 2], ("BRL", "USD", "EUR")[number % 3])]
    ]
    insert(connection, world)
    failures: list[Exception] = []

    def aggregate(work: Callable[[], Connection[Any]]) -> None:
        try:
            with work() as own:
                for _ in range(5):
                    list(aggregate_days(own, FIRST, LAST, clock=lambda: NOW))
        except psycopg.Error as error:
            failures.append(error)

    threads = [Thread(target=aggregate, args=[lambda: connect(database_url)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert stored(connection) == expected(world)


@pytest.mark.parametrize(
    ("waits", "p95"),
    [
        ([3.0], 3.0),
        ([1.0, 2.0], 1.95),
        ([1.0, 2.0, 3.0], 2.9),
        ([0.0002, 0.0004], 0.00039),
        ([5.0] * 40, 5.0),
        # 96 short ones and five long ones: the place is 95, the last of the short ones.
        ([0.5] * 96 + [900.0] * 5, 0.5),
        ([0.5] * 95 + [900.0] * 6, 900.0),
        # Between the two: place 95.95 of 102.
        ([0.5] * 96 + [900.0] * 6, 0.5 + 0.95 * 899.5),
    ],
)
def test_the_percentile_is_exact_where_its_neighbours_end_a_bucket(
    connection: Connection[Any], add_tenant: Callable[..., str], waits: list[float], p95: float
) -> None:
    tenant = add_tenant("acme")
    at = datetime(2026, 3, 10, 12, tzinfo=UTC)
    insert(connection, [Sale(tenant, "shopify", "BRL", Decimal(1), at, "fbc", wait) for wait in waits])
    (totals,) = aggregate_days(connection, at.date(), at.date())
    assert totals.p95_match_seconds == pytest.approx(p95, abs=1e-6)


def test_events_without_a_value_are_counted_and_add_nothing(
    connection: Connection, add_tenant: Callable[..., str]
) -> None:
    tenant = add_tenant("acme")
    for event, value, currency in (("e-1", None, None), ("e-2", None, "BRL"), ("e-3", "10", "BRL")):
        connection.execute(
            """
            WITH made AS (
                INSERT INTO trackai.conversions
                    (tenant_id, gateway, gateway_event_id, event_name, value, currency, occurred_at)
                VALUES (%s, 'loja', %s, 'Lead', %s, %s, %s)
                RETURNING tenant_id, id
            )
            INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, strategy)
            SELECT tenant_id, id, 'fbp' FROM made
            """,
            (tenant, event, value, currency, midnight(FIRST)),
        )
    list(aggregate_days(connection, FIRST, FIRST, clock=lambda: NOW))
    found = connection.execute(
        "SELECT currency, conversions, fbp, value_total, value_matched FROM trackai.daily_match_rates ORDER BY 1"
    ).fetchall()
    assert found == [("BRL", 2, 2, 10, 10), ("XXX", 1, 1, 0, 0)]
    (summary,) = summary_by_tenant(connection, FIRST, FIRST)
    assert (summary.conversions, summary.value_by_currency) == (3, {"BRL": (Decimal(10), Decimal(10))})
