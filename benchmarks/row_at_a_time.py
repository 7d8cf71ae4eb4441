"""What the drain is compared with: a worker that decides one conversion after the other, and bare inserting.

What belongs here: the two comparisons, on the drain's own tables, indexes and triggers. What does not: the drain.
"""

import time
from typing import Any

from psycopg import Connection, sql

from benchmarks.costs import Work, Worked, timed
from benchmarks.database import Database, benchmark_sql, count
from benchmarks.processes import in_processes
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.tables import columns_of
from trackai_pipelines.matching.batch_size import BATCH_SIZE

_KEYS = "SELECT tenant_id, gateway, gateway_event_id FROM trackai.conversions ORDER BY id LIMIT %s"
_ATTRIBUTE = (
    "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, click_id, strategy, matched_at, attempts) "
    "VALUES (%s, %s, %s, %s, clock_timestamp(), %s)"
)
_LOG = (
    "INSERT INTO trackai.match_log "
    "(tenant_id, conversion_id, attempt, strategy, outcome, click_id, processing_ms, run_id) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, 'row at a time')"
)


def one_by_one(sample: int) -> Work:
    """A worker with one connection that is given the idempotency keys of the first `sample` conversions.

    For each: look up the key and whether it is decided, look up fbc, look up fbp, insert, log, commit: five statements.
    Its statements are prepared, and it need not find or lock its work.
    """
    return lambda database: in_processes(_decide_sample, [(database.url, sample)])


def _decide_sample(url: str, sample: int) -> Worked:
    with connect(url, name="benchmark row at a time") as connection:
        connection.prepare_threshold = 2
        keys = connection.execute(_KEYS, [sample]).fetchall()
        return timed(connection, lambda: sum(_decide(connection, key) for key in keys))


def _decide(connection: Connection[Any], key: tuple[str, str, str]) -> int:
    begun = time.perf_counter()
    with connection.transaction():
        found = connection.execute(benchmark_sql("look_up_key"), key).fetchone()
        if found is None:
            # Decided already.
            return 0
        conversion_id, fbc, fbp, after, until = found
        tried = []
        for strategy, given in (("fbc", fbc), ("fbp", fbp)):
            click = None
            if given is not None:
                window = {"tenant_id": key[0], "key": given, "after": after, "until": until}
                click = connection.execute(benchmark_sql(f"look_up_{strategy}"), window).fetchone()
            tried.append((strategy, "no_key" if given is None else "hit" if click else "no_candidate", click))
        if tried[0][2]:
            tried.pop()
        strategy, _, click = tried[-1]
        decided = (strategy, click[0]) if click else ("unmatched", None)
        connection.execute(_ATTRIBUTE, (key[0], conversion_id, decided[1], decided[0], len(tried)))
        for attempt, (strategy, outcome, click) in enumerate(tried, start=1):
            spent = 1000 * (time.perf_counter() - begun)
            hit = click[0] if click else None
            connection.execute(_LOG, (key[0], conversion_id, attempt, strategy, outcome, hit, spent))
    return 1


def remember_results(connection: Connection[Any]) -> None:
    """Keep the attributions and log rows that are there, numbered by batch, for `inserting_remembered`."""
    connection.execute("DROP TABLE IF EXISTS benchmark.attributions, benchmark.log")
    connection.execute(
        sql.SQL(
            "CREATE TABLE benchmark.attributions AS SELECT a.*, "
            "(row_number() OVER (ORDER BY a.tenant_id, a.conversion_id) - 1) / {} AS batch "
            "FROM trackai.matched_attributions a"
        ).format(BATCH_SIZE)
    )
    connection.execute(
        "CREATE TABLE benchmark.log AS SELECT l.*, a.batch FROM benchmark.attributions a "
        "JOIN trackai.match_log l USING (tenant_id, conversion_id) ORDER BY a.batch, l.tenant_id, l.conversion_id"
    )
    connection.execute("CREATE INDEX ON benchmark.attributions (batch)")
    connection.execute("CREATE INDEX ON benchmark.log (batch)")
    connection.execute("VACUUM (ANALYZE) benchmark.attributions, benchmark.log")


def inserting_remembered(database: Database) -> list[Worked]:
    """The floor: the remembered rows go into the same tables in batches of the drain's size; nothing is looked up."""
    return in_processes(_insert_remembered, [(database.url,)])


def _insert_remembered(url: str) -> Worked:
    with connect(url, name="benchmark floor") as connection:
        attribute = _insert(connection, "matched_attributions", "attributions")
        log = _insert(connection, "match_log", "log")
        batches = count(connection, "SELECT coalesce(max(batch) + 1, 0) FROM benchmark.attributions")

        def insert_all() -> int:
            rows = 0
            for batch in range(batches):
                with connection.transaction():
                    rows += connection.execute(attribute, [batch]).rowcount
                    connection.execute(log, [batch])
            return rows

        return timed(connection, insert_all)


def _insert(connection: Connection[Any], table: str, remembered: str) -> sql.Composed:
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns_of(connection, table))
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} WHERE batch = %s").format(
        sql.Identifier("trackai", table), names, names, sql.Identifier("benchmark", remembered)
    )
