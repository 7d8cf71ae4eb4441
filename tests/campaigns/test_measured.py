"""What came of a recommendation: its rate in the 28 days before it was implemented, and in the 28 after."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from campaigns.judged import DAY, FIRST, LAST, NOW, TODAY, AddClicks, add_day, clicks_adder, register
from psycopg import Connection

from trackai_pipelines.campaigns.recommendations import recommend
from trackai_pipelines.campaigns.rules import RULES


@pytest.fixture
def acme(add_tenant: Callable[..., str]) -> str:
    """A tenant."""
    return add_tenant("acme", time_zone="America/Sao_Paulo")


@pytest.fixture
def add_clicks(connection: Connection[Any]) -> AddClicks:
    """Insert clicks, of which the first ones led to a sale the hour after."""
    return clicks_adder(connection)


def add_on_both_sides(rule: str, connection: Connection[Any], add: AddClicks, tenant: str) -> None:
    """A rate that rises by a quarter from the 28 days before TODAY to the 28 from it on."""
    before, after = TODAY - DAY, TODAY + 27 * DAY
    noon = timedelta(hours=12)
    for day, times in (
        (before, 4),
        (TODAY - 28 * DAY, 4),
        (TODAY, 5),
        (after, 5),
        (TODAY - 29 * DAY, 90),
        (after + DAY, 90),
    ):
        at = datetime(day.year, day.month, day.day, tzinfo=UTC) + noon
        match rule:
            case "creative.weak" | "audience.strong" | "timing.block":
                add(tenant, "spring", 100, 5 * times, at=at)
            case "offer.order_value":
                add(tenant, "spring", 20, 20, content="ad-7", value=10 * times, at=at)
                add(tenant, "spring", 20, 20, content="ad-8", value=1_000, at=at)
            case "channel.budget":
                add_day(connection, tenant, "spring", day, conversions=2 * times, spend=50)
                add_day(connection, tenant, "brand", day, conversions=3 * times, spend=50)
            case "audience.existing":
                add_day(connection, tenant, "spring", day, conversions=100, new_customers=times, returning_customers=6)
                # 4 of 10, then 5 of 11: see `CHANGES`.
            case _:
                add_day(connection, tenant, "spring", day, conversions=40, unique_clicks=10 * times, ad_clicks=100)


CHANGES = {rule: Decimal(25) for rule in RULES} | {"audience.existing": Decimal("13.6364")}


def implemented_row(connection: Connection[Any], tenant: str, rule: str, at: datetime) -> None:
    register(connection, tenant, "spring")
    connection.execute(
        "INSERT INTO trackai.campaign_optimizations (tenant_id, campaign_id, recommendation_type, recommendation_text,"
        " implementation_effort, priority, created_at, updated_at, source, rule, subject, evidence, window_from,"
        " window_to, implemented, implemented_at)"
        " VALUES (%s, 'spring', 'offer', 'x', 'low', 5, %s, %s, 'rule', %s, %s, '{\"currency\": \"BRL\"}', %s, %s,"
        " true, %s)",
        (tenant, NOW, NOW, rule, "ad-7" if rule == "offer.order_value" else "", FIRST, LAST, at),
    )


def uplift(connection: Connection[Any]) -> Decimal | None:
    ((found,),) = connection.execute(
        "SELECT measured_uplift_percent FROM trackai.campaign_optimizations WHERE implemented"
    ).fetchall()
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize("rule", RULES)
def test_what_came_of_it_is_measured_after_28_days(
    connection: Connection[Any], acme: str, add_clicks: AddClicks, rule: str
) -> None:
    add_on_both_sides(rule, connection, add_clicks, acme)
    done = datetime(TODAY.year, TODAY.month, TODAY.day, 15, tzinfo=UTC)
    implemented_row(connection, acme, rule, done)
    too_early = datetime(2026, 6, 28, 23, tzinfo=UTC)
    assert recommend(connection, too_early)[0].measured == 0
    assert uplift(connection) is None
    assert recommend(connection, too_early + DAY)[0].measured == 1
    assert uplift(connection) == CHANGES[rule]
    assert recommend(connection, too_early + 2 * DAY)[0].measured == 0


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ((20, 0), (20, 1), None),
        ((19, 9), (20, 9), None),
        ((20, 9), (19, 9), None),
        ((20, 9), (20, 0), -100),
    ],
)
def test_a_change_rests_on_20_conversions_and_a_rate_before(
    connection: Connection[Any], acme: str, before: tuple[int, int], after: tuple[int, int], change: int | None
) -> None:
    for day, (conversions, arrived) in ((TODAY - DAY, before), (TODAY, after)):
        add_day(connection, acme, "spring", day, conversions=conversions, unique_clicks=arrived, ad_clicks=100)
    implemented_row(connection, acme, "channel.arrival", NOW)
    recommend(connection, NOW + 28 * DAY)
    assert uplift(connection) == change
