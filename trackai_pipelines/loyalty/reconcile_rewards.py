"""Whether rewards add up: offers with tiers, stock with claims, boosts with their history and the ledger, raffles.

What belongs here: the questions that checks ask, and their findings in sentences. What does not: how bad a finding is
(defs/reward_checks.py).
"""

from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement

MOST = 1_000
"""More faults of offers are not listed."""

# Shorter than the history stays.
_HISTORY = timedelta(days=700)


def offers_unlike_tiers(connection: Connection[Any]) -> list[str]:
    """Return the eager rewards whose rows do not follow the tiers, and what was claimed too often."""
    found = connection.execute(statement("loyalty/uneven_offers"), {"most": MOST})
    return [f"{tenant}: {reward} of {user} {fault}" for tenant, user, reward, fault in found]


def stock_unlike_claims(connection: Connection[Any]) -> list[str]:
    """Return the rewards whose stock is not what was claimed."""
    return [
        f"{tenant}: {reward} counts {taken:,} taken, and {claimed:,} are claimed"
        for tenant, reward, taken, claimed in connection.execute(statement("loyalty/uneven_stock"))
    ]


def illegal_boosts(connection: Connection[Any], now: datetime) -> list[str]:
    """Return the boosts that their history or the ledger contradicts."""
    found = connection.execute(statement("loyalty/boost_faults"), {"kept_from": now - _HISTORY})
    return [f"{tenant}: boost {boost}: {fault}" for tenant, boost, fault in found]


def unlike_draws(connection: Connection[Any]) -> list[str]:
    """Return the raffles that do not come out again from what they published."""
    found = connection.execute(statement("loyalty/raffle_faults"))
    return [f"{tenant}: {mission}: {fault}" for tenant, mission, fault in found]
