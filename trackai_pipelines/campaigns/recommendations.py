"""Recommendations by rule: what holds of a tenant's campaigns today, and what came of those that were implemented.

What belongs here: which figures each rule is asked about, and the rows. What does not: the rules (rules.py), and where
the figures come from (evidence.py).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from trackai_pipelines.campaigns.chosen import ChosenTenant, chosen_tenants
from trackai_pipelines.campaigns.evidence import CampaignFigures, Orders, WindowClicks, campaigns_of, clicks_of
from trackai_pipelines.campaigns.measuring import measure
from trackai_pipelines.campaigns.rules import RULES
from trackai_pipelines.database.statements import statement
from trackai_pipelines.errors import ExpectedError

# Of a UTC day D, rules look at D-30 to D-3: sales follow their clicks by days. Spend without clicks is sooner seen.
_FIRST, _LAST = timedelta(days=30), timedelta(days=3)
_WEEK, _DAY = timedelta(days=7), timedelta(days=1)
_FAMILIES = {"content": "creative.weak", "term": "audience.strong", "block": "timing.block"}


@dataclass(frozen=True)
class Case:
    """A rule, what it is asked about, and the figures."""

    rule: str
    campaign_id: str
    subject: str
    figures: Mapping[str, Any]
    window: tuple[date, date]


@dataclass(frozen=True)
class Recommendation:
    """A row of campaign_optimizations; the comments of its columns describe the fields."""

    campaign_id: str
    rule: str
    subject: str
    type: str
    text: str
    confidence: float
    uplift: float | None
    effort: str
    priority: int
    evidence: Mapping[str, Any]
    window_from: date
    window_to: date


@dataclass(frozen=True)
class Recommended:
    """What became of a tenant's recommendations."""

    slug: str
    new: int
    changed: int
    withdrawn: int
    measured: int


@dataclass(frozen=True)
class OpenRecommendation:
    """A recommendation that waits for somebody."""

    slug: str
    id: int
    priority: int
    campaign_id: str
    recommendation_text: str
    potential_uplift_percent: Decimal | None
    confidence_score: float
    implementation_effort: str


def recommend(connection: Connection, now: datetime, *, tenant: str | None = None) -> list[Recommended]:
    """Bring the recommendations of every tenant, or of one (slug or id), up to date; each in a transaction.

    The days that rules look at are those before the UTC day of `now`. Repeating it changes nothing. Raises
    ExpectedError for an unknown tenant.
    """
    return [_recommend_one(connection, chosen, now) for chosen in chosen_tenants(connection, tenant)]


def _recommend_one(connection: Connection, tenant: ChosenTenant, now: datetime) -> Recommended:
    today = now.astimezone(UTC).date()
    with connection.transaction():
        made = recommendations(cases(connection, tenant, today))
        columns = {field.name: [getattr(one, field.name) for one in made] for field in fields(Recommendation)}
        columns["evidence"] = [Jsonb(one.evidence) for one in made]
        of_tenant = {"tenant_id": tenant.id, "now": now}
        row = connection.execute(statement("campaigns/write_recommendations"), {**columns, **of_tenant}).fetchone()
        assert row is not None
        new, changed, withdrawn = row
        return Recommended(tenant.slug, new, changed, withdrawn, measure(connection, tenant, today, now))


def implement(connection: Connection, number: int, now: datetime) -> tuple[str, str, str, datetime]:
    """Note that a recommendation was implemented, the first time; return slug, campaign, text and when that was.

    Raises ExpectedError where there is no such recommendation.
    """
    row = connection.execute(statement("campaigns/implement_recommendation"), {"id": number, "now": now}).fetchone()
    if row is None:
        raise ExpectedError(f"There is no recommendation {number}. `trackai campaigns recommend` shows the open ones.")
    slug, campaign, text, at = row
    return slug, campaign, text, at


def open_recommendations(connection: Connection, *, tenant: str | None = None) -> list[OpenRecommendation]:
    """Return the open recommendations of every tenant, or of one (slug or id), the most urgent first."""
    tenant_id = chosen_tenants(connection, tenant)[0].id if tenant is not None else None
    with connection.cursor(row_factory=class_row(OpenRecommendation)) as cursor:
        return cursor.execute(statement("campaigns/open_recommendations"), {"tenant_id": tenant_id}).fetchall()


