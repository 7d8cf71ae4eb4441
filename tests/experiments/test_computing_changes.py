"""What arrived since the last night changes the days that it should; the rest is what computing from nothing gives."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, LiteralString

import pytest
from experiments.shop import START, add_test
from experiments.world import assign, exclude, hash_of, link, match, put_sale, put_user
from psycopg import Connection, sql
from psycopg.errors import CheckViolation

from trackai_pipelines.database.connection import connect
from trackai_pipelines.experiments.computing import compute_tests
from trackai_pipelines.experiments.creating import ChangedBy
from trackai_pipelines.experiments.life import change

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
SCANNED = START + 12 * DAY + HOUR
"""The night after twelve days."""
LATER = SCANNED + HOUR
ACME = "t-acme"
_COMPUTED = (
    "ab_test_outcomes",
    "ab_test_daily_totals",
    "ab_test_daily_results",
    "ab_test_daily_health",
    "ab_test_results",
    "ab_test_decisions",
)


def on(day: int, hour: int = 12) -> datetime:
    """A time of the test's day, from 1."""
    return START + (day - 1) * DAY + hour * HOUR


@pytest.fixture(scope="module")
def world(shared_database_url: str) -> Iterator[tuple[Connection[Any], int]]:
    """Two tests of one shop, of which twelve days are computed: one counts all sales, the other those with a click."""
    with connect(shared_database_url, name="test") as connection:
        connection.execute("INSERT INTO trackai.tenants (id, slug, name) VALUES (%s, 'acme', 'acme')", [ACME])
        columns = {"status": "running", "started_at": START, "currency": "BRL", "window_days": 3, "pre_days": 5}
        test = add_test(connection, ACME, "checkout", sample_size=1000, **columns)
        other = add_test(connection, ACME, "banner", sample_size=1000, outcome_scope="attributed", **columns)
        for place in range(10):
            user, assigned_at = f"u{place}", on(1 + place)
            if place != 9:
                put_user(connection, ACME, user, user, START)
            assign(connection, ACME, test, user, "a" if place % 2 else "control", assigned_at, assigned_at)
            if place < 6:
                assign(connection, ACME, other, user, "a", assigned_at, assigned_at)
            for sold_at in (assigned_at - DAY, assigned_at + DAY, assigned_at + 2 * DAY):
                put_sale(connection, ACME, user, sold_at, sold_at, strategy="fbc" if place % 3 else "unmatched")
        exclude(connection, ACME, "u4", START)
        list(compute_tests(connection, SCANNED))
        yield connection, test


@pytest.fixture
def connection(world: tuple[Connection[Any], int]) -> Iterator[Connection[Any]]:
    """That world, which is as before when the test has ended."""
    with world[0].transaction(force_rollback=True):
        yield world[0]


@pytest.fixture
def test(world: tuple[Connection[Any], int]) -> int:
    """The number of checkout."""
    return world[1]


def _rows(connection: Connection[Any]) -> dict[str, list[str]]:
    query = sql.SQL("SELECT (to_jsonb(t) - %s::text[])::text FROM trackai.{} t ORDER BY 1")
    times = ["computed_at", "created_at", "updated_at", "decided_at", "id"]
    return {
        name: [row for (row,) in connection.execute(query.format(sql.Identifier(name)), [times])] for name in _COMPUTED
    }


def computed(connection: Connection[Any], at: datetime = LATER) -> dict[str, date]:
    """Compute; return of each test that changed the first day that was written. From nothing, all is the same."""
    days = {one.design.test_key: one.from_day for one in compute_tests(connection, at)}
    rows = _rows(connection)
    list(compute_tests(connection, at, from_start=True))
    assert rows == _rows(connection)
    return days


def test_without_arrivals_nothing_is_written(connection: Connection[Any]) -> None:
    """Nor by what arrived shortly before the last night, which is looked at twice."""
    query = "SELECT max(xmin::text::bigint) FROM trackai.ab_test_daily_totals"
    before = connection.execute(query).fetchone()
    assert list(compute_tests(connection, LATER)) == []
    assert connection.execute(query).fetchone() == before
    assert computed(connection) == {}


