"""What a day of checks costs afterwards: its analytics, answering it again, and previewing a change for its users.

What belongs here: ten flags that split the same users, each of whom checked each flag once. What does not: making and
writing checks (flags_checks, flags_usage).
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any

from psycopg import Connection

from benchmarks.database import Database, backend_cpu_seconds, benchmark_sql
from benchmarks.figures import Figure, Scale, row, short
from benchmarks.flags_world import have_flags
from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.connection import connect
from trackai_pipelines.flags.altering import set_fields
from trackai_pipelines.flags.analytics import analyse_days
from trackai_pipelines.flags.changes import ChangeTerms, propose
from trackai_pipelines.flags.preview import preview
from trackai_pipelines.flags.recording import writing
from trackai_pipelines.flags.repeating import repeat_answers

_TITLE = "Flags: a day of checks"
_FLAGS = 10
_USERS = {"small": 100, "medium": 100_000, "full": 100_000}
_ROUNDS = {"small": 1, "medium": 3, "full": 7}


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Yield the time of each, and how many times that of a plain GROUP BY the analytics take."""
    users, day = _USERS[scale], datetime.now(UTC).date() - timedelta(days=1)
    rows = f"{short(_FLAGS * users)} rows"
    with connect(database.url, name="benchmark") as connection:
        have_flags(connection)
        connection.execute(benchmark_sql("have_days"))
        connection.execute(benchmark_sql("insert_usage"), {"day": day, "users": users})
        connection.execute("VACUUM (ANALYZE) trackai.feature_flag_usage")
        yield from _analytics(connection, day, rows, _ROUNDS[scale])
        answered = f"{rows}: answered again"
        seconds, cpu = _taken(connection, lambda: _repeat(connection, day))
        yield Figure(_TITLE, answered, "seconds", seconds, at_most=60)
        yield from row(_TITLE, answered, {"CPU s": cpu})
        previewed = f"{rows}: a change previewed for {short(users)} users"
        # The quickest, which other load on the machine has disturbed least.
        seconds, cpu = min(_taken(connection, lambda: _preview(connection, users)) for _ in range(_ROUNDS[scale]))
        yield Figure(_TITLE, previewed, "seconds", seconds, at_most=2)
        yield from row(_TITLE, previewed, {"CPU s": cpu})


def _analytics(connection: Connection[Any], day: date, rows: str, rounds: int) -> Iterator[Figure]:
    plain, analysed = f"{rows}: GROUP BY", f"{rows}: analytics"
    seconds: dict[str, list[float]] = {plain: [], analysed: []}
    cpu: dict[str, list[float]] = {plain: [], analysed: []}
    # The analytics write, so they have no workers; nor has what they are compared with.
    connection.execute("SET max_parallel_workers_per_gather = 0")
    for _ in range(rounds):
        for case, ask in ((plain, lambda: _count(connection, day)), (analysed, lambda: _analyse(connection, day))):
            took, used = _taken(connection, ask)
            seconds[case].append(took)
            cpu[case].append(used)
    connection.execute("RESET max_parallel_workers_per_gather")
    for case in (plain, analysed):
        yield from row(_TITLE, case, {"seconds": median(seconds[case]), "CPU s": median(cpu[case])})
    if floor := median(cpu[plain]):
        yield Figure(_TITLE, analysed, "times the GROUP BY", median(cpu[analysed]) / floor, at_most=2)


def _count(connection: Connection[Any], day: date) -> None:
    connection.execute(benchmark_sql("plain_group_by_usage"), {"day": day}).fetchall()


def _analyse(connection: Connection[Any], day: date) -> None:
    ((_, analysed),) = analyse_days(connection, [day])
    assert analysed is not None
    assert analysed.checks > 0


def _repeat(connection: Connection[Any], day: date) -> None:
    said = repeat_answers(connection, day).said()
    if said:
        raise RuntimeError(f"checks are not answered as they were: {said}")


def _preview(connection: Connection[Any], users: int) -> None:
    """Preview what `trackai flags set --rollout-percentage 60 --dry-run` shows."""
    with writing(connection, utc_now, dry_run=True) as now:
        proposal = propose(
            connection, "benchmark_day_1", set_fields({"rollout_percentage": 60}), ChangeTerms(now=now, reason="more")
        )
    seen = sum(tenant.users for tenant in preview(connection, proposal).tenants)
    if seen != users:
        raise RuntimeError(f"{seen:,} of {users:,} users were looked at: the preview is broken")


def _taken(connection: Connection[Any], work: Callable[[], None]) -> tuple[float, float]:
    """Return the seconds, and the CPU seconds of this thread and of the server's process of the connection."""
    begun, used = time.perf_counter(), time.thread_time() + (backend_cpu_seconds(connection) or 0)
    work()
    return time.perf_counter() - begun, time.thread_time() + (backend_cpu_seconds(connection) or 0) - used
