"""The sample's campaigns: a shop whose buyers come back, and whose platforms restate what ads cost.

What belongs here: the facts as rows of landing files, and the touches that each sale has by construction. What does
not: writing files and the proof (sample.py), and what the touches deserve (sample_credit.py).
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

Row = dict[str, Any]

TENANT: dict[str, Any] = {
    "id": "cm0sampleaurora000000000c9",
    "slug": "aurora-casa",
    "name": "Aurora Casa",
    # Its sales are matched and not delivered.
    "status": "provisioning",
    "lookback_days": 30,
    "default_country": "BR",
    "reporting_currency": "BRL",
    "time_zone": "America/Sao_Paulo",
}
SALES = 132
PLACEHOLDER_CLICKS = 300
WITHOUT_RATE = "argentina"
UNJOINED = "23850009"
# What clicks are tagged with, and the campaign that this is.
_TAGS = {
    "verao-2026": "verao-2026",
    "casa-nova": "casa-nova",
    "natal-old": "natal-2026",
    "{{campaign.name}}": "(macro)",
    "remarketing": "remarketing",
}
_SEARCH = "busca-marca"
# The platform's id, the names that it was stated with, and the campaign that it is joined with. The first was renamed.
_META = {
    "23850001": (("verao-2026", "verao-2026 renovado"), "verao-2026"),
    "23850002": (("casa-nova",), "casa-nova"),
    "23850003": (("natal-old",), "natal-2026"),
    "23850004": (("remarketing",), "remarketing"),
    UNJOINED: (("sem parâmetros",), UNJOINED),
}


@dataclass
class Touched:
    """A touch as it must be found: the click's external id, its campaign, and whether the sale is matched to it."""

    click: str
    campaign: str
    at: datetime
    direct: bool
    matched: bool


@dataclass
class Sold:
    """A sale with its touches, oldest first, and how many keys were not followed."""

    event_id: str
    at: datetime
    value: Decimal
    currency: str
    touches: list[Touched]
    shared_keys: int = 0


@dataclass
class World:
    """Rows of landing files by name, and what is true of them."""

    files: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    sales: list[Sold] = field(default_factory=list)
    spend: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """What counts, by campaign and currency."""


class Makers:
    """Draws keys and rows from one random generator."""

    def __init__(self, seed: str) -> None:
        self.rng = Random(seed)  # noqa: S311 - invented data, no secrets
        self.world = World()

    def click_id(self) -> str:
        return f"IwAurora{self.rng.getrandbits(128):032x}"

    def browser(self, at: datetime) -> str:
        return f"fb.1.{int(at.timestamp() * 1000)}.{self.rng.randrange(10**9, 2 * 10**9)}"

    def click(
        self, at: datetime, browser: str, *, tag: str | None, click_id: str | None, source: str = "facebook"
    ) -> str:
        external = f"aur_{self.rng.getrandbits(64):016x}"
        row = {"external_id": external, "fbp": browser, "created_at": at.isoformat(timespec="milliseconds")}
        if tag:
            row |= {"utm_campaign": tag, "utm_source": source, "utm_medium": "cpc" if source == "google" else "paid"}
            row |= {
                "utm_content": self.rng.choice(("video", "carrossel")),
                "utm_term": self.rng.choice(("25-44", "lal")),
            }
        if click_id:
            row["fbclid"] = click_id
        self.world.files["clicks_aurora"].append(row)
        return external

    def sale(self, at: datetime, browser: str, click_id: str, touches: list[Touched], **more: Any) -> None:
        number = len(self.world.sales) + 1
        currency = more.get("currency", "USD" if number % 9 == 0 else "BRL")
        value = Decimal(self.rng.randrange(3_990, 49_990)) / 100
        sold = Sold(f"aurora-{number}", at, value, currency, touches, more.get("shared_keys", 0))
        buyer = number if number % 4 else number - 1
        self.world.files["conversions_aurora"].append(
            {
                "gateway": "cakto",
                "gateway_event_id": sold.event_id,
                "value": str(value),
                "currency": currency,
                "occurred_at": at.isoformat(timespec="milliseconds"),
                "fbc": f"fb.1.{int(at.timestamp() * 1000)}.{click_id}",
                "fbp": browser,
                "email": f"cliente{buyer}@example.com",
            }
        )
        self.world.sales.append(sold)


def build(seed: int, first_day: date, days: int) -> World:
    """Return the world of these UTC days; the same arguments make the same rows."""
    makers = Makers(f"{seed}:{first_day}:aurora")
    for number in range(SALES):
        day = first_day + timedelta(days=number % days)
        at = datetime.combine(day, time(3), UTC) + timedelta(milliseconds=makers.rng.randrange(18 * 3_600_000))
        _journey(makers, number, at)
    last = datetime.combine(first_day + timedelta(days=days - 1), time(22), UTC)
    _placeholder(makers, last)
    _link_passed_on(makers, last)
    for number in range(3):
        _without_rate(makers, last - timedelta(minutes=number))
    _costs(makers.world, first_day, days)
    _listed(makers.world, first_day, days)
    return makers.world


