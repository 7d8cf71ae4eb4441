"""The invented world: its tenants, what they sell where, and when people click and buy.

What belongs here: facts about tenants and the shape of their traffic. What does not: the story of a single sale
(`stories`) and how a row is written (`encodings`, `gateways`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from random import Random

DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Sales by local hour: a quiet night, a lunch break, and most of it in the evening.
_EVENING = (3, 2, 1, 1, 1, 1, 2, 4, 6, 7, 8, 8, 9, 8, 7, 7, 8, 9, 11, 14, 16, 15, 10, 6)
_OFFICE = (1, 1, 1, 1, 1, 2, 3, 6, 10, 13, 14, 13, 12, 12, 13, 12, 11, 9, 7, 6, 5, 4, 3, 2)

# Monday to Sunday.
_WEEKEND_BUYERS = (0.85, 0.85, 0.9, 0.95, 1.05, 1.2, 1.3)
_WEEKDAY_BUYERS = (1.15, 1.2, 1.15, 1.1, 1.0, 0.7, 0.65)

# One day of every ten is a launch or a promotion.
_LAUNCH_EVERY = 10
_LAUNCH_FACTOR = 1.6


@dataclass(frozen=True)
class Source:
    """Where a part of a tenant's sales comes from: a gateway, by webhook or in the app's own files."""

    gateway: str
    share: float
    webhook: bool


@dataclass(frozen=True)
class SampleTenant:
    """A row of trackai.tenants and the habits of its customers."""

    id: str
    slug: str
    name: str
    status: str
    pixel_id: str
    lookback_days: int
    email_matching: bool
    default_country: str
    currency: str
    prices: tuple[Decimal, ...]
    # Share of all conversions.
    weight: float
    # How many of a hundred sales have which story (`stories.STORIES`).
    mix: Mapping[str, int]
    sources: tuple[Source, ...]
    # Clicks of visitors who do not buy, for each sale.
    idle_clicks: float
    utc_offset_hours: int
    hours: tuple[int, ...] = _EVENING
    weekdays: tuple[float, ...] = _WEEKEND_BUYERS
    # With numbers `a` and `b` of up to four digits, `c` of up to two.
    phone: str = ""
    dial_code: str = ""
    products: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()
    first_names: tuple[str, ...] = field(default=("Alex", "Sam", "Robin", "Kim", "Noa", "Charlie", "Jules"))

    @property
    def suspended(self) -> bool:
        """Whether its conversions stay pending."""
        return self.status not in ("provisioning", "active")


def _mix(fbc: int, fbp: int, email: int, **unmatched: int) -> dict[str, int]:
    """A hundred sales, split into the stories that lead to each strategy."""
    seldom = {
        "fbc_fbclid_only": 10,
        "fbc_newest_of_several": 8,
        "fbc_appendix": 5,
        "fbc_late_click": 3,
        "fbc_padded": 2,
        "fbc_click_after_sale": 1,
        "fbp_beside_unknown_fbc": 3,
        "fbp_beside_malformed_fbc": 2,
        "fbp_beside_expired_click": 2,
        "fbp_newest_of_several": 2,
        "fbp_late_click": 1,
    }
    mix = {
        **seldom,
        "fbc": fbc - sum(n for name, n in seldom.items() if name.startswith("fbc")),
        "fbp": fbp - sum(n for name, n in seldom.items() if name.startswith("fbp")),
        "email": email,
        **unmatched,
    }
    assert sum(mix.values()) == 100, mix
    assert min(mix.values()) >= 0, mix
    return mix


def _prices(text: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(price) for price in text.split())


TENANTS = (
    SampleTenant(
        id="cm0samplelumina000000000a1",
        slug="lumina-cursos",
        name="Lumina Cursos",
        status="active",
        pixel_id="100000000000001",
        lookback_days=90,
        email_matching=False,
        default_country="BR",
        currency="BRL",
        prices=_prices("47.00 97.00 97.00 197.00 197.00 297.00 497.00 997.00 1997.00"),
        weight=0.45,
        # Identities with e-mails are there too, but this tenant has not turned e-mail matching on.
        mix=_mix(
            78, 13, 1, no_keys=2, unknown_buyer=1, unknown_keys=2, expired_click=1, malformed_keys=1, other_tenant=1
        ),
        sources=(
            Source("hotmart", 0.2, webhook=True),
            Source("kiwify", 0.08, webhook=True),
            Source("cakto", 0.3, webhook=False),
            Source("eduzz", 0.07, webhook=True),
            Source("monetizze", 0.07, webhook=True),
            Source("kirvano", 0.07, webhook=True),
            Source("perfectpay", 0.06, webhook=True),
            Source("braip", 0.05, webhook=True),
            Source("ticto", 0.05, webhook=True),
            Source("guru", 0.05, webhook=True),
        ),
        idle_clicks=2.4,
        utc_offset_hours=-3,
        phone="(11) 9{a:04d}-{b:04d}",
        dial_code="55",
        products=("Formação em Fotografia", "Edição sem Mistério", "Luz Natural na Prática"),
        campaigns=("lancamento_fotografia_frio", "remarketing_carrinho_7d", "lookalike_1_compradores"),
        first_names=("Ana", "Bruno", "Camila", "Diego", "Fernanda", "João", "Luíza", "Rafael", "Thaís"),
    ),
    SampleTenant(
        id="cm0samplenorthwind0000000b2",
        slug="northwind-fitness",
        name="Northwind Fitness",
        status="active",
        pixel_id="100000000000002",
        lookback_days=30,
        email_matching=False,
        default_country="US",
        currency="USD",
        prices=_prices("9.99 19.99 29.00 49.00 49.00 99.00 149.50 299.00"),
        weight=0.3,
        mix=_mix(
            74,
            16,
            0,
            no_keys=2,
            unknown_buyer=1,
            unknown_keys=2,
            expired_click=2,
            after_sale=1,
            other_case=1,
            other_tenant=1,
        ),
        sources=(
            Source("stripe", 0.25, webhook=True),
            Source("paypal", 0.15, webhook=True),
            Source("shopify", 0.6, webhook=False),
        ),
        idle_clicks=2.9,
        utc_offset_hours=-5,
        phone="(415) 555-01{c:02d}",
        dial_code="1",
        products=("12-Week Strength Plan", "Mobility Basics", "Coach Access"),
        campaigns=("prospecting_us_broad", "retargeting_viewers_14d", "advantage_plus_evergreen"),
        first_names=("Olivia", "Liam", "Emma", "Noah", "Ava", "Mason", "Zoe", "Ethan"),
    ),
    SampleTenant(
        id="cm0sampleatelier000000000c3",
        slug="atelier-verve",
        name="Atelier Verve",
        status="active",
        pixel_id="100000000000003",
        lookback_days=60,
        email_matching=True,
        default_country="FR",
        currency="EUR",
        prices=_prices("24.90 39.90 59.00 89.00 129.00 189.00"),
        weight=0.15,
        mix=_mix(
            75, 13, 4, no_keys=1, unknown_buyer=1, unknown_keys=2, expired_click=2, after_sale=1, malformed_keys=1
        ),
        sources=(
            Source("stripe", 0.15, webhook=True),
            Source("woocommerce", 0.2, webhook=True),
            Source("shopify", 0.65, webhook=False),
        ),
        idle_clicks=2.0,
        utc_offset_hours=1,
        hours=_OFFICE,
        weekdays=_WEEKDAY_BUYERS,
        phone="06 39 {a:04d} {c:02d}",
        dial_code="33",
        products=("Écharpe en laine", "Sac cabas", "Carnet relié"),
        campaigns=("collection_automne_fr", "panier_abandonne_3j", "similaires_clientes_2"),
        first_names=("Chloé", "Hugo", "Inès", "Léa", "Louis", "Manon", "Théo", "Zoë"),
    ),
    SampleTenant(
        id="cm0samplesakura0000000000d4",
        slug="sakura-goods",
        name="Sakura Goods",
        status="provisioning",
        pixel_id="100000000000004",
        lookback_days=7,
        email_matching=False,
        default_country="JP",
        currency="JPY",
        prices=_prices("980 1480 2980 3980 5500 12800"),
        weight=0.07,
        mix=_mix(80, 12, 0, no_keys=3, unknown_keys=1, expired_click=2, after_sale=1, other_case=1),
        sources=(Source("stripe", 0.4, webhook=True), Source("shopify", 0.6, webhook=False)),
        idle_clicks=3.1,
        utc_offset_hours=9,
        phone="090-{a:04d}-{b:04d}",
        dial_code="81",
        products=("抹茶セット", "風呂敷", "Teapot"),
        campaigns=("shinki_tokyo_broad", "retargeting_30d", "ruiji_kounyusha"),
        first_names=("Aoi", "Haruto", "Hina", "Ren", "Sakura", "Yuto"),
    ),
    SampleTenant(
        id="cm0sampleharbor0000000000e5",
        slug="harbor-supplements",
        name="Harbor Supplements",
        status="suspended",
        pixel_id="100000000000005",
        lookback_days=90,
        email_matching=False,
        default_country="GB",
        currency="GBP",
        prices=_prices("14.99 24.99 34.99 59.99"),
        weight=0.03,
        mix=_mix(76, 14, 0, no_keys=5, unknown_keys=3, expired_click=2),
        sources=(Source("shopify", 1.0, webhook=False),),
        idle_clicks=2.2,
        utc_offset_hours=0,
        phone="07700 9000{c:02d}",
        dial_code="44",
        products=("Magnesium 90", "Omega Daily"),
        campaigns=("uk_prospecting", "uk_retargeting_14d"),
        first_names=("Amelia", "George", "Isla", "Oliver", "Poppy"),
    ),
)


def split(total: int, weights: list[float]) -> list[int]:
    """`total` shared out by weight, in whole numbers that add up to it (largest remainder)."""
    sum_of_weights = sum(weights)
    exact = [total * weight / sum_of_weights for weight in weights]
    shares = [int(part) for part in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: (shares[i] - exact[i], i))
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares


def days_until(end: datetime, days: int) -> list[date]:
    """The UTC days that end with the one `end` lies in (at midnight: the day before it)."""
    last = moment(milliseconds(end) - 1).date()
    return [last - timedelta(days=back) for back in reversed(range(days))]


def milliseconds(moment: datetime) -> int:
    """Since 1970, UTC."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def moment(at_ms: int) -> datetime:
    """The inverse of `milliseconds`."""
    return _EPOCH + timedelta(milliseconds=at_ms)


