"""Clicks and conversions that are deleted while a micro-batch is under way, in every order of the two."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import LiteralString

import pytest
from matching.facts import SALE, decided, insert_click, insert_sale
from psycopg import Connection, errors

from trackai_pipelines.database.connection import connect
from trackai_pipelines.matching.drain import DrainReport, drain, work_waiting

AddTenant = Callable[..., str]


@pytest.fixture
def acme(add_tenant: AddTenant) -> str:
    return add_tenant("acme")


@pytest.fixture
def other(database_url: str) -> Iterator[Connection]:
    """A second session."""
    with connect(database_url) as opened:
        yield opened


def _click_and_sale(connection: Connection, tenant: str, key: str = "AbC") -> tuple[int, int]:
    click = insert_click(connection, tenant, SALE - timedelta(hours=1), fbclid=key)
    return click, insert_sale(connection, tenant, key, fbclid=key)


@contextmanager
def _batch_under_way(database_url: str, tenant: str, conversion: int) -> Iterator[Future[DrainReport]]:
    """A drain that has chosen the conversion's click and cannot write it down until the block ends."""
    with connect(database_url) as holder, ThreadPoolExecutor(1) as pool:

        def held() -> DrainReport:
            with connect(database_url, name="held") as own:
                return drain(own, run_id="held")

        holder.execute("BEGIN")
        holder.execute(
            "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, strategy)"
            " VALUES (%s, %s, 'unmatched')",
            (tenant, conversion),
        )
        try:
            draining = pool.submit(held)
            with connect(database_url) as watcher:
                _until_waiting(watcher, "held")
            yield draining
        finally:
            holder.execute("ROLLBACK")


def _until_waiting(connection: Connection, name: str) -> None:
    for _ in range(1_000):
        waiting = connection.execute(
            "SELECT 1 FROM pg_stat_activity"
            " WHERE application_name = %s AND datname = current_database() AND wait_event_type = 'Lock'",
            (name,),
        )
        if waiting.fetchone():
            return
        time.sleep(0.01)
    raise AssertionError(f"{name} never waited for a lock")


def test_click_deleted_after_a_batch_has_chosen_it(
    database_url: str, connection: Connection, other: Connection, acme: str
) -> None:
    click, sale = _click_and_sale(connection, acme)
    with _batch_under_way(database_url, acme, sale) as draining:
        other.execute("DELETE FROM trackai.clicks WHERE id = %s", (click,))
    draining.result()
    assert decided(connection) == {"AbC": ("fbc", None)}
    assert not work_waiting(connection).arrivals


def test_drain_waits_for_batches_of_others_before_it_looks_after_a_deletion(
    database_url: str, connection: Connection, other: Connection, acme: str
) -> None:
    click, sale = _click_and_sale(connection, acme)
    with ThreadPoolExecutor(1) as pool:

        def second() -> None:
            with connect(database_url, name="second") as own:
                drain(own, run_id="second")

        with _batch_under_way(database_url, acme, sale) as draining:
            other.execute("DELETE FROM trackai.clicks WHERE id = %s", (click,))
            looking = pool.submit(second)
            _until_waiting(connection, "second")
        looking.result()
        draining.result()
    assert decided(connection) == {"AbC": ("fbc", None)}


@pytest.mark.parametrize(
    "begin",
    [
        "BEGIN ISOLATION LEVEL READ COMMITTED",
        "BEGIN ISOLATION LEVEL REPEATABLE READ",
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
    ],
)
def test_click_whose_deletion_commits_after_the_drain_has_ended(
    connection: Connection, other: Connection, acme: str, begin: LiteralString
) -> None:
    click, _ = _click_and_sale(connection, acme)
    other.execute(begin)
    other.execute("DELETE FROM trackai.clicks WHERE id = %s", (click,))
    drain(connection, run_id="early")
    assert decided(connection) == {"AbC": ("fbc", click)}
    other.execute("COMMIT")
    assert work_waiting(connection).arrivals
    drain(connection, run_id="late")
    assert decided(connection) == {"AbC": ("fbc", None)}
    assert not work_waiting(connection).arrivals


