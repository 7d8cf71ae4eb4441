"""The world that benchmarks work on is what they say it is: counts, keys and shares."""

from datetime import date
from typing import Any

import pytest
from psycopg import Connection

from benchmarks.database import Database
from benchmarks.world import add_sales, have_world, triggers_off
from trackai_pipelines.matching.drain import drain

CLICKS, SALES = 3_000, 2_000


@pytest.fixture
def world(database: Database) -> None:
    have_world(database, clicks=CLICKS, tenants=7)


def numbers(connection: Connection[Any], query: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] = connection.execute(query).fetchall()[0]
    return row


def test_clicks_have_keys_of_their_own_as_long_as_real_ones(world: None, connection: Connection[Any]) -> None:
    found = numbers(
        connection,
        "SELECT count(*), count(DISTINCT fbclid), count(DISTINCT fbp), count(fbc), min(length(fbclid)), "
        "max(length(fbclid)), count(trackai.click_key(fbc, fbclid)), count(trackai.browser_key(fbp)), "
        "count(DISTINCT tenant_id) FROM trackai.clicks",
    )
    assert found == (CLICKS, CLICKS, CLICKS, CLICKS // 2, 60, 99, CLICKS, CLICKS, 7)


def test_the_first_tenants_have_most_clicks(world: None, connection: Connection[Any]) -> None:
    shares = connection.execute(
        "SELECT count(*)::float / %s FROM trackai.clicks c JOIN trackai.tenants t ON t.id = c.tenant_id "
        "GROUP BY t.slug ORDER BY t.slug",
        [CLICKS],
    ).fetchall()
    # ln((n + 1) / n) / ln 8 for the nth of seven.
    expected = [0.333, 0.195, 0.138, 0.107, 0.088, 0.074, 0.064]
    assert [share for (share,) in shares] == pytest.approx(expected, abs=0.03)


def test_clicks_span_ninety_days(world: None, connection: Connection[Any]) -> None:
    first, last = numbers(
        connection,
        "SELECT until - min(created_at), until - max(created_at) FROM trackai.clicks, benchmark.world GROUP BY until",
    )
    assert first.days in (89, 90)
    assert last.total_seconds() == 0


def test_indexes_and_triggers_are_as_the_schema_has_them(
    database: Database, connection: Connection[Any], template_database: str
) -> None:
    def shape() -> tuple[list[Any], list[Any]]:
        indexes = (
            "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'trackai.clicks'::regclass ORDER BY 1"
        )
        triggers = (
            "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal "
            "AND tgrelid IN ('trackai.clicks'::regclass, 'trackai.conversions'::regclass) ORDER BY 1"
        )
        return connection.execute(indexes).fetchall(), connection.execute(triggers).fetchall()

    before = shape()
    have_world(database, clicks=100, tenants=2)
    with triggers_off(connection, "conversions"):
        add_sales(connection, 1, 10)
    assert shape() == before
    assert numbers(connection, "SELECT count(*) FROM trackai.match_queue") == (0,)


def test_sales_find_their_clicks_in_the_usual_shares(world: None, connection: Connection[Any]) -> None:
    add_sales(connection, 1, SALES)
    report = drain(connection, run_id="test")
    shares = {strategy: count / SALES for strategy, count in report.by_strategy.items()}
    assert report.conversions == SALES
    assert shares["fbc"] == pytest.approx(0.75, abs=0.04)
    assert shares["fbp"] == pytest.approx(0.15, abs=0.04)
    assert shares["unmatched"] == pytest.approx(0.10, abs=0.04)


def test_sales_are_of_the_last_two_days_and_soon_after_their_clicks(world: None, connection: Connection[Any]) -> None:
    add_sales(connection, 1, SALES)
    first, last = numbers(
        connection,
        "SELECT until - min(occurred_at), until - max(occurred_at) FROM trackai.conversions, benchmark.world "
        "GROUP BY until",
    )
    assert first.days == 1
    assert last.total_seconds() >= 0
    drain(connection, run_id="test")
    soon, latest = numbers(
        connection,
        "SELECT count(*) FILTER (WHERE s.occurred_at - c.created_at < interval '22 hours')::float / count(*), "
        "max(s.occurred_at - c.created_at) FROM trackai.matched_attributions a "
        "JOIN trackai.clicks c ON c.tenant_id = a.tenant_id AND c.id = a.click_id "
        "JOIN trackai.conversions s ON s.tenant_id = a.tenant_id AND s.id = a.conversion_id",
    )
    assert soon == pytest.approx(0.67, abs=0.04)
    assert latest.days in (29, 30)


def test_sales_of_a_day_are_spread_over_it(world: None, connection: Connection[Any]) -> None:
    add_sales(connection, 1, 24, date(2026, 3, 1))
    hours = connection.execute("SELECT extract(hour FROM occurred_at)::int FROM trackai.conversions ORDER BY id")
    assert [hour for (hour,) in hours] == list(range(24))
    assert numbers(connection, "SELECT count(DISTINCT occurred_at::date) FROM trackai.conversions") == (1,)


def test_the_same_world_is_taken_up_again_without_its_sales(
    world: None, database: Database, connection: Connection[Any]
) -> None:
    add_sales(connection, 1, 10)
    before = numbers(connection, "SELECT until FROM benchmark.world")
    have_world(database, clicks=CLICKS, tenants=7)
    assert numbers(connection, "SELECT until FROM benchmark.world") == before
    assert numbers(connection, "SELECT count(*) FROM trackai.conversions") == (0,)
    assert numbers(connection, "SELECT count(*) FROM trackai.clicks") == (CLICKS,)


def test_another_world_takes_its_place(world: None, database: Database, connection: Connection[Any]) -> None:
    have_world(database, clicks=50, tenants=1)
    counted = "SELECT (SELECT count(*) FROM trackai.clicks), (SELECT count(*) FROM trackai.tenants)"
    assert numbers(connection, counted) == (50, 1)


def test_a_disk_that_is_too_small_is_refused_before_anything_is_loaded(
    database: Database, connection: Connection[Any]
) -> None:
    with pytest.raises(SystemExit, match="Free some"):
        have_world(database, clicks=10**12, tenants=1)
    assert numbers(connection, "SELECT count(*) FROM trackai.tenants") == (0,)
