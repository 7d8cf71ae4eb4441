"""Recommendations from rows to rows: which are made, computed again from their evidence, withdrawn and measured."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, LiteralString

import dagster as dg
import pytest
from psycopg import Connection
from psycopg.rows import dict_row
from typer.testing import Result

from trackai_pipelines.campaigns.chosen import chosen_tenants
from trackai_pipelines.campaigns.evidence import Orders, clicks_of
from trackai_pipelines.campaigns.recommendations import implement, open_recommendations, recommend
from trackai_pipelines.campaigns.rules import RULES
from trackai_pipelines.clock import utc_now
from trackai_pipelines.errors import ExpectedError

NOW = datetime(2026, 6, 1, 2, tzinfo=UTC)
TODAY = date(2026, 6, 1)
FIRST, LAST = date(2026, 5, 2), date(2026, 5, 29)
DAY = timedelta(days=1)

AddClicks = Callable[..., None]

_CLICKS = """
    WITH added AS (
        INSERT INTO trackai.clicks
            (tenant_id, fbclid, utm_source, utm_medium, utm_campaign, utm_content, utm_term, created_at)
        SELECT %(tenant)s, 'IwAR' || %(mark)s || lpad(n::text, 6, '0'), 'facebook', 'cpc', %(campaign)s, %(content)s,
               %(term)s, %(at)s
        FROM generate_series(1, %(number)s) n
        RETURNING id, fbclid
    ),
    sold AS (
        INSERT INTO trackai.conversions
            (tenant_id, gateway, gateway_event_id, value, currency, occurred_at, created_at, fbclid)
        SELECT %(tenant)s, 'stripe', a.fbclid, %(value)s, %(currency)s, %(sold_at)s, %(sold_at)s, a.fbclid
        FROM added a
        ORDER BY a.fbclid
        LIMIT %(sold)s
        RETURNING id, fbclid
    )
    INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, click_id, strategy)
    SELECT %(tenant)s, s.id, a.id, 'fbc' FROM sold s JOIN added a USING (fbclid)