def test_click_deleted_by_a_transaction_that_cannot_see_its_attribution(
    connection: Connection, other: Connection, acme: str
) -> None:
    click, _ = _click_and_sale(connection, acme)
    other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    other.execute("SELECT 1 FROM trackai.tenants")
    drain(connection, run_id="early")
    other.execute("DELETE FROM trackai.clicks WHERE id = %s", (click,))
    other.execute("COMMIT")
    drain(connection, run_id="late")
    assert decided(connection) == {"AbC": ("fbc", None)}


def test_deletion_that_is_taken_back_and_click_that_comes_back_keep_their_links(
    connection: Connection, other: Connection, acme: str
) -> None:
    click, _ = _click_and_sale(connection, acme)
    other.execute("BEGIN")
    other.execute("DELETE FROM trackai.clicks WHERE id = %s", (click,))
    drain(connection, run_id="early")
    other.execute("ROLLBACK")
    drain(connection, run_id="late")
    assert decided(connection) == {"AbC": ("fbc", click)}

    back, _ = _click_and_sale(connection, acme, "back")
    other.execute("BEGIN")
    other.execute("CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM trackai.clicks WHERE id = %s", (back,))
    other.execute("DELETE FROM trackai.clicks WHERE id = %s", (back,))
    drain(connection, run_id="early")
    other.execute("INSERT INTO trackai.clicks SELECT * FROM kept")
    other.execute("COMMIT")
    drain(connection, run_id="late")
    assert decided(connection) == {"AbC": ("fbc", click), "back": ("fbc", back)}


def test_deleting_a_click_takes_it_out_of_attributions_at_once(connection: Connection, acme: str) -> None:
    kept, _ = _click_and_sale(connection, acme)
    click, _ = _click_and_sale(connection, acme, "other")
    drain(connection, run_id="run")
    connection.execute("DELETE FROM trackai.clicks WHERE id = %s", (click,))
    assert decided(connection) == {"AbC": ("fbc", kept), "other": ("fbc", None)}


def test_attributed_conversion_is_not_deleted(connection: Connection, acme: str) -> None:
    _, sale = _click_and_sale(connection, acme)
    drain(connection, run_id="run")
    with pytest.raises(errors.ForeignKeyViolation, match="is not deleted"):
        connection.execute("DELETE FROM trackai.conversions WHERE id = %s", (sale,))
    assert len(decided(connection)) == 1


def test_conversion_deleted_before_it_is_attributed_leaves_nothing(
    connection: Connection, other: Connection, acme: str
) -> None:
    _, sale = _click_and_sale(connection, acme)
    other.execute("BEGIN")
    other.execute("DELETE FROM trackai.conversions WHERE id = %s", (sale,))
    assert drain(connection, run_id="early").conversions == 0
    other.execute("COMMIT")
    assert drain(connection, run_id="late").conversions == 0
    assert work_waiting(connection).conversions == 0
    assert connection.execute("SELECT count(*) FROM trackai.matched_attributions").fetchone() == (0,)


def test_conversion_deleted_while_its_batch_is_under_way_stays(
    database_url: str, connection: Connection, acme: str
) -> None:
    click, sale = _click_and_sale(connection, acme)
    with ThreadPoolExecutor(1) as pool:

        def delete() -> None:
            with connect(database_url, name="deleter") as own:
                own.execute("DELETE FROM trackai.conversions WHERE id = %s", (sale,))

        with _batch_under_way(database_url, acme, sale) as draining:
            deleting = pool.submit(delete)
            _until_waiting(connection, "deleter")
        draining.result()
        with pytest.raises(errors.ForeignKeyViolation):
            deleting.result()
    assert decided(connection) == {"AbC": ("fbc", click)}


@pytest.mark.parametrize(
    "truncate",
    [
        "TRUNCATE trackai.clicks CASCADE",
        "TRUNCATE trackai.conversions CASCADE",
        "TRUNCATE trackai.conversions, trackai.matched_attributions CASCADE",
    ],
)
def test_truncating_facts_takes_attributions_along(connection: Connection, acme: str, truncate: LiteralString) -> None:
    _click_and_sale(connection, acme)
    drain(connection, run_id="run")
    connection.execute(truncate)
    assert connection.execute("SELECT count(*) FROM trackai.matched_attributions").fetchone() == (0,)
