"""Journeys outlive the facts that they were made from."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from campaigns.worlds import NOW, compute, insert_world, journeys_of, touches_of
from psycopg import Connection

from trackai_pipelines.campaigns.journeys import prepare_day

SALE = datetime(2026, 5, 12, 18, 4, tzinfo=UTC)
DAY = SALE.date()


@pytest.fixture
def tenant(connection: Connection[Any], add_tenant: Callable[..., str]) -> str:
    """A tenant with a sale of two touches, one found by its e-mail, and a shared browser; computed."""
    tenant = add_tenant("acme", email_matching=True)
    insert_world(
        connection,
        tenant,
        clicks=[
            {"id": 1, "created_at": SALE - timedelta(days=8), "fbclid": "K1", "utm_campaign": "a"},
            {"id": 2, "created_at": SALE - timedelta(days=1), "fbclid": "K2", "utm_campaign": "b", "fbp": "fb.1.17.7"},
            *({"id": 10 + number, "created_at": SALE - timedelta(days=2), "fbp": "fb.1.17.7"} for number in range(51)),
        ],
        identities=[{"click_id": 1, "email_hash": "a" * 64, "created_at": SALE}],
        conversions=[{"id": 1, "occurred_at": SALE, "fbc": "fb.1.17.K2", "customer_email_hash": "a" * 64}],
        attributions=[{"conversion_id": 1, "click_id": 2}],
    )
    compute(connection, tenant)
    assert [touch["click_id"] for touch in touches_of(connection, tenant)[1]] == [1, 2]
    return tenant


def _anonymise(connection: Connection[Any]) -> None:
    connection.execute(
        "UPDATE trackai.conversions SET customer_email_hash = NULL, fbc = NULL, anonymised_at = '2026-08-20'"
    )
    connection.execute("UPDATE trackai.identities SET email_hash = NULL")


def _archive(connection: Connection[Any], table: str, day: date) -> None:
    connection.execute(
        """
        INSERT INTO trackai.archives
        VALUES (%(table)s, %(day)s, 1, 'dropped', %(table)s || %(day)s, 1, 1, repeat('0', 64), 'x',
                %(day)s, %(day)s, '2027-07-01', '2027-07-01', '2027-07-01')
        """,
        {"table": table, "day": day},
    )


def test_after_anonymising_nothing_changes(connection: Connection[Any], tenant: str) -> None:
    touches, journeys = touches_of(connection, tenant), journeys_of(connection, tenant)
    _anonymise(connection)
    connection.execute("INSERT INTO trackai.campaign_aliases VALUES (%s, '', 'a', 'alpha', %s)", (tenant, NOW))
    compute(connection, tenant)
    assert (touches_of(connection, tenant), journeys_of(connection, tenant)) == (touches, journeys)


def test_after_clicks_have_left_nothing_changes(connection: Connection[Any], tenant: str) -> None:
    touches, journeys = touches_of(connection, tenant), journeys_of(connection, tenant)
    connection.execute("DELETE FROM trackai.clicks")
    _archive(connection, "clicks", DAY - timedelta(days=8))
    compute(connection, tenant)
    assert (touches_of(connection, tenant), journeys_of(connection, tenant)) == (touches, journeys)


def test_days_of_clicks_outside_the_window_keep_nothing(connection: Connection[Any], tenant: str) -> None:
    _archive(connection, "clicks", DAY - timedelta(days=91))
    connection.execute("DELETE FROM trackai.clicks WHERE id = 1")
    compute(connection, tenant)
    assert [touch["click_id"] for touch in touches_of(connection, tenant)[1]] == [2]


def test_shares_of_a_kept_journey_follow_the_half_life(connection: Connection[Any], tenant: str) -> None:
    _anonymise(connection)
    connection.execute("UPDATE trackai.tenants SET half_life_hours = 1")
    compute(connection, tenant)
    assert [touch["time_decay"] for touch in touches_of(connection, tenant)[1]] == [0, 1]


def test_a_sale_without_a_journey_gets_one_from_what_is_there(connection: Connection[Any], tenant: str) -> None:
    _anonymise(connection)
    connection.execute("DELETE FROM trackai.conversion_touchpoints")
    connection.execute("DELETE FROM trackai.conversion_journeys")
    compute(connection, tenant)
    assert [touch["click_id"] for touch in touches_of(connection, tenant)[1]] == [2]


def test_a_deleted_matched_click_keeps_its_campaign_and_stands_last(connection: Connection[Any], tenant: str) -> None:
    connection.execute("DELETE FROM trackai.clicks WHERE id = 2")
    for _ in range(2):
        compute(connection, tenant)
        assert [
            (touch["click_id"], touch["clicked_at"], touch["campaign_id"], touch["channel"], touch["via"])
            for touch in touches_of(connection, tenant)[1]
        ] == [
            (1, SALE - timedelta(days=8), "a", "paid_social", "email"),
            (None, None, "b", "paid_social", "matched"),
        ]


def test_a_journey_leaves_with_its_match(connection: Connection[Any], tenant: str) -> None:
    connection.execute("DELETE FROM trackai.matched_attributions")
    compute(connection, tenant)
    assert not touches_of(connection, tenant)
    assert not journeys_of(connection, tenant)


def test_a_day_whose_touches_have_left_is_final(connection: Connection[Any], tenant: str) -> None:
    assert prepare_day(connection, DAY)
    _archive(connection, "conversion_touchpoints", DAY)
    assert not prepare_day(connection, DAY)
    assert prepare_day(connection, date(2020, 2, 29))


def test_two_tenants_do_not_see_each_other(
    connection: Connection[Any], add_tenant: Callable[..., str], tenant: str
) -> None:
    touches = touches_of(connection, tenant)
    other = add_tenant("other", email_matching=True)
    insert_world(
        connection,
        other,
        clicks=[{"id": 1, "created_at": SALE - timedelta(days=3), "fbclid": "K2", "utm_campaign": "a"}],
        identities=[{"click_id": 1, "email_hash": "a" * 64, "created_at": SALE}],
        conversions=[{"id": 1, "occurred_at": SALE, "fbc": "fb.1.17.K2", "customer_email_hash": "a" * 64}],
        attributions=[{"conversion_id": 1, "click_id": 1}],
    )
    connection.execute("INSERT INTO trackai.campaign_aliases VALUES (%s, '', 'a', 'alpha', %s)", (other, NOW))
    compute(connection, other)
    compute(connection, tenant)
    assert touches_of(connection, tenant) == touches
    assert [(touch["click_id"], touch["campaign_id"]) for touch in touches_of(connection, other)[1]] == [(1, "alpha")]
