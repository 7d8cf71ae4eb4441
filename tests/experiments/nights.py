"""What happens to a world between its nights, and nights that are killed or run twice at once.

What belongs here: rows that arrive late, change or go, at moments of the world's own time. What does not: the first
facts of a world, and what they come to.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

from experiments.brute_force import DAY
from experiments.world import assign, exclude, hash_of, put_sale, put_user
from experiments.worlds import CONTACTS, USERS, World, anonymise, find_sales, land, match, stored_outcomes
from psycopg import Connection, OperationalError, sql

from trackai_pipelines.database.connection import connect
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.experiments.computing import compute_tests
from trackai_pipelines.experiments.life import complete_ended
from trackai_pipelines.lifecycle.archive.store import open_store
from trackai_pipelines.lifecycle.personal_data.erase import erase

COMPUTED = (
    "ab_test_outcomes",
    "ab_test_daily_totals",
    "ab_test_daily_health",
    "ab_test_daily_results",
    "ab_test_results",
    "ab_test_decisions",
)
_WHEN = ["computed_at", "created_at", "updated_at", "decided_at", "id"]
_ARRIVALS = (
    ("users", "changed_at"),
    ("user_conversions", "linked_at"),
    ("ab_test_assignments", "created_at"),
    ("ab_test_reassignments", "created_at"),
    ("excluded_users", "created_at"),
)
_MOVES = {
    "running": ("pause", "pause", "pause", "complete"),
    "paused": ("resume", "resume", "resume", "complete", "archive"),
}


def happen(connection: Connection[Any], world: World, at: datetime) -> None:
    """Let something happen at a moment: rows arrive, or somebody changes a test."""
    chance, tests = world.chance, [test for test in world.tests.values() if test.status != "archived"]
    what = chance.choices(
        (_user_arrives, _sales_arrive, _assignments_arrive, _matches_arrive, _exclusion_arrives, _test_moves),
        weights=(4, 6, 6, 4, 3, 4),
    )[0]
    if tests:
        what(connection, world, at)


def _user_arrives(connection: Connection[Any], world: World, at: datetime) -> None:
    """A user is new, or has other hashes, that may be another user's or nobody's."""
    user, email, phone = world.draw_user()
    put_user(connection, world.tenant, user, email, at, phone)
    world.facts.users[user] = (email, phone)


def _sales_arrive(connection: Connection[Any], world: World, at: datetime) -> None:
    users = world.known_users()
    for _ in range(world.chance.choice((1, 1, 2, 8))):
        sale = world.draw_sale(users, at)
        columns = {"value": sale.value, "currency": sale.currency, "event_name": sale.event}
        phone = {"customer_phone_hash": hash_of(sale.phone)}
        sale.id = put_sale(connection, world.tenant, sale.email, sale.occurred_at, at, **columns, **phone)
        world.facts.sales.append(sale)
        if world.chance.random() < 0.3:
            match(connection, world, sale, at)


def _assignments_arrive(connection: Connection[Any], world: World, at: datetime) -> None:
    number, test = world.chance.choice([one for one in world.tests.items() if one[1].status != "archived"])
    for _ in range(world.chance.choice((1, 1, 2, 8))):
        if row := world.draw_assignment(test, at):
            assign(connection, world.tenant, number, *row, at)
            world.facts.assignments[test.key].append([row])


def _matches_arrive(connection: Connection[Any], world: World, at: datetime) -> None:
    share = world.chance.choice((0.02, 0.5))
    for sale in world.facts.sales:
        if world.chance.random() < share and sale.id not in world.facts.anonymised:
            match(connection, world, sale, at)


def _exclusion_arrives(connection: Connection[Any], world: World, at: datetime) -> None:
    user = world.chance.choice(USERS)
    if user not in world.facts.excluded and not world.settled(user):
        exclude(connection, world.tenant, user, at)
        world.facts.excluded.add(user)


def _test_moves(connection: Connection[Any], world: World, at: datetime) -> None:
    started = [test for test in world.tests.values() if test.status in _MOVES and test.started_at < at]
    if started:
        test = world.chance.choice(started)
        if world.chance.random() < 0.5:
            begin = max(test.start_date, test.started_at)
            test.end_date = max(begin + DAY / 2, world.between(at - 3 * DAY, at + DAY))
            moved = "UPDATE trackai.ab_tests SET end_date = %s WHERE (tenant_id, test_key) = (%s, %s)"
            connection.execute(moved, (test.end_date, world.tenant, test.key))
        else:
            world.move(connection, test, world.chance.choice(_MOVES[test.status]), at)


def files_arrive(connection: Connection[Any], url: str, folder: Path, world: World, at: datetime) -> None:
    """Files of all kinds are loaded. Rows of files have the time of the clock on the wall: they get the moment's."""
    began = datetime.now(UTC)
    land(url, folder, [world], at, size=6)
    find_sales(connection, world)
    for table, column in _ARRIVALS:
        restamp = sql.SQL("UPDATE trackai.{} SET {column} = %s WHERE tenant_id = %s AND {column} >= %s")
        named = restamp.format(sql.Identifier(table), column=sql.Identifier(column))
        connection.execute(named, (at, world.tenant, began))


