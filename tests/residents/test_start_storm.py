"""A machine that is short of CPU: `up` reaches its residents next to ten busy processes, and few starts fail.

What belongs here: what is reached, however long it takes. How long it takes is measured (benchmarks/starts.py).
"""

from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from benchmarks.database import Database
from benchmarks.processes import busy_processes
from benchmarks.system import trackai_started
from trackai_pipelines.clock import utc_now

BUSY = 10
# A start takes a second of CPU or ten, and gets a sixth of a core at best.
PATIENCE = 1_200


@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.timeout(2 * PATIENCE)
def test_up_reaches_two_drains_and_a_dispatcher_next_to_busy_processes(
    home: Path,
    database_url: str,
    empty_database_url: str,
    connection: Connection[Any],
    add_tenant: Any,
    insert_sale: Any,
) -> None:
    database = Database(database_url, empty_database_url, home)
    acme = add_tenant("acme")

    def at_work() -> dict[str, int]:
        found = connection.execute(
            "SELECT name, count(*)::int FROM trackai.leases "
            "WHERE taken_at IS NOT NULL AND expires_at > now() GROUP BY name"
        ).fetchall()
        return dict(found)

    def waiting() -> tuple[Any, ...] | None:
        return connection.execute("SELECT count(*) FROM trackai.match_queue").fetchone()

    with (
        busy_processes(BUSY),
        trackai_started(database, drains=2, life_seconds=3_600, more={"TRACKAI_DISPATCHERS": "1"}) as up,
    ):
        up.wait_until(
            lambda: at_work() == {"match_conversions": 2, "dispatch_conversions": 1},
            seconds=PATIENCE,
            what="does not reach its residents",
        )
        # They work: a sale that comes in now is decided.
        insert_sale(acme, utc_now())
        up.wait_until(lambda: waiting() == (0,), seconds=PATIENCE, what="does not decide a sale")
        up.wait_until(lambda: not runs(database)["QUEUED"], seconds=PATIENCE, what="leaves runs queued")
        found = runs(database)
        assert at_work() == {"match_conversions": 2, "dispatch_conversions": 1}
    assert found["FAILURE"] <= 2
    assert found["QUEUED"] + found["NOT_STARTED"] == 0
    assert found["STARTED"] >= 3
    decided = connection.execute("SELECT count(*) FROM trackai.matched_attributions").fetchone()
    assert decided == (1,)


def runs(database: Database) -> Counter[str]:
    """Runs by status, as Dagster's storage has them."""
    with psycopg.connect(database.dagster_url) as dagster:
        found = dagster.execute("SELECT status, count(*)::int FROM runs GROUP BY status").fetchall()
    return Counter(dict(found))
