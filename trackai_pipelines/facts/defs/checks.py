"""Checks of the facts."""

from datetime import timedelta

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.facts.integrity import duplicate_conversions
from trackai_pipelines.facts.links import wrong_links
from trackai_pipelines.facts.refunds import (
    Breaches,
    refunds_in_other_currencies,
    refunds_taken_for_sales,
    sales_refunded_above_their_value,
    unlinked_refunds,
    wrong_refund_links,
)

# Far enough back to cover redeliveries, near enough to stay a matter of seconds.
DAYS = 7
# A sale may come a day after its refund, when files are loaded once a day.
PATIENCE = timedelta(days=2)


@dg.asset_check(asset="conversions", description="No gateway event is stored twice (sales of the last 7 days).")
def no_duplicate_conversions(database: EventDatabase) -> dg.AssetCheckResult:
    """The unique constraint's promise, counted."""
    with database.connect("checks") as connection:
        found = duplicate_conversions(connection, utc_now().date() - timedelta(days=DAYS))
    return dg.AssetCheckResult(
        passed=found.duplicates == 0,
        metadata={
            "conversions": found.conversions,
            "duplicates": found.duplicates,
            "orders reported by several event ids": found.alike,
        },
    )


@dg.asset_check(
    asset="user_conversions",
    description="Every conversion that still has hashes is linked with the user that they lead to, and with no other.",
)
def user_links_are_current(database: EventDatabase) -> dg.AssetCheckResult:
    """The rule, compared with what is stored."""
    with database.connect("checks") as connection:
        links, wrong = wrong_links(connection)
    return dg.AssetCheckResult(
        passed=wrong == 0,
        # Rows that arrived since the links were refreshed are no harm until the next night.
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"links": links, "conversions with another link": wrong},
    )


@dg.asset_check(
    asset="refunds",
    description="No more went back of a sale than it was worth, in its currency; net values stop at zero.",
)
def refunds_within_their_sales(database: EventDatabase) -> dg.AssetCheckResult:
    """The sum of each sale's refunds, compared with its value."""
    with database.connect("checks") as connection:
        return _result(sales_refunded_above_their_value(connection), "sales refunded above their value")


@dg.asset_check(
    asset="refunds",
    description="No event is both a refund and a conversion: Meta would be sent the refund as a purchase.",
)
def refunds_are_no_sales(database: EventDatabase) -> dg.AssetCheckResult:
    """Events that are both."""
    with database.connect("checks") as connection:
        return _result(refunds_taken_for_sales(connection), "refunds stored as conversions")


@dg.asset_check(
    asset="refunds",
    description="Every refund is in the currency of its sale. One that is not is not subtracted from it.",
)
def refunds_in_the_currency_of_their_sales(database: EventDatabase) -> dg.AssetCheckResult:
    """Refunds whose sale has another currency."""
    with database.connect("checks") as connection:
        found = refunds_in_other_currencies(connection)
    return _result(found, "refunds in another currency", dg.AssetCheckSeverity.WARN)


@dg.asset_check(
    asset="refunds",
    description="Refunds are linked with the sales that they name; none has waited for its sale for over two days.",
)
def refunds_find_their_sales(database: EventDatabase) -> dg.AssetCheckResult:
    """The rule, compared with what is stored, and the age of those without a sale."""
    now = utc_now()
    with database.connect("checks") as connection:
        unlinked, wrong = unlinked_refunds(connection, now - PATIENCE), wrong_refund_links(connection)
    return dg.AssetCheckResult(
        passed=unlinked.overdue == 0 and wrong == 0,
        # Their sales may lie before the first load, or were made elsewhere.
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "refunds": unlinked.refunds,
            "without a sale": unlinked.waiting,
            "without a sale for two days": unlinked.overdue,
            "days since the oldest arrived": (now - unlinked.oldest).days if unlinked.oldest else 0,
            "with another sale than the rule gives": wrong,
        },
    )


def _result(
    found: Breaches, what: str, severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=found.count == 0,
        severity=severity,
        description=f"{found.count:,} {what}, e.g. {'; '.join(found.examples)}" if found.count else None,
        metadata={what: found.count},
    )
