"""The landing kinds of campaigns: what ads cost, and what tenants list next to that (`listed`).

What belongs here: statements of costs, what is required of them, and the columns that they become. What does not: how
files are read and rows written (`ingest`), and how platforms write such files (`exports`).
"""

from datetime import date, datetime
from decimal import Decimal

import msgspec

from trackai_pipelines.campaigns.exports import SPELLINGS, day_and_hour, purchases
from trackai_pipelines.campaigns.listed import (
    AD_ACCOUNTS,
    CAMPAIGN_ALIASES,
    CAMPAIGN_LIFTS,
    FX_RATES,
    USER_SEGMENTS,
    currency_of,
    day_of,
    digest_of,
    figure_of,
    source_of,
)
from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.context import Context, Text
from trackai_pipelines.ingest.kinds import Kind
from trackai_pipelines.ingest.outcomes import Refused

_MILLION = Decimal(10) ** 6
_LARGEST = 2**63 - 1


class AdCostRecord(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """What a campaign, ad set or ad cost on a day or in an hour, as a record of a file."""

    tenant: Text = None
    tenant_id: Text = None
    source: Text = None
    account_id: Text = None
    campaign_id: Text = None
    adset_id: Text = None
    ad_id: Text = None
    day: date | None = None
    hour: Text = None
    campaign_name: Text = None
    adset_name: Text = None
    ad_name: Text = None
    utm_campaign: Text = None
    currency: Text = None
    spend: Decimal | None = None
    impressions: Decimal | None = None
    clicks: Decimal | None = None
    link_clicks: Decimal | None = None
    engagements: Decimal | None = None
    reach: Decimal | None = None
    video_views: Decimal | None = None
    platform_conversions: Decimal | None = None
    platform_conversion_value: Decimal | None = None
    stated_at: datetime | None = None
    # Only exports have these.
    last_day: date | None = None
    cost_micros: Decimal | None = None
    actions: object = None
    action_values: object = None
    breakdown: object = None


def _cost_row(cost: AdCostRecord, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(cost.tenant, cost.tenant_id)
    if cost.breakdown is not None:
        part = fields.shown(cost.breakdown)
        raise Refused(f"the row is of {part}, a part of a day or an hour; export without other breakdowns")
    source = source_of(cost.source, context)
    account_id = fields.identifier_of(cost.account_id, "account_id")
    campaign_id = fields.identifier_of(cost.campaign_id, "campaign_id")
    if not campaign_id:
        raise Refused("campaign_id is missing; expected the platform's id of the campaign")
    day, hour = day_and_hour(cost.day, cost.last_day, fields.text_of(cost.hour, "hour").strip())
    claimed, worth = cost.platform_conversions, cost.platform_conversion_value
    stated = (
        source,
        account_id,
        campaign_id,
        fields.identifier_of(cost.adset_id, "adset_id"),
        fields.identifier_of(cost.ad_id, "ad_id"),
        str(hour),
        fields.text_of(cost.campaign_name, "campaign_name").strip(),
        fields.text_of(cost.adset_name, "adset_name").strip(),
        fields.text_of(cost.ad_name, "ad_name").strip(),
        fields.text_of(cost.utm_campaign, "utm_campaign").strip(),
        _currency_of(cost, (owner.id, source, account_id), context),
        _spend_of(cost, context),
        _count_of(cost.impressions, "impressions") or "0",
        _count_of(cost.clicks, "clicks") or "0",
        _count_of(cost.link_clicks, "link_clicks"),
        _count_of(cost.engagements, "engagements"),
        _count_of(cost.reach, "reach"),
        _count_of(cost.video_views, "video_views"),
        figure_of(purchases(cost.actions, "actions") if claimed is None else claimed, "platform_conversions"),
        _value_of(purchases(cost.action_values, "action_values") if worth is None else worth, context),
    )
    day_text = day_of(day, "day", context).isoformat()
    digest = digest_of(day_text, *stated)
    stated_at = fields.optional_time(cost.stated_at, "stated_at", context.latest)
    return (owner.id, day_text, *stated[:6], digest, *stated[6:], stated_at)


def _currency_of(cost: AdCostRecord, account: tuple[str, str, str], context: Context) -> str:
    """Return the currency of the row, else that of its account."""
    currency = currency_of(cost.currency, "currency") or context.known.get(account, "")
    if not currency:
        raise Refused(
            "currency is missing, and none is known of the account; give one, or set the account's with "
            "`trackai campaigns account`"
        )
    if account[-1]:
        context.known.setdefault(account, currency)
    return currency


def _spend_of(cost: AdCostRecord, context: Context) -> str:
    spend = cost.spend
    if spend is None and cost.cost_micros is not None:
        spend = cost.cost_micros / _MILLION if cost.cost_micros.is_finite() else cost.cost_micros
    if spend is None:
        raise Refused("spend is missing; expected an amount such as 129.90, or 0")
    return fields.amount_of(spend, context.note, "spend", decimals=6)


def _count_of(value: Decimal | None, name: str) -> str:
    if value is None:
        return ""
    if not value.is_finite() or value < 0 or value != value.to_integral_value() or value > _LARGEST:
        raise Refused(f"{name} is {value:.20g}; expected a whole number from 0")
    return str(int(value))


def _value_of(value: Decimal | None, context: Context) -> str:
    return "" if value is None else fields.amount_of(value, context.note, "platform_conversion_value")


AD_COSTS = Kind(
    name="ad_costs",
    into="ad_cost_statements",
    says="What ad platforms said that campaigns, ad sets and ads cost, by day or hour of the account: every distinct "
    "statement, with the first and the last time it was made. The view `ad_costs` has the newest, "
    "`v_counted_ad_costs` what may be summed.",
    record=AdCostRecord,
    columns=(
        "tenant_id",
        "day",
        "source",
        "account_id",
        "campaign_id",
        "adset_id",
        "ad_id",
        "hour",
        "digest",
        "campaign_name",
        "adset_name",
        "ad_name",
        "utm_campaign",
        "currency",
        "spend",
        "impressions",
        "clicks",
        "link_clicks",
        "engagements",
        "reach",
        "video_views",
        "platform_conversions",
        "platform_conversion_value",
        "last_stated_at",
    ),
    row=_cost_row,
    optional=frozenset({"campaign_name", "adset_name", "ad_name", "utm_campaign"}),
    spellings=SPELLINGS,
    stated="last_stated_at",
    whole_days=frozenset({"stated_at"}),
    known="campaigns/account_currencies",
    insert="campaigns/insert_costs",
    afterwards=(
        "campaigns/register_accounts",
        "campaigns/note_campaign_names",
        "campaigns/register_campaigns_of_costs",
    ),
    looks_into=("ad_accounts", "ad_campaign_names", "campaigns", "campaign_aliases"),
)
# Accounts say what costs without a currency are in.
KINDS = (AD_ACCOUNTS, CAMPAIGN_ALIASES, AD_COSTS, FX_RATES, USER_SEGMENTS, CAMPAIGN_LIFTS)
