"""Match rates in the report: the tenants' totals of the period, and each tenant's days."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg import Connection

from trackai_pipelines.domain import Period, Section
from trackai_pipelines.match_rates.summary import DayRate, TenantSummary, rates_of_days, summary_by_tenant

if TYPE_CHECKING:
    from markupsafe import Markup

# In the order of the stack, from the ground up.
STRATEGIES: Mapping[str, str] = {
    "fbc": "Click id (fbc)",
    "fbp": "Browser id (fbp)",
    "email": "E-mail",
    "unmatched": "Unmatched",
    "pending": "Pending",
}


def section() -> Section:
    """Return the section."""
    return Section(title="Match rates", template=Path(__file__).with_name("section.html"), data=data, figures=figures)


def data(connection: Connection[Any], period: Period) -> Mapping[str, Any]:
    """Return what the template shows: totals from the facts as they stand now, days as they were aggregated."""
    return shown(
        summary_by_tenant(connection, period.first, period.last, tenant=period.tenant),
        rates_of_days(connection, period.first, period.last),
    )


def shown(tenants: Sequence[TenantSummary], rates: Iterable[DayRate]) -> Mapping[str, Any]:
    """Return what the template shows of these, `tenants` in the order of the page, `rates` by tenant and day."""
    days = {slug: list(of_tenant) for slug, of_tenant in groupby(rates, attrgetter("slug"))}
    return {
        "tenants": tenants,
        "total": _total(tenants),
        "charts": [
            (tenant.name, sum(day.conversions for day in days[tenant.slug]), _chart(tenant.name, days[tenant.slug]))
            for tenant in tenants
            if tenant.slug in days
        ],
        "strategies": STRATEGIES,
    }


def figures(data: Mapping[str, Any]) -> Mapping[str, int | float | None]:
    """Return the figures at the head of the page."""
    total: TenantSummary = data["total"]
    return {
        "conversions": total.conversions,
        "match rate": total.match_rate,
        "unmatched": total.unmatched,
        "pending": total.pending,
        "refunds": total.refunds,
    }


def _total(tenants: Sequence[TenantSummary]) -> TenantSummary:
    """All tenants as if they were one; values in different currencies are not added up."""
    counts = {
        name: sum(getattr(tenant, name) for tenant in tenants) for name in ("conversions", "refunds", *STRATEGIES)
    }
    return TenantSummary(slug="", name="All tenants", status="", value_by_currency={}, net_by_currency={}, **counts)


def _chart(name: str, days: Sequence[DayRate]) -> "Markup":
    """Each day's conversions by strategy, as shares of that day."""
    from trackai_pipelines.report.charts import stacked_shares

    return stacked_shares(
        f"{name}: share of each day's conversions by strategy",
        [f"{day.day:%d %b}" for day in days],
        {strategy: [_share(day, strategy) for day in days] for strategy in STRATEGIES},
        [_title(day) for day in days],
    )


def _title(day: DayRate) -> str:
    parts = [f"{label} {_share(day, name):.1%}" for name, label in STRATEGIES.items() if getattr(day, name)]
    return f"{day.day}: {day.conversions:,} conversions. " + ", ".join(parts)


def _share(day: DayRate, strategy: str) -> float:
    return getattr(day, strategy) / day.conversions if day.conversions else 0.0
