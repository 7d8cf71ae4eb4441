"""What exports of ad platforms are like: Meta Ads Insights, Google Ads and TikTok Ads, as their APIs write them.

What belongs here: names of fields, hours, and what a platform claims. What does not: what is required of a row
(`landing`). Sources: the references of Meta's Insights API, of Google Ads' fields, and of TikTok's reports.
"""

import json
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.amounts import number_of
from trackai_pipelines.ingest.outcomes import Refused

SPELLINGS: Mapping[str, str] = {
    # Meta.
    "date_start": "day",
    "date_stop": "last_day",
    "hourly_stats_aggregated_by_advertiser_time_zone": "hour",
    "account_currency": "currency",
    "inline_link_clicks": "link_clicks",
    "inline_post_engagement": "engagements",
    # Google.
    "segments.date": "day",
    "segments.hour": "hour",
    "metrics.cost_micros": "cost_micros",
    "metrics.conversions": "platform_conversions",
    "metrics.conversions_value": "platform_conversion_value",
    "customer.currency_code": "currency",
    "customer.id": "account_id",
    "campaign.id": "campaign_id",
    "campaign.name": "campaign_name",
    "ad_group.id": "adset_id",
    "ad_group.name": "adset_name",
    "ad_group_ad.ad.id": "ad_id",
    "ad_group_ad.ad.name": "ad_name",
    # TikTok, whose fields stand in `dimensions` and `metrics` or in neither.
    "stat_time_day": "day",
    "stat_time_hour": "hour",
    "dimensions.stat_time_day": "day",
    "dimensions.stat_time_hour": "hour",
    "advertiser_id": "account_id",
    "adgroup_id": "adset_id",
    "adgroup_name": "adset_name",
    "conversion": "platform_conversions",
    "total_purchase_value": "platform_conversion_value",
    "dimensions.advertiser_id": "account_id",
    "dimensions.campaign_id": "campaign_id",
    "dimensions.adgroup_id": "adset_id",
    "dimensions.ad_id": "ad_id",
    "metrics.campaign_name": "campaign_name",
    "metrics.adgroup_name": "adset_name",
    "metrics.ad_name": "ad_name",
    "metrics.currency": "currency",
    "metrics.spend": "spend",
    "metrics.reach": "reach",
    "metrics.conversion": "platform_conversions",
    "metrics.total_purchase_value": "platform_conversion_value",
    # Of both.
    "metrics.impressions": "impressions",
    "metrics.clicks": "clicks",
    "metrics.engagements": "engagements",
    # What a day or an hour may be broken down by: several rows would be taken for statements of the same.
    "age": "breakdown",
    "gender": "breakdown",
    "country": "breakdown",
    "region": "breakdown",
    "publisher_platform": "breakdown",
    "platform_position": "breakdown",
    "impression_device": "breakdown",
    "device_platform": "breakdown",
    "hourly_stats_aggregated_by_audience_time_zone": "breakdown",
    "segments.device": "breakdown",
    "segments.ad_network_type": "breakdown",
    "dimensions.age": "breakdown",
    "dimensions.gender": "breakdown",
    "dimensions.country_code": "breakdown",
}
"""The platforms' names of our fields."""

# Purchases of which Meta counts one in several of these: the first that is present has them all.
_PURCHASES = ("omni_purchase", "purchase", "offsite_conversion.fb_pixel_purchase")
_HOUR = re.compile(r"-1|[0-9]{1,2}")
_HOUR_OF_META = re.compile(r"([0-9]{2}):00:00 - \1:59:59")
_HOUR_OF_TIKTOK = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}):00(?::00)?")
_LAST_HOUR = 23


def day_and_hour(day: date | None, last_day: date | None, hour: str) -> tuple[date, int]:
    """Return the account's day, and its hour or -1 for the whole day. Raises Refused."""
    found = _HOUR_OF_TIKTOK.fullmatch(hour)
    if found:
        try:
            named = date.fromisoformat(found[1])
        except ValueError as error:
            raise Refused(f"hour {fields.shown(hour)} is not of a day") from error
        if day not in {None, named}:
            raise Refused(f"hour {fields.shown(hour)} is not of the day {day}")
        day, hour = named, found[2]
    elif found := _HOUR_OF_META.fullmatch(hour):
        hour = found[1]
    if day is None:
        raise Refused("day is missing; expected the account's day, such as 2026-05-01")
    if last_day not in {None, day}:
        raise Refused(f"the row is of {day} to {last_day} and not of a day; export a row a day (time_increment=1)")
    if not hour:
        return day, -1
    if not _HOUR.fullmatch(hour) or int(hour) > _LAST_HOUR:
        raise Refused(f"hour {fields.shown(hour)} is not one of 0 to 23")
    return day, int(hour)


def purchases(actions: object, name: str) -> Decimal | None:
    """Return what a list of Meta's actions says of purchases; None where there is no list. Raises Refused."""
    if isinstance(actions, str):
        try:
            actions = json.loads(actions, parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            raise Refused(f"{name} is not a list of actions in JSON") from error
    if actions is None:
        return None
    if not isinstance(actions, list):
        raise Refused(f"{name} is not a list of actions")
    values = {entry.get("action_type"): entry.get("value") for entry in actions if isinstance(entry, Mapping)}
    return next((number_of(values[kind], name) for kind in _PURCHASES if kind in values), Decimal(0))