def forget_hashes(connection: Connection[Any], world: World, night: datetime, at: datetime) -> None:
    """Some sales that the last night has seen lose their hashes."""
    anonymise(connection, world, 0.15, night, at)


def forget_person(connection: Connection[Any], world: World, folder: Path, at: datetime) -> None:
    """A person is erased; what is left of the facts is read from the database, because erasing has tests of its own."""
    facts, of_tenant = world.facts, (world.tenant,)
    known = [contact for _, user, _ in world.known_users() if (contact := facts.users.get(user, (None,))[0])]
    contact = hash_of(world.chance.choice(known or CONTACTS))
    erase(connection, open_store(str(folder)), DOMAINS, world.tenant, email_hash=contact, clock=lambda: at)
    query = "SELECT id FROM trackai.users WHERE tenant_id = %s AND num_nonnulls(email_hash, phone_hash) = 0"
    for (user,) in connection.execute(query, of_tenant):
        facts.users[user] = (None, None)
    query = "SELECT user_id FROM trackai.excluded_users WHERE tenant_id = %s"
    facts.excluded = {user for (user,) in connection.execute(query, of_tenant)}
    query = "SELECT test_id, user_id FROM trackai.ab_test_assignments WHERE tenant_id = %s"
    left = set(connection.execute(query, of_tenant).fetchall())
    for number, test in world.tests.items():
        batches = [[row for row in batch if (number, row[0]) in left] for batch in facts.assignments[test.key]]
        facts.assignments[test.key] = [batch for batch in batches if batch]
    query = "SELECT id FROM trackai.conversions WHERE tenant_id = %s AND anonymised_at IS NOT NULL"
    facts.anonymised = {sale for (sale,) in connection.execute(query, of_tenant)}
    facts.stayed = {
        (test.key, sale): outcome
        for number, test in world.tests.items()
        for sale, outcome in stored_outcomes(connection, world.tenant, number).items()
        if sale in facts.anonymised
    }


def night(connection: Connection[Any], world: World, now: datetime) -> None:
    """Bring a tenant's tests up to date as the nightly job does."""
    complete_ended(connection, now, world.tenant)
    for test in world.tests.values():
        if test.status in _MOVES and test.end_date is not None and test.end_date <= now:
            world.note(test, "complete", now)
    list(compute_tests(connection, now, tenant_id=world.tenant))


def killed_night(connection: Connection[Any], url: str, world: World, now: datetime) -> None:
    """Begin a night, and end its session while it waits to write into one of its tables."""
    with connect(url) as own, connection.transaction():
        pid = own.info.backend_pid
        table = sql.Identifier("trackai", world.chance.choice((*COMPUTED, "ab_test_scans")))
        connection.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(table))
        ended: list[BaseException | None] = []
        run = _in_thread(lambda: list(compute_tests(own, now, tenant_id=world.tenant)), ended)
        waits = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
        while not ended and connection.execute(waits, (pid,)).fetchone() != (True,):
            time.sleep(0.002)
        connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
        run.join()
        assert ended[0] is None or isinstance(ended[0], OperationalError), ended


def two_nights_at_once(url: str, world: World, now: datetime) -> None:
    """Begin a night twice."""
    ended: list[BaseException | None] = []
    with connect(url) as one, connect(url) as other:
        runs = [
            _in_thread(lambda own=own: list(compute_tests(own, now, tenant_id=world.tenant)), ended)  # type: ignore[misc]
            for own in (one, other)
        ]
        for run in runs:
            run.join()
    assert ended == [None, None]


def _in_thread(call: Callable[[], object], ended: list[BaseException | None]) -> Thread:
    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001
            ended.append(error)
        else:
            ended.append(None)

    thread = Thread(target=run)
    thread.start()
    return thread


def snapshot(connection: Connection[Any], tests: Sequence[int]) -> dict[str, list[str]]:
    """Return all that is computed of tests, but for when."""
    query = sql.SQL("SELECT (to_jsonb(t) - %s::text[])::text FROM trackai.{} t WHERE test_id = ANY (%s) ORDER BY 1")
    return {
        table: [row for (row,) in connection.execute(query.format(sql.Identifier(table)), (_WHEN, list(tests)))]
        for table in COMPUTED
    }


def from_nothing(
    connection: Connection[Any], world: World, tests: Sequence[int], now: datetime
) -> dict[str, list[str]]:
    """Return what a night computes of tests that were never computed, and leave everything as it was.

    Outcomes of sales without hashes cannot be made again, and decisions are not taken back: both stay.
    """
    with connection.transaction(force_rollback=True):
        for table in (*COMPUTED[1:-1], "ab_test_scans"):
            delete = sql.SQL("DELETE FROM trackai.{} WHERE test_id = ANY (%s)").format(sql.Identifier(table))
            connection.execute(delete, (list(tests),))
        connection.execute(
            "DELETE FROM trackai.ab_test_outcomes WHERE test_id = ANY (%s) AND NOT conversion_id = ANY (%s)",
            (list(tests), list(world.facts.anonymised)),
        )
        list(compute_tests(connection, now, tenant_id=world.tenant))
        return snapshot(connection, tests)
