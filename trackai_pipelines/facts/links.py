"""Which user each conversion belongs to, which sale each refund, and which campaigns there are, for rows of any origin.

A load keeps all of it up to date for what it brings. What belongs here: the same for rows that were inserted by plain
SQL, and what must not happen before it is done. What does not: the rules themselves, which are the views
`v_wrong_user_links` and `v_wrong_refund_links`, and the function `campaign_of` for campaigns.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import Connection

from trackai_pipelines.clock import Clock
from trackai_pipelines.database.statements import statement


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh changed: links made or changed, links removed, campaigns registered, links of refunds changed."""

    linked: int = 0
    removed: int = 0
    campaigns: int = 0
    refunds: int = 0


def refresh(connection: Connection[Any], clock: Clock) -> Refreshed:
    """Bring the links and campaigns of all tenants up to date, each tenant in transactions of its own.

    Links have the time at which their tenant's turn came: what reads rows that arrived since a moment would miss those
    that are committed long after their time. A link of a conversion that was anonymised stays as it is. Safe to repeat
    and next to loads.
    """
    linked = removed = campaigns = refunds = 0
    for (tenant_id,) in connection.execute(statement("facts/tenant_ids")).fetchall():
        given = {"tenant_id": tenant_id, "now": clock()}
        made = connection.execute(statement("facts/link_users"), given).fetchone()
        registered = connection.execute(statement("facts/register_campaigns"), given).fetchone()
        of_refunds = connection.execute(statement("facts/link_refunds"), given).fetchone()
        assert made is not None
        assert registered is not None
        assert of_refunds is not None
        linked, removed, campaigns = linked + made[0], removed + made[1], campaigns + registered[0]
        refunds += of_refunds[0]
    return Refreshed(linked, removed, campaigns, refunds)


def wrong_links(connection: Connection[Any]) -> tuple[int, int]:
    """Return how many links there are, and how many conversions have another one than the rule gives, or none."""
    row = connection.execute(statement("facts/wrong_links")).fetchone()
    assert row is not None
    return row[0], row[1]


def unlinked(connection: Connection[Any], before: date) -> str | None:
    """Return why the conversions before a UTC day may not lose their hashes yet, in a sentence, or None."""
    row = connection.execute(statement("facts/unlinked"), {"before": before}).fetchone()
    assert row is not None
    return f"the links between users and {row[0]:,} conversions are not up to date: run link_users" if row[0] else None
