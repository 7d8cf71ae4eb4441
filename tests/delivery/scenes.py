"""Tenants with sales that are due, a clock that the test moves, and what became of the events."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection
from pydantic import SecretStr
from typer.testing import Result

from trackai_pipelines.delivery.claims import Worker
from trackai_pipelines.delivery.dispatcher import dispatch
from trackai_pipelines.delivery.report import DispatchReport
from trackai_pipelines.flag_values.client import open_flags
from trackai_pipelines.settings import CapiSettings

TOKEN = "EAAsecretTokenOfTests0123456789"
SHORT: dict[str, Any] = {"retry_base_seconds": 0.01, "circuit_cooldown_seconds": 0.05}


class Tokens:
    """A store that has one token for every tenant, or the given ones by slug."""

    def __init__(self, by_slug: Mapping[str, str | None] | None = None) -> None:
        self.by_slug = dict(by_slug or {})

    def token_of(self, slug: str) -> SecretStr | None:
        token = self.by_slug.get(slug, TOKEN)
        return SecretStr(token) if token else None


class Moment:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """Move it on, e.g. `advance(minutes=5)`."""
        self.now += timedelta(**by)


def send_due(
    url: str, base_url: str, *, tokens: Tokens | None = None, clock: Any = None, **changes: Any
) -> DispatchReport:
    """One dispatch of what is due to a sandbox."""
    settings = CapiSettings(**{"capi_url": base_url, "capi_timeout_seconds": 5, **changes})
    timing = {} if clock is None else {"clock": clock}
    return dispatch(url, tokens=tokens or Tokens(), settings=settings, run_id="test", **timing)


@contextmanager
def a_worker(url: str, name: str) -> Iterator[Worker]:
    """A worker that knows the flags of the database."""
    with open_flags(url) as flags:
        yield Worker(name, Tokens(), CapiSettings(), flags)


def insert_sales(
    connection: Connection,
    tenant: str,
    count: int,
    *,
    ago: timedelta = timedelta(hours=1),
    at: datetime | None = None,
    **columns: Any,
) -> list[int]:
    """Attributed sales of a tenant, a second apart, the first of them `ago` or `at`; return their ids, oldest first.

    `columns` are the conversion's and the attribution's strategy; "{n}" in the order becomes a number of its own.
    """
    row = {
        "order_id": "order-{n}",
        "value": "49.90",
        "currency": "BRL",
        "event_name": "Purchase",
        "fbc": None,
        "fbp": None,
        "client_ip": None,
        "customer_email_hash": "a" * 64,
        "strategy": "unmatched",
        **columns,
    }
    found = connection.execute(
        """
        WITH made AS (
            INSERT INTO trackai.conversions
                (tenant_id, gateway, gateway_event_id, order_id, value, currency, event_name, occurred_at,
                 customer_email_hash, fbc, fbp, client_ip, client_user_agent, event_source_url, created_at)
            SELECT %(tenant)s, 'hotmart', 'event-' || gen_random_uuid(),
                   replace(%(order_id)s, '{n}', gen_random_uuid()::text),
                   %(value)s, %(currency)s, %(event_name)s, %(first)s + n * interval '1 second',
                   %(customer_email_hash)s, %(fbc)s, %(fbp)s, %(client_ip)s, 'Mozilla/5.0',
                   'https://shop.example/thanks', %(first)s + n * interval '1 second'
            FROM generate_series(0, %(count)s - 1) n
            RETURNING tenant_id, id
        ), attributed AS (
            INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, strategy)
            SELECT tenant_id, id, %(strategy)s FROM made
        )
        SELECT id FROM made ORDER BY id
        """,
        {"tenant": tenant, "count": count, "first": at or datetime.now(UTC) - ago, **row},
    )
    return [number for (number,) in found]


def outcomes(connection: Connection) -> dict[int, list[tuple[str, str | None]]]:
    """(status, failure) of each attempt of each conversion that was tried, in order."""
    found: dict[int, list[tuple[str, str | None]]] = {}
    rows = connection.execute(
        "SELECT conversion_id, attempt, status, failure FROM trackai.dispatch_attempts ORDER BY conversion_id, attempt"
    )
    for conversion, attempt, status, failure in rows:
        found.setdefault(conversion, []).append((status, failure))
        assert attempt == len(found[conversion]), "attempts are numbered from 1 without a gap"
    return found


def queued(connection: Connection) -> list[int]:
    """Conversions on the queue, by tenant and time of the sale."""
    rows = connection.execute("SELECT conversion_id FROM trackai.dispatch_queue ORDER BY tenant_id, occurred_at")
    return [conversion for (conversion,) in rows]


def circuit_of(connection: Connection, tenant: str) -> dict[str, Any]:
    """The tenant's row of dispatch_circuits."""
    cursor = connection.execute("SELECT * FROM trackai.dispatch_circuits WHERE tenant_id = %s", (tenant,))
    row = cursor.fetchone()
    assert row is not None
    assert cursor.description is not None
    return dict(zip((column.name for column in cursor.description), row, strict=True))


def row_of(result: Result, slug: str) -> list[str]:
    """A tenant's row of the table on stdout: sent, failed, retried, waiting."""
    rows = [line.split() for line in result.stdout.splitlines() if line.split()[:1] == [slug]]
    return rows[0][1:5]
