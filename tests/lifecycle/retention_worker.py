"""A process that lives through days: maintenance and retention of each UTC day that it is told, one a line.

`python retention_worker.py DATABASE_URL ARCHIVE`. It answers each day with a line, and is there to be killed.
"""

import sys
import time
from datetime import UTC, date, datetime

from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.partitions import maintain
from trackai_pipelines.domain import tables_of
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.lifecycle.archive.store import open_store
from trackai_pipelines.lifecycle.mover import MoverBusyError
from trackai_pipelines.lifecycle.retention.apply import apply_plan
from trackai_pipelines.lifecycle.retention.plan import plan_retention

TABLES = tables_of(DOMAINS)


def main() -> None:
    """Live."""
    database_url, archive = sys.argv[1:]
    store = open_store(archive)
    with connect(database_url, name="a worker") as connection:
        for line in sys.stdin:
            today = date.fromisoformat(line.strip())
            now = datetime(today.year, today.month, today.day, 3, tzinfo=UTC)
            maintain(connection, TABLES, today=today)
            while True:
                plan = plan_retention(connection, TABLES, today=today, dry_run=False, clock=lambda now=now: now)  # type: ignore[misc]
                try:
                    plan = apply_plan(connection, database_url, store, TABLES, plan, clock=lambda now=now: now)  # type: ignore[misc]
                except MoverBusyError:
                    # The server is about to notice that the one before was killed.
                    time.sleep(0.05)
                else:
                    break
            failed = [
                f"{step.action} {step.table_name} {step.day}: {step.outcome}"
                for step in plan.steps
                if step.state == "failed"
            ]
            sys.stdout.write(f"{'; '.join(failed) or 'done'}\n")
            sys.stdout.flush()


main()
