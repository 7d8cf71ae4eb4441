"""What a night of tests costs: from nothing, one more day, and a statement that only joins and counts.

What belongs here: ten tests whose users are each in two of them, 28 days of what these buy, and computing them. What
does not: comparing totals that are in memory (experiments_comparing).
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from psycopg import Connection, sql

from benchmarks.database import Database, backend_cpu_seconds, benchmark_sql, count
from benchmarks.figures import Figure, Scale, row, short
from trackai_pipelines.database.connection import connect
from trackai_pipelines.experiments.computing import compute_tests

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_DAYS = 28
_TESTS = 10
_PART = 5
"""A test has one user in so many; each is in two."""
_TABLES = ("conversions", "user_conversions", "matched_attributions", "users", "ab_test_assignments")


@dataclass(frozen=True)
class _Sizes:
    users: int
    """Of each test. There are twice as many sales, of all tests together."""
    repeats: int


# What is the same for any number of users weighs too much with fewer than a million.
SIZES = {"small": _Sizes(500, 1), "medium": _Sizes(1_000_000, 1), "full": _Sizes(1_000_000, 3)}


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Yield CPU seconds of the server and of Python together, and the bytes of an assignment."""
    sizes = SIZES[scale]
    title = f"Experiments: computing {_TESTS} tests of {short(sizes.users)} users, {_DAYS} days"
    night = _BEGIN + _DAYS * _DAY + timedelta(hours=1)
    with connect(database.url, name="benchmark") as connection:
        # Computing writes, so it has no workers; nor has what it is compared with.
        connection.execute("SET max_parallel_workers_per_gather = 0")
        connection.execute(benchmark_sql("world"))
        connection.execute(benchmark_sql("have_many_tests"))
        _add(connection, sizes.users, _BEGIN - 30 * _DAY, _BEGIN + (_DAYS - 1) * _DAY)
        _compute(connection, night - _DAY)
        _add(connection, sizes.users, _BEGIN + (_DAYS - 1) * _DAY, _BEGIN + _DAYS * _DAY)
        asked: dict[str, Callable[[], int]] = {
            "one more day": lambda: _compute(connection, night),
            "from nothing": lambda: _compute_from_nothing(connection, night),
            "floor: a plain statement": lambda: _count(connection),
        }
        used: dict[str, list[float]] = {case: [] for case in asked}
        answers = set()
        for _ in range(sizes.repeats):
            for case, ask in asked.items():
                with connection.transaction(force_rollback=True):
                    before = _cpu_seconds(connection)
                    answers.add(ask())
                    used[case].append(_cpu_seconds(connection) - before)
                # What was undone is not looked at again.
                connection.execute("VACUUM trackai.ab_test_outcomes")
        if len(answers) != 1:
            raise RuntimeError(f"the ways to count sales do not agree: {sorted(answers)}")
        seconds = {case: median(values) for case, values in used.items()}
        size = count(connection, "SELECT pg_total_relation_size('trackai.ab_test_assignments')")
    more, whole, floor = seconds.values()
    yield from row(title, "floor: a plain statement", {"CPU s": floor})
    yield from row(title, "from nothing", {"CPU s": whole})
    if floor:
        yield Figure(title, "from nothing", "times the floor", whole / floor, at_most=2.5)
    yield from row(title, "one more day", {"CPU s": more})
    if whole:
        yield Figure(title, "one more day", "of the whole", more / whole, at_most=0.25)
    case = "of ten tests, with a tenant's id of 25 characters"
    yield Figure("Experiments: storage", case, "bytes", size / sizes.users / _TESTS)


def _add(connection: Connection[Any], users: int, since: datetime, until: datetime) -> None:
    """Add what happened in a time; the server knows it as well as it ever does."""
    given = {"users": _PART * users, "sales": 2 * users, "since": since, "until": until}
    with connection.transaction():
        # Neither queues nor foreign keys: they are not what is measured.
        connection.execute("SET LOCAL session_replication_role = replica")
        for name in ("add_tested_users", "add_tested_sales"):
            connection.execute(benchmark_sql(name), given)
    for table in _TABLES:
        connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier("trackai", table)))
    connection.execute("CHECKPOINT")


def _compute(connection: Connection[Any], now: datetime) -> int:
    return sum(one.conversions for one in compute_tests(connection, now))


def _compute_from_nothing(connection: Connection[Any], now: datetime) -> int:
    connection.execute("TRUNCATE trackai.ab_test_outcomes, trackai.ab_test_scans")
    return _compute(connection, now)


def _count(connection: Connection[Any]) -> int:
    row = connection.execute(benchmark_sql("plain_test_days")).fetchone()
    assert row is not None
    return int(row[1])


def _cpu_seconds(connection: Connection[Any]) -> float:
    return (backend_cpu_seconds(connection) or 0) + time.process_time()
