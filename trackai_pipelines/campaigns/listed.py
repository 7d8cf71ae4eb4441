"""The landing kinds that are listed next to costs: accounts, aliases, rates, segments of users, results of holdouts.

What belongs here: their records, rows and kinds, and the fields that they have in common with costs. What does not:
costs (`landing`).
"""

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from zoneinfo import available_timezones

import msgspec

from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.context import Context, Text
from trackai_pipelines.ingest.kinds import Kind
from trackai_pipelines.ingest.outcomes import Refused
from trackai_pipelines.money import is_currency

EVERY_TENANT = "*"
_NO_CAMPAIGN = "(none)"
_LONGEST_SEGMENT = 100
# Segments may end in the future.
_END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)
_zones = cache(available_timezones)


class AccountRecord(msgspec.Struct, gc=False):
    """An account of an ad platform as a record of a file."""

    tenant: Text = None
    tenant_id: Text = None
    source: Text = None
    account_id: Text = None
    name: Text = None
    currency: Text = None
    time_zone: Text = None


class AliasRecord(msgspec.Struct, gc=False):
    """Another name of a campaign as a record of a file."""

    tenant: Text = None
    tenant_id: Text = None
    source: Text = None
    alias: Text = None
    campaign_id: Text = None


class RateRecord(msgspec.Struct, gc=False):
    """A rate of exchange as a record of a file: one unit of `base` is worth `rate` units of `quote`."""

    tenant: Text = None
    tenant_id: Text = None
    day: date | None = None
    base: Text = None
    quote: Text = None
    rate: Decimal | None = None
    source: Text = None
    stated_at: datetime | None = None


class SegmentRecord(msgspec.Struct, gc=False):
    """That a user is in a segment for a time, as a record of a file."""

    tenant: Text = None
    tenant_id: Text = None
    user_id: Text = None
    segment_name: Text = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None


class LiftRecord(msgspec.Struct, gc=False):
    """The result of a holdout test as a record of a file."""

    tenant: Text = None
    tenant_id: Text = None
    campaign_id: Text = None
    from_day: date | None = None
    to_day: date | None = None
    method: Text = None
    incremental_conversions: Decimal | None = None
    incremental_revenue: Decimal | None = None
    currency: Text = None
    ci_low: Decimal | None = None
    ci_high: Decimal | None = None
    source: Text = None
    stated_at: datetime | None = None


def source_of(source: Text, context: Context) -> str:
    """Return the ad platform that a row names, else the file's name. Raises Refused where neither does."""
    named = fields.identifier_of(source, "source", longest=fields.MAX_GATEWAY).lower() or context.word
    if not named:
        raise Refused(
            "source is missing; expected the platform in a column source, or in the file's name: ad_costs_meta.csv"
        )
    return named


def day_of(day: date | None, name: str, context: Context) -> date:
    """Return a day from 2000 until a day ahead of the clock. Raises Refused."""
    if day is None:
        raise Refused(f"{name} is missing; expected a day such as 2026-05-01")
    if not fields.EARLIEST.date() <= day <= context.latest.date():
        wrong = "before the year 2000" if day < fields.EARLIEST.date() else "more than a day ahead of the clock"
        raise Refused(f"{name} {day} is {wrong}")
    return day


def figure_of(value: Decimal | None, name: str, *, signed: bool = False) -> str:
    """Return a number with all its decimals, "" for none. Raises Refused."""
    if value is None:
        return ""
    if not value.is_finite() or abs(value) > fields.MAX_VALUE or (value < 0 and not signed):
        raise Refused(f"{name} is {value:.20g}; expected a number from {'-10^12' if signed else '0'} to 10^12")
    return f"{value.normalize():f}"


def digest_of(*stated: str) -> str:
    """Return the SHA-256 of all that a row states."""
    return hashlib.sha256("\x1f".join(stated).encode()).hexdigest()


