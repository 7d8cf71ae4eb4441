"""Exports of Meta Ads Insights, Google Ads and TikTok Ads load as their APIs write them."""

import csv
import io
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from ingest.landing_zone import counts, load_all, write
from psycopg import Connection
from psycopg.rows import dict_row
from pyarrow import parquet

_META: dict[str, Any] = {
    "account_id": "1790000000000",
    "account_currency": "BRL",
    "campaign_id": "120208374650",
    "campaign_name": "Vendas",
    "adset_id": "120208374651",
    "adset_name": "Quente",
    "ad_id": "120208374652",
    "ad_name": "Vídeo 1",
    "date_start": "2026-05-01",
    "date_stop": "2026-05-01",
    "spend": "100.25",
    "impressions": "1200",
    "clicks": "30",
    "inline_link_clicks": "24",
    "inline_post_engagement": "60",
    "reach": "1000",
    "actions": [
        {"action_type": "link_click", "value": "24"},
        {"action_type": "offsite_conversion.fb_pixel_purchase", "value": "3"},
        {"action_type": "purchase", "value": "4", "7d_click": "3", "1d_view": "1"},
        {"action_type": "omni_purchase", "value": "5"},
    ],
    "action_values": [{"action_type": "omni_purchase", "value": "499.90"}],
}
_OF_META = {
    "source": "meta",
    "account_id": "1790000000000",
    "campaign_id": "120208374650",
    "adset_id": "120208374651",
    "ad_id": "120208374652",
    "day": "2026-05-01",
    "hour": -1,
    "campaign_name": "Vendas",
    "adset_name": "Quente",
    "ad_name": "Vídeo 1",
    "currency": "BRL",
    "spend": Decimal("100.25"),
    "impressions": 1200,
    "clicks": 30,
    "link_clicks": 24,
    "engagements": 60,
    "reach": 1000,
    "platform_conversions": Decimal(5),
    "platform_conversion_value": Decimal("499.90"),
}
_GOOGLE: dict[str, Any] = {
    "customer": {"resourceName": "customers/123", "id": "123", "currencyCode": "USD"},
    "campaign": {"resourceName": "customers/123/campaigns/456", "id": "456", "name": "Search"},
    "adGroup": {"resourceName": "customers/123/adGroups/789", "id": "789", "name": "Brand"},
    "adGroupAd": {"resourceName": "customers/123/adGroupAds/789~10", "ad": {"id": "10", "name": "Text"}},
    "metrics": {
        "costMicros": "4123456",
        "impressions": "300",
        "clicks": "12",
        "engagements": "2",
        "conversions": 1.5,
        "conversionsValue": 149.85,
    },
    "segments": {"date": "2026-05-01", "hour": 13},
}
_GOOGLE_BY_GAQL = {
    "customer": {"id": 123, "currency_code": "USD"},
    "campaign": {"id": 456, "name": "Search"},
    "ad_group": {"id": 789, "name": "Brand"},
    "ad_group_ad": {"ad": {"id": 10, "name": "Text"}},
    "metrics": {
        "cost_micros": 4123456,
        "impressions": 300,
        "clicks": 12,
        "engagements": 2,
        "conversions": 1.5,
        "conversions_value": 149.85,
    },
    "segments": {"date": "2026-05-01", "hour": 13},
}
_OF_GOOGLE = {
    "source": "google",
    "account_id": "123",
    "campaign_id": "456",
    "adset_id": "789",
    "ad_id": "10",
    "day": "2026-05-01",
    "hour": 13,
    "campaign_name": "Search",
    "adset_name": "Brand",
    "ad_name": "Text",
    "currency": "USD",
    "spend": Decimal("4.123456"),
    "impressions": 300,
    "clicks": 12,
    "link_clicks": None,
    "engagements": 2,
    "reach": None,
    "platform_conversions": Decimal("1.5"),
    "platform_conversion_value": Decimal("149.85"),
}
_TIKTOK: dict[str, Any] = {
    "advertiser_id": "7000000000000000001",
    "campaign_id": "1800000000000000001",
    "adgroup_id": "1800000000000000002",
    "ad_id": "1800000000000000003",
    "stat_time_hour": "2026-05-01 13:00:00",
    "campaign_name": "Conv",
    "adgroup_name": "18+",
    "ad_name": "Clip",
    "currency": "BRL",
    "spend": "7.5",
    "impressions": "90",
    "clicks": "3",
    "engagements": "5",
    "reach": "80",
    "conversion": "1",
    "total_purchase_value": "59.90",
}
_OF_TIKTOK = {
    "source": "tiktok",
    "account_id": "7000000000000000001",
    "campaign_id": "1800000000000000001",
    "adset_id": "1800000000000000002",
    "ad_id": "1800000000000000003",
    "day": "2026-05-01",
    "hour": 13,
    "campaign_name": "Conv",
    "adset_name": "18+",
    "ad_name": "Clip",
    "currency": "BRL",
    "spend": Decimal("7.5"),
    "impressions": 90,
    "clicks": 3,
    "link_clicks": None,
    "engagements": 5,
    "reach": 80,
    "platform_conversions": Decimal(1),
    "platform_conversion_value": Decimal("59.90"),
}
_TIKTOK_IN_TWO = {
    "dimensions": {
        name: _TIKTOK[name] for name in ("advertiser_id", "campaign_id", "adgroup_id", "ad_id", "stat_time_hour")
    },
    "metrics": {
        name: value
        for name, value in _TIKTOK.items()
        if name not in {"advertiser_id", "campaign_id", "adgroup_id", "ad_id", "stat_time_hour"}
    },
}