def test_a_new_day_is_written_alone(connection: Connection[Any]) -> None:
    put_sale(connection, ACME, "u9", on(13), on(13))
    put_sale(connection, ACME, "u8", on(13), on(13))
    assert computed(connection, SCANNED + DAY) == {"checkout": on(13).date(), "banner": on(13).date()}
    # Several nights were left out.
    assert computed(connection, SCANNED + 5 * DAY) == {"checkout": on(14).date(), "banner": on(14).date()}


def test_a_late_sale_changes_days_from_its_own(connection: Connection[Any]) -> None:
    put_sale(connection, ACME, "u6", on(8), LATER)
    assert computed(connection) == {"checkout": on(8).date()}


def test_a_late_sale_before_the_assignment_changes_days_from_that(connection: Connection[Any]) -> None:
    put_sale(connection, ACME, "u7", on(3), LATER)
    assert computed(connection) == {"checkout": on(8).date()}


def test_a_late_sale_that_counts_nowhere_changes_no_day(connection: Connection[Any]) -> None:
    put_sale(connection, ACME, "u6", on(8), LATER, event_name="Lead")
    put_sale(connection, ACME, "u6", on(11), LATER)
    put_sale(connection, ACME, "nobody", on(8), LATER)
    assert computed(connection) == {}


def test_a_late_click_changes_days_from_the_sale(connection: Connection[Any]) -> None:
    query = "SELECT conversion_id FROM trackai.user_conversions WHERE user_id = 'u3' ORDER BY conversion_id"
    first, *_, last = (sale for (sale,) in connection.execute(query))
    match(connection, ACME, last, "email", LATER)
    assert computed(connection) == {"checkout": on(6).date(), "banner": on(6).date()}
    # What was bought before the assignment explains differences between users from then on.
    match(connection, ACME, first, "email", LATER + HOUR)
    assert computed(connection, LATER + 2 * HOUR) == {"checkout": on(4).date(), "banner": on(4).date()}


def test_a_late_assignment_changes_days_from_its_time(connection: Connection[Any], test: int) -> None:
    put_user(connection, ACME, "late", "late", START)
    put_sale(connection, ACME, "late", on(6), on(6))
    assign(connection, ACME, test, "late", "a", on(5), LATER)
    assert computed(connection) == {"checkout": on(5).date()}


def test_an_earlier_time_of_the_same_variant_moves_the_user(connection: Connection[Any], test: int) -> None:
    assign(connection, ACME, test, "u7", "a", on(2), LATER)
    assert computed(connection) == {"checkout": on(2).date()}


def test_the_window_of_a_user_ends_after_the_earliest_time(connection: Connection[Any], test: int) -> None:
    """On a day of which nothing else is known: the time that arrived first says that the window ends later."""
    put_user(connection, ACME, "twice", "twice", START)
    put_sale(connection, ACME, "twice", on(11), LATER - 30 * MINUTE)
    assign(connection, ACME, test, "twice", "a", on(12), LATER - 30 * MINUTE)
    assign(connection, ACME, test, "twice", "a", on(10), LATER - 30 * MINUTE)
    assert computed(connection) == {"checkout": on(10).date()}
    assert computed(connection, SCANNED + DAY) == {"checkout": on(13).date(), "banner": on(13).date()}


def test_another_variant_takes_the_user_out_of_all_days(connection: Connection[Any], test: int) -> None:
    assign(connection, ACME, test, "u5", "control", on(12), LATER)
    assert computed(connection) == {"checkout": on(6).date()}


def test_an_exclusion_takes_the_user_out_of_all_tests(connection: Connection[Any]) -> None:
    exclude(connection, ACME, "u2", LATER)
    assert computed(connection) == {"checkout": on(3).date(), "banner": on(3).date()}


def test_a_user_who_is_linked_late_brings_all_sales(connection: Connection[Any]) -> None:
    put_user(connection, ACME, "u9", "u9", LATER)
    assert computed(connection) == {"checkout": on(10).date()}


def test_a_sale_that_moves_to_another_user_leaves_the_first(connection: Connection[Any]) -> None:
    """The user with the lower id gets what u7 bought."""
    put_user(connection, ACME, "u1", "u7", LATER)
    assert computed(connection) == {"checkout": on(2).date(), "banner": on(2).date()}


