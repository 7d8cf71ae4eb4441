"""How fast events are delivered to the sandbox that answers after 50 ms, in how much memory; and whether a thousand
tenants keep their pace beside one that is slow and one that is dead.

    python benchmarks/delivery.py --events 100000

Uses TRACKAI_DATABASE_URL, else the embedded server; makes a database of its own there and drops it afterwards. The
sandbox runs in a process of its own on this machine, and takes its share of the processor.
"""

import argparse
import contextlib
import json
import resource
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.server import sandbox
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.migrate import migrate
from trackai_pipelines.database.server import event_database_url
from trackai_pipelines.delivery.dispatcher import dispatch
from trackai_pipelines.settings import CapiSettings, Settings

_LATENCY_MS = 50
_SLOW_MS = 5_000
_INSERT = """
WITH made AS (
    INSERT INTO trackai.conversions
        (tenant_id, gateway, gateway_event_id, order_id, value, currency, occurred_at, fbc, fbp,
         customer_email_hash, customer_phone_hash, client_ip, client_user_agent, event_source_url, created_at)
    SELECT 'id-' || n % %(tenants)s, 'hotmart', 'evt_' || n, 'HP' || n, n % 900 + 9.9, 'BRL',
           now() - interval '1 hour' + n * interval '1 millisecond',
           'fb.1.1790000000000.IwAR' || md5(n::text), 'fb.1.1790000000000.' || n,
           encode(sha256(n::text::bytea), 'hex'), encode(sha256(('p' || n)::bytea), 'hex'), '203.0.113.7',
           'Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0 Mobile',
           'https://shop.example/checkout/' || n, now()
    FROM generate_series(%(first)s, %(first)s + %(events)s - 1) n
    RETURNING tenant_id, id
)
INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, strategy)
SELECT tenant_id, id, 'unmatched' FROM made
""".replace("% ", "%% ")


class _OneToken:
    def token_of(self, slug: str) -> SecretStr:
        return SecretStr("token-of-the-benchmark")


@contextlib.contextmanager
def sandbox_process() -> Iterator[Sandbox]:
    """A sandbox in a process of its own, which ends when its standard input does."""
    serving = subprocess.Popen([sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert serving.stdin is not None
    assert serving.stdout is not None
    with contextlib.closing(serving.stdout), Sandbox(serving.stdout.readline().decode().strip()) as box:
        yield box
        serving.stdin.close()
        serving.wait()


def peak_megabytes() -> float:
    """The largest resident memory of this process so far."""
    # Kilobytes on Linux, bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main() -> None:
    """Prints events/s, peak memory, and the pace of many tenants with and without two in trouble."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=100_000)
    options.add_argument("--tenants", type=int, default=1_000, help="of the comparison")
    options.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.serve:
        with sandbox(latency_ms=_LATENCY_MS, keep_events=0) as box:
            sys.stdout.write(box.base_url + "\n")
            sys.stdout.flush()
            sys.stdin.read()
        return
    server = event_database_url(Settings())
    name = f"delivery_benchmark_{uuid.uuid4().hex[:8]}"
    with connect(server) as admin, sandbox_process() as box:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            figures = _measure(make_conninfo(server, dbname=name), box, chosen.events, chosen.tenants)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


def _measure(url: str, box: Sandbox, events: int, tenants: int) -> dict[str, float]:
    migrate(url)
    figures: dict[str, float] = {"peak_before_mb": round(peak_megabytes())}
    with connect(url) as connection:
        connection.execute(
            "INSERT INTO trackai.tenants (id, slug, name, pixel_id) "
            "SELECT 'id-' || n, 'tenant-' || n, 'Tenant', (1000 + n)::text FROM generate_series(0, %(last)s) AS n",
            {"last": tenants - 1},
        )
        for count in (20, 1):
            first = _insert(connection, events // (1 if count > 1 else 4), count)
            begun = time.perf_counter()
            report = _dispatch(url, box, timeout=10)
            seconds = time.perf_counter() - begun
            assert report == first, f"{report} of {first} events were delivered"
            figures[f"events_per_second_{count}_tenants"] = round(first / seconds)
        figures["peak_mb"] = round(peak_megabytes())
        figures |= _beside_trouble(connection, url, box, events // 5, tenants)
        figures["peak_mb_many_tenants"] = round(peak_megabytes())
    return figures


def _beside_trouble(connection: Connection, url: str, box: Sandbox, events: int, tenants: int) -> dict[str, float]:
    """How fast all tenants but two are served while those two are well, and while one is slow and one is dead."""
    figures = {}
    for trouble in (False, True):
        box.behave()
        if trouble:
            box.misbehave(do="slow", pixel="1000", ms=_SLOW_MS, probability=1)
            box.misbehave(do="timeout", pixel="1001", probability=1)
        _insert(connection, events, tenants)
        begun = datetime.now(UTC)
        _dispatch(url, box, timeout=10)
        row = connection.execute(
            "SELECT count(*), extract(epoch FROM max(completed_at) - %(begun)s)::float FROM trackai.dispatch_attempts"
            " WHERE tenant_id NOT IN ('id-0', 'id-1') AND status = 'success' AND created_at >= %(begun)s",
            {"begun": begun},
        ).fetchone()
        assert row is not None
        name = f"of_{tenants}_tenants_beside_{'a_slow_and_a_dead_one' if trouble else 'two_that_are_well'}"
        figures[f"events_per_second_{name}"] = round(row[0] / row[1])
        figures[f"requests_per_second_{name}"] = round((tenants - 2) / row[1])
    return figures


def _insert(connection: Connection, events: int, tenants: int) -> int:
    last = connection.execute("SELECT coalesce(max(id), 0) FROM trackai.conversions").fetchone()
    assert last is not None
    connection.execute(_INSERT, {"first": last[0] + 1, "events": events, "tenants": tenants})
    connection.execute("TRUNCATE trackai.match_queue")
    connection.execute("VACUUM ANALYZE")
    return events


def _dispatch(url: str, box: Sandbox, *, timeout: float) -> int:
    settings = CapiSettings(capi_url=box.base_url, capi_timeout_seconds=timeout)
    return sum(dispatch(url, tokens=_OneToken(), settings=settings, run_id="benchmark").sent.values())


if __name__ == "__main__":
    main()
