"""The report: one HTML page that needs nothing else, for people without access to the database or the UI.

What belongs here: how results are laid out and drawn. What does not: where they come from (`summary`, and `account` and
`coverage` of delivery).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from trackai_pipelines.delivery.account import Account, Place
from trackai_pipelines.delivery.coverage import Coverage
from trackai_pipelines.match_rates.summary import DayRate, IngestTotals, RejectReason, TenantSummary

# In the order of the stack, from the ground up.
STRATEGIES: Mapping[str, str] = {
    "fbc": "Click id (fbc)",
    "fbp": "Browser id (fbp)",
    "email": "E-mail",
    "unmatched": "Unmatched",
    "pending": "Pending",
}

# What Meta matches people by, in the order of the columns.
KEYS: Mapping[str, str] = {
    "em": "E-mail",
    "ph": "Phone",
    "fbc": "fbc",
    "fbp": "fbp",
    "client_ip_address": "IP",
    "client_user_agent": "User agent",
    "external_id": "External id",
}

_TEMPLATES = Path(__file__).with_name("templates")

# The drawing's units; it is scaled to the width of the page.
CHART_WIDTH = 560
CHART_HEIGHT = 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 4, 12, 26
_PLOT_WIDTH = CHART_WIDTH - _LEFT - _RIGHT
_PLOT_HEIGHT = CHART_HEIGHT - _TOP - _BOTTOM
# Bars of very few days would look like walls.
_WIDEST_BAR = 58
# Of a day's place; the rest is the gap.
_BAR_SHARE = 0.76
# Day names that fit beside each other below the bars.
_MOST_LABELS = 7


@dataclass(frozen=True, slots=True)
class _Segment:
    strategy: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class _Bar:
    x: float
    width: float
    segments: list[_Segment]
    # Empty where there is no room.
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class _Chart:
    name: str
    conversions: int
    bars: list[_Bar]
    # Height in the drawing and what to write there.
    ticks: list[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class _Delivery:
    name: str
    # Events by place: sent, waiting, failed, not_due, unexplained.
    places: Mapping[str, int]
    # Share of the sent events that carry a key, 0 to 1; None where none was sent.
    shares: Mapping[str, float | None]


def write_report(
    path: Path,
    *,
    tenants: Sequence[TenantSummary],
    rates: Iterable[DayRate],
    rejects: Sequence[RejectReason],
    ingest: IngestTotals,
    account: Account,
    coverage: Sequence[Coverage],
    generated_at: datetime,
) -> Path:
    """Write the page to `path`, making its folder, and return the path; an older page there is replaced.

    `tenants` come in the order of the page, `rates` by tenant and day, as `rates_of_days` gives them. `account` and
    `coverage` tell of the same days' delivery. `generated_at` is shown in UTC.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # Names and reasons come from outside: everything is escaped.
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(count="{:,}".format, percent=_percent, money=_money, share=_share)
    days = {slug: list(of_tenant) for slug, of_tenant in groupby(rates, attrgetter("slug"))}
    page = environment.get_template("report.html").render(
        tenants=tenants,
        total=_total(tenants),
        charts=[_chart(tenant.name, days[tenant.slug]) for tenant in tenants if tenant.slug in days],
        rejects=rejects,
        ingest=ingest,
        places=account.totals,
        deliveries=_deliveries(tenants, account.places, coverage),
        reasons=_reasons(account.places),
        keys=KEYS,
        generated_at=generated_at.astimezone(UTC),
        strategies=STRATEGIES,
        chart_width=CHART_WIDTH,
        chart_height=CHART_HEIGHT,
        plot_left=_LEFT,
        plot_right=CHART_WIDTH - _RIGHT,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


def _total(tenants: Sequence[TenantSummary]) -> TenantSummary:
    """All tenants as if they were one; values of different currencies are not added up."""
    counts = {name: sum(getattr(tenant, name) for tenant in tenants) for name in ("conversions", *STRATEGIES)}
    return TenantSummary(slug="", name="All tenants", status="", value_by_currency={}, **counts)


def _deliveries(
    tenants: Sequence[TenantSummary], places: Sequence[Place], coverage: Sequence[Coverage]
) -> list[_Delivery]:
    """What became of the events of each tenant that has any."""
    found = []
    for tenant in tenants:
        own: Counter[str] = Counter()
        for place in places:
            if place.slug == tenant.slug:
                own[place.place] += place.events
        covered = [day for day in coverage if day.slug == tenant.slug]
        events = sum(day.events for day in covered)
        shares = {key: _share(sum(day.carrying.get(key, 0) for day in covered), events) for key in KEYS}
        if own:
            found.append(_Delivery(tenant.name, own, shares))
    return found


def _reasons(places: Sequence[Place]) -> list[Place]:
    """Why events were not sent, most of them first."""
    return sorted((place for place in places if place.place != "sent"), key=lambda place: -place.events)


def _chart(name: str, days: list[DayRate]) -> _Chart:
    """Each day's conversions by strategy, as shares of that day."""
    step = min(_PLOT_WIDTH / len(days), _WIDEST_BAR / _BAR_SHARE)
    every = -(-len(days) // _MOST_LABELS)
    bars = []
    for number, day in enumerate(days):
        ground = float(_TOP + _PLOT_HEIGHT)
        segments = []
        for strategy in STRATEGIES:
            height = _PLOT_HEIGHT * (_share(getattr(day, strategy), day.conversions) or 0)
            ground -= height
            if height:
                segments.append(_Segment(strategy, round(ground, 2), round(height, 2)))
        bars.append(
            _Bar(
                x=round(_LEFT + number * step + step * (1 - _BAR_SHARE) / 2, 2),
                width=round(step * _BAR_SHARE, 2),
                segments=segments,
                label=f"{day.day:%d %b}" if number % every == 0 else "",
                title=_title(day),
            )
        )
    ticks = [(_TOP + _PLOT_HEIGHT * (1 - tick / 100), f"{tick}%") for tick in (0, 25, 50, 75, 100)]
    return _Chart(name, sum(day.conversions for day in days), bars, ticks)


def _title(day: DayRate) -> str:
    parts = [
        f"{label} {_percent(_share(getattr(day, strategy), day.conversions))}"
        for strategy, label in STRATEGIES.items()
        if getattr(day, strategy)
    ]
    return f"{day.day}: {day.conversions:,} conversions. " + ", ".join(parts)


def _share(part: int | Decimal, whole: int | Decimal) -> float | None:
    return float(part / whole) if whole else None


def _percent(share: float | None) -> str:
    return "n/a" if share is None else f"{share:.1%}"


def _money(value: Decimal) -> str:
    return f"{value:,.0f}"
