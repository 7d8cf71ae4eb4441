"""Frames: the rows of tables and views, with types that do not depend on them, and nothing unknown turned into 0."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from campaigns.touches import add_journeys, make_room
from psycopg import Connection

from trackai_pipelines.campaigns import frames
from trackai_pipelines.campaigns.training import paths_of
from trackai_pipelines.errors import ExpectedError

FIRST, LAST = date(2026, 5, 1), date(2026, 5, 31)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def acme(connection: Connection[Any], add_tenant: Callable[..., str]) -> str:
    """A tenant with a campaign, and another one with the same."""
    make_room(connection)
    for tenant in (acme := add_tenant("acme"), add_tenant("other")):
        connection.execute(
            "INSERT INTO trackai.campaigns (tenant_id, campaign_id, name) VALUES (%s, 'a', 'A')", (tenant,)
        )
    return acme


def test_daily(connection: Connection[Any], acme: str) -> None:
    connection.execute(
        "INSERT INTO trackai.campaign_analytics_daily"
        " (tenant_id, campaign_id, date, clicks, conversions, revenue, currency, spend, roas, computed_at)"
        " SELECT t, 'a', d, 7, 3, 10.5, 'BRL', s, 10.5 / s, %(now)s"
        " FROM unnest('{t-acme,t-other}'::text[]) t,"
        " (VALUES ('2026-04-30'::date, 1), ('2026-05-01', NULL), ('2026-05-31', 4), ('2026-06-01', 1)) v (d, s)",
        {"now": NOW},
    )
    frame = frames.daily(connection, "acme", FIRST, LAST)
    assert list(frame["date"]) == [pd.Timestamp("2026-05-01"), pd.Timestamp("2026-05-31")]
    assert list(frame["clicks"]) == [7, 7]
    assert list(frame["revenue"]) == [10.5, 10.5]
    assert frame["spend"].isna().tolist() == frame["roas"].isna().tolist() == [True, False]
    assert frame["roas"][1] == 2.625
    # Clicks of the platform were never stated.
    assert frame["ad_clicks"].isna().all()
    by_id = frames.daily(connection, acme, FIRST, LAST)
    pd.testing.assert_frame_equal(frame, by_id)


def test_credits(
    connection: Connection[Any], acme: str, insert_sale: Callable[..., int], add_tenant: Callable[..., str]
) -> None:
    sale = insert_sale(acme, datetime(2026, 5, 31, 23, tzinfo=UTC), value=90)
    add_journeys(connection, acme, LAST, [sale], ["a", "b"])
    add_journeys(connection, acme, LAST + DAY, [insert_sale(acme, NOW)], ["a"])
    frame = frames.credits(connection, "acme", FIRST, LAST)
    assert len(frame) == 2 * 9
    assert set(frame["conversion_id"]) == {sale}
    assert frame["clicked_at"].isna().all()
    linear = frames.credits(connection, "acme", FIRST, LAST, model="linear")
    # The journey gives the last touch everything.
    assert list(zip(linear["campaign_id"], linear["credit"], linear["revenue"], strict=True)) == [
        ("a", 0.0, 0.0),
        ("b", 1.0, 90.0),
    ]


def test_costs(connection: Connection[Any], acme: str) -> None:
    connection.execute(
        "INSERT INTO trackai.ad_cost_statements (tenant_id, source, account_id, campaign_id, day, currency, spend,"
        " impressions, clicks, digest, first_stated_at, last_stated_at, ingested_at)"
        " SELECT t, 'meta', '1', 'a', d, 'BRL', 2.5, 100, 9, repeat('0', 64), %(now)s, %(now)s, %(now)s"
        " FROM unnest('{t-acme,t-other}'::text[]) t, unnest('{2026-04-30,2026-05-31}'::date[]) d",
        {"now": NOW},
    )
    frame = frames.costs(connection, "acme", FIRST, LAST)
    assert frame[["campaign_id", "spend", "ad_clicks", "cost_basis"]].to_dict("records") == [
        {"campaign_id": "a", "spend": 2.5, "ad_clicks": 9, "cost_basis": "account_day"}
    ]
    assert frame["platform_conversions"].isna().all()
    assert frame["last_stated_at"][0] == pd.Timestamp(NOW)


@pytest.mark.parametrize(("spend", "payback"), [(90, 30), (50, 0), (200, None), (None, None), (0, 0)])
def test_cohorts_and_when_they_paid_back(
    connection: Connection[Any], acme: str, spend: int | None, payback: int | None
) -> None:
    connection.execute(
        "INSERT INTO trackai.campaign_cohorts"
        " (tenant_id, campaign_id, cohort_month, currency, age_days, buyers, orders, revenue, ltv, spend, computed_at)"
        " SELECT t, 'a', '2026-01-01', 'BRL', v.age, 2, 2, v.revenue, v.revenue / 2, %(spend)s, %(now)s"
        " FROM unnest('{t-acme,t-other}'::text[]) t, (VALUES (0, 50), (7, 89.99), (30, 90)) v (age, revenue)",
        {"now": NOW, "spend": spend},
    )
    frame = frames.cohorts(connection, "acme")
    assert list(frame["age_days"]) == [0, 7, 30]
    assert list(frame["ltv"]) == [25, 44.995, 45]
    assert frame["payback_days"].tolist() == [pd.NA if payback is None else payback] * 3
    assert frame["spend"].isna().all() == (spend is None)


def test_paths(
    connection: Connection[Any], acme: str, insert_sale: Callable[..., int], insert_click: Callable[..., int]
) -> None:
    at = datetime(2026, 5, 20, tzinfo=UTC)

    def sell(path: list[str], *values: int | None, currency: str = "BRL") -> None:
        sales = [
            insert_sale(acme, at, value=value, currency=currency if value else None, event_name="Lead")
            for value in values
        ]
        add_journeys(connection, acme, at.date(), sales, path)

    sell(["a", "b"], 10, 15)
    sell(["a"], None)
    for number in range(3):
        insert_click(acme, created_at=at, fbp=f"fb.1.1700000000000.{number + 1}", utm_campaign="a")
    frame = frames.paths(connection, "acme", FIRST, LAST)
    assert frame.to_dict("records") == [
        {"path": "a", "conversions": 1, "value": 0.0, "nulls": 3},
        {"path": "a > b", "conversions": 2, "value": 25.0, "nulls": 0},
    ]
    assert {tuple(row.path.split(" > ")): (row.conversions, row.nulls) for row in frame.itertuples()} == paths_of(
        connection, acme, "campaign", FIRST, LAST
    )
    # A second currency: no sum, unless one is named.
    sell(["b"], 7, currency="USD")
    assert frames.paths(connection, "acme", FIRST, LAST)["value"].isna().tolist() == [False, True, True]
    assert frames.paths(connection, "acme", FIRST, LAST, currency="USD")["value"].fillna(-1).tolist() == [0, -1, 7]
    assert frames.paths(connection, "acme", FIRST, LAST, currency="BRL")["value"].fillna(-1).tolist() == [0, 25, -1]


def test_types_do_not_depend_on_rows(connection: Connection[Any], acme: str, insert_sale: Callable[..., int]) -> None:
    """Without rows, and with a row whose every figure is unknown."""
    make: list[Callable[[], pd.DataFrame]] = [
        lambda: frames.daily(connection, "acme", FIRST, LAST),
        lambda: frames.credits(connection, "acme", FIRST, LAST),
        lambda: frames.costs(connection, "acme", FIRST, LAST),
        lambda: frames.cohorts(connection, "acme"),
        lambda: frames.paths(connection, "acme", FIRST, LAST),
    ]
    empty = [of() for of in make]
    assert all(frame.empty for frame in empty)
    test_daily(connection, acme)
    test_costs(connection, acme)
    test_cohorts_and_when_they_paid_back(connection, acme, None, None)
    add_journeys(connection, acme, LAST, [insert_sale(acme, NOW - DAY)], ["a"])
    for of, without in zip(make, empty, strict=True):
        frame = of()
        assert not frame.empty
        assert frame.dtypes.to_dict() == without.dtypes.to_dict()


def test_pandas_is_imported_by_frames_alone() -> None:
    package = Path(frames.__file__).parents[1]
    importing = re.compile(r"^\s*(import|from) pandas\b", re.MULTILINE)
    found = [path for path in package.rglob("*.py") if importing.search(path.read_text(encoding="utf-8"))]
    assert {path.name for path in found} == {"frames.py"}


def test_an_unknown_tenant_is_named(connection: Connection[Any]) -> None:
    with pytest.raises(ExpectedError, match="There is no tenant nobody"):
        frames.cohorts(connection, "nobody")
