"""Random worlds: whatever the order of arrival and of postings, from however many processes, the ledger is the same."""

import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from time import sleep
from typing import Any

import pytest
from loyalty.sources import (
    NOW,
    Net,
    add_creator,
    add_refund,
    add_report,
    add_sale,
    found_program,
    insert,
    net,
    set_alias,
)
from psycopg import Connection, sql

from trackai_pipelines.loyalty.posting import post
from trackai_pipelines.loyalty.reconcile import caches_unlike_ledger, sources_unlike_ledger, wrong_postings

DAY = date(2026, 3, 2)
SEEDS = range(6)
"""More of them, by hand, take a second each."""
CREATORS, ITEMS, DAYS = 4, 6, 6


@dataclass(frozen=True)
class Report:
    item: int
    day: int
    version: int
    amount: int
    units: int


@dataclass(frozen=True)
class Sale:
    number: int
    hour: int
    value: int
    code: int
    """A creator's; beyond the last one, nobody's."""


@dataclass(frozen=True)
class Refund:
    number: int
    sale: int
    hour: int
    value: int


@dataclass(frozen=True)
class World:
    reports: tuple[Report, ...]
    sales: tuple[Sale, ...]
    refunds: tuple[Refund, ...]
    adjustments: tuple[tuple[int, int, int], ...]
    """Creator, day, amount."""
    moved: tuple[int, int, int]
    """A handle's number, the day from which it is another creator's, and whose."""


def _world(chance: Random) -> World:
    figures = [(item, day) for item in range(ITEMS) for day in range(DAYS) if chance.random() < 0.6]
    reports = tuple(
        Report(item, day, version, chance.randrange(0, 60), chance.randrange(0, 5))
        for item, day in figures
        for version in range(chance.choice((1, 1, 2)))
    )
    hours = 24 * DAYS
    sales = tuple(
        Sale(number, chance.randrange(hours), chance.choice((0, 10, 25)), chance.randrange(CREATORS + 1))
        for number in range(10)
    )
    refunds = tuple(
        Refund(number, chance.randrange(10), chance.randrange(hours), chance.randrange(1, 30)) for number in range(6)
    )
    adjustments = tuple((chance.randrange(CREATORS), chance.randrange(DAYS), chance.randrange(1, 9)) for _ in range(3))
    moved = (chance.randrange(CREATORS), chance.randrange(DAYS), chance.randrange(CREATORS))
    return World(reports, sales, refunds, adjustments, moved)


def _at(hour: int) -> datetime:
    return datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hour)


def _arrivals(connection: Connection[Any], tenant: str, world: World) -> list[Callable[[], object]]:
    """What arrives, in any order; a refund waits for its sale by itself."""
    sale_ids: dict[int, int] = {}

    def sell(sale: Sale) -> None:
        code = f"C{sale.code}" if sale.code < CREATORS else None
        sale_ids[sale.number] = add_sale(connection, tenant, f"e{sale.number}", _at(sale.hour), sale.value, link=code)
        about = {"conversion_id": sale_ids[sale.number], "order": f"o{sale.number}", "tenant_id": tenant}
        connection.execute(
            "UPDATE trackai.refunds SET conversion_id = %(conversion_id)s "
            "WHERE tenant_id = %(tenant_id)s AND order_id = %(order)s",
            about,
        )

    def refund(one: Refund) -> None:
        about = {"order_id": f"o{one.sale}", "occurred_at": _at(one.hour)}
        add_refund(connection, tenant, f"r{one.number}", sale_ids.get(one.sale), one.value, **about)

    def report(one: Report) -> None:
        day = DAY + timedelta(days=one.day)
        as_of = _at(24 * (one.day + 1) + one.version)
        handle = f"h{one.item % CREATORS}"
        more = {"units": one.units, "as_of": as_of, "handle": handle, "post_date": DAY}
        add_report(connection, tenant, f"v{one.item}", day, one.amount, **more)

    def adjust(number: int) -> None:
        creator, day, amount = world.adjustments[number]
        about = {"tenant_id": tenant, "user_id": f"c{creator}", "currency": "USD", "reason": "r", "created_at": NOW}
        values = {"external_id": f"a{number}", "amount": amount, "effective_on": DAY + timedelta(days=day)}
        insert(connection, "sales_adjustments", adjustment_type="bonus", **about, **values)

    def move() -> None:
        handle, day, creator = world.moved
        set_alias(connection, tenant, "tiktok", f"h{handle}", f"c{creator}", DAY + timedelta(days=day))

    return [
        *(lambda one=one: report(one) for one in world.reports),
        *(lambda one=one: sell(one) for one in world.sales),
        *(lambda one=one: refund(one) for one in world.refunds),
        *(lambda number=number: adjust(number) for number in range(len(world.adjustments))),
        move,
    ]


