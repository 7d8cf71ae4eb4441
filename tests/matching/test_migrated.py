"""A database from before the flags gives the attributions of before: its tenants' columns hold from the beginning."""

import random
from datetime import timedelta
from typing import Any

from declared import TABLES
from matching import brute_force
from matching.facts import SALE, insert_click, insert_sale
from psycopg import Connection

from trackai_pipelines.database.connection import connect
from trackai_pipelines.database.partitions import create_partitions_ahead
from trackai_pipelines.database.statements import shipped, statement
from trackai_pipelines.matching.drain import drain

_FLAGS = "0036_feature_flags"


def upgrade(connection: Connection, names: list[str]) -> None:
    for name in names:
        with connection.transaction():
            connection.execute(statement(f"migrations/{name}"))


def test_tenants_of_before_are_matched_by_their_columns(empty_database_url: str) -> None:
    names = sorted(path.stem for path in shipped("sql/migrations").glob("*.sql"))
    chance = random.Random(36)
    tenants = [
        {"id": f"t{place:02}", "lookback_days": chance.choice((0, 1, 7, 90, 400)), "email_matching": place % 3 == 0}
        for place in range(20)
    ]
    with connect(empty_database_url) as connection:
        upgrade(connection, [name for name in names if name < _FLAGS])
        for tenant in tenants:
            connection.execute(
                "INSERT INTO trackai.tenants (id, slug, name, lookback_days, email_matching) "
                "VALUES (%(id)s, %(id)s, %(id)s, %(lookback_days)s, %(email_matching)s)",
                tenant,
            )
        clicks, identities, sales = facts(connection, tenants, chance)
        upgrade(connection, [name for name in names if name >= _FLAGS])
        create_partitions_ahead(connection, TABLES, today=SALE.date())
        drain(connection, run_id="after", clock=lambda: SALE + timedelta(days=1))
        found = {
            sale: (strategy, click)
            for sale, strategy, click in connection.execute(
                "SELECT conversion_id, strategy, click_id FROM trackai.matched_attributions"
            )
        }
        periods = connection.execute("SELECT count(*) FROM trackai.matching_settings").fetchone()
    owners = {tenant["id"]: tenant for tenant in tenants}
    assert found == {
        sale["id"]: brute_force.attribution(brute_force.attempts(sale, owners[sale["tenant_id"]], clicks, identities))
        for sale in sales
    }
    assert {strategy for strategy, _ in found.values()} == {"fbc", "fbp", "email", "unmatched"}
    assert periods == (len(tenants),)


Rows = list[dict[str, Any]]


def facts(connection: Connection, tenants: Rows, chance: random.Random) -> tuple[Rows, Rows, Rows]:
    """Insert random clicks, identities and sales of the tenants; return them with their ids."""
    clicks: Rows = []
    identities: Rows = []
    sales: Rows = []
    for place in range(400):
        tenant = chance.choice(tenants)["id"]
        keys: dict[str, Any] = {
            "fbclid": chance.choice((None, "a", "b", "c")), "fbc": None,
            "fbp": chance.choice((None, "fb.1.17.1", "fb.1.17.2")),
        }  # fmt: skip
        back = timedelta(days=chance.choice((0, 1, 6, 7, 8, 89, 90, 399)), hours=chance.randrange(24))
        click = insert_click(connection, tenant, SALE - back, **keys)
        clicks.append({"id": click, "tenant_id": tenant, "created_at": SALE - back, **keys})
        if chance.random() < 0.3:
            email = chance.choice("de") * 64
            connection.execute(
                "INSERT INTO trackai.identities (tenant_id, email_hash, click_id) VALUES (%s, %s, %s)",
                [tenant, email, click],
            )
            identities.append({"tenant_id": tenant, "email_hash": email, "click_id": click})
        tenant = chance.choice(tenants)["id"]
        sold = {
            **keys, "fbclid": chance.choice((None, "a", "b", "x")), "fbp": chance.choice((None, "fb.1.17.2")),
            "customer_email_hash": chance.choice((None, "d" * 64, "e" * 64)), "occurred_at": SALE,
        }  # fmt: skip
        sales.append({"id": insert_sale(connection, tenant, str(place), **sold), "tenant_id": tenant, **sold})
    return clicks, identities, sales