"""


@pytest.fixture
def acme(add_tenant: Callable[..., str]) -> str:
    """A tenant."""
    return add_tenant("acme", time_zone="America/Sao_Paulo")


@pytest.fixture
def add_clicks(connection: Connection[Any]) -> AddClicks:
    """Insert clicks, of which the first ones led to a sale the hour after."""
    marks = iter(range(100, 10_000))

    def add(tenant: str, campaign: str, number: int, sold: int, **given: Any) -> None:
        at = given.pop("at", datetime(2026, 5, 10, 15, tzinfo=UTC))
        register(connection, tenant, campaign)
        row = {"content": None, "term": None, "value": 100, "currency": "BRL", "sold_at": at + timedelta(hours=1)}
        row |= {"tenant": tenant, "campaign": campaign, "number": number, "sold": sold, "at": at, "mark": next(marks)}
        connection.execute(_CLICKS, row | given)

    return add


def register(connection: Connection[Any], tenant: str, campaign: str) -> None:
    connection.execute(
        "INSERT INTO trackai.campaigns (tenant_id, campaign_id, name) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (tenant, campaign, campaign),
    )


def add_day(
    connection: Connection[Any], tenant: str, campaign: str, day: date = date(2026, 5, 20), **figures: Any
) -> None:
    """Insert the daily figures of a campaign."""
    register(connection, tenant, campaign)
    money: dict[str, Any] = {
        "conversions": 0,
        "revenue": 0,
        "spend": None,
        "new_customers": 0,
        "returning_customers": 0,
        "unknown_customers": 0,
        "new_customer_revenue": 0,
        "currency": "BRL",
    }
    money |= {name: value for name, value in figures.items() if name in money}
    money["unknown_customers"] = money["conversions"] - money["new_customers"] - money["returning_customers"]
    analytics: dict[str, Any] = {"clicks": 0, "unique_clicks": 0, "ad_clicks": None}
    analytics |= {name: value for name, value in figures.items() if name in analytics}
    key = {"tenant_id": tenant, "campaign_id": campaign, "date": day, "computed_at": NOW}
    insert(connection, "campaign_daily_money", key | money)
    insert(connection, "campaign_analytics_daily", key | analytics)


def insert(connection: Connection[Any], table: LiteralString, row: dict[str, Any]) -> None:
    columns, values = ", ".join(row), ", ".join(["%s"] * len(row))
    connection.execute(
        f"INSERT INTO trackai.{table} ({columns}) VALUES ({values}) ON CONFLICT DO NOTHING",
        list(row.values()),
    )


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


# Before and after ---------------------------------------------------------------------------------------------------


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


CHANGES = {rule: Decimal(25) for rule in WORLDS} | {"audience.existing": Decimal("13.6364")}


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


@pytest.mark.parametrize("rule", WORLDS)
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


# Figures ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_clicks_are_counted_as_a_loop_counts_them(
    connection: Connection[Any],
    acme: str,
    add_tenant: Callable[..., str],
    insert_click: Callable[..., int],
    insert_sale: Callable[..., int],
    seed: int,
) -> None:
    """Clicks with one key are one, with the subject of the newest; sales before today count; other tenants do not."""
    random = Random(seed)
    other = add_tenant("other")
    begin, end = datetime(2026, 5, 2, tzinfo=UTC), datetime(2026, 5, 30, tzinfo=UTC)
    today = datetime(2026, 6, 1, tzinfo=UTC)
    edges = (begin - timedelta(microseconds=1), begin, end - timedelta(microseconds=1), end)
    rows, sales = [], []
    for _ in range(120):
        at = random.choice(edges) if random.random() < 0.1 else begin + random.random() * (end - begin)
        key = f"IwAR{random.randint(0, 40):06}" if random.random() < 0.8 else None
        row: dict[str, Any] = {
            "utm_campaign": random.choice(("a", "b")),
            "utm_content": random.choice((None, " ", "x", " y ")),
            "utm_term": random.choice((None, "t", "u")),
            "fbclid": key,
            "created_at": at,
        }
        number = insert_click(acme, **row)
        insert_click(other, **row)
        rows.append((number, row))
        for _ in range(random.choice((0, 0, 1, 2))):
            sold_at = random.choice((at, today - timedelta(microseconds=1), today))
            value, currency = random.choice((None, 10, 25)), random.choice(("BRL", "USD"))
            sale = insert_sale(acme, sold_at, value=value, currency=currency, event_name="Lead")
            connection.execute(
                "INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, click_id, strategy)"
                " VALUES (%s, %s, %s, 'fbc')",
                (acme, sale, number),
            )
            sales.append((number, sold_at, value, currency))
    people: dict[tuple[str, str | int], list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for number, row in rows:
        if begin <= row["created_at"] < end:
            people[row["utm_campaign"], row["fbclid"] or number].append((number, row))
    counted: dict[tuple[str, str, str | None], list[int]] = defaultdict(lambda: [0, 0])
    orders: dict[tuple[str, str, str | None], Orders] = defaultdict(Orders)
    for (campaign, _), of in people.items():
        _, newest = max(of, key=lambda one: (one[1]["created_at"], one[0]))
        numbers = {number for number, _ in of}
        own = [sale for sale in sales if sale[0] in numbers and sale[1] < today]
        content = (newest["utm_content"] or "").strip() or None
        block = str((newest["created_at"] - timedelta(hours=3)).hour // 4)
        for family, subject in {"content": content, "term": newest["utm_term"], "block": block, "all": None}.items():
            counted[campaign, family, subject][0] += bool(own)
            counted[campaign, family, subject][1] += 1
        for _, _, value, currency in own:
            if value is not None:
                orders[campaign, currency, content] += Orders(1, Decimal(value), Decimal(value) ** 2)
    (tenant,) = chosen_tenants(connection, "acme")
    with connection.transaction():
        found = clicks_of(connection, tenant, FIRST, LAST, TODAY)
    assert {campaign: list(sold) for campaign, sold in found.all.items()} == {
        campaign: sold for (campaign, family, _), sold in counted.items() if family == "all"
    }
    assert {(*key, subject): list(sold) for key, of in found.by_subject.items() for subject, sold in of.items()} == {
        key: sold for key, sold in counted.items() if key[1] != "all" and key[2] is not None
    }
    assert {(*key, content): of for key, by in found.orders.items() for content, of in by.items()} == orders


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