def _hours_of(tenant: SampleTenant, day: date, end_ms: int) -> tuple[int, list[float]]:
    """Start of the day in milliseconds, and what each of its UTC hours weighs; hours after the end weigh nothing."""
    start = milliseconds(datetime(day.year, day.month, day.day, tzinfo=UTC))
    weights = [
        tenant.hours[(hour + tenant.utc_offset_hours) % 24]
        * min(1.0, max(0.0, (end_ms - start - hour * _HOUR_MS) / _HOUR_MS))
        for hour in range(24)
    ]
    return start, weights


def day_weights(tenant: SampleTenant, days: list[date], end_ms: int) -> list[float]:
    """How the tenant's sales spread over the days: the rhythm of its week, launches, and a last day cut short."""
    return [
        tenant.weekdays[day.weekday()]
        * (_LAUNCH_FACTOR if (day.toordinal() + len(tenant.slug)) % _LAUNCH_EVERY == 0 else 1.0)
        * sum(_hours_of(tenant, day, end_ms)[1])
        for day in days
    ]


def moments_of_day(rng: Random, tenant: SampleTenant, day: date, end_ms: int, count: int) -> list[int]:
    """`count` moments of the day before the end, in order, in the rhythm of the tenant's local hours."""
    start, weights = _hours_of(tenant, day, end_ms)
    hours = rng.choices(range(24), cum_weights=list(accumulate(weights)), k=count) if count else []
    return sorted(
        start + hour * _HOUR_MS + int(rng.random() * min(_HOUR_MS, end_ms - start - hour * _HOUR_MS)) for hour in hours
    )
