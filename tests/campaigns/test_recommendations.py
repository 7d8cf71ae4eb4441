"""Recommendations from rows to rows: which are made, computed again from their evidence, withdrawn and measured."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg
import pytest
from campaigns.judged import DAY, FIRST, LAST, NOW, TODAY, AddClicks, add_day, clicks_adder, register
from psycopg import Connection
from psycopg.rows import dict_row
from typer.testing import Result

from trackai_pipelines.campaigns.recommendations import implement, open_recommendations, recommend
from trackai_pipelines.campaigns.rules import RULES
from trackai_pipelines.clock import utc_now
from trackai_pipelines.errors import ExpectedError


@pytest.fixture
def acme(add_tenant: Callable[..., str]) -> str:
    """A tenant."""
    return add_tenant("acme", time_zone="America/Sao_Paulo")


@pytest.fixture
def add_clicks(connection: Connection[Any]) -> AddClicks:
    """Insert clicks, of which the first ones led to a sale the hour after."""
    return clicks_adder(connection)


def stored(connection: Connection[Any]) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "SELECT * FROM trackai.campaign_optimizations ORDER BY tenant_id, campaign_id, rule, subject, id"
        ).fetchall()


# A world for each rule -------------------------------------------------------------------------------------------


def weak_creative(connection: Connection[Any], add: AddClicks, tenant: str) -> None:
    add(tenant, "spring", 900, 12, content="ad-7")
    add(tenant, "spring", 1_000, 30, content="ad-8")
    add(tenant, "spring", 1_100, 30)


def strong_audience(connection: Connection[Any], add: AddClicks, tenant: str) -> None:
    add(tenant, "spring", 900, 60, term="lookalike")
    add(tenant, "spring", 2_100, 60)


def good_hours(connection: Connection[Any], add: AddClicks, tenant: str) -> None:
    """In São Paulo it is three hours earlier."""
    add(tenant, "spring", 700, 40, at=datetime(2026, 5, 10, 2, 59, tzinfo=UTC))
    add(tenant, "spring", 3_500, 110, at=datetime(2026, 5, 10, 3, tzinfo=UTC))


def dear_campaign(connection: Connection[Any], add: AddClicks, tenant: str) -> None:
    add_day(connection, tenant, "spring", conversions=40, spend=3_000)
    add_day(connection, tenant, "brand", conversions=100, spend=4_000)
    add_day(connection, tenant, "search", FIRST, conversions=40, spend=2_000)
    # Other campaigns have no spend, or some in another currency.
    add_day(connection, tenant, "(none)", conversions=500)
    add_day(connection, tenant, "abroad", conversions=500, spend=10, currency="USD")


def small_orders(connection: Connection[Any], add: AddClicks, tenant: str) -> None:
    for value in (60, 80, 100):
        add(tenant, "spring", 200, 20, content="ad-7", value=value)
    for value in (100, 120, 140):
        add(tenant, "spring", 700, 66, content="ad-8", value=value)
    # Fewer orders, in another currency.
    add(tenant, "spring", 1, 1, content="ad-7", value=1, currency="USD")


def existing_buyers(connection: Connection[Any], add: AddClicks, tenant: str) -> None:
    add_day(connection, tenant, "spring", conversions=70, new_customers=5, returning_customers=55, spend=10)


def lost_clicks(connection: Connection[Any], add: AddClicks, tenant: str) -> None:
    add_day(connection, tenant, "spring", FIRST, ad_clicks=100, unique_clicks=60)
    add_day(connection, tenant, "spring", LAST, ad_clicks=100, unique_clicks=60)
    # The platform said nothing of this day.
    add_day(connection, tenant, "spring", LAST - DAY, unique_clicks=500)


def unseen_spend(connection: Connection[Any], add: AddClicks, tenant: str) -> None:
    add_day(connection, tenant, "1203", TODAY - 7 * DAY, spend=12.5)
    add_day(connection, tenant, "1203", TODAY - 8 * DAY, clicks=5)
    add_day(connection, tenant, "seen", TODAY - DAY, spend=12.5, clicks=1)


WORLDS: dict[str, tuple[Callable[[Connection[Any], AddClicks, str], None], str, str]] = {
    "creative.weak": (weak_creative, "spring", "ad-7"),
    "audience.strong": (strong_audience, "spring", "lookalike"),
    "timing.block": (good_hours, "spring", "20:00-24:00"),
    "channel.budget": (dear_campaign, "spring", ""),
    "offer.order_value": (small_orders, "spring", "ad-7"),
    "audience.existing": (existing_buyers, "spring", ""),
    "channel.arrival": (lost_clicks, "spring", ""),
    "channel.unjoined": (unseen_spend, "1203", ""),
}
TEXTS = {
    "creative.weak": (
        "Replace the creative ad-7 of spring: 12 of 900 (1.33%) clicks on it led to a sale, and 60 of 2,100 "
        "(2.86%) on the campaign's others."
    ),
    "audience.strong": (
        "Show spring more to the audience lookalike: 60 of 900 (6.67%) of its clicks led to a sale, and 60 of"
        " 2,100 (2.86%) of the campaign's others."
    ),
    "timing.block": (
        "Show spring more from 20:00-24:00 (America/Sao_Paulo): 40 of 700 (5.71%) clicks of these hours led "
        "to a sale, and 110 of 3,500 (3.14%) of the others."
    ),
    "channel.budget": (
        "Move a fifth of the budget of spring to other campaigns: 3,000.00 BRL led to 40 sales, and 6,000.00 "
        "BRL of the others to 140."
    ),
    "offer.order_value": (
        "Offer more with ad-7 of spring: its 60 orders are worth 80.00 BRL each, and the campaign's 198 others 120.00."
    ),
    "audience.existing": (
        "Exclude existing customers from spring: only 5 of 60 (8.33%) known buyers were new, by a memory of 90 days."
    ),
    "channel.arrival": (
        "Check the links and landing pages of spring: only 120 of 200 (60.00%) clicks that the platform "
        "counted arrived here."
    ),
    "channel.unjoined": (
        "Check the tracking of 1203: it cost 12.50 BRL in the last 7 days, and not one click names it; "
        "`trackai campaigns unjoined` shows the nearest names."
    ),
}


@pytest.mark.parametrize("rule", WORLDS)
def test_a_rule_recommends_and_its_evidence_says_all(
    connection: Connection[Any], acme: str, add_clicks: AddClicks, rule: str
) -> None:
    world, campaign, subject = WORLDS[rule]
    text = TEXTS[rule]
    world(connection, add_clicks, acme)
    assert [(one.new, one.changed, one.withdrawn) for one in recommend(connection, NOW)] == [(1, 0, 0)]
    (row,) = stored(connection)
    assert (row["tenant_id"], row["campaign_id"], row["rule"], row["subject"]) == (acme, campaign, rule, subject)
    assert row["recommendation_text"] == text
    assert (row["source"], row["implemented"], row["withdrawn_at"]) == ("rule", False, None)
    assert row["created_at"] == row["updated_at"] == NOW
    last_week = rule == "channel.unjoined"
    window = (TODAY - 7 * DAY, TODAY - DAY) if last_week else (FIRST, LAST)
    assert (row["window_from"], row["window_to"]) == window
    # All else again, from the evidence alone.
    evidence = row["evidence"]
    assert evidence["window"] == {"from": str(window[0]), "to": str(window[1])}
    judgement = RULES[rule].judge(evidence)
    assert judgement
    assert judgement.made(evidence["m"])
    assert judgement.confidence == row["confidence_score"]
    assert judgement.z == evidence["z"]
    uplift = None if judgement.uplift is None else round(Decimal(judgement.uplift), 4)
    assert row["potential_uplift_percent"] == uplift
    assert row["priority"] == RULES[rule].priority(judgement.uplift)
    assert row["recommendation_type"] == RULES[rule].type
    assert row["implementation_effort"] == RULES[rule].effort
    assert RULES[rule].says(campaign, subject, evidence) == text
    # And again from the facts: nothing changes.
    assert [(one.new, one.changed, one.withdrawn) for one in recommend(connection, NOW + timedelta(hours=1))] == [
        (0, 0, 0)
    ]
    assert stored(connection) == [row]


def test_reference_evidence(connection: Connection[Any], acme: str, add_clicks: AddClicks) -> None:
    """The orders' variances are those of samples, and m is what was tested."""
    small_orders(connection, add_clicks, acme)
    recommend(connection, NOW)
    (row,) = stored(connection)
    evidence = row["evidence"]
    assert evidence["variance_subject"] == pytest.approx(20 * 2 * 400 / 59)
    assert evidence["variance_rest"] == pytest.approx(66 * 2 * 400 / 197)
    assert (evidence["converted_subject"], evidence["clicks_subject"]) == (61, 601)
    assert evidence["m"] == 2


