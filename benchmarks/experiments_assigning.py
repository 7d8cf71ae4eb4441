"""What it costs to say which variant a user sees, to store it, and to load what another system assigned.

What belongs here: `ab_test_variant`, its rows, and landing files of assignments next to those of conversions. What does
not: computing tests.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import LiteralString

from psycopg import Error

from benchmarks.database import Database, benchmark_sql, count
from benchmarks.figures import Figure, Scale, row, short
from benchmarks.ingest import as_given, load_twice, loaded, write_json_lines
from benchmarks.processes import begin_together, in_processes
from benchmarks.world import add_sales, have_world
from trackai_pipelines.database.connection import connect

_CLIENTS = 4
_TENANTS = 100
# Users come in no order of their ids: one after the other is so many further on.
_STRIDE = 7_919
_ASK = "SELECT trackai.ab_test_variant('t-split', 'checkout', %s)"
_INSERT = (
    "INSERT INTO trackai.ab_test_assignments (tenant_id, test_id, user_id, variant_assigned)"
    " SELECT tenant_id, id, %s, variant_a FROM trackai.ab_tests WHERE tenant_id = 't-split' AND test_key = 'checkout'"
    " RETURNING variant_assigned"
)
_READ = (
    "SELECT variant_assigned FROM trackai.ab_test_assignments a JOIN trackai.ab_tests t USING (tenant_id)"
    " WHERE t.tenant_id = 't-split' AND t.test_key = 'checkout' AND a.test_id = t.id AND a.user_id = %s"
)


@dataclass(frozen=True)
class _Sizes:
    users: int
    seconds: float
    """How long clients ask."""
    repeats: int


SIZES = {
    "small": _Sizes(users=1_000, seconds=0.5, repeats=1),
    "medium": _Sizes(users=200_000, seconds=20, repeats=3),
    "full": _Sizes(users=1_000_000, seconds=60, repeats=3),
}
_A_SECOND = 1_000
"""So many times a second the variants of known users are asked for."""


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Yield rates and waits of new and of known users, the bytes of an assignment, and the rate of landing files."""
    sizes = SIZES[scale]
    yield from _new_users(database, sizes)
    yield from _known_users(database, sizes)
    yield from _landed(database, sizes)


