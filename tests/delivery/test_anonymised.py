"""Anonymised values are not sent to Meta as if they were the buyer's."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from declared import TABLES
from delivery.scenes import insert_sales
from psycopg import Connection
from psycopg.rows import kwargs_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.delivery.events import Recipient
from trackai_pipelines.delivery.prepare import next_events, prepared, queued_event
from trackai_pipelines.lifecycle.personal_data.anonymise import anonymise

AddTenant = Callable[..., str]


def _user_data(connection: Connection, tenant: str) -> dict[str, Any]:
    """Return what would be sent about the buyer of the tenant's next event."""
    now = datetime.now(UTC)
    with connection.cursor(row_factory=kwargs_row(queued_event)) as cursor:
        rows = cursor.execute(statement("delivery/next_events"), next_events(tenant, now)).fetchall()
    recipient = Recipient(tenant, "acme", "1001", "registry", False, 0, 0, False, None)
    events, closed = prepared(recipient, rows, now=now)
    assert not closed
    shown: dict[str, Any] = json.loads(events[0].event)["user_data"]
    return shown


@pytest.mark.parametrize(
    ("anonymised", "ip", "agent"),
    [
        ([], "203.0.113.7", "Mozilla/5.0"),
        (["conversions"], "198.51.100.9", "Click/1.0"),
        (["clicks"], "203.0.113.7", "Mozilla/5.0"),
        (["conversions", "clicks"], None, None),
    ],
)
def test_only_what_is_still_the_buyers_is_sent(
    connection: Connection, add_tenant: AddTenant, anonymised: list[str], ip: str | None, agent: str | None
) -> None:
    acme = add_tenant("acme", pixel_id="1001")
    insert_sales(connection, acme, 1, strategy="fbc", client_ip="203.0.113.7", fbp="fb.1.1790000000000.77")
    connection.execute(
        "INSERT INTO trackai.clicks (tenant_id, fbclid, ip, user_agent, created_at)"
        " VALUES (%s, 'IwAR0', '198.51.100.9', 'Click/1.0', now() - interval '2 hours')",
        (acme,),
    )
    connection.execute("UPDATE trackai.matched_attributions SET click_id = (SELECT id FROM trackai.clicks)")
    for table in anonymised:
        assert anonymise(connection, TABLES, table, datetime.now(UTC).date() + timedelta(days=1)) == 1
    shown = _user_data(connection, acme)
    assert (shown.get("client_ip_address"), shown.get("client_user_agent")) == (ip, agent)
    assert shown["fbp"] == "fb.1.1790000000000.77"
    assert shown["fbc"].endswith(".IwAR0"), "click and browser ids stay"
    assert ("em" in shown) == ("conversions" not in anonymised)
