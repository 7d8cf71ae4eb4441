"""What came of recommendations that were implemented: a rule's own rate in the 28 days before and after.

What belongs here: the rates, and the rows that are due. What does not: whether the change was caused by it. Nothing but
an experiment tells that; this is before and after.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from trackai_pipelines.campaigns.chosen import ChosenTenant
from trackai_pipelines.campaigns.evidence import Orders, campaigns_of, clicks_of
from trackai_pipelines.database.statements import statement

DAYS = timedelta(days=28)
LEAST_CONVERSIONS = 20
_DAY = timedelta(days=1)

Rate = tuple[float, float, int]
"""Numerator, denominator, and the conversions that it rests on."""


def measure(connection: Connection, tenant: ChosenTenant, today: date, now: datetime) -> int:
    """Write the change of each recommendation that was implemented 28 days ago; return how many. Needs a transaction.

    The day of implementing counts as after. A change stays NULL below 20 conversions on either side.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        due = cursor.execute(
            statement("campaigns/recommendations_to_measure"), {"tenant_id": tenant.id, "day": today}
        ).fetchall()
    written = 0
    for one in due:
        done: date = one["implemented_on"]
        before = _rate(connection, tenant, one, done - DAYS, done - _DAY)
        after = _rate(connection, tenant, one, done, done + DAYS - _DAY)
        uplift = change(before, after)
        if uplift is not None:
            row = {"tenant_id": tenant.id, "id": one["id"], "uplift": uplift, "now": now}
            connection.execute(statement("campaigns/write_measured_uplift"), row)
            written += 1
    return written


def change(before: Rate, after: Rate) -> float | None:
    """Return how much the rate changed, in percent; None where it rests on too little, or was 0."""
    (x, n, conversions), (x_after, n_after, conversions_after) = before, after
    if min(conversions, conversions_after) < LEAST_CONVERSIONS or not (x and n and n_after):
        return None
    return 100 * ((x_after / n_after) / (x / n) - 1)


def _rate(connection: Connection, tenant: ChosenTenant, one: Mapping[str, Any], from_day: date, to_day: date) -> Rate:
    """Return the rule's own rate in the UTC days, both included, with the sales up to their end."""
    campaign, evidence = one["campaign_id"], one["evidence"]
    match one["rule"]:
        case "creative.weak" | "audience.strong" | "timing.block":
            clicks = clicks_of(connection, tenant, from_day, to_day, to_day + _DAY)
            x, n = clicks.all.get(campaign, (0, 0))
            return x, n, x
        case "offer.order_value":
            clicks = clicks_of(connection, tenant, from_day, to_day, to_day + _DAY)
            orders = clicks.orders.get((campaign, evidence["currency"]), {}).get(one["subject"], Orders())
            return float(orders.value), orders.number, orders.number
    campaigns = campaigns_of(connection, tenant, from_day, to_day)
    if one["rule"] == "channel.budget":
        currency = evidence["currency"]
        with_spend = [other for other in campaigns if set(other.spend) == {currency}]
        sales = sum(other.conversions for other in with_spend)
        return sales, sum(other.spend[currency] for other in with_spend), sales
    own = next((other for other in campaigns if other.campaign_id == campaign), None)
    if own is None:
        return 0, 0, 0
    if one["rule"] == "audience.existing":
        return own.new_customers, own.known_buyers, own.conversions
    return own.arrived, own.ad_clicks, own.conversions
