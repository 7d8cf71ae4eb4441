"""Random worlds of clicks, sales, costs and rates: what they hold, and how they get into the database.

What belongs here: the facts. What does not: what figures they must give (expected.py).
"""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from psycopg import Connection

MONDAY = date(2026, 3, 2)
NOW = datetime(2026, 5, 20, 1, 0, tzinfo=UTC)
ACCOUNT_ZONE = "America/Sao_Paulo"
ALIASES = {"old-name": "spring", "{{campaign.name}}": "autumn"}


@dataclass(frozen=True)
class Click:
    id: int
    at: datetime
    campaign: str | None
    source: str | None
    medium: str | None
    fbclid: str | None
    fbp: str | None


@dataclass(frozen=True)
class Sale:
    id: int
    at: datetime
    gateway: str
    value: Decimal | None
    currency: str | None
    email: str | None
    phone: str | None
    click: int | None
    """The matched click."""
    strategy: str | None
    """None: still to be decided."""
    user: str | None
    loyal: bool
    """Whether the user is in the tenant's segment `loyal` at the sale."""

    @property
    def day(self) -> date:
        return self.at.date()


@dataclass(frozen=True)
class Cost:
    campaign: str
    day: date
    hour: int
    currency: str
    spend: Decimal
    impressions: int
    clicks: int
    link_clicks: int | None
    engagements: int | None
    claims: Decimal | None


@dataclass
class World:
    tenant: str
    reporting: str | None
    memory: int
    clicks: list[Click] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    rates: list[tuple[date, str, str, Decimal]] = field(default_factory=list)

    @property
    def days(self) -> list[date]:
        """Every day that something belongs to."""
        return sorted(
            {click.at.date() for click in self.clicks}
            | {sale.day for sale in self.sales}
            | {cost.day + timedelta(days=shift) for cost in self.costs for shift in (0, 1)}
        )


def contact(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def random_world(seed: int, tenant: str = "t-a") -> World:
    """A dozen clicks and sales around the turn of a week, and some weeks before."""
    r = Random(seed)
    world = World(tenant, r.choice(["BRL", "BRL", None, "EUR"]), r.choice([90, 90, 3]))
    offsets = [-40, -33, -9, -2, -1, 0, 1, 2, 6, 7]

    def moment() -> datetime:
        day = MONDAY + timedelta(days=r.choice(offsets))
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        second = r.choice([0, 0.000001, 3600, 7199, 43200, 86399.999999])
        return midnight + timedelta(seconds=second)

    for number in range(1, r.randint(4, 16)):
        world.clicks.append(
            Click(
                number,
                moment(),
                r.choice([None, "", "spring", "Spring", "{{x}}", "{{campaign.name}}", " bf ", "old-name", "(none)"]),
                r.choice([None, "facebook", " google ", "TikTok"]),
                r.choice([None, "cpc", "email", "organic"]),
                r.choice([None, "K1", "K2", "K3"]),
                r.choice([None, "fb.1.1700000000000.7", "fb.1.1700000000000.8"]),
            )
        )
    for number in range(1, r.randint(4, 16)):
        at = moment()
        strategy = r.choice(["fbc", "fbc", "fbp", "email", "unmatched", None])
        before = [click.id for click in world.clicks if click.at <= at + timedelta(minutes=5)]
        if not before and strategy not in (None, "unmatched"):
            strategy = "unmatched"
        priced = r.random() < 0.85
        user = r.choice([None, "u1", "u2"])
        world.sales.append(
            Sale(
                number,
                at,
                r.choice(["stripe", "hotmart"]),
                Decimal(r.randint(0, 99_999_999)) / 10_000 if priced else None,
                r.choice(["BRL", "BRL", "USD", "EUR"]) if priced else None,
                r.choice([None, contact("a"), contact("b"), contact("c")]),
                r.choice([None, contact("5511"), contact("a")]),
                r.choice(before) if strategy not in (None, "unmatched") else None,
                strategy,
                user,
                user == "u1" and at.date() >= MONDAY,
            )
        )
    seen = set()
    for _ in range(r.randint(0, 10)):
        key = (r.choice(["spring", "paid", "bf"]), MONDAY + timedelta(days=r.choice(offsets)))
        by_hours = r.random() < 0.5
        if key in seen:
            continue
        seen.add(key)
        for hour in r.sample(range(24), 4) if by_hours else [-1]:
            world.costs.append(
                Cost(
                    *key,
                    hour,
                    r.choice(["BRL", "USD"]),
                    Decimal(r.randint(0, 9_999_999)) / 1_000_000,
                    r.choice([0, 100, 1_000]),
                    r.randint(0, 9),
                    r.choice([None, 0, 3]),
                    r.choice([None, 5]),
                    r.choice([None, Decimal("1.5"), Decimal(0)]),
                )
            )
    pairs = [(base, quote) for base in ("BRL", "USD", "EUR") for quote in ("BRL", "EUR") if base != quote]
    for base, quote in r.sample(pairs, 3):
        world.rates.append((MONDAY + timedelta(days=r.choice([-44, -10, -2, 1])), base, quote, Decimal("5.1234")))
    return world


def insert(connection: Connection[Any], world: World, *, decided_at: datetime | None = None) -> None:
    """Put a world into the database by plain SQL; everything arrived when it happened."""
    run = connection.cursor()
    tenant = world.tenant
    run.execute(
        "INSERT INTO trackai.tenants (id, slug, name, reporting_currency, buyer_memory_days)"
        " VALUES (%s, %s, 'A shop', %s, %s)",
        (tenant, tenant.removeprefix("t-"), world.reporting, world.memory),
    )
    run.executemany(
        "INSERT INTO trackai.campaign_aliases (tenant_id, alias, campaign_id, created_at) VALUES (%s, %s, %s, %s)",
        [(tenant, alias, campaign, datetime(2026, 1, 1, tzinfo=UTC)) for alias, campaign in ALIASES.items()],
    )
    run.executemany(
        "INSERT INTO trackai.clicks (tenant_id, id, created_at, ingested_at, utm_campaign, utm_source, utm_medium,"
        " fbclid, fbp) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [(tenant, c.id, c.at, c.at, c.campaign, c.source, c.medium, c.fbclid, c.fbp) for c in world.clicks],
    )
    add_sales(connection, world, world.sales, decided_at=decided_at)
    run.execute(
        "INSERT INTO trackai.ad_accounts (tenant_id, source, account_id, time_zone) VALUES (%s, 'meta', 'a1', %s)",
        (tenant, ACCOUNT_ZONE),
    )
    add_costs(connection, world, world.costs, stated_at=NOW - timedelta(days=20))
    run.executemany(
        "INSERT INTO trackai.fx_rates (tenant_id, day, base, quote, digest, rate, first_stated_at, last_stated_at,"
        " ingested_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            (tenant, day, base, quote, contact(f"{day}{base}{quote}"), rate, *[NOW - timedelta(days=20)] * 3)
            for day, base, quote, rate in world.rates
        ],
    )