# What becomes of a row ----------------------------------------------------------------------------------------------


def test_what_no_longer_holds_is_withdrawn(connection: Connection[Any], acme: str, add_clicks: AddClicks) -> None:
    existing_buyers(connection, add_clicks, acme)
    recommend(connection, NOW)
    connection.execute("UPDATE trackai.campaign_daily_money SET new_customers = 40, returning_customers = 20")
    later = NOW + DAY
    assert [one.withdrawn for one in recommend(connection, later)] == [1]
    (row,) = stored(connection)
    assert (row["withdrawn_at"], row["updated_at"], row["implemented"]) == (later, later, False)
    assert recommend(connection, later + DAY)[0].withdrawn == 0
    # What holds again is a row of its own.
    connection.execute("UPDATE trackai.campaign_daily_money SET new_customers = 5, returning_customers = 55")
    assert recommend(connection, later + DAY)[0].new == 1
    assert [row["withdrawn_at"] for row in stored(connection)] == [later, None]


def test_one_row_is_open_and_follows_the_figures(connection: Connection[Any], acme: str, add_clicks: AddClicks) -> None:
    existing_buyers(connection, add_clicks, acme)
    recommend(connection, NOW)
    (before,) = stored(connection)
    add_day(connection, acme, "spring", TODAY - 3 * DAY - DAY, conversions=5, returning_customers=5)
    later = NOW + timedelta(hours=1)
    assert [(one.new, one.changed) for one in recommend(connection, later)] == [(0, 1)]
    (after,) = stored(connection)
    assert (after["id"], after["created_at"], after["updated_at"]) == (before["id"], NOW, later)
    assert (after["evidence"]["x"], after["evidence"]["n"]) == (5, 65)


