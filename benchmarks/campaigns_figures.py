"""The figures of a busy day against its journeys, and how fast a campaign's 90 days are read from years of figures.

The busy day is the one that campaigns_journeys left. CPU time of the server's process is compared, because a shared
machine's clock says little. What does not belong here: journeys by themselves.
"""

import statistics
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg import Connection

from benchmarks.costs import Worked, timed
from benchmarks.database import Database, benchmark_sql, settle
from benchmarks.figures import Figure, Scale, row, short
from benchmarks.processes import in_processes
from trackai_pipelines.campaigns.buyers import number_sales
from trackai_pipelines.campaigns.figures import write_day
from trackai_pipelines.campaigns.journeys import compute_journeys
from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.binaries import system_binaries, wheel_binaries
from trackai_pipelines.database.connection import connect

_OF_A_DAY = "Campaigns: figures of a day"
_READING = "Campaigns: reading 90 days of a campaign"
_A_SECOND = 100
_LATE_MS = 100


@dataclass(frozen=True)
class _Sizes:
    tenants: int
    campaigns: int
    days: int
    seconds: int
    """How long it is read."""


SIZES = {
    "small": _Sizes(tenants=2, campaigns=5, days=120, seconds=2),
    "medium": _Sizes(tenants=20, campaigns=200, days=365, seconds=20),
    "full": _Sizes(tenants=20, campaigns=200, days=1826, seconds=60),
}


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Yield the figures' time as a multiple of the journeys', then the latencies of reading."""
    for _ in range(2):
        (journeys,) = in_processes(_work, [(database.url, False)])
        (figures,) = in_processes(_work, [(database.url, True)])
    case = f"{short(journeys.conversions)} journeys"
    yield from row(_OF_A_DAY, case, {"CPU µs a journey": 1e6 * _seconds(figures) / journeys.conversions})
    yield Figure(_OF_A_DAY, case, "times the journeys", _seconds(figures) / _seconds(journeys), at_most=1)
    yield from _reading(SIZES[scale], database)


def _work(url: str, figures: bool) -> Worked:
    """Compute the journeys of yesterday for every tenant, or its figures."""
    day = datetime.now(UTC).date() - timedelta(days=1)
    with connect(url, name="benchmark") as connection:
        settle(connection)
        tenants = [tenant for (tenant,) in connection.execute("SELECT id FROM trackai.tenants ORDER BY id")]
        # CPU time of parallel workers is not the process's.
        connection.execute("SET max_parallel_workers_per_gather = 0")

        def one(tenant: str) -> int:
            with connection.transaction():
                if not figures:
                    return compute_journeys(connection, tenant, day, utc_now()).journeys
                number_sales(connection, tenant, day, utc_now())
                write_day(connection, tenant, day, utc_now())
                return 1

        return timed(connection, lambda: sum(map(one, tenants)))


def _seconds(worked: Worked) -> float:
    """Seconds of the server's process, or of the clock where the process cannot be seen."""
    return worked.cpu_seconds or worked.seconds


def _reading(sizes: _Sizes, database: Database) -> Iterator[Figure]:
    with connect(database.url, name="benchmark") as connection:
        rows = _fill(connection, sizes)
        settle(connection)
    latencies, late = _read(database, sizes)
    case = f"{short(rows)} rows, {_A_SECOND} reads a second"
    yield Figure(_READING, case, "reads", len(latencies))
    yield Figure(_READING, case, "mean ms", statistics.fmean(latencies))
    yield Figure(_READING, case, "p95 ms", statistics.quantiles(latencies, n=20)[-1], at_most=20)
    yield Figure(_READING, case, f"reads above {_LATE_MS} ms", late, at_most=0)


def _fill(connection: Connection[Any], sizes: _Sizes) -> int:
    """Replace all daily figures by those of years."""
    connection.execute("TRUNCATE trackai.campaign_analytics_daily RESTART IDENTITY")
    given = {"tenants": sizes.tenants, "campaigns": sizes.campaigns, "days": sizes.days}
    for name in ("campaigns_tenants", "campaigns_names", "campaigns_years"):
        connection.execute(benchmark_sql(name), given)
    connection.execute("VACUUM (ANALYZE) trackai.campaign_analytics_daily")
    return sizes.tenants * sizes.campaigns * sizes.days


def _read(database: Database, sizes: _Sizes) -> tuple[list[float], int]:
    """Read with pgbench at a steady rate; return milliseconds from when each read was due, and how many were late."""
    variables = {"tenants": sizes.tenants, "campaigns": sizes.campaigns, "days": sizes.days}
    done = subprocess.run(
        [
            str(_pgbench()), "--no-vacuum", "--client=4", f"--time={sizes.seconds}", f"--rate={_A_SECOND}",
            f"--latency-limit={_LATE_MS}", "--log", "--log-prefix=read",
            *(f"--define={name}={value}" for name, value in variables.items()),
            f"--file={Path(__file__).parent / 'sql' / 'campaigns_read.pgbench'}", database.url,
        ],
        cwd=database.home, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"pgbench failed: {done.stderr}")
    logs = list(database.home.glob("read.*"))
    fields = [line.split() for log in logs for line in log.read_text().splitlines()]
    for log in logs:
        log.unlink()
    # A read that was skipped, because it would have begun too late, is a late one.
    latencies = [int(field[2]) / 1000 for field in fields if field[2] not in ("skipped", "failed")]
    return latencies, len(fields) - len(latencies) + sum(latency > _LATE_MS for latency in latencies)


def _pgbench() -> Path:
    for binaries in (*system_binaries(), *wheel_binaries()):
        if (binaries.folder / "pgbench").exists():
            return binaries.folder / "pgbench"
    raise RuntimeError("there is no pgbench: install PostgreSQL's client programs")
