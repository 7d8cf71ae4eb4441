"""Credit as people ask for it, and the check that finds journeys that are wrong."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, LiteralString

import pytest
from campaigns.worlds import NOW, Row, compute, insert_world, touches_of
from psycopg import Connection

from trackai_pipelines.campaigns.credit_models import MODELS
from trackai_pipelines.campaigns.reconcile_credit import verdict_on

SALE = datetime(2026, 5, 12, 18, 4, tzinfo=UTC)
DAY = SALE.date()


@pytest.fixture
def tenant(connection: Connection[Any], add_tenant: Callable[..., str]) -> str:
    """A tenant with two sales: 100.00 over three touches of three days, and an event without a value over one."""
    tenant = add_tenant("acme")
    clicks: list[Row] = [
        {"id": 1, "days": 9, "utm_source": "facebook", "utm_medium": "paid", "utm_campaign": "a", "fbclid": "K1"},
        {"id": 2, "days": 3, "utm_source": "newsletter", "utm_campaign": "b", "fbclid": "K2"},
        {"id": 3, "days": 0, "fbclid": "K3"},
        {"id": 4, "days": 1, "utm_campaign": "c", "fbclid": "K4", "fbp": "fb.1.17.4"},
    ]
    insert_world(
        connection,
        tenant,
        clicks=[{"fbp": "fb.1.17.7", "created_at": SALE - timedelta(days=c["days"]), **c} for c in clicks],
        conversions=[
            {"id": 1, "occurred_at": SALE, "fbp": "fb.1.17.7"},
            {"id": 2, "occurred_at": SALE, "fbp": "fb.1.17.4", "value": None, "currency": None, "event_name": "Lead"},
        ],
        attributions=[{"conversion_id": 1, "click_id": 3}, {"conversion_id": 2, "click_id": 4}],
    )
    compute(connection, tenant)
    return tenant


def test_every_model_adds_up_to_the_sale(connection: Connection[Any], tenant: str) -> None:
    sums = connection.execute(
        """
        SELECT conversion_id, model, sum(credit), sum(revenue), currency
        FROM trackai.v_conversion_credits WHERE tenant_id = %s GROUP BY conversion_id, model, currency
        """,
        (tenant,),
    ).fetchall()
    assert sorted(sums) == sorted(
        [(1, model, 1, 100, "BRL") for model in MODELS] + [(2, model, 1, None, "XXX") for model in MODELS]
    )


def test_thirds_of_a_hundred(connection: Connection[Any], tenant: str) -> None:
    rows = connection.execute(
        """
        SELECT credit, revenue FROM trackai.v_conversion_credits
        WHERE tenant_id = %s AND conversion_id = 1 AND model = 'linear' ORDER BY position
        """,
        (tenant,),
    ).fetchall()
    assert rows == [
        (Decimal("0.333333333"), Decimal("33.3333")),
        (Decimal("0.333333334"), Decimal("33.3334")),
        (Decimal("0.333333333"), Decimal("33.3333")),
    ]


def test_credit_on_the_day_of_the_click(connection: Connection[Any], tenant: str) -> None:
    rows = connection.execute(
        """
        SELECT date, campaign_id, channel, conversions, revenue, touches
        FROM trackai.v_campaign_credit_by_click_day
        WHERE tenant_id = %s AND model = 'first_touch' AND currency = 'BRL'
        """,
        (tenant,),
    ).fetchall()
    assert rows == [(date(2026, 5, 3), "a", "paid_social", 1, 100, 1)]


def test_models_stand_beside_each_other_with_their_roas(connection: Connection[Any], tenant: str) -> None:
    connection.execute(
        """
        INSERT INTO trackai.campaign_daily_money
        SELECT %(tenant)s, %(day)s, campaign, currency, 0, 0, spend, 0, 0, 0, 0, %(now)s
        FROM (VALUES ('a', 'BRL', 40), ('a', 'USD', 0), ('quiet', 'BRL', NULL)) AS of_day (campaign, currency, spend)
        """,
        {"tenant": tenant, "day": DAY, "now": NOW},
    )
    connection.execute(
        """
        INSERT INTO trackai.campaign_credit_daily
        SELECT tenant_id, day, campaign_id, channel, model, currency, sum(credit), sum(revenue), count(*), %(now)s
        FROM trackai.v_conversion_credits WHERE tenant_id = %(tenant)s AND currency = 'BRL' GROUP BY 1, 2, 3, 4, 5, 6
        """,
        {"tenant": tenant, "now": NOW},
    )
    rows = connection.execute(
        """
        SELECT campaign_id, currency, spend, revenue_matched, revenue_first_touch, roas_matched, roas_first_touch
        FROM trackai.v_campaign_models WHERE tenant_id = %s AND date = %s ORDER BY campaign_id, currency
        """,
        (tenant, DAY),
    ).fetchall()
    assert rows == [
        ("(none)", "BRL", None, 100, 0, None, None),
        ("a", "BRL", 40, 0, 100, 0, Decimal("2.5")),
        ("a", "USD", 0, 0, 0, None, None),
        ("b", "BRL", None, 0, 0, None, None),
        ("quiet", "BRL", None, 0, 0, None, None),
    ]


def test_a_healthy_day_passes(connection: Connection[Any], tenant: str) -> None:
    verdict = verdict_on(connection, DAY, DAY)
    assert (verdict.sales, verdict.stale, verdict.faults, verdict.overdue) == (2, 0, [], [])


CORRUPTIONS: dict[LiteralString, str] = {
    "DELETE FROM trackai.conversion_touchpoints WHERE position = 2": "missing or doubled touches",
    "DELETE FROM trackai.conversion_touchpoints WHERE conversion_id = 2": "without a journey",
    "DELETE FROM trackai.conversion_journeys WHERE conversion_id = 2": "without a journey",
    """
    INSERT INTO trackai.conversion_touchpoints
        (tenant_id, conversion_id, position, day, click_id, clicked_at, campaign_id, channel, via, credit_matched,
         credit_last_touch, credit_first_touch, credit_linear, credit_position_based, credit_time_decay,
         credit_last_non_direct, credit_markov, credit_shapley)
    SELECT tenant_id, conversion_id, 4, day, click_id, clicked_at, campaign_id, channel, via, 0, 0, 0, 0, 0, 0, 0, 0, 0
    FROM trackai.conversion_touchpoints WHERE position = 2
    """: "missing or doubled touches",
    """
    UPDATE trackai.conversion_touchpoints SET campaign_id = CASE campaign_id WHEN 'a' THEN 'b' ELSE 'a' END
    WHERE campaign_id IN ('a', 'b')
    """: "with another campaign or channel",
    """
    UPDATE trackai.conversion_touchpoints SET credit_shapley = credit_shapley + 0.000000001 WHERE position = 2
    """: "credits do not sum to 1",
    """
    UPDATE trackai.conversion_touchpoints SET credit_matched = 1 - credit_matched WHERE conversion_id = 2
    """: "without exactly one matched touch",
    """
    UPDATE trackai.conversion_touchpoints SET credit_matched = CASE position WHEN 1 THEN 1 ELSE 0 END
    WHERE conversion_id = 1
    """: "without exactly one matched touch",
    """
    INSERT INTO trackai.conversion_journeys
    SELECT tenant_id, 99, day, 1, 0, false, NULL, computed_at
    FROM trackai.conversion_journeys WHERE conversion_id = 1
    """: "not matched, but with a journey",
}


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_each_corruption_is_found(connection: Connection[Any], tenant: str, corruption: LiteralString) -> None:
    connection.execute(corruption)
    verdict = verdict_on(connection, DAY, DAY)
    assert len(verdict.faults) == 1
    assert CORRUPTIONS[corruption] in verdict.faults[0]


def test_a_match_since_makes_the_day_stale_and_then_overdue(connection: Connection[Any], tenant: str) -> None:
    connection.execute("UPDATE trackai.matched_attributions SET matched_at = %s", (NOW + timedelta(hours=1),))
    connection.execute("DELETE FROM trackai.conversion_touchpoints WHERE position = 2")
    soon = verdict_on(connection, DAY, DAY + timedelta(days=3))
    assert (soon.sales, soon.stale, soon.faults, soon.overdue) == (0, 2, [], [])
    late = verdict_on(connection, DAY, DAY + timedelta(days=4))
    assert not late.faults
    assert f"trackai campaigns aggregate --from {DAY} --to {DAY}" in late.overdue[0]


def test_an_alias_made_since_is_no_fault_until_the_day_is_computed(connection: Connection[Any], tenant: str) -> None:
    connection.execute(
        "INSERT INTO trackai.campaign_aliases VALUES (%s, '', 'a', 'alpha', %s)", (tenant, NOW + timedelta(hours=1))
    )
    assert not verdict_on(connection, DAY, DAY).faults
    compute(connection, tenant, now=NOW + timedelta(hours=2))
    assert touches_of(connection, tenant)[1][0]["campaign_id"] == "alpha"
    assert not verdict_on(connection, DAY, DAY).faults
