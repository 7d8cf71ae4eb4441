"""Aliases that two processes load at once."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg import Connection

from trackai_pipelines.campaigns.corrections import correct
from trackai_pipelines.campaigns.listed import CAMPAIGN_ALIASES
from trackai_pipelines.database import locks
from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.statements import statement
from trackai_pipelines.ingest.context import Owner

NOW = datetime(2026, 5, 20, tzinfo=UTC)


def alias(connection: Connection[Any], tenant: str, name: str, campaign: str) -> bool:
    values = {"alias": name, "campaign_id": campaign}
    return correct(connection, CAMPAIGN_ALIASES, Owner(tenant, tenant, None), values, NOW)


@pytest.mark.parametrize("first", [("a", "b"), ("b", "c")], ids=" is ".join)
def test_no_alias_of_an_alias_comes_of_two_loads_at_once(
    database_url: str, connection: Connection[Any], add_tenant: Callable[..., str], first: tuple[str, str]
) -> None:
    tenant, other = add_tenant("acme"), add_tenant("other")
    (second,) = {("a", "b"), ("b", "c")} - {first}
    changed = []

    def load() -> None:
        with connect(database_url, name="the second") as mine:
            changed.append(alias(mine, tenant, *second))

    loader = threading.Thread(target=load)
    with connect(database_url, name="the first") as mine, mine.transaction():
        assert alias(mine, tenant, *first)
        loader.start()
        waits = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'the second' AND wait_event = 'advisory'"
        while loader.is_alive() and not connection.execute(waits).fetchone():
            loader.join(0.02)
        # Nobody waits for another tenant.
        assert alias(connection, other, *second)
    loader.join()
    rows = connection.execute(
        "SELECT tenant_id, alias, campaign_id FROM trackai.campaign_aliases ORDER BY 1"
    ).fetchall()
    assert rows == [(tenant, *first), (other, *second)]
    assert changed == [False]


def test_the_lock_is_the_one_of_the_register() -> None:
    assert str(locks.CAMPAIGN_ALIASES) in str(statement("campaigns/lock_aliases"))