def currency_of(currency: Text, name: str) -> str:
    """Return an ISO 4217 code, "" for none. Raises Refused."""
    code = fields.text_of(currency, name).strip().upper()
    if code and not is_currency(code):
        raise Refused(f"{name} {fields.shown(code)} is not an ISO 4217 code such as BRL")
    return code


def _needed(value: Text, name: str, longest: int = fields.MAX_IDENTIFIER) -> str:
    text = fields.identifier_of(value, name, longest=longest)
    if not text:
        raise Refused(f"{name} is missing")
    return text


def _account_row(account: AccountRecord, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(account.tenant, account.tenant_id)
    time_zone = fields.text_of(account.time_zone, "time_zone").strip()
    if time_zone and time_zone not in _zones():
        raise Refused(f"time_zone {fields.shown(time_zone)} is not an IANA time zone such as America/Sao_Paulo")
    return (
        owner.id,
        source_of(account.source, context),
        _needed(account.account_id, "account_id"),
        fields.text_of(account.name, "name").strip(),
        currency_of(account.currency, "currency"),
        time_zone,
    )


def _alias_row(alias: AliasRecord, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(alias.tenant, alias.tenant_id)
    source = fields.identifier_of(alias.source, "source", longest=fields.MAX_GATEWAY).lower()
    name, campaign_id = _needed(alias.alias, "alias"), _needed(alias.campaign_id, "campaign_id")
    if name == _NO_CAMPAIGN:
        raise Refused(f"alias {_NO_CAMPAIGN} stands for no campaign, and cannot be another's name")
    if name == campaign_id:
        raise Refused("alias and campaign_id are the same")
    known = context.known
    if meant := known.get(("alias", owner.id, campaign_id)):
        raise Refused(
            f"campaign_id {fields.shown(campaign_id)} is an alias itself, of {fields.shown(meant)}; name that instead"
        )
    if other := known.get(("campaign", owner.id, name)):
        raise Refused(f"alias {fields.shown(name)} is a campaign, and {fields.shown(other)} is an alias of it")
    if known.setdefault(("stated", owner.id, source, name), campaign_id) != campaign_id:
        raise Refused(f"alias {fields.shown(name)} stands in the file for two campaigns")
    known["alias", owner.id, name], known["campaign", owner.id, campaign_id] = campaign_id, name
    return owner.id, source, name, campaign_id


def _rate_row(rate: RateRecord, context: Context) -> tuple[Text, ...]:
    for_all = context.in_root and not rate.tenant and not rate.tenant_id
    tenant_id = EVERY_TENANT if for_all else context.owner_of(rate.tenant, rate.tenant_id).id
    base, quote = currency_of(rate.base, "base"), currency_of(rate.quote, "quote")
    if not base or not quote or base == quote:
        raise Refused("base and quote are not two currencies; expected ISO 4217 codes such as USD and BRL")
    if rate.rate is None:
        raise Refused("rate is missing; expected how many units of quote one unit of base is worth")
    worth = figure_of(rate.rate, "rate")
    if not Decimal(worth):
        raise Refused("rate is 0; expected how many units of quote one unit of base is worth")
    source = fields.text_of(rate.source, "source").strip()
    stated_at = fields.optional_time(rate.stated_at, "stated_at", context.latest)
    day = day_of(rate.day, "day", context).isoformat()
    return tenant_id, day, base, quote, digest_of(day, base, quote, worth, source), worth, source, stated_at


def _segment_row(segment: SegmentRecord, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(segment.tenant, segment.tenant_id)
    if segment.valid_from is None:
        raise Refused("valid_from is missing; expected when the user came into the segment")
    begin = fields.time_of(segment.valid_from, "valid_from", context.latest).isoformat()
    end = fields.optional_time(segment.valid_to, "valid_to", _END_OF_TIME)
    if end and end <= begin:
        raise Refused("valid_to is not after valid_from")
    name = _needed(segment.segment_name, "segment_name", _LONGEST_SEGMENT)
    return owner.id, _needed(segment.user_id, "user_id"), name, begin, end


def _lift_row(lift: LiftRecord, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(lift.tenant, lift.tenant_id)
    first, last = day_of(lift.from_day, "from_day", context), day_of(lift.to_day, "to_day", context)
    if last < first:
        raise Refused("to_day is before from_day")
    if lift.incremental_conversions is None:
        raise Refused("incremental_conversions is missing")
    low, high = figure_of(lift.ci_low, "ci_low", signed=True), figure_of(lift.ci_high, "ci_high", signed=True)
    if low and high and Decimal(high) < Decimal(low):
        raise Refused("ci_high is below ci_low")
    revenue = figure_of(lift.incremental_revenue, "incremental_revenue", signed=True)
    currency = currency_of(lift.currency, "currency")
    if revenue and not currency:
        raise Refused("currency is missing; incremental_revenue needs one")
    return (
        owner.id,
        _needed(lift.campaign_id, "campaign_id"),
        first.isoformat(),
        last.isoformat(),
        _needed(lift.method, "method"),
        fields.identifier_of(lift.source, "source"),
        fields.optional_time(lift.stated_at, "stated_at", context.latest),
        figure_of(lift.incremental_conversions, "incremental_conversions", signed=True),
        revenue,
        currency,
        low,
        high,
    )


AD_ACCOUNTS = Kind(
    name="ad_accounts",
    says="Accounts of ad platforms with currency and time zone: those that costs name, and what files and people say "
    "of them.",
    record=AccountRecord,
    columns=("tenant_id", "source", "account_id", "name", "currency", "time_zone"),
    row=_account_row,
    optional=frozenset({"name"}),
    insert="campaigns/insert_accounts",
)
CAMPAIGN_ALIASES = Kind(
    name="campaign_aliases",
    says="Other names of campaigns, as clicks and ad platforms have them. An alias never points at an alias.",
    record=AliasRecord,
    columns=("tenant_id", "source", "alias", "campaign_id"),
    row=_alias_row,
    known="campaigns/aliases",
    beforehand=("campaigns/lock_aliases",),
    insert="campaigns/insert_aliases",
    afterwards=("campaigns/register_campaigns_of_aliases",),
    looks_into=("campaigns",),
)
FX_RATES = Kind(
    name="fx_rates",
    says="Rates of exchange by day, of a tenant or of all (`*`): every distinct statement, with the first and the last "
    "time it was made.",
    record=RateRecord,
    columns=("tenant_id", "day", "base", "quote", "digest", "rate", "source", "last_stated_at"),
    row=_rate_row,
    optional=frozenset({"source"}),
    stated="last_stated_at",
    whole_days=frozenset({"stated_at"}),
    insert="campaigns/insert_rates",
)
USER_SEGMENTS = Kind(
    name="user_segments",
    says="Segments that a tenant puts its users into, each for a time.",
    record=SegmentRecord,
    columns=("tenant_id", "user_id", "segment_name", "valid_from", "valid_to"),
    row=_segment_row,
    whole_days=frozenset({"valid_from", "valid_to"}),
    insert="campaigns/insert_segments",
)
CAMPAIGN_LIFTS = Kind(
    name="campaign_lifts",
    says="Results of holdout tests of campaigns, as somebody measured them elsewhere.",
    record=LiftRecord,
    columns=(
        "tenant_id",
        "campaign_id",
        "from_day",
        "to_day",
        "method",
        "source",
        "stated_at",
        "incremental_conversions",
        "incremental_revenue",
        "currency",
        "ci_low",
        "ci_high",
    ),
    row=_lift_row,
    stated="stated_at",
    whole_days=frozenset({"stated_at"}),
    insert="campaigns/insert_lifts",
    afterwards=("campaigns/register_campaigns_of_lifts",),
    looks_into=("campaigns",),
)