def _flat(record: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{path}{name}.")
        else:
            found[path + name] = json.dumps(value) if isinstance(value, list) else value
    return found


def _as_csv(record: Mapping[str, Any]) -> str:
    text = io.StringIO()
    flat = _flat(record)
    writer = csv.DictWriter(text, flat)
    writer.writeheader()
    writer.writerow(flat)
    return text.getvalue()


def _as_page(record: Mapping[str, Any]) -> str:
    return json.dumps({"data": [record], "paging": {"cursors": {"before": "a", "after": "b"}}}, indent=2)


def _as_parquet(path: Path, record: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.Table.from_pylist([dict(record)]), path)


def _one(connection: Connection[Any]) -> dict[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        (row,) = cursor.execute(
            "SELECT source, account_id, campaign_id, adset_id, ad_id, day::text, hour, campaign_name, adset_name,"
            " ad_name, currency, spend, impressions, clicks, link_clicks, engagements, reach, platform_conversions,"
            " platform_conversion_value FROM trackai.ad_costs"
        ).fetchall()
    return row


@pytest.mark.parametrize(
    ("platform", "record", "expected"),
    [
        ("meta", _META, _OF_META),
        ("google", _GOOGLE, _OF_GOOGLE),
        ("google", _GOOGLE_BY_GAQL, _OF_GOOGLE),
        ("tiktok", _TIKTOK, _OF_TIKTOK),
        ("tiktok", _TIKTOK_IN_TWO, _OF_TIKTOK),
    ],
    ids=["Meta", "Google's REST", "Google's names", "TikTok", "TikTok's API"],
)
@pytest.mark.parametrize("form", ["jsonl", "csv", "page", "parquet"])
def test_a_row_in_every_form(
    database_url: str,
    connection: Connection[Any],
    landing: Path,
    platform: str,
    record: Mapping[str, Any],
    expected: Mapping[str, Any],
    form: str,
) -> None:
    path = landing / "acme" / f"ad_costs_{platform}.{form if form != 'page' else 'json'}"
    match form:
        case "jsonl":
            write(path, json.dumps(record) + "\n")
        case "csv":
            write(path, _as_csv(record))
        case "page":
            write(path, _as_page(record))
        case _:
            _as_parquet(path, record)
    (report,) = load_all(database_url, landing)
    assert counts(report) == (1, 0, 0), connection.execute("SELECT reason FROM trackai.ingest_rejects").fetchall()
    assert _one(connection) == expected


def test_pages_of_the_apis_are_opened(database_url: str, connection: Connection[Any], landing: Path) -> None:
    pages = [{"results": [_GOOGLE], "fieldMask": "metrics.clicks,segments.date", "requestId": "x"}]
    write(landing / "acme" / "ad_costs_google.json", json.dumps(pages))
    found = {"list": [_TIKTOK_IN_TWO], "page_info": {"page": 1}}
    answer = {"code": 0, "message": "OK", "request_id": "2026", "data": found}
    write(landing / "acme" / "ad_costs_tiktok.json", json.dumps(answer))
    reports = load_all(database_url, landing)
    assert [counts(report) for report in reports] == [(1, 0, 0), (1, 0, 0)]


@pytest.mark.parametrize(
    ("platform", "change", "day", "hour"),
    [
        ("meta", {"hourly_stats_aggregated_by_advertiser_time_zone": "13:00:00 - 13:59:59"}, "2026-05-01", 13),
        ("meta", {"hourly_stats_aggregated_by_advertiser_time_zone": "00:00:00 - 00:59:59"}, "2026-05-01", 0),
        ("tiktok", {"stat_time_hour": None, "stat_time_day": "2026-05-02 00:00:00"}, "2026-05-02", -1),
        ("tiktok", {"stat_time_hour": None, "stat_time_day": "2026-05-02"}, "2026-05-02", -1),
        ("google", {"segments": {"date": "2026-05-03"}}, "2026-05-03", -1),
    ],
)
def test_days_and_hours(
    database_url: str,
    connection: Connection[Any],
    landing: Path,
    platform: str,
    change: Mapping[str, Any],
    day: str,
    hour: int,
) -> None:
    record = {"meta": _META, "google": _GOOGLE, "tiktok": _TIKTOK}[platform] | dict(change)
    write(landing / "acme" / f"ad_costs_{platform}.jsonl", json.dumps(record))
    load_all(database_url, landing)
    row = _one(connection)
    assert (row["day"], row["hour"]) == (day, hour)


@pytest.mark.parametrize(
    ("platform", "change", "reason"),
    [
        (
            "meta",
            {"date_stop": "2026-05-07"},
            "the row is of 2026-05-01 to 2026-05-07 and not of a day; export a row a day",
        ),
        ("meta", {"publisher_platform": "instagram"}, "the row is of 'instagram', a part of a day"),
        ("meta", {"hourly_stats_aggregated_by_audience_time_zone": "01:00:00 - 01:59:59"}, "the row is of '01:00:00"),
        ("meta", {"hourly_stats_aggregated_by_advertiser_time_zone": "13:00:00 - 14:59:59"}, "hour '13:00:00 - 14:59"),
        ("meta", {"actions": 5}, "actions is not a list of actions"),
        ("meta", {"actions": [{"action_type": "purchase", "value": "many"}]}, "actions 'many' is not a number"),
        ("meta", {"actions": "[{"}, "actions is not a list of actions in JSON"),
        ("google", {"segments": {"date": "2026-05-01", "device": "MOBILE"}}, "the row is of 'MOBILE', a part of a day"),
        ("google", {"metrics": {"clicks": 1}}, "spend is missing"),
        ("google", {"metrics": {"costMicros": "-4000000"}}, "spend is negative"),
        ("tiktok", {"stat_time_day": "2026-05-02 00:00:00"}, "hour '2026-05-01 13:00:00' is not of the day 2026-05-02"),
        ("tiktok", {"stat_time_hour": "2026-02-30 13:00:00"}, "hour '2026-02-30 13:00:00' is not of a day"),
    ],
)
def test_rows_that_are_none_are_kept_with_their_reason(
    database_url: str,
    connection: Connection[Any],
    landing: Path,
    platform: str,
    change: Mapping[str, Any],
    reason: str,
) -> None:
    record = {"meta": _META, "google": _GOOGLE, "tiktok": _TIKTOK}[platform] | dict(change)
    write(landing / "acme" / f"ad_costs_{platform}.jsonl", json.dumps(record))
    (report,) = load_all(database_url, landing)
    assert counts(report) == (0, 0, 1)
    row = connection.execute("SELECT reason FROM trackai.ingest_rejects").fetchone()
    assert row is not None
    assert row[0].startswith(reason), row[0]


@pytest.mark.parametrize(
    ("actions", "claimed"),
    [
        ([{"action_type": "offsite_conversion.fb_pixel_purchase", "value": "3"}], Decimal(3)),
        ([{"action_type": "purchase", "value": 4}, {"action_type": "link_click", "value": 1}], Decimal(4)),
        ([{"action_type": "link_click", "value": 1}], Decimal(0)),
        (None, None),
    ],
)
def test_one_of_metas_action_types_counts(
    database_url: str, connection: Connection[Any], landing: Path, actions: object, claimed: Decimal | None
) -> None:
    write(landing / "acme" / "ad_costs_meta.jsonl", json.dumps({**_META, "actions": actions, "action_values": None}))
    load_all(database_url, landing)
    row = _one(connection)
    assert (row["platform_conversions"], row["platform_conversion_value"]) == (claimed, None)
