"""Campaigns in the report: what each cost and sold, under nine models, and what is not joined or converted."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.campaigns.recommendations import open_recommendations
from trackai_pipelines.campaigns.reconcile_costs import currencies_without_rate
from trackai_pipelines.campaigns.unjoined import UnjoinedSpend, spend_without_clicks
from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Period, Section

if TYPE_CHECKING:
    from markupsafe import Markup

MODELS: Mapping[str, str] = {
    "matched": "Matched",
    "last_touch": "Last",
    "first_touch": "First",
    "linear": "Linear",
    "position_based": "Position",
    "time_decay": "Decay",
    "last_non_direct": "Non-direct",
    "markov": "Markov",
    "shapley": "Shapley",
}
_CAMPAIGNS = 10
_RECOMMENDATIONS = 5
# The page has eight colours; the last is for all other campaigns.
_COLOURS = 8


@dataclass(frozen=True)
class Campaign:
    """A tenant's campaign over the period; an amount that is not known is None."""

    slug: str
    tenant: str
    name: str
    currency: str | None
    spend: Decimal | None
    impressions: int | None
    ad_clicks: int | None
    unique_clicks: int
    sales: int
    revenue: Decimal | None
    claimed: Decimal | None
    sent: int

    @property
    def roas(self) -> Decimal | None:
        """Return revenue / spend."""
        return _ratio(self.revenue, self.spend)

    @property
    def arrival(self) -> float | None:
        """Return the share of the platform's clicks that arrived here."""
        return self.unique_clicks / self.ad_clicks if self.ad_clicks else None


@dataclass(frozen=True)
class ModelRevenue:
    """What the models credit to a campaign in one currency, and what it cost in it."""

    slug: str
    name: str
    currency: str
    spend: Decimal | None
    revenues: Mapping[str, str]
    """Amounts by model."""

    def roas(self, model: str) -> Decimal | None:
        """Return credited revenue / spend."""
        return _ratio(Decimal(self.revenues.get(model, 0)), self.spend)


@dataclass
class Of:
    """A tenant's part of the section."""

    slug: str
    name: str
    campaigns: list[Campaign] = field(default_factory=list)
    models: list[ModelRevenue] = field(default_factory=list)
    chart: "tuple[list[str], Markup] | None" = None
    """The names of its colours, and the chart."""
    unjoined: Sequence[UnjoinedSpend] = ()
    without_rate: Mapping[str, date] = field(default_factory=dict)
    """Currencies that some day has no rate for, with the last of these days."""

    @property
    def more(self) -> int:
        """Return how many campaigns are not shown."""
        return max(0, len(self.campaigns) - _CAMPAIGNS)


def section() -> Section:
    """Return the section."""
    return Section(title="Campaigns", template=Path(__file__).with_name("section.html"), data=data)


def data(connection: Connection[Any], period: Period) -> Mapping[str, Any]:
    """Return what the template shows of the period."""
    asked = {"first": period.first, "last": period.last, "tenant": period.tenant}
    with connection.cursor(row_factory=class_row(Campaign)) as cursor:
        campaigns = cursor.execute(statement("campaigns/section_campaigns"), asked).fetchall()
    with connection.cursor(row_factory=class_row(ModelRevenue)) as cursor:
        models = cursor.execute(statement("campaigns/section_models"), asked).fetchall()
    shown = tenants_of(campaigns, models)
    ids = dict(connection.execute("SELECT slug, id FROM trackai.tenants").fetchall())
    without_rate = currencies_without_rate(connection, period.first, period.last)
    for of in shown:
        if any(campaign.spend is None or campaign.spend for campaign in of.campaigns):
            of.unjoined = spend_without_clicks(connection, ids[of.slug], period.first, period.last)
        of.without_rate = {currency: days[-1] for currency, days in without_rate.get(of.slug, {}).items()}
    recommended = [
        one for one in open_recommendations(connection) if period.tenant is None or one.slug == period.tenant
    ]
    first = sorted(recommended, key=lambda one: (one.priority, -(one.potential_uplift_percent or 0)))
    return {
        "tenants": shown,
        "models": MODELS,
        "most": _CAMPAIGNS,
        "recommendations": first[:_RECOMMENDATIONS],
        "more_recommendations": max(0, len(first) - _RECOMMENDATIONS),
    }


def tenants_of(campaigns: Sequence[Campaign], models: Sequence[ModelRevenue]) -> list[Of]:
    """Return the parts of the tenants, in the order of `campaigns`."""
    found: dict[str, Of] = {}
    for campaign in campaigns:
        found.setdefault(campaign.slug, Of(campaign.slug, campaign.tenant)).campaigns.append(campaign)
    for credited in models:
        if credited.slug in found:
            found[credited.slug].models.append(credited)
    for of in found.values():
        of.chart = _chart(of)
        of.models = [credited for credited in of.models if credited.spend][:_CAMPAIGNS]
    return [*found.values()]


def _ratio(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    return part / whole if part is not None and whole else None


def _chart(of: Of) -> "tuple[list[str], Markup] | None":
    """Each model's revenue by campaign, as shares, in the currency that has most of it."""
    from trackai_pipelines.report.charts import stacked_shares

    totals: dict[str, Decimal] = defaultdict(Decimal)
    for credited in of.models:
        totals[credited.currency] += Decimal(credited.revenues.get("matched", 0))
    if not any(totals.values()):
        return None
    currency = max(totals, key=lambda name: (totals[name], name))
    ours = sorted(
        (credited for credited in of.models if credited.currency == currency),
        key=lambda credited: -Decimal(credited.revenues.get("matched", 0)),
    )
    named, others = (ours, []) if len(ours) <= _COLOURS else (ours[: _COLOURS - 1], ours[_COLOURS - 1 :])

    def part(of_them: Sequence[ModelRevenue], model: str) -> float:
        return float(sum(Decimal(one.revenues.get(model, 0)) for one in of_them) / totals[currency])

    shares = {one.name: [part([one], model) for model in MODELS] for one in named}
    if others:
        shares["others"] = [part(others, model) for model in MODELS]
    titles = [
        f"{label}, {currency}: " + ", ".join(f"{name} {values[place]:.1%}" for name, values in shares.items())
        for place, label in enumerate(MODELS.values())
    ]
    name = f"{of.name}: share of {currency} revenue by model"
    return [*shares], stacked_shares(name, list(MODELS.values()), shares, titles)
