"""Which campaign a click, and a platform's cost, belong to."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from campaigns.reference import vectors
from campaigns.stated import state
from psycopg import Connection


@pytest.mark.parametrize("case", vectors("campaign_of_utm"), ids=lambda case: repr(case["utm_campaign"]))
def test_the_campaign_of_a_click(connection: Connection[Any], case: Mapping[str, Any]) -> None:
    found = connection.execute("SELECT trackai.campaign_of(%s)", (case["utm_campaign"],)).fetchone()
    assert found == (case["campaign_id"],)


def _name(connection: Connection[Any], tenant_id: str, name: str, stated_at: str) -> None:
    connection.execute(
        "INSERT INTO trackai.ad_campaign_names (tenant_id, source, campaign_id, name, first_stated_at)"
        " VALUES (%s, 'meta', '77', %s, %s)",
        (tenant_id, name, stated_at),
    )


def _campaign(connection: Connection[Any], tenant_id: str, campaign_id: str, **columns: object) -> None:
    row = {"clicked": False, "updated_at": None} | columns
    connection.execute(
        "INSERT INTO trackai.campaigns (tenant_id, campaign_id, name, clicked, updated_at) VALUES (%s, %s, %s, %s, %s)",
        (tenant_id, campaign_id, campaign_id, row["clicked"], row["updated_at"]),
    )


def _alias(connection: Connection[Any], tenant_id: str, source: str, alias: str, campaign_id: str) -> None:
    connection.execute(
        "INSERT INTO trackai.campaign_aliases (tenant_id, source, alias, campaign_id) VALUES (%s, %s, %s, %s)",
        (tenant_id, source, alias, campaign_id),
    )


def test_a_platforms_campaign_is_joined_by_alias_id_link_and_first_name(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    tenant, other = add_tenant("acme"), add_tenant("globex")
    state(connection, tenant, [{"campaign_id": "77", "utm_campaign": "{{campaign.name}}", "campaign_name": "Spring"}])
    state(
        connection, tenant, [{"campaign_id": "77", "hour": 3, "utm_campaign": "{{campaign.name}}", "day": "2026-05-02"}]
    )

    def joined() -> set[str]:
        rows = connection.execute("SELECT campaign_id FROM trackai.v_counted_ad_costs WHERE tenant_id = %s", (tenant,))
        return {name for (name,) in rows}

    # What belongs to another tenant or platform leads nowhere.
    _campaign(connection, other, "77", clicked=True)
    _alias(connection, other, "", "77", "theirs")
    _alias(connection, tenant, "google", "77", "google's")
    # The load registers a campaign under the platform's id; nobody else has named it.
    _campaign(connection, tenant, "77")
    assert joined() == {"77"}
    # The name with clicks that was stated first.
    _name(connection, tenant, "Summer", "2026-05-03T00:00Z")
    _name(connection, tenant, "Spring", "2026-05-02T00:00Z")
    _name(connection, tenant, "Before", "2026-05-01T00:00Z")
    _campaign(connection, tenant, "Before", updated_at="2026-05-01T00:00Z")
    _campaign(connection, tenant, "Summer", clicked=True)
    assert joined() == {"Summer"}
    _campaign(connection, tenant, "Spring", clicked=True)
    assert joined() == {"Spring"}
    # Clicks that carry the name count for what an alias says.
    _alias(connection, tenant, "", "Spring", "spring-2026")
    assert joined() == {"spring-2026"}
    # What the platform's links carry.
    connection.execute("UPDATE trackai.ad_cost_statements SET utm_campaign = ' link '")
    assert joined() == {"link"}
    _alias(connection, tenant, "meta", "link", "link's campaign")
    assert joined() == {"link's campaign"}
    # A campaign of this id, once a click or a file names it.
    connection.execute(
        "UPDATE trackai.campaigns SET clicked = true WHERE campaign_id = '77' AND tenant_id = %s", (tenant,)
    )
    assert joined() == {"77"}
    # An alias of the id, that of the platform first.
    _alias(connection, tenant, "", "77", "any")
    assert joined() == {"any"}
    _alias(connection, tenant, "meta", "77", "meta's")
    assert joined() == {"meta's"}
