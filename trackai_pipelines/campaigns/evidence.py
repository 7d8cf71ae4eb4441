"""The figures of a tenant's campaigns that the rules judge, as plain values.

What belongs here: what was counted in a window, for each rule and subject. What does not: what a rule makes of it.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import date
from decimal import Decimal
from operator import add, sub

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.campaigns.chosen import ChosenTenant
from trackai_pipelines.database.statements import statement

Sold = tuple[int, int]
"""Clicks that led to a sale, and clicks."""


@dataclass(frozen=True)
class Orders:
    """Some of a campaign's orders in a currency; each field is a sum over them."""

    number: int = 0
    value: Decimal = Decimal(0)
    squares: Decimal = Decimal(0)
    """Of their values."""
    ranks: Decimal = Decimal(0)
    """By value among all of them, 1 for the smallest; equal ones share the mean of theirs."""
    ties: Decimal = Decimal(0)
    """Of t^2 - 1 for t orders of the same value, which is t^3 - t for each value."""

    def __add__(self, other: "Orders") -> "Orders":
        return Orders(*map(add, astuple(self), astuple(other)))

    def without(self, other: "Orders") -> "Orders":
        """Return the orders that are not the other ones."""
        return Orders(*map(sub, astuple(self), astuple(other)))

    @property
    def mean(self) -> float:
        """Their mean value; 0 without orders."""
        return float(self.value / self.number) if self.number else 0.0

    @property
    def variance(self) -> float:
        """The variance of a sample; 0 without two orders."""
        if self.number < 2:
            return 0.0
        return float((self.squares - self.value * self.value / self.number) / (self.number - 1))


@dataclass(frozen=True)
class CampaignFigures:
    """A campaign in some days, as the daily figures have it."""

    campaign_id: str
    conversions: int
    new_customers: int
    returning_customers: int
    spend: Mapping[str, float]
    """By currency; only what is above 0."""
    clicks: int
    arrived: int
    """Unique clicks of the days on which the platform counted clicks."""
    ad_clicks: int

    @property
    def known_buyers(self) -> int:
        """Conversions whose buyer is known."""
        return self.new_customers + self.returning_customers


@dataclass(frozen=True)
class WindowClicks:
    """What became of the clicks of each campaign in a window: in all, and by what rules compare."""

    all: Mapping[str, Sold]
    by_subject: Mapping[tuple[str, str], Mapping[str, Sold]]
    """By campaign and family (content, term or block); clicks without a subject are in none."""
    orders: Mapping[tuple[str, str], Mapping[str | None, Orders]]
    """By campaign and currency, then by utm_content."""


def clicks_of(
    connection: Connection, tenant: ChosenTenant, from_day: date, to_day: date, sold_before: date
) -> WindowClicks:
    """Return the clicks of the UTC days, both included, with the sales before a UTC day. Needs a transaction."""
    window = {"tenant_id": tenant.id, "from_day": from_day, "to_day": to_day, "sold_before": sold_before}
    connection.execute("DROP TABLE IF EXISTS pg_temp.window_clicks")
    connection.execute(statement("campaigns/stage_window_clicks"), window)
    everything: dict[str, Sold] = {}
    by_subject: dict[tuple[str, str], dict[str, Sold]] = defaultdict(dict)
    for campaign, family, subject, clicks, converted in connection.execute(statement("campaigns/clicks_by_subject")):
        if family == "all":
            everything[campaign] = (converted, clicks)
        elif subject is not None:
            by_subject[campaign, family][subject] = (converted, clicks)
    orders: dict[tuple[str, str], dict[str | None, Orders]] = defaultdict(dict)
    for campaign, currency, content, *of in connection.execute(statement("campaigns/orders_by_content"), window):
        orders[campaign, currency][content] = Orders(*of)
    return WindowClicks(everything, by_subject, orders)


def campaigns_of(connection: Connection, tenant: ChosenTenant, from_day: date, to_day: date) -> list[CampaignFigures]:
    """Return each campaign that has figures in the UTC days, both included."""
    window = {"tenant_id": tenant.id, "from_day": from_day, "to_day": to_day}
    with connection.cursor(row_factory=class_row(CampaignFigures)) as cursor:
        return cursor.execute(statement("campaigns/figures_of_campaigns"), window).fetchall()