def _new_users(database: Database, sizes: _Sizes) -> Iterator[Figure]:
    """Each client has a connection of its own, asks for one new user after the other, and each answer is a commit."""
    with connect(database.url, name="benchmark") as connection:
        connection.execute(benchmark_sql("have_ab_test"))
    title = f"Experiments: new users, a commit each, {_CLIENTS} clients"
    rates: dict[str, float] = {}
    for case, query in (("a plain INSERT", _INSERT), ("ab_test_variant", _ASK)):
        asked = in_processes(_ask, [(database.url, query, case, client, sizes.seconds) for client in range(_CLIENTS)])
        waits = sorted(wait for client in asked for wait in client)
        rates[case] = len(waits) / sizes.seconds
        least = 1_000 if case == "ab_test_variant" else None
        yield Figure(title, case, "calls/s", rates[case], at_least=least)
        yield Figure(title, case, "p99 ms", 1e3 * waits[len(waits) * 99 // 100])
    share = rates["ab_test_variant"] / rates["a plain INSERT"]
    yield Figure(title, "ab_test_variant", "share of a plain INSERT's rate", share)


def _ask(url: str, query: LiteralString, case: str, client: int, seconds: float) -> list[float]:
    waits: list[float] = []
    with connect(url, name="benchmark") as connection:
        begin_together()
        end = time.perf_counter() + seconds
        while (begun := time.perf_counter()) < end:
            connection.execute(query, (f"{case[:4]}-{client}-{len(waits):08d}",)).fetchone()
            waits.append(time.perf_counter() - begun)
    return waits


def _known_users(database: Database, sizes: _Sizes) -> Iterator[Figure]:
    """Clients ask at times that are fixed beforehand; a wait begins then, even where the client was still busy."""
    title = f"Experiments: known users, {_A_SECOND:,} a second, of {short(sizes.users)}"
    with connect(database.url, name="benchmark") as connection:
        connection.execute(benchmark_sql("have_ab_test"))
        connection.execute(benchmark_sql("add_ab_test_users"), {"users": sizes.users})
        connection.execute("VACUUM (ANALYZE) trackai.ab_test_assignments")
        size = count(connection, "SELECT pg_total_relation_size('trackai.ab_test_assignments')")
        rows = count(connection, "SELECT count(*) FROM trackai.ab_test_assignments")
    for case, query in (("by the key", _READ), ("ab_test_variant", _ASK)):
        asked = in_processes(
            _ask_in_time, [(database.url, query, client, sizes.seconds, sizes.users) for client in range(_CLIENTS)]
        )
        waits = sorted(wait for client, _ in asked for wait in client)
        yield Figure(title, case, "p99 ms", 1e3 * waits[len(waits) * 99 // 100], at_most=20)
        yield Figure(title, case, "errors", sum(errors for _, errors in asked), at_most=0)
        yield Figure(title, case, "median ms", 1e3 * median(waits))
    yield Figure("Experiments: storage", "an assignment with its index", "bytes", size / rows, at_most=180)


def _ask_in_time(url: str, query: LiteralString, client: int, seconds: float, users: int) -> tuple[list[float], int]:
    waits: list[float] = []
    errors = 0
    with connect(url, name="benchmark") as connection:
        begin_together()
        begun = time.perf_counter()
        for number in range(round(seconds * _A_SECOND / _CLIENTS)):
            due = begun + (number * _CLIENTS + client) / _A_SECOND
            time.sleep(max(0.0, due - time.perf_counter()))
            try:
                found = connection.execute(
                    query, (f"user-{(number * _CLIENTS + client) * _STRIDE % users:08d}",)
                ).fetchone()
                errors += found is None or found[0] is None
            except Error:
                errors += 1
            waits.append(time.perf_counter() - due)
    return waits, errors


def _landed(database: Database, sizes: _Sizes) -> Iterator[Figure]:
    """Load both files in turns, each into empty tables, in a process of its own."""
    title = f"Experiments: landing files of {short(sizes.users)} rows"
    folder = database.home / "landing"
    folder.mkdir(parents=True, exist_ok=True)
    sales, assignments = folder / "conversions.jsonl", folder / "ab_assignments-2026-01-01.jsonl"
    have_world(database, clicks=0, tenants=_TENANTS)
    with connect(database.url, name="benchmark") as connection:
        add_sales(connection, 1, sizes.users)
        write_json_lines(sales, as_given(connection, "conversions"))
    write_json_lines(assignments, _assigned(sizes.users))
    seconds: dict[str, list[float]] = {"conversions": [], "ab_assignments": []}
    for _ in range(sizes.repeats):
        seconds["conversions"].append(loaded(database, "conversions", sales, sizes.users)[0])
        with connect(database.url, name="benchmark") as connection:
            connection.execute(benchmark_sql("have_ab_test"))
            connection.execute("CHECKPOINT")
        ((took, _, _, accepted, known),) = in_processes(load_twice, [(database.url, assignments)])
        if not accepted == known == sizes.users:
            raise RuntimeError(f"of {sizes.users:,} rows {accepted:,} were loaded, and {known:,} found again")
        seconds["ab_assignments"].append(took)
    rates = {name: sizes.users / median(took) for name, took in seconds.items()}
    for name, rate in rates.items():
        yield from row(title, name, {"rows/s": rate})
    share = rates["ab_assignments"] / rates["conversions"]
    yield Figure(title, "ab_assignments", "share of the conversions' rate", share, at_least=0.5)
    with connect(database.url, name="benchmark") as connection:
        size = count(connection, "SELECT pg_total_relation_size('trackai.ab_test_assignments')")
    case = f"of a file whose name has {len(assignments.name)} characters"
    yield Figure("Experiments: storage", case, "bytes", size / sizes.users)


def _assigned(users: int) -> Iterator[dict[str, str]]:
    """The users of a day in no order, as another system writes them."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(users):
        at = begin + timedelta(milliseconds=80 * number)
        yield {
            "tenant": "shop-split",
            "test_key": "checkout",
            "user_id": f"user-{number * _STRIDE % users:08d}",
            "variant": "one-page" if number % 2 else "control",
            "assigned_at": at.isoformat(),
        }
