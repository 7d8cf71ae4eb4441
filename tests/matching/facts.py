"""Backlogs for the matching tests: many facts at once, with keys that collide and some that lead nowhere."""

from datetime import UTC, datetime
from typing import Any

from psycopg import Connection

SALE = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def insert_backlog(connection: Connection, tenants: list[str], conversions: int) -> None:
    """`conversions` sales over the tenants in turn, of which 7 in 10 have a click by fbc, 2 by fbp, 1 none."""
    connection.execute(
        """
        INSERT INTO trackai.clicks (tenant_id, fbclid, fbp, created_at)
        SELECT tenant, 'click' || n, 'fb.1.1700000000000.' || n, %(sale)s - n %% 7 * interval '1 hour'
        FROM unnest(%(tenants)s::text[]) tenant, generate_series(1, %(clicks)s) n
        """,
        {"tenants": tenants, "clicks": max(1, conversions // 4), "sale": SALE},
    )
    connection.execute(
        """
        INSERT INTO trackai.conversions
            (tenant_id, gateway, gateway_event_id, value, currency, occurred_at, fbc, fbp)
        SELECT (%(tenants)s::text[])[1 + n %% %(tenant_count)s], 'hotmart', 'event' || n, n %% 500, 'BRL', %(sale)s,
               CASE WHEN n %% 10 < 7 THEN 'fb.1.1700000000000.click' || 1 + n %% %(clicks)s
                    WHEN n %% 10 = 7 THEN 'garbage' END,
               CASE WHEN n %% 10 < 9 THEN 'fb.1.1700000000000.' || 1 + n %% %(clicks)s END
        FROM generate_series(1, %(conversions)s) n
        """,
        {
            "tenants": tenants,
            "tenant_count": len(tenants),
            "conversions": conversions,
            "clicks": max(1, conversions // 4),
            "sale": SALE,
        },
    )


def insert_sale(connection: Connection, tenant: str, event: str, **columns: Any) -> int:
    """One conversion at `SALE` unless said otherwise; return its id."""
    row = {"fbclid": None, "fbc": None, "fbp": None, "customer_email_hash": None, "occurred_at": SALE, **columns}
    found = connection.execute(
        """
        INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency,
                                         fbclid, fbc, fbp, customer_email_hash, occurred_at)
        VALUES (%(tenant)s, 'hotmart', %(event)s, 49.90, 'BRL',
                %(fbclid)s, %(fbc)s, %(fbp)s, %(customer_email_hash)s, %(occurred_at)s)
        RETURNING id
        """,
        {"tenant": tenant, "event": event, **row},
    ).fetchone()
    assert found is not None
    return int(found[0])


def insert_click(connection: Connection, tenant: str, at: datetime, **columns: Any) -> int:
    """Insert one click; return its id."""
    row = {"fbclid": None, "fbc": None, "fbp": None, "external_id": None, **columns}
    found = connection.execute(
        """
        INSERT INTO trackai.clicks (tenant_id, created_at, fbclid, fbc, fbp, external_id)
        VALUES (%(tenant)s, %(at)s, %(fbclid)s, %(fbc)s, %(fbp)s, %(external_id)s)
        RETURNING id
        """,
        {"tenant": tenant, "at": at, **row},
    ).fetchone()
    assert found is not None
    return int(found[0])


def decided(connection: Connection) -> dict[str, tuple[str, int | None]]:
    """(strategy, click) by gateway_event_id, of everything decided."""
    rows = connection.execute(
        """
        SELECT c.gateway_event_id, a.strategy, a.click_id
        FROM trackai.matched_attributions a
        JOIN trackai.conversions c ON c.tenant_id = a.tenant_id AND c.id = a.conversion_id
        """
    )
    return {event: (strategy, click) for event, strategy, click in rows}


def log_of(connection: Connection, conversion: int) -> list[tuple[int, str, str]]:
    """(attempt, strategy, outcome) of one conversion, in order."""
    rows = connection.execute(
        "SELECT attempt, strategy, outcome FROM trackai.match_log WHERE conversion_id = %s ORDER BY attempt",
        (conversion,),
    )
    return [(attempt, strategy, outcome) for attempt, strategy, outcome in rows]