def recommendations(found: Iterable[Case]) -> list[Recommendation]:
    """Return what the rules recommend; each is as sure as the number of subjects that it tested demands."""
    judged = [(case, RULES[case.rule].judge({**case.figures, "limits": RULES[case.rule].limits})) for case in found]
    tested = Counter(_family(case) for case, judgement in judged if judgement)
    made = []
    for case, judgement in judged:
        m = tested[_family(case)]
        if judgement is None or not judgement.made(m):
            continue
        rule = RULES[case.rule]
        first, last = case.window
        evidence = {
            **case.figures,
            "z": judgement.z,
            "chance": judgement.chance,
            "m": m,
            "limits": dict(rule.limits),
            "window": {"from": first.isoformat(), "to": last.isoformat()},
        }
        made.append(
            Recommendation(
                *(case.campaign_id, rule.name, case.subject, rule.type),
                text=rule.says(case.campaign_id, case.subject, evidence),
                confidence=judgement.confidence,
                uplift=judgement.uplift,
                effort=rule.effort,
                priority=rule.priority(judgement.uplift),
                evidence=evidence,
                window_from=first,
                window_to=last,
            )
        )
    return made


def _family(case: Case) -> tuple[str, str]:
    """Return what is tested together: a rule's subjects in a campaign, or a tenant's campaigns."""
    return case.rule, "" if case.rule == "channel.budget" else case.campaign_id


def cases(connection: Connection, tenant: ChosenTenant, today: date) -> Iterator[Case]:
    """Yield what rules are asked about a tenant's campaigns today. Needs a transaction."""
    window = (today - _FIRST, today - _LAST)
    clicks = clicks_of(connection, tenant, *window, sold_before=today)
    for (campaign, family), subjects in clicks.by_subject.items():
        for subject, (x, n) in subjects.items():
            x_all, n_all = clicks.all[campaign]
            figures: dict[str, Any] = {"x_subject": x, "n_subject": n, "x_rest": x_all - x, "n_rest": n_all - n}
            if family == "block":
                figures["time_zone"] = tenant.time_zone
            yield Case(_FAMILIES[family], campaign, _shown(family, subject), figures, window)
    yield from _order_values(clicks, window)
    campaigns = campaigns_of(connection, tenant, *window)
    yield from _budgets(campaigns, window)
    for one in campaigns:
        buyers = {"x": one.new_customers, "n": one.known_buyers, "spend": one.spend}
        buyers["buyer_memory_days"] = tenant.buyer_memory_days
        yield Case("audience.existing", one.campaign_id, "", buyers, window)
        yield Case("channel.arrival", one.campaign_id, "", {"x": one.arrived, "n": one.ad_clicks}, window)
    week = (today - _WEEK, today - _DAY)
    for one in campaigns_of(connection, tenant, *week):
        yield Case("channel.unjoined", one.campaign_id, "", {"spend": one.spend, "clicks": one.clicks}, week)


def _shown(family: str, subject: str) -> str:
    return f"{4 * int(subject):02}:00-{4 * int(subject) + 4:02}:00" if family == "block" else subject


def _order_values(clicks: WindowClicks, window: tuple[date, date]) -> Iterator[Case]:
    """Yield each utm_content against the rest, by the orders in the campaign's most frequent currency."""
    by_campaign: dict[str, list[tuple[int, str]]] = {}
    for (campaign, currency), by_content in clicks.orders.items():
        number = sum(of.number for of in by_content.values())
        by_campaign.setdefault(campaign, []).append((-number, currency))
    for campaign, currencies in by_campaign.items():
        currency = min(currencies)[1]
        by_content = clicks.orders[campaign, currency]
        everything = sum(by_content.values(), Orders())
        x_all, n_all = clicks.all[campaign]
        for content, of in by_content.items():
            if content is None:
                continue
            rest, (x, n) = everything.without(of), clicks.by_subject[campaign, "content"][content]
            figures = {
                "n_subject": of.number,
                "mean_subject": of.mean,
                "variance_subject": of.variance,
                "n_rest": rest.number,
                "mean_rest": rest.mean,
                "variance_rest": rest.variance,
                "ranks_subject": float(of.ranks),
                "ties": int(everything.ties),
                "converted_subject": x,
                "clicks_subject": n,
                "converted_rest": x_all - x,
                "clicks_rest": n_all - n,
                "currency": currency,
            }
            yield Case("offer.order_value", campaign, content, figures, window)


def _budgets(campaigns: Sequence[CampaignFigures], window: tuple[date, date]) -> Iterator[Case]:
    """Yield each campaign that cost something in one currency, against the others that did in the same."""
    for currency in sorted({currency for one in campaigns for currency in one.spend}):
        with_spend = [one for one in campaigns if set(one.spend) == {currency}]
        sales, spend = sum(one.conversions for one in with_spend), sum(one.spend[currency] for one in with_spend)
        for one in with_spend:
            figures = {
                "x_subject": one.conversions,
                "spend_subject": one.spend[currency],
                "x_rest": sales - one.conversions,
                "spend_rest": spend - one.spend[currency],
                "currency": currency,
            }
            yield Case("channel.budget", one.campaign_id, "", figures, window)
