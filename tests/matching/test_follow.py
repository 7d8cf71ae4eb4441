"""The resident drain: it sees what arrives, reconnects after lost connections, and counts its work once."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from matching.facts import SALE, decided, insert_backlog, insert_click, insert_sale
from psycopg import Connection, sql

from trackai_pipelines.database.connection import connect
from trackai_pipelines.matching import follow as following
from trackai_pipelines.matching.drain import DrainReport, drain
from trackai_pipelines.matching.follow import WAKE_UP, follow

AddTenant = Callable[..., str]
PATIENCE = 60


class Follower:
    """A resident drain in a thread, and what it reported."""

    def __init__(self, url: str, name: str, window_seconds: float = 3600) -> None:
        self.stop = threading.Event()
        self.windows: list[DrainReport] = []
        self.failure: BaseException | None = None
        self._url, self._name, self._seconds = url, name, window_seconds
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            follow(
                partial(connect, self._url, name=self._name),
                run_id=self._name,
                until=self.stop.is_set,
                on_window=lambda connection, report, seconds: self.windows.append(report),
                window_seconds=self._seconds,
            )
        except BaseException as error:  # noqa: BLE001 - reported to the test's own thread
            self.failure = error

    @property
    def conversions(self) -> int:
        return sum(window.conversions for window in self.windows)


@contextmanager
def followers(url: str, *names: str, window_seconds: float = 3600) -> Iterator[list[Follower]]:
    """Residents at work within the block; ended, and their last windows reported, after it."""
    residents = [Follower(url, name, window_seconds) for name in names]
    for resident in residents:
        resident.thread.start()
    try:
        yield residents
    finally:
        for resident in residents:
            resident.stop.set()
        for resident in residents:
            resident.thread.join()
    for resident in residents:
        if resident.failure:
            raise resident.failure


def wait_for(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def attributions(connection: Connection[Any]) -> int:
    (count,) = connection.execute("SELECT count(*) FROM trackai.matched_attributions").fetchone() or (-1,)
    return int(count)


def test_sales_and_late_clicks_are_seen_as_they_arrive(
    database_url: str, connection: Connection[Any], add_tenant: AddTenant
) -> None:
    acme = add_tenant("acme")
    with followers(database_url, "one", "two") as residents:
        for number in range(5):
            insert_sale(connection, acme, f"sale-{number}", fbclid=f"Click{number}")
            wait_for(lambda number=number: attributions(connection) == number + 1)  # type: ignore[misc]
        assert {strategy for strategy, _ in decided(connection).values()} == {"unmatched"}
        clicks = {
            f"sale-{number}": insert_click(connection, acme, SALE - timedelta(hours=1), fbclid=f"Click{number}")
            for number in range(5)
        }
        wait_for(lambda: decided(connection) == {sale: ("fbc", click) for sale, click in clicks.items()})
    total = DrainReport()
    for resident in residents:
        for window in resident.windows:
            total.add(window)
    assert total.conversions == 10
    assert total.rematched == 5
    assert total.decisions == {(SALE.date(), "unmatched"): 5, (SALE.date(), "fbc"): 5}
    # Only first decisions have a latency.
    assert sum(total.latencies.values()) == 5


def test_what_sends_no_wake_up_is_found_by_looking(
    database_url: str, connection: Connection[Any], add_tenant: AddTenant
) -> None:
    acme = add_tenant("acme", status="suspended")
    insert_sale(connection, acme, "sale")
    with followers(database_url, "one"):
        connection.execute("UPDATE trackai.tenants SET status = 'active'")
        wait_for(lambda: attributions(connection) == 1)


def test_a_transaction_wakes_up_once_and_only_where_nothing_waits(
    database_url: str, connection: Connection[Any], add_tenant: AddTenant
) -> None:
    acme, other = add_tenant("acme"), add_tenant("other")

    def wake_ups() -> int:
        return len(list(listener.notifies(timeout=0.2)))

    with psycopg.connect(database_url, autocommit=True) as listener:
        listener.execute(sql.SQL("LISTEN {}").format(sql.Identifier(WAKE_UP)))
        with connection.transaction():
            insert_sale(connection, acme, "one")
            insert_sale(connection, acme, "two")
        assert wake_ups() == 1
        insert_sale(connection, acme, "three")
        assert wake_ups() == 0
        insert_sale(connection, other, "one")
        assert wake_ups() == 1
        drain(connection, run_id="drain")
        insert_sale(connection, acme, "four")
        assert wake_ups() == 1
        drain(connection, run_id="drain")
        connection.execute(
            "INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency, occurred_at) "
            "SELECT tenant_id, gateway, gateway_event_id, value, currency, occurred_at FROM trackai.conversions "
            "ON CONFLICT DO NOTHING"
        )
        assert wake_ups() == 0


def test_killed_backends_lose_and_double_nothing(
    database_url: str, connection: Connection[Any], add_tenant: AddTenant
) -> None:
    tenants = [add_tenant("a"), add_tenant("b")]
    with followers(database_url, "one", "two") as residents:
        for number in range(6):
            _backlog(connection, tenants, number)
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name IN ('one', 'two')"
            )
        wait_for(lambda: attributions(connection) == 6 * 3_000)
    assert sum(resident.conversions for resident in residents) == 6 * 3_000
    doubled = connection.execute(
        "SELECT 1 FROM trackai.match_log GROUP BY tenant_id, conversion_id, attempt HAVING count(*) > 1"
    ).fetchall()
    assert doubled == []


def test_windows_add_up_and_the_last_one_is_told_at_the_end(
    database_url: str, connection: Connection[Any], add_tenant: AddTenant
) -> None:
    acme = add_tenant("acme")
    with followers(database_url, "one", window_seconds=0.3) as (resident,):
        for number in range(3):
            insert_sale(connection, acme, f"early-{number}")
            shown = len(resident.windows)
            wait_for(lambda shown=shown: len(resident.windows) > shown)  # type: ignore[misc]
        seen = resident.conversions
        assert seen == 3
    with followers(database_url, "two") as (last,):
        insert_sale(connection, acme, "late")
        wait_for(lambda: attributions(connection) == 4)
        assert last.windows == []
    assert last.conversions == 1
    assert resident.conversions == seen


def test_a_server_that_stays_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "RECONNECT_SECONDS", 1)
    tries = 0

    def nobody() -> Connection[Any]:
        nonlocal tries
        tries += 1
        raise psycopg.OperationalError("nobody listens")

    with pytest.raises(psycopg.OperationalError, match="nobody listens"):
        follow(nobody, run_id="r", until=lambda: False, on_window=lambda c, r, s: None, window_seconds=1)
    assert tries > 2


def _backlog(connection: Connection[Any], tenants: list[str], number: int) -> None:
    if number == 0:
        insert_backlog(connection, tenants, 3_000)
        return
    connection.execute(
        """
        INSERT INTO trackai.conversions
            (tenant_id, gateway, gateway_event_id, value, currency, occurred_at, fbc, fbp)
        SELECT tenant_id, gateway, gateway_event_id || '-' || %s, value, currency, occurred_at, fbc, fbp
        FROM trackai.conversions WHERE gateway_event_id NOT LIKE '%%-%%'
        """,
        [str(number)],
    )
