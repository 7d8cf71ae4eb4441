"""Statements of costs put straight into the table, for tests of what is made of them."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from psycopg import Connection

_COLUMNS = (
    "tenant_id", "source", "account_id", "campaign_id", "adset_id", "ad_id", "day", "hour", "campaign_name",
    "utm_campaign", "currency", "spend", "impressions", "clicks", "link_clicks",
)  # fmt: skip
_USUAL: Mapping[str, Any] = {
    "source": "meta",
    "account_id": "1",
    "campaign_id": "c1",
    "adset_id": "",
    "ad_id": "",
    "day": date(2026, 5, 1),
    "hour": -1,
    "campaign_name": None,
    "utm_campaign": None,
    "currency": "BRL",
    "spend": "1",
    "impressions": 0,
    "clicks": 0,
    "link_clicks": None,
    "stated_at": datetime(2026, 5, 2, 6, tzinfo=UTC),
}


def state(connection: Connection[Any], tenant_id: str, statements: Iterable[Mapping[str, Any]]) -> None:
    """Insert statements, each with what differs from a day of 1 BRL; one that is there was stated once more."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO trackai.ad_cost_statements AS s (tenant_id, source, account_id, campaign_id, adset_id, ad_id,"
            " day, hour, campaign_name, utm_campaign, currency, spend, impressions, clicks, link_clicks, digest,"
            " first_stated_at, last_stated_at, ingested_at) VALUES (%(tenant_id)s, %(source)s, %(account_id)s,"
            " %(campaign_id)s, %(adset_id)s, %(ad_id)s, %(day)s, %(hour)s, %(campaign_name)s, %(utm_campaign)s,"
            " %(currency)s, %(spend)s, %(impressions)s, %(clicks)s, %(link_clicks)s, %(digest)s, %(stated_at)s,"
            " %(stated_at)s, %(stated_at)s)"
            " ON CONFLICT (tenant_id, day, source, account_id, campaign_id, adset_id, ad_id, hour, digest) DO UPDATE"
            " SET first_stated_at = least(s.first_stated_at, excluded.first_stated_at),"
            " last_stated_at = greatest(s.last_stated_at, excluded.last_stated_at)",
            [_row(tenant_id, statement) for statement in statements],
        )


def digest_of(tenant_id: str, statement: Mapping[str, Any]) -> str:
    """Return the digest of a statement; when it was stated is no part of it."""
    row = {"tenant_id": tenant_id, **_USUAL, **statement}
    return hashlib.sha256(repr([row[name] for name in _COLUMNS]).encode()).hexdigest()


def _row(tenant_id: str, statement: Mapping[str, Any]) -> dict[str, Any]:
    return {"tenant_id": tenant_id, **_USUAL, **statement, "digest": digest_of(tenant_id, statement)}