def _journey(makers: Makers, number: int, at: datetime) -> None:
    """One to six touches of a browser; the sale carries the click id of one of them."""
    browser = makers.browser(at)
    touches = []
    tag: str | None
    click_id: str | None
    size = 1 + number % 6
    # So far apart that no two are one visit.
    hours = [hour + makers.rng.random() / 5 for hour in sorted(makers.rng.sample(range(1, 120), size), reverse=True)]
    matched = makers.rng.randrange(size)
    carried = ""
    for place, before in enumerate(hours):
        moment = at - timedelta(milliseconds=int(before * 3_600_000))
        kind = "meta" if place == matched else makers.rng.choice(("meta", "meta", "search", "direct"))
        if kind == "meta":
            tag, click_id, source = makers.rng.choice(list(_TAGS)), makers.click_id(), "facebook"
            campaign = _TAGS[tag]
        else:
            tag, click_id, source = (_SEARCH if kind == "search" else None), None, "google"
            campaign = tag or "(none)"
        if kind == "direct":
            # Loaded twice: one visit, and its newest row stands for it.
            makers.click(moment - timedelta(minutes=5), browser, tag=None, click_id=None)
        external = makers.click(moment, browser, tag=tag, click_id=click_id, source=source)
        touches.append(Touched(external, campaign, moment, kind == "direct", place == matched))
        carried = click_id if click_id and place == matched else carried
    makers.sale(at, browser, carried, touches)


def _placeholder(makers: Makers, at: datetime) -> None:
    """A tracker writes the same browser id for everybody: it joins nobody."""
    browser = "fb.1.1700000000000.1000000001"
    for number in range(PLACEHOLDER_CLICKS):
        moment = at - timedelta(minutes=2 * number + 10)
        click_id = makers.click_id()
        external = makers.click(moment, browser, tag="casa-nova", click_id=click_id)
        if number < 4:
            touch = Touched(external, "casa-nova", moment, direct=False, matched=True)
            makers.sale(at, browser, click_id, [touch], shared_keys=1, currency="BRL")


def _link_passed_on(makers: Makers, at: datetime) -> None:
    """A link was sent to friends: five browsers have its click id. The last one buys, and had clicked before."""
    passed = makers.click_id()
    buyer = makers.browser(at)
    earlier = at - timedelta(hours=30)
    first = makers.click(earlier, buyer, tag="verao-2026", click_id=makers.click_id())
    for friend in range(4):
        moment = at - timedelta(hours=9 - friend)
        makers.click(moment, makers.browser(moment), tag="remarketing", click_id=passed)
    moment = at - timedelta(hours=2)
    external = makers.click(moment, buyer, tag="remarketing", click_id=passed)
    touches = [
        Touched(first, "verao-2026", earlier, direct=False, matched=False),
        Touched(external, "remarketing", moment, direct=False, matched=True),
    ]
    makers.sale(at, buyer, passed, touches, shared_keys=1, currency="BRL")


def _without_rate(makers: Makers, at: datetime) -> None:
    browser, click_id = makers.browser(at), makers.click_id()
    moment = at - timedelta(hours=1)
    external = makers.click(moment, browser, tag=WITHOUT_RATE, click_id=click_id)
    touch = Touched(external, WITHOUT_RATE, moment, direct=False, matched=True)
    makers.sale(at, browser, click_id, [touch], currency="ARS")


def _costs(world: World, first_day: date, days: int) -> None:
    """Meta by hours of an account in São Paulo, restated; Google by days, in two currencies."""
    for offset in range(days):
        day = first_day + timedelta(days=offset)
        for place, (number, (names, campaign)) in enumerate(_META.items()):
            name = names[min(offset * 2 // max(days, 1), len(names) - 1)]
            for hour in range(24):
                spend = Decimal(100 + 7 * place + hour + offset) / 10
                final = spend + Decimal("0.45") if offset % 2 == 0 else spend
                world.files["ad_costs_meta_first"].append(_meta(number, name, day, hour, spend, day))
                if final != spend:
                    row = _meta(number, name, day, hour, final, day + timedelta(days=1))
                    world.files["ad_costs_meta_restated"].append(row)
                world.spend[campaign, "BRL"] += final
        for campaign, account, currency, micros in (
            (_SEARCH, "777", "USD", 18_500_000 + 10_000 * offset),
            (WITHOUT_RATE, "778", "ARS", 90_000_000_000),
        ):
            world.files["ad_costs_google"].append(
                {
                    "customer": {"id": account, "currency_code": currency},
                    "campaign": {"id": f"90{account}", "name": campaign},
                    "segments": {"date": day.isoformat()},
                    "metrics": {"cost_micros": str(micros), "impressions": "900", "clicks": "40", "conversions": 2.0},
                    "stated_at": f"{day}T23:00:00Z",
                }
            )
            world.spend[campaign, currency] += Decimal(micros) / 10**6


def _meta(number: str, name: str, day: date, hour: int, spend: Decimal, stated: date) -> Row:
    return {
        "account_id": "act-1",
        "account_currency": "BRL",
        "campaign_id": number,
        "campaign_name": name,
        "date_start": day.isoformat(),
        "date_stop": day.isoformat(),
        "hourly_stats_aggregated_by_advertiser_time_zone": f"{hour:02d}:00:00 - {hour:02d}:59:59",
        "spend": str(spend),
        "impressions": str(1_000 + 11 * hour),
        "clicks": str(4 + hour % 3),
        "inline_link_clicks": str(2 + hour % 3),
        "actions": [{"action_type": "purchase", "value": str(hour % 3)}],
        "stated_at": f"{stated}T23:30:00Z",
    }


def _listed(world: World, first_day: date, days: int) -> None:
    world.files["ad_accounts_aurora"].append(
        {"source": "meta", "account_id": "act-1", "name": "Aurora", "currency": "BRL", "time_zone": TENANT["time_zone"]}
    )
    world.files["campaign_aliases_aurora"].append({"alias": "natal-old", "campaign_id": "natal-2026"})
    for offset in range(-1, days):
        day = first_day + timedelta(days=offset)
        rate = Decimal("5.40") + Decimal(offset) / 100
        world.files["fx_rates_aurora"].append(
            {"day": day.isoformat(), "base": "USD", "quote": "BRL", "rate": str(rate)}
        )