def add_sales(
    connection: Connection[Any], world: World, sales: list[Sale], *, decided_at: datetime | None = None
) -> None:
    """Insert sales with what was decided of them, a second after they happened or at `decided_at`."""
    run = connection.cursor()
    tenant = world.tenant
    run.executemany(
        "INSERT INTO trackai.conversions (tenant_id, id, gateway, gateway_event_id, event_name, value, currency,"
        " occurred_at, created_at, customer_email_hash, customer_phone_hash)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            (
                tenant, s.id, s.gateway, str(s.id), "Lead" if s.value is None else "Purchase", s.value, s.currency,
                s.at, s.at, s.email, s.phone,
            )
            for s in sales
        ],
    )  # fmt: skip
    run.executemany(
        "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, click_id, strategy, matched_at)"
        " VALUES (%s, %s, %s, %s, %s)",
        [
            (tenant, s.id, s.click, s.strategy, decided_at or s.at + timedelta(seconds=1))
            for s in sales
            if s.strategy is not None
        ],
    )
    users = sorted({s.user for s in sales if s.user})
    run.executemany(
        "INSERT INTO trackai.users (tenant_id, id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [(tenant, user) for user in users],
    )
    run.executemany(
        "INSERT INTO trackai.user_segments (tenant_id, user_id, segment_name, valid_from) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        [(tenant, user, name, MONDAY) for user in users if user == "u1" for name in ("loyal", "new_users")],
    )
    run.executemany(
        "INSERT INTO trackai.user_conversions (tenant_id, user_id, conversion_id, linked_by, linked_at)"
        " VALUES (%s, %s, %s, 'email', %s)",
        [(tenant, s.user, s.id, s.at) for s in sales if s.user],
    )


def add_costs(connection: Connection[Any], world: World, costs: list[Cost], *, stated_at: datetime) -> None:
    """Insert statements of costs that were made, and arrived, at `stated_at`."""
    connection.cursor().executemany(
        "INSERT INTO trackai.ad_cost_statements (tenant_id, source, account_id, campaign_id, day, hour, currency,"
        " spend, impressions, clicks, link_clicks, engagements, platform_conversions, digest, first_stated_at,"
        " last_stated_at, ingested_at)"
        " VALUES (%s, 'meta', 'a1', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            (
                world.tenant, c.campaign, c.day, c.hour, c.currency, c.spend, c.impressions, c.clicks, c.link_clicks,
                c.engagements, c.claims, contact(repr(c) + str(stated_at)), *[stated_at] * 3,
            )
            for c in costs
        ],
    )  # fmt: skip
