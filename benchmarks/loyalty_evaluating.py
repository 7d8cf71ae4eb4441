"""What evaluating a day of a loyalty program costs: everybody, those who sold, and a plain GROUP BY over the same rows.

What belongs here: creators with 15 days of sales each, and the evaluation of one day. What does not: posting.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any

from psycopg import Connection, sql

from benchmarks.database import Database, backend_cpu_seconds, benchmark_sql, count
from benchmarks.figures import Figure, Scale, row, short
from trackai_pipelines.database.connection import connect
from trackai_pipelines.loyalty.rules import Rules, read_rules
from trackai_pipelines.loyalty.tiers import Known, evaluate_tiers

TENANT = "cm2loyal00000000000000000"
_DAY = date(2026, 3, 1)
_NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CREATORS = {"small": 1_000, "medium": 100_000, "full": 1_000_000}
_REPEATS = {"small": 1, "medium": 3, "full": 3}
_TABLES = ("users", "loyalty_members", "creator_sales_daily", "sales_ledger")


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Yield seconds of a backend and by the clock, and how they compare."""
    creators = CREATORS[scale]
    title = f"Loyalty: a day of {short(creators)} creators, {short(15 * creators)} days of sales"
    with connect(database.url, name="benchmark") as connection:
        # Evaluating writes, so it has no workers; nor has what it is compared with.
        connection.execute("SET max_parallel_workers_per_gather = 0")
        rules = _have_creators(connection, creators)
        everybody = replace(rules, programs=[*rules.programs, replace(rules.programs[-1], valid_from=_DAY)])
        asked: dict[str, Callable[[], int]] = {
            "floor: four sums a creator": lambda: count(connection, benchmark_sql("loyalty_floor")),
            "everybody": lambda: _evaluate(connection, everybody),
            "a tenth sold": lambda: _evaluate(connection, rules),
        }
        used: dict[str, list[float]] = {case: [] for case in asked}
        taken: dict[str, list[float]] = {case: [] for case in asked}
        events = set()
        for _ in range(_REPEATS[scale]):
            for case, ask in asked.items():
                with connection.transaction(force_rollback=True):
                    before, begun = backend_cpu_seconds(connection) or 0, time.monotonic()
                    found = ask()
                    taken[case].append(time.monotonic() - begun)
                    used[case].append((backend_cpu_seconds(connection) or 0) - before)
                if not case.startswith("floor"):
                    events.add(found)
                connection.execute("VACUUM trackai.loyalty_members")
    if len(events) != 1:
        raise RuntimeError(f"evaluating everybody and those who sold do not come to the same: {sorted(events)}")
    seconds = {case: median(values) for case, values in used.items()}
    for case in asked:
        yield from row(title, case, {"CPU s": seconds[case], "s": median(taken[case])})
    floor, whole, tenth = seconds.values()
    if floor and whole:
        yield Figure(title, "everybody", "times the floor", whole / floor, at_most=1.5)
        yield Figure(title, "a tenth sold", "of the whole", tenth / whole, at_most=1 / 3)


def _have_creators(connection: Connection[Any], creators: int) -> Rules:
    """Make the creators and evaluate the day before, after which a tenth of them sell; return the rules."""
    connection.execute(benchmark_sql("loyalty_rules"))
    with connection.transaction():
        # Foreign keys and triggers are not what is measured.
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(benchmark_sql("loyalty_creators"), {"creators": creators, "day": _DAY})
    _settle(connection)
    rules = read_rules(connection, TENANT)
    first = replace(rules, programs=[replace(rules.programs[0], valid_from=_DAY - timedelta(days=1))])
    with connection.transaction():
        evaluate_tiers(connection, first, _DAY - timedelta(days=1), Known(ledger_upto=0, seen_upto=0), _NOW)
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(benchmark_sql("loyalty_sold"), {"day": _DAY})
    _settle(connection)
    return rules


def _settle(connection: Connection[Any]) -> None:
    for table in _TABLES:
        connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier("trackai", table)))
    connection.execute("CHECKPOINT")


def _evaluate(connection: Connection[Any], rules: Rules) -> int:
    """Evaluate the day; return how many events there are."""
    return sum(evaluate_tiers(connection, rules, _DAY, Known(ledger_upto=1, seen_upto=0), _NOW).values())
