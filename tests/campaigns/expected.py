"""What a world's figures must be: plain loops over its facts, written apart from the statements.

What belongs here: the rules once more, by brute force. What does not: journeys and credit, whose touches are given.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from campaigns.shop import ACCOUNT_ZONE, ALIASES, NOW, Click, Cost, Sale, World

Row = dict[str, Any]
_UNFILLED = re.compile(r"\{\{.*\}\}|\{\w+\}|__[A-Z_]+__|%7B", re.IGNORECASE)


def rounded(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def ratio(above: Any, below: Any, digits: int | None = None) -> Any:
    """NULL where the denominator is 0 or anything is unknown; a float unless digits are given."""
    if above is None or not below:
        return None
    return above / below if digits is None else rounded(Decimal(above) / Decimal(below), digits)


def campaign_of(click: Click | None) -> str:
    value = (click.campaign or "").strip() if click else ""
    if value in ("", "(none)"):
        return "(none)"
    if value in ALIASES:
        return ALIASES[value]
    return "(macro)" if _UNFILLED.search(value) else value


def start_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def hour_of(cost: Cost) -> datetime | None:
    if cost.hour < 0:
        return None
    local = datetime(cost.day.year, cost.day.month, cost.day.day, cost.hour, tzinfo=ZoneInfo(ACCOUNT_ZONE))
    return local.astimezone(UTC)


class Expected:
    """The tables of a world, as rows by their keys."""

    def __init__(self, world: World, *, now: datetime = NOW) -> None:
        self.world, self.now = world, now
        self.clicks = {click.id: click for click in world.clicks}
        self.matched = [sale for sale in world.sales if sale.strategy not in (None, "unmatched")]
        self.buyers = self._buyers()

    def campaign(self, sale: Sale) -> str:
        return campaign_of(self.clicks.get(sale.click or 0))

    def booked(self, cost: Cost) -> date:
        hour = hour_of(cost)
        return cost.day if hour is None else hour.date()

    def rate(self, currency: str, day: date) -> tuple[Decimal, Decimal] | None:
        """What an amount is multiplied with, and divided by: the newest day's, direct, inverse, then across a base."""
        target = self.world.reporting
        if target is None or currency == target:
            return Decimal(1), Decimal(1)
        for back in range(8):
            of_day = {(b, q): rate for d, b, q, rate in self.world.rates if d == day - timedelta(days=back)}
            if (currency, target) in of_day:
                return of_day[currency, target], Decimal(1)
            if (target, currency) in of_day:
                return Decimal(1), of_day[target, currency]
            for base in sorted({b for b, _ in of_day}):
                if (base, currency) in of_day and (base, target) in of_day:
                    return of_day[base, target], of_day[base, currency]
        return None

    def convert(self, amount: Decimal, currency: str, day: date) -> Decimal | None:
        rate = self.rate(currency, day)
        return None if rate is None else rounded(amount * rate[0] / rate[1], 4)

    def _buyers(self) -> dict[int, tuple[Any, int | None, datetime | None]]:
        """Buyer, number of the sale and time of the buyer's next one, by sale."""
        people: dict[str, list[Sale]] = defaultdict(list)
        for sale in sorted(self.world.sales, key=lambda sale: (sale.at, sale.id)):
            if sale.email or sale.phone:
                people[sale.email or sale.phone or ""].append(sale)
        found: dict[int, tuple[Any, int | None, datetime | None]] = {s.id: (None, None, None) for s in self.world.sales}
        for person, sales in people.items():
            first, number = sales[0].id, 0
            for place, sale in enumerate(sales):
                if place and (sale.day - sales[place - 1].day).days > self.world.memory:
                    first, number = sale.id, 0
                number += 1
                later = sales[place + 1].at if place + 1 < len(sales) else None
                if later and (later.date() - sale.day).days > self.world.memory:
                    later = None
                found[sale.id] = ((person, first), number, later)
        return found

    def conversion_buyers(self) -> dict[int, tuple[int | None, int | None]]:
        """The buyer's first sale and the sale's number, by sale."""
        return {sale: (buyer and buyer[1], number) for sale, (buyer, number, _) in self.buyers.items()}

    def buyers_rows(self) -> dict[int, Row]:
        by_first: dict[int, list[Sale]] = defaultdict(list)
        people: dict[int, str] = {}
        for sale in self.world.sales:
            buyer = self.buyers[sale.id][0]
            if buyer:
                by_first[buyer[1]].append(sale)
                people[buyer[1]] = buyer[0]
        newest = {
            person: max((f for f in people if people[f] == person), key=lambda f: max(s.at for s in by_first[f]))
            for person in set(people.values())
        }
        rows = {}
        for first, sales in by_first.items():
            brought = next(sale for sale in sales if sale.id == first)
            last = max(sale.day for sale in sales)
            remembered = newest[people[first]] == first and (self.now.date() - last).days <= self.world.memory
            rows[first] = {
                "first_day": brought.day,
                "last_day": last,
                "acquired_campaign_id": self.campaign(brought) if brought in self.matched else "(unmatched)",
                "remembered": remembered,
            }
        return rows

    def customers(self, sales: Iterable[Sale]) -> Row:
        numbers = Counter(
            "unknown" if (number := self.buyers[sale.id][1]) is None else "new" if number == 1 else "returning"
            for sale in sales
        )
        return {f"{kind}_customers": numbers[kind] for kind in ("new", "returning", "unknown")}

    def money(self) -> dict[tuple[date, str, str], Row]:
        sales: dict[tuple[date, str, str], list[Sale]] = defaultdict(list)
        costs: dict[tuple[date, str, str], list[Cost]] = defaultdict(list)
        for sale in self.matched:
            sales[sale.day, self.campaign(sale), sale.currency or "XXX"].append(sale)
        for cost in self.world.costs:
            costs[self.booked(cost), cost.campaign, cost.currency].append(cost)
        return {
            key: {
                "conversions": len(sales[key]),
                "revenue": sum((s.value or Decimal(0) for s in sales[key]), Decimal(0)),
                "spend": sum((c.spend for c in costs[key]), Decimal(0)) if costs[key] else None,
                **self.customers(sales[key]),
                "new_customer_revenue": sum(
                    (s.value or Decimal(0) for s in sales[key] if self.buyers[s.id][1] == 1), Decimal(0)
                ),
            }
            for key in {*sales, *costs}
        }

    def amounts(self, sales: list[Sale], costs: list[Cost]) -> Row:
        """Revenue, spend and currency of a row with these sales and costs."""
        currencies = {s.currency for s in sales if s.value is not None} | {c.currency for c in costs}
        mixed = self.world.reporting is None and len(currencies) > 1
        revenues = [self.convert(s.value, s.currency or "", s.day) for s in sales if s.value is not None]
        spends = [self.convert(c.spend, c.currency, self.booked(c)) for c in costs]
        return {
            "currency": self.world.reporting or (None if mixed or not currencies else currencies.pop()),
            "revenue": None if mixed or None in revenues else sum((x for x in revenues if x is not None), Decimal(0)),
            "spend": None
            if mixed or None in spends or not costs
            else sum((x for x in spends if x is not None), Decimal(0)),
        }

    def analytics(self) -> dict[tuple[str, date], Row]:
        sales: dict[tuple[str, date], list[Sale]] = defaultdict(list)
        clicks: dict[tuple[str, date], list[Click]] = defaultdict(list)
        costs: dict[tuple[str, date], list[Cost]] = defaultdict(list)
        for sale in self.matched:
            sales[self.campaign(sale), sale.day].append(sale)
        for click in self.world.clicks:
            clicks[campaign_of(click), click.at.date()].append(click)
        for cost in self.world.costs:
            costs[cost.campaign, self.booked(cost)].append(cost)
        return {key: self._analytics_row(sales[key], clicks[key], costs[key]) for key in {*sales, *clicks, *costs}}

    def _analytics_row(self, sales: list[Sale], clicks: list[Click], costs: list[Cost]) -> Row:
        def given(values: Iterable[Any]) -> Any:
            known = [value for value in values if value is not None]
            return sum(known) if known else None

        row = self.amounts(sales, costs)
        impressions = sum(c.impressions for c in costs)
        ad_clicks = given(c.clicks if c.link_clicks is None else c.link_clicks for c in costs)
        engagements = given(c.engagements for c in costs)
        revenue, spend = row["revenue"], row["spend"]
        margin = None if revenue is None or spend is None else 100 * (revenue - spend)
        return {
            **row,
            **self.customers(sales),
            "impressions": impressions,
            "clicks": len(clicks),
            "conversions": len(sales),
            "ad_clicks": ad_clicks,
            "engagements": engagements,
            "platform_conversions": given(c.claims for c in costs),
            "unique_clicks": len({c.fbclid for c in clicks if c.fbclid}) + sum(c.fbclid is None for c in clicks),
            "unique_clickers": len({c.fbp for c in clicks if c.fbp}) + sum(c.fbp is None for c in clicks),
            "cost_basis": "none" if not costs else "hours" if all(c.hour >= 0 for c in costs) else "account_day",
            "roi": ratio(margin, spend, 2),
            "roas": ratio(revenue, spend, 4),
            "avg_order_value": ratio(revenue, len(sales), 4),
            "conversion_rate": ratio(len(sales), len(clicks)),
            "click_through_rate": ratio(ad_clicks, impressions),
            "engagement_rate": ratio(engagements, impressions),
        }

    def trend(self) -> dict[tuple[str, str, datetime], Row]:
        daily = self.analytics()
        rows: dict[tuple[str, str, datetime], Row] = {}
        weeks: dict[tuple[str, date], list[Row]] = defaultdict(list)
        for (campaign, day), of_day in daily.items():
            row = {name: of_day[name] for name in ("conversions", "revenue", "clicks", "spend", "currency")}
            row["views"] = None if of_day["cost_basis"] == "none" else of_day["impressions"]
            rows[campaign, "daily", start_of(day)] = row
            weeks[campaign, day - timedelta(days=day.weekday())].append(row)
        for (campaign, monday), of_week in weeks.items():
            currencies = {row["currency"] for row in of_week} - {None}
            views = [row["views"] for row in of_week if row["views"] is not None]
            spends = [row["spend"] for row in of_week if row["views"] is not None]
            revenues = [row["revenue"] for row in of_week]
            one = len(currencies) < 2
            rows[campaign, "weekly", start_of(monday)] = {
                "conversions": sum(row["conversions"] for row in of_week),
                "clicks": sum(row["clicks"] for row in of_week),
                "views": sum(views) if views else None,
                "revenue": sum(revenues, Decimal(0)) if one and None not in revenues else None,
                "spend": sum(spends, Decimal(0)) if one and spends and None not in spends else None,
                "currency": currencies.pop() if len(currencies) == 1 else None,
            }
        rows |= self._hours(daily)
        for row in rows.values():
            row["conversion_rate"] = ratio(row["conversions"], row["clicks"], 4)
        return rows

    def _hours(self, daily: dict[tuple[str, date], Row]) -> dict[tuple[str, str, datetime], Row]:
        hours: dict[tuple[str, datetime], tuple[list[Sale], list[Click], list[Cost]]]
        hours = defaultdict(lambda: ([], [], []))
        for sale in self.matched:
            hours[self.campaign(sale), sale.at.replace(minute=0, second=0, microsecond=0)][0].append(sale)
        for click in self.world.clicks:
            hours[campaign_of(click), click.at.replace(minute=0, second=0, microsecond=0)][1].append(click)
        for cost in self.world.costs:
            hour = hour_of(cost)
            if hour and daily[cost.campaign, hour.date()]["cost_basis"] == "hours":
                hours[cost.campaign, hour][2].append(cost)
        rows = {}
        for (campaign, hour), (sales, clicks, costs) in hours.items():
            row = self.amounts(sales, costs)
            by_hours = daily[campaign, hour.date()]["cost_basis"] == "hours"
            if by_hours and not costs and (self.world.reporting or row["currency"] or not sales):
                row["spend"] = Decimal(0)
            if by_hours and not costs and not row["currency"] and row["revenue"] is None:
                row["spend"] = None
            rows[campaign, "hourly", hour] = {
                **row,
                "conversions": len(sales),
                "clicks": len(clicks),
                "views": sum(c.impressions for c in costs) if by_hours else None,
                "spend": row["spend"] if by_hours else None,
            }
        return rows

    def segments(self) -> dict[tuple[str, str, date], Row]:
        members: dict[tuple[str, str, date], list[Sale]] = defaultdict(list)
        for sale in self.matched:
            for name in self.segments_of(sale):
                members[self.campaign(sale), name, sale.day].append(sale)
        return {key: self._segment_row(sales, key[2]) for key, sales in members.items()}

    def segments_of(self, sale: Sale) -> list[str]:
        click = self.clicks[sale.click or 0]
        number = self.buyers[sale.id][1]
        kind = "unknown" if number is None else "new" if number == 1 else "returning"
        own = ["loyal"] if sale.loyal else []
        return [f"{kind}_users", f"source:{(click.source or '').strip() or '(none)'}", f"gateway:{sale.gateway}", *own]

    def _segment_row(self, sales: list[Sale], day: date) -> Row:
        row = self.amounts(sales, [])
        known = {self.buyers[sale.id][0] for sale in sales} - {None}
        again = {
            self.buyers[sale.id][0]
            for sale in sales
            if (later := self.buyers[sale.id][2]) and later <= sale.at + timedelta(days=30)
        }
        passed = (self.now.date() - day).days >= 31
        return {
            "users_count": len(known) + sum(self.buyers[sale.id][0] is None for sale in sales),
            "conversions": len(sales),
            "revenue": row["revenue"],
            "currency": row["currency"],
            "retention_rate": len(again) / len(known) if known and passed else None,
        }

    def segments_of_90_days(self, last: date) -> dict[tuple[str, str], Row]:
        """The rows without a date, over the 90 days that end with `last`."""
        members: dict[tuple[str, str], list[Sale]] = defaultdict(list)
        for sale in self.matched:
            if 0 <= (last - sale.day).days < 90:
                for name in self.segments_of(sale):
                    members[self.campaign(sale), name].append(sale)
        rows = {}
        for key, sales in members.items():
            old = [sale for sale in sales if (self.now.date() - sale.day).days >= 31]
            rows[key] = self._segment_row(sales, last) | {
                "retention_rate": self._segment_row(old, date.min)["retention_rate"] if old else None
            }
        return rows
