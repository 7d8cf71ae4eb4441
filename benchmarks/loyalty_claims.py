"""How many claims of one limited reward a second are answered, from sixteen connections.

What belongs here: creators who all hold the tier, and claims that wait for each other at the stock. What does not:
evaluating days.
"""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any

from psycopg import Connection

from benchmarks.database import Database, backend_cpu_seconds, benchmark_sql
from benchmarks.figures import Figure, Scale, row, short
from trackai_pipelines.database.connection import connect
from trackai_pipelines.loyalty.claims import ClaimRefusedError, RewardClaim, claim
from trackai_pipelines.loyalty.reconcile_rewards import stock_unlike_claims

TENANT = "cm2claims0000000000000000"
CONNECTIONS = 16
CREATORS = {"small": 100, "medium": 4_000, "full": 20_000}
_NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Yield answers a second: half of the creators find something left, and all ask twice."""
    creators = CREATORS[scale]
    title = f"Loyalty: {short(creators)} creators claim one reward from {CONNECTIONS} connections"
    with connect(database.url, name="benchmark") as connection:
        connection.execute(benchmark_sql("loyalty_claimers"), {"creators": creators, "stock": creators // 2})
        keys = [f"u{number}-{again}" for again in range(2) for number in range(1, creators + 1)]
        before, begun = time.process_time(), time.monotonic()
        found, of_server = _claim_all(database.url, keys)
        taken, of_clients = time.monotonic() - begun, time.process_time() - before
        faults = stock_unlike_claims(connection)
    if faults or found["claimed"] != creators // 2 or found.total() != 2 * creators:
        raise RuntimeError(f"claims and stock do not agree: {dict(found)}; {'; '.join(faults)}")
    used = {"CPU s": of_server + of_clients, "of them clients": of_clients}
    yield from row(title, "claims and refusals", {**used, "s": taken})
    yield Figure(title, "claims and refusals", "a second", found.total() / taken, at_least=500)


def _claim_all(url: str, keys: list[str]) -> tuple[Counter[str], float]:
    """Return how many claims had which answer, and CPU seconds of the server; a key is a creator and a number."""
    with ExitStack() as opened, ThreadPoolExecutor(CONNECTIONS) as threads:
        connections = [opened.enter_context(connect(url, name="benchmark")) for _ in range(CONNECTIONS)]
        free: SimpleQueue[Connection[Any]] = SimpleQueue()
        for connection in connections:
            free.put(connection)

        def answer(key: str) -> str:
            connection = free.get()
            wanted = RewardClaim(tenant_id=TENANT, user_id=key.partition("-")[0], reward_id="card", claim_key=key)
            try:
                claim(connection, wanted, _NOW)
            except ClaimRefusedError as error:
                return str(error.refusal)
            finally:
                free.put(connection)
            return "claimed"

        found = Counter(threads.map(answer, keys))
        return found, sum(backend_cpu_seconds(connection) or 0 for connection in connections)
