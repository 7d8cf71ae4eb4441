"""Campaigns in the report, and what doctor finds of them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from campaigns.stated import state
from lifecycle.old_rows import insert
from psycopg import Connection
from psycopg.types.json import Jsonb
from report.pages import NASTY, Page, write

from trackai_pipelines.campaigns.health import health
from trackai_pipelines.campaigns.section import MODELS, Campaign, ModelRevenue, data, section, tenants_of
from trackai_pipelines.domain import Checkup, Level, Period

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
DASH = "\N{EN DASH}"


def campaign(name: str, **columns: Any) -> Campaign:
    row: dict[str, Any] = {
        "slug": "acme", "tenant": "Acme", "currency": "BRL", "spend": Decimal("4125.00"), "impressions": 120_000,
        "ad_clicks": 2_400, "unique_clicks": 1_992, "sales": 90, "revenue": Decimal(17_730), "claimed": Decimal(121),
        "sent": 88,
    }  # fmt: skip
    return Campaign(name=name, **{**row, **columns})


def credited(name: str, currency: str = "BRL", spend: Decimal | None = Decimal(100), **revenues: str) -> ModelRevenue:
    return ModelRevenue("acme", name, currency, spend, {**dict.fromkeys(MODELS, "100.0000"), **revenues})


def page(connection: Connection[Any], path: Path, **given: Any) -> Page:
    whole = {"models": MODELS, "most": 10, "recommendations": [], "more_recommendations": 0, **given}
    return Page(write(connection, path / "report.html", (section(), whole)))


def after(texts: list[str], first: str, count: int) -> list[str]:
    place = texts.index(first)
    return texts[place : place + count]


def test_campaigns_by_spend_and_what_models_make_of_them(connection: Connection[Any], tmp_path: Path) -> None:
    nothing = dict.fromkeys(("currency", "spend", "impressions", "ad_clicks", "revenue", "claimed"))
    tenants = tenants_of(
        [campaign("bf-2026"), campaign(NASTY, unique_clicks=3, sales=0, sent=0, **nothing)],
        [credited("bf-2026", matched="430.0000", shapley="50.0000"), credited("(none)", spend=None)],
    )
    texts = page(connection, tmp_path, tenants=tenants).texts
    assert after(texts, "bf-2026", 10) == [
        "bf-2026", "BRL 4,125", "120,000", "2,400", "83.0%", "90", "BRL 17,730", "4.30", "121", "88"
    ]  # fmt: skip
    assert after(texts, NASTY, 10) == [NASTY, *[DASH] * 4, "0", *[DASH] * 3, "0"]
    by_model = texts[texts.index("ROAS by model") :]
    assert after(by_model, "bf-2026", 11) == ["bf-2026", "BRL", "4.30", *["1.00"] * 7, "0.50"]
    # What has no spend has no ROAS; the chart has it.
    assert by_model.index("(none)") > by_model.index("Revenue by model")


def test_many_campaigns_are_cut_and_the_chart_has_eight_colours(connection: Connection[Any], tmp_path: Path) -> None:
    names = [f"c{number:02d}" for number in range(13)]
    (of,) = tenants_of([campaign(name) for name in names], [credited(name) for name in names])
    assert of.more == 3
    assert of.chart is not None
    assert of.chart[0] == [*names[:7], "others"]
    texts = page(connection, tmp_path, tenants=[of]).texts
    assert "3 more:" in texts
    assert "c11" not in texts


def test_an_empty_report_says_what_to_run(connection: Connection[Any], tmp_path: Path) -> None:
    period = Period(date(2026, 5, 1), date(2026, 5, 31))
    given = data(connection, period)
    texts = Page(write(connection, tmp_path / "report.html", (section(), given))).texts
    assert "No day of campaigns has been computed yet. Run" in texts


def _computed(connection: Connection[Any], tenant: str) -> None:
    """A day of campaigns of a tenant that reports in BRL: one with everything, one whose sales have no rate."""
    connection.execute("UPDATE trackai.tenants SET reporting_currency = 'BRL' WHERE id = %s", [tenant])
    state(connection, tenant, [{"account_id": "2", "campaign_id": "far", "day": NOW.date() - DAY, "currency": "ARS"}])
    day = {"tenant_id": tenant, "date": NOW.date() - DAY, "computed_at": NOW}
    for name, currency in (("spring", "BRL"), ("far", "ARS")):
        insert(connection, "campaigns", {"tenant_id": tenant, "campaign_id": name, "name": name})
        known = currency == "BRL"
        row = {**day, "campaign_id": name, "conversions": 2, "revenue": 50 if known else None, "currency": "BRL"}
        costs = {"spend": 20, "cost_basis": "hours", "impressions": 100, "ad_clicks": 10} if known else {}
        insert(connection, "campaign_analytics_daily", {**row, **costs, "unique_clicks": 9})
        money = {"currency": currency, "conversions": 2, "revenue": 50, "spend": 20 if known else None,
                 "new_customers": 2, "returning_customers": 0, "unknown_customers": 0,
                 "new_customer_revenue": 50}  # fmt: skip
        insert(connection, "campaign_daily_money", {**day, "campaign_id": name, **money})
        credit = {"channel": "direct", "model": "linear", "currency": currency, "conversions": 2, "revenue": 50}
        insert(connection, "campaign_credit_daily", {**day, "campaign_id": name, **credit, "touches": 2})


def test_the_period_and_the_tenant_decide(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    acme, other = add_tenant("acme"), add_tenant("other")
    _computed(connection, acme)
    insert(connection, "campaigns", {"tenant_id": other, "campaign_id": "theirs", "name": "theirs"})
    insert(connection, "campaign_analytics_daily", {"tenant_id": other, "campaign_id": "theirs",
           "date": NOW.date() - 40 * DAY, "computed_at": NOW})  # fmt: skip
    for number in range(6):
        recommendation = {
            "tenant_id": acme, "campaign_id": "spring", "recommendation_type": "offer", "implementation_effort": "low",
            "recommendation_text": f"Do {number}.", "priority": 9 - number, "created_at": NOW, "updated_at": NOW,
            "source": "rule", "rule": "offer.order_value", "subject": str(number), "evidence": Jsonb({}),
            "window_from": NOW.date(), "window_to": NOW.date(),
        }  # fmt: skip
        insert(connection, "campaign_optimizations", recommendation)
    week = Period(NOW.date() - 7 * DAY, NOW.date())
    given = data(connection, week)
    (of,) = given["tenants"]
    assert [(one.name, one.spend, one.revenue, one.sales) for one in of.campaigns] == [
        ("spring", 20, 50, 2), ("far", None, None, 2)
    ]  # fmt: skip
    assert of.campaigns[0].roas == Decimal("2.5")
    assert of.campaigns[1].roas is None
    assert of.without_rate == {"ARS": NOW.date() - DAY}
    assert [one.recommendation_text for one in given["recommendations"]] == [
        f"Do {number}." for number in range(5, 0, -1)
    ]
    assert given["more_recommendations"] == 1
    assert data(connection, Period(week.first, week.last, "other"))["tenants"] == []
    assert data(connection, Period(week.first, week.last, "other"))["recommendations"] == []


def test_doctor_finds_what_stands_still(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    def found() -> dict[str, tuple[Level, str]]:
        return {one.check: (one.level, one.said) for one in health(Checkup(connection, NOW, ()))}

    assert {level for level, _ in found().values()} == {Level.OK}
    acme = add_tenant("acme")
    _computed(connection, acme)
    state(connection, acme, [{"day": NOW.date() - 3 * DAY}])
    insert(connection, "conversions", {"tenant_id": acme, "id": 1, "gateway": "stripe", "gateway_event_id": "e1",
           "value": 1, "currency": "BRL", "occurred_at": NOW - 9 * DAY, "created_at": NOW - 9 * DAY})  # fmt: skip
    assert {check: level for check, (level, _) in found().items()} == {
        "ad accounts": Level.WARN, "campaign days": Level.WARN, "exchange rates": Level.WARN
    }  # fmt: skip
    assert found()["campaign days"][1] == "acme: never"
    assert "no rate for ARS" in found()["exchange rates"][1]
    insert(connection, "campaign_scans", {"tenant_id": acme, "scanned_to": NOW - 2 * DAY})
    assert found()["campaign days"][0] is Level.OK
    connection.execute("UPDATE trackai.campaign_scans SET scanned_to = %s", [NOW - 4 * DAY])
    assert found()["campaign days"] == (Level.WARN, "acme: last on 2026-05-16")