def test_rows_of_models_are_left_alone(connection: Connection[Any], acme: str) -> None:
    register(connection, acme, "spring")
    connection.execute(
        "INSERT INTO trackai.campaign_optimizations (tenant_id, campaign_id, recommendation_type, recommendation_text,"
        " implementation_effort, priority, created_at, updated_at, source, rule, subject, evidence, window_from,"
        " window_to)"
        " VALUES (%s, 'spring', 'offer', 'x', 'low', 5, %s, %s, 'model', 'm', '', '{}', %s, %s)",
        (acme, NOW, NOW, FIRST, LAST),
    )
    before = stored(connection)
    recommend(connection, NOW)
    assert stored(connection) == before


def test_what_was_implemented_is_not_recommended_until_its_window_is_over(
    connection: Connection[Any], acme: str, add_clicks: AddClicks
) -> None:
    existing_buyers(connection, add_clicks, acme)
    recommend(connection, NOW)
    ((number,),) = connection.execute("SELECT id FROM trackai.campaign_optimizations").fetchall()
    slug, campaign, _, at = implement(connection, number, NOW + DAY)
    assert (slug, campaign, at) == ("acme", "spring", NOW + DAY)
    # Once more: the first time counts.
    assert implement(connection, number, NOW + 2 * DAY)[3] == NOW + DAY
    assert open_recommendations(connection) == []
    assert recommend(connection, NOW + DAY)[0].new == 0
    for back in range(60):
        add_day(connection, acme, "spring", TODAY + back * DAY, conversions=9, returning_customers=9, spend=1, clicks=1)
    # The window of 2 July begins on 2 June, the day of implementing; the next day's does not.
    assert recommend(connection, datetime(2026, 7, 2, tzinfo=UTC))[0].new == 0
    assert recommend(connection, datetime(2026, 7, 3, tzinfo=UTC))[0].new == 1


def test_an_unknown_id_is_named(connection: Connection[Any]) -> None:
    with pytest.raises(ExpectedError, match="There is no recommendation 7"):
        implement(connection, 7, NOW)


# Around it ----------------------------------------------------------------------------------------------------------


def test_tenants_are_judged_apart(
    connection: Connection[Any], acme: str, add_tenant: Callable[..., str], add_clicks: AddClicks
) -> None:
    """What a tenant's campaigns cost says nothing of another's."""
    other = add_tenant("other")
    add_day(connection, acme, "spring", conversions=40, spend=3_000)
    add_day(connection, other, "spring", conversions=140, spend=6_000)
    recommend(connection, NOW)
    assert stored(connection) == []
    existing_buyers(connection, add_clicks, other)
    recommend(connection, NOW, tenant="acme")
    assert stored(connection) == []
    with pytest.raises(ExpectedError, match="There is no tenant nobody"):
        recommend(connection, NOW, tenant="nobody")


def test_the_commands(
    connection: Connection[Any], acme: str, add_tenant: Callable[..., str], trackai: Callable[..., Result]
) -> None:
    yesterday = utc_now().date() - DAY
    for day in (yesterday, yesterday - DAY):
        add_day(connection, acme, "1203", day, spend=12.5)
    assert "Nothing is recommended" in trackai("campaigns", "recommend", "--tenant", add_tenant("other")).stderr
    result = trackai("campaigns", "recommend")
    assert "acme: 1 new, 0 changed, 0 withdrawn, 0 measured." in result.stderr
    assert "Check the tracking of 1203: it cost 25.00 BRL in the last 7 days" in result.stdout
    ((number,),) = connection.execute("SELECT id FROM trackai.campaign_optimizations").fetchall()
    result = trackai("campaigns", "implemented", str(number))
    assert result.exit_code == 0
    assert "acme, implemented on" in result.stderr
    assert trackai("campaigns", "implemented", str(number + 1)).exit_code == 1


def test_the_job_recommends(
    connection: Connection[Any], acme: str, run_job: Callable[..., dg.ExecuteInProcessResult]
) -> None:
    add_day(connection, acme, "1203", utc_now().date() - DAY, spend=12.5)
    add_day(connection, acme, "1203", utc_now().date() - 2 * DAY, spend=12.5)
    result = run_job("recommend_campaigns")
    (event,) = [event for event in result.all_events if event.is_step_materialization]
    assert event.materialization.metadata["new"].value == 1
    assert len(stored(connection)) == 1