def _expected(world: World) -> Net:
    """Work the ledger out, item by item and sale by sale."""
    sums: dict[tuple[str, date, str], list[Any]] = defaultdict(lambda: [Decimal(), 0])

    def add(creator: int, day: date, source: str, amount: Decimal, units: int) -> None:
        entry = sums[f"c{creator}", day, source]
        entry[0] += amount
        entry[1] += units

    handle, moved_on, whose = world.moved
    for item in range(ITEMS):
        newest = {}
        for report in sorted((r for r in world.reports if r.item == item), key=lambda r: (r.day, r.version)):
            newest[report.day] = report
        amount = units = 0
        for day, report in sorted(newest.items()):
            own = item % CREATORS
            creator = whose if own == handle and day >= moved_on else own
            add(creator, DAY + timedelta(days=day), "csv", Decimal(report.amount - amount), report.units - units)
            amount, units = report.amount, report.units
    for sale in world.sales:
        if sale.code == CREATORS:
            continue
        add(sale.code, _at(sale.hour).date(), "conversion", Decimal(sale.value), 1)
        left, unit = sale.value, 1
        refunds = (refund for refund in world.refunds if refund.sale == sale.number)
        for refund in sorted(refunds, key=lambda refund: (refund.hour, refund.number)):
            taken = min(left, refund.value)
            left -= taken
            add(sale.code, _at(refund.hour).date(), "refund", Decimal(-taken), -unit if left == 0 else 0)
            unit = 0 if left == 0 else unit
    for creator, day, given in world.adjustments:
        add(creator, DAY + timedelta(days=day), "adjustment", Decimal(given), 0)
    return {key: (amount, units) for key, (amount, units) in sums.items() if amount or units}


def _found(connection: Connection[Any], tenant: str) -> None:
    found_program(connection, tenant)
    for creator in range(CREATORS):
        add_creator(connection, tenant, f"c{creator}", link=f"C{creator}", tiktok=f"h{creator}")


def _sound(connection: Connection[Any]) -> None:
    assert sources_unlike_ledger(connection) == []
    assert wrong_postings(connection) == []
    assert caches_unlike_ledger(connection, NOW) == []


@pytest.mark.slow
def test_any_order_of_arrival_and_any_postings_give_one_ledger(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    """Two orders of each world."""
    for number in SEEDS:
        chance = Random(number)
        world = _world(chance)
        expected = _expected(world)
        for order in range(2):
            tenant = add_tenant(f"w{number}-{order}")
            _found(connection, tenant)
            arrivals = _arrivals(connection, tenant, world)
            chance.shuffle(arrivals)
            for arrive in arrivals:
                arrive()
                if chance.random() < 0.1:
                    post(connection, tenant, NOW)
            post(connection, tenant, NOW)
            assert net(connection, tenant) == expected, (number, order)
    _sound(connection)


_POST = """
import sys
from datetime import datetime
from trackai_pipelines.database.connection import connect
from trackai_pipelines.loyalty.posting import post
with connect(sys.argv[1]) as connection:
    print("ready", flush=True)
    sys.stdin.readline()
    print(post(connection, "t-acme", datetime.fromisoformat(sys.argv[2])).entries, flush=True)
"""


def _poster(url: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", _POST, url, NOW.isoformat()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def _go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.slow
@pytest.mark.processes
def test_processes_that_post_at_once_and_are_killed_leave_one_ledger(
    database_url: str, connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    """Killed with -9 at any moment; each of those that are left finds what the others have not posted."""
    tenant = add_tenant("acme")
    _found(connection, tenant)
    chance = Random(5)
    world = _world(chance)
    for arrive in _arrivals(connection, tenant, world):
        arrive()
    # Many entries, so that a posting takes a while.
    connection.execute(
        sql.SQL(
            "INSERT INTO trackai.sales_adjustments (tenant_id, id, user_id, amount, currency, reason, adjustment_type, "
            "effective_on, created_at) SELECT {}, 1000 + n, 'c0', 1, 'USD', 'r', 'bonus', '2020-01-01', {} "
            "FROM generate_series(1, 3000) n"
        ).format(sql.Literal(tenant), sql.Literal(NOW))
    )
    expected = {**_expected(world), ("c0", date(2020, 1, 1), "adjustment"): (Decimal(3000), 0)}
    for _ in range(5):
        killed = _poster(database_url)
        _go(killed)
        sleep(chance.uniform(0, 0.2))
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        # What was under way is rolled back, or was committed whole.
        assert wrong_postings(connection) == []
        assert caches_unlike_ledger(connection, NOW) == []
    posters = [_poster(database_url) for _ in range(3)]
    for poster in posters:
        _go(poster)
    entries = [int(poster.communicate()[0]) for poster in posters]
    assert sum(count > 0 for count in entries) <= 1
    assert net(connection, tenant) == expected
    assert connection.execute("SELECT max(posting_no), max(revision) FROM trackai.sales_ledger").fetchone() == (1, 1)
    _sound(connection)
