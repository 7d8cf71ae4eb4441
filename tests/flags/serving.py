"""Flags served over HTTP by a thread of this process, as `trackai flags serve` serves them.

What belongs here: the server's life for the time of a test, its clients' keys, and states recorded without commands.
What does not: assertions.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from psycopg import Connection
from web.serving import served

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.flags.clients import AppType, add_client
from trackai_pipelines.flags.web import flags_app

SINGLE = "/ofrep/v1/evaluate/flags/"
BULK = "/ofrep/v1/evaluate/flags"
EVENTS = "/ofrep/v1/events"


@contextmanager
def serving_flags(url: str, key: str | None = None, *, clock: Clock = utc_now) -> Iterator[httpx.Client]:
    """A client of the server, with the key of a client of flags."""
    with served(flags_app(url, clock=clock)) as client:
        if key:
            client.headers["Authorization"] = f"Bearer {key}"
        yield client


def key_of(
    connection: Connection,
    slug: str,
    app_type: AppType = "web",
    *,
    origins: Sequence[str] = (),
    per_second: int | None = None,
) -> str:
    """Add a client of the tenant `t-<slug>` and return its key."""
    _, key = add_client(
        connection,
        tenant_id=f"t-{slug}",
        slug=slug,
        name="test",
        app_type=app_type,
        allowed_origins=origins,
        per_second=per_second,
        now=datetime.now(UTC),
    )
    return key


def record(
    connection: Connection,
    key: str,
    state: Mapping[str, Any] | None,
    *,
    tenant_id: str | None = None,
    effective_from: datetime | None = None,
) -> int:
    """Record a state of a flag, or of a tenant, and return the version; without a moment, it is from the beginning.

    The flag gets a row, which does not follow: so a state may be one that no row can have.
    """
    with connection.transaction():
        connection.execute("SELECT set_config('trackai.flags_recorded', 'on', true)")
        connection.execute(
            "INSERT INTO trackai.feature_flags (key, name, category) VALUES (%s, 'a', 'UI') ON CONFLICT DO NOTHING",
            (key,),
        )
        row = connection.execute(
            "INSERT INTO trackai.feature_flag_versions"
            " (flag_id, flag_key, tenant_id, effective_from, recorded_at, state, audit_id)"
            " SELECT f.id, f.key, %(tenant_id)s, coalesce(%(since)s, '-infinity'::timestamptz), now(),"
            " %(state)s::jsonb,"
            # No row of the audit log has it.
            " (SELECT least(min(v.audit_id), 0) - 1 FROM trackai.feature_flag_versions v)"
            " FROM trackai.feature_flags f WHERE f.key = %(key)s RETURNING id",
            {
                "key": key,
                "tenant_id": tenant_id,
                "since": effective_from,
                "state": None if state is None else json.dumps(state),
            },
        ).fetchone()
        assert row is not None
        connection.execute("SELECT pg_notify('trackai_flags', %s)", (str(row[0]),))
    return int(row[0])