def test_a_lost_link_takes_the_outcome_along(connection: Connection[Any]) -> None:
    """A repair finds that sales are nobody's any more: nothing else was said of their user."""
    connection.execute("UPDATE trackai.users SET email_hash = %s WHERE id = 'u5'", [hash_of("new")])
    assert computed(connection) == {}
    link(connection, ACME, LATER)
    assert computed(connection, LATER + HOUR) == {"checkout": on(6).date(), "banner": on(6).date()}
    assert connection.execute("SELECT count(*) FROM trackai.ab_test_outcomes WHERE user_id = 'u5'").fetchone() == (0,)


def test_outcomes_of_anonymised_sales_stay(connection: Connection[Any], test: int) -> None:
    connection.execute("UPDATE trackai.conversions SET anonymised_at = %s, customer_email_hash = NULL", [SCANNED])
    before = connection.execute("SELECT count(*) FROM trackai.ab_test_outcomes").fetchone()
    assign(connection, ACME, test, "u7", "a", on(2), LATER)
    exclude(connection, ACME, "u3", LATER)
    assert computed(connection) == {"checkout": on(2).date(), "banner": on(4).date()}
    assert connection.execute("SELECT count(*) FROM trackai.ab_test_outcomes").fetchone() == before


def test_rows_of_transactions_under_way_are_worked_in(connection: Connection[Any]) -> None:
    put_sale(connection, ACME, "u6", on(8), SCANNED - 6 * MINUTE)
    assert list(compute_tests(connection, LATER)) == []
    put_sale(connection, ACME, "u6", on(8, 13), SCANNED - 5 * MINUTE)
    put_sale(connection, ACME, "u6", on(8, 14), LATER - 5 * MINUTE)
    assert [one.from_day for one in compute_tests(connection, LATER + MINUTE)] == [on(8).date()]


def test_what_a_long_transaction_brings_is_worked_in(connection: Connection[Any], shared_database_url: str) -> None:
    """It is under way on a night of today, and what it will bring says that it arrived when it began."""
    tonight = datetime.now(UTC) + 2 * HOUR
    with connect(shared_database_url, name="test") as other, other.transaction():
        begun = other.execute("SELECT now()").fetchone()
        list(compute_tests(connection, tonight))
    assert begun is not None
    rows = connection.execute("SELECT DISTINCT scanned_to FROM trackai.ab_test_scans").fetchall()
    assert len(rows) == 1
    assert rows[0][0] <= begun[0] - 5 * MINUTE
    put_sale(connection, ACME, "u6", on(8), begun[0])
    assert computed(connection, tonight) == {"checkout": on(8).date()}


@pytest.mark.parametrize(
    "changed", ["end_date = '2026-03-09'", "revenue_cap = 5", "currency = NULL", "confidence_level = 90"]
)
def test_a_test_that_was_changed_is_computed_from_nothing(connection: Connection[Any], changed: LiteralString) -> None:
    connection.execute(sql.SQL("UPDATE trackai.ab_tests SET {} WHERE test_key = 'checkout'").format(sql.SQL(changed)))
    assert computed(connection) == {"checkout": on(1).date()}


def test_a_pause_changes_the_period(connection: Connection[Any]) -> None:
    change(connection, ACME, "checkout", "pause", ChangedBy(), on(4))
    assert computed(connection) == {"checkout": on(1).date()}


def test_days_without_stored_totals_are_computed_from_the_first(connection: Connection[Any], test: int) -> None:
    connection.execute(
        "DELETE FROM trackai.ab_test_daily_totals WHERE test_id = %s AND day = %s AND variant_name = 'a'",
        (test, on(10).date()),
    )
    put_sale(connection, ACME, "u8", on(11), LATER)
    assert computed(connection) == {"checkout": on(1).date()}


def test_a_computation_that_is_undone_is_done_by_the_next(connection: Connection[Any]) -> None:
    """Outcomes are written, then a total is refused."""
    put_sale(connection, ACME, "u6", on(8), LATER)
    connection.execute(
        "ALTER TABLE trackai.ab_test_daily_totals ADD CONSTRAINT refused CHECK (computed_at < '2026-03-13 01:30Z')"
    )
    before = _rows(connection)
    with pytest.raises(CheckViolation):
        list(compute_tests(connection, LATER))
    assert _rows(connection) == before
    connection.execute("ALTER TABLE trackai.ab_test_daily_totals DROP CONSTRAINT refused")
    assert computed(connection) == {"checkout": on(8).date()}
