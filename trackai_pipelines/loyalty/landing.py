"""The landing kinds of loyalty: creators, what syncs report of their sales and videos, and adjustments.

What belongs here: their records, what is required of them, and the columns that they become. What does not: how files
are read and rows written (`ingest`), and what a report is worth (posting.py).
"""

import hashlib
import re
from datetime import date, datetime
from decimal import Decimal

import msgspec

from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.amounts import number_of
from trackai_pipelines.ingest.context import Context, Text
from trackai_pipelines.ingest.kinds import Kind
from trackai_pipelines.ingest.outcomes import Refused
from trackai_pipelines.loyalty.creators import alias_of
from trackai_pipelines.money import is_currency

_LARGEST_UNITS = 2**31 - 1
_LARGEST_COUNT = 2**63 - 1
_VIDEO = re.compile(r"/video/([0-9]+)")
_DAY = re.compile(r"((?:19|20)[0-9]{2})-?([01][0-9])-?([0-3][0-9])")
_TYPES = ("manual_sale", "refund", "bonus", "correction")
_KINDS = ("link", "tiktok")
_BASES = ("cumulative", "daily")


class CreatorRecord(msgspec.Struct, gc=False):
    """A creator's alias from a day on, or their membership, as a record of a file."""

    tenant: Text = None
    tenant_id: Text = None
    user_id: Text = None
    kind: Text = None
    alias: Text = None
    valid_from: date | None = None
    enrolled_on: date | None = None


class ReportRecord(msgspec.Struct, gc=False):
    """What a sync says of the sales of an item up to a day, or on it, as a record of a file."""

    tenant: Text = None
    tenant_id: Text = None
    source: Text = None
    item: Text = None
    handle: Text = None
    basis: Text = None
    report_day: date | None = None
    post_date: date | None = None
    as_of: datetime | None = None
    amount: Decimal | None = None
    units: Decimal | None = None
    currency: Text = None


class VideoRecord(msgspec.Struct, gc=False):
    """A video as a line of a sync's file has it; numbers may be written as $1,234.50."""

    tenant: Text = None
    tenant_id: Text = None
    handle: Text = None
    video: Text = None
    views: Text = None
    likes: Text = None
    comments: Text = None
    gmv: Text = None
    ctr: Text = None
    units_sold: Text = None
    post_date: date | None = None
    video_title: Text = None
    currency: Text = None
    report_day: date | None = None
    as_of: datetime | None = None


class AdjustmentRecord(msgspec.Struct, gc=False):
    """Sales that somebody adds or takes away by hand, as a record of a file."""

    tenant: Text = None
    tenant_id: Text = None
    external_id: Text = None
    user_id: Text = None
    amount: Decimal | None = None
    amount_units: Decimal | None = None
    currency: Text = None
    reason: Text = None
    adjustment_type: Text = None
    effective_on: date | None = None
    adjusted_by: Text = None


def _creator_row(creator: CreatorRecord, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(creator.tenant, creator.tenant_id)
    user = _needed(creator.user_id, "user_id", "the app's own id of the creator")
    text = fields.identifier_of(creator.alias, "alias")
    kind = fields.text_of(creator.kind, "kind").strip().lower() or "link"
    if kind not in _KINDS:
        raise Refused(f"kind {fields.shown(kind)} is not one of {', '.join(_KINDS)}")
    alias = alias_of(kind, text)
    valid_from = creator.valid_from or creator.enrolled_on
    if valid_from is None:
        raise Refused("valid_from is missing; expected the local day from which the alias is the creator's")
    if not alias and (text or creator.enrolled_on is None):
        raise Refused("alias is missing; expected a link code or a handle, or the day of membership in enrolled_on")
    enrolled_on = "" if creator.enrolled_on is None else creator.enrolled_on.isoformat()
    return owner.id, kind, alias, valid_from.isoformat(), user, enrolled_on, ""


def _report_row(report: ReportRecord, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(report.tenant, report.tenant_id)
    item = fields.identifier_of(report.item, "item")
    handle = _handle_of(report.handle if report.handle else item if item.startswith("@") else None)
    basis = fields.text_of(report.basis, "basis").strip().lower() or "cumulative"
    if basis not in _BASES:
        raise Refused(f"basis {fields.shown(basis)} is not one of {', '.join(_BASES)}")
    if report.amount is None and report.units is None:
        raise Refused("amount and units are missing; a zero must be written")
    return (
        owner.id,
        _source_of(report.source, context),
        f"@{handle}" if not item or item.startswith("@") else item,
        _report_day_of(report.report_day, context),
        fields.optional_time(report.as_of, "as_of", context.latest),
        handle,
        basis,
        "" if report.post_date is None else report.post_date.isoformat(),
        _signed(report.amount or Decimal(), "amount", context),
        _whole(report.units or Decimal(), "units", _LARGEST_UNITS),
        _currency_of(report.currency, owner.id, context),
        context.source,
        "",
    )


def _video_row(video: VideoRecord, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(video.tenant, video.tenant_id)
    handle = _handle_of(video.handle)
    url = fields.text_of(video.video, "video").strip()
    if not url:
        raise Refused("video is missing; expected its URL or id")
    gmv, units = _number(video.gmv, "gmv"), _number(video.units_sold, "units_sold")
    if gmv is None and units is None:
        raise Refused("gmv and units_sold are missing; a zero must be written")
    counts = {name: _number(getattr(video, name), name) or Decimal() for name in ("views", "likes", "comments")}
    return (
        owner.id,
        _video_id_of(url),
        "" if video.post_date is None else video.post_date.isoformat(),
        url if "/" in url else "",
        fields.text_of(video.video_title, "video_title").strip(),
        *(_whole(count, name, _LARGEST_COUNT) for name, count in counts.items()),
        _signed(gmv or Decimal(), "gmv", context),
        _ctr_of(video.ctr),
        _whole(units or Decimal(), "units_sold", _LARGEST_UNITS),
        fields.optional_time(video.as_of, "as_of", context.latest),
        handle,
        _source_of(None, context),
        _report_day_of(video.report_day, context),
        _currency_of(video.currency, owner.id, context),
        context.source,
        "",
    )


def _adjustment_row(adjustment: AdjustmentRecord, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(adjustment.tenant, adjustment.tenant_id)
    kind = fields.text_of(adjustment.adjustment_type, "adjustment_type").strip().lower() or "correction"
    if kind not in _TYPES:
        raise Refused(f"adjustment_type {fields.shown(kind)} is not one of {', '.join(_TYPES)}")
    amount, units = adjustment.amount or Decimal(), adjustment.amount_units or Decimal()
    if not amount and not units:
        raise Refused("nothing would change: amount and amount_units are both 0 or missing")
    reason = fields.text_of(adjustment.reason, "reason").strip()
    if not reason:
        raise Refused("reason is missing; expected why the sales change")
    return (
        owner.id,
        fields.identifier_of(adjustment.external_id, "external_id"),
        _needed(adjustment.user_id, "user_id", "the app's own id of the creator"),
        _signed(amount, "amount", context),
        _whole(units, "amount_units", _LARGEST_UNITS),
        _currency_of(adjustment.currency, owner.id, context),
        reason,
        kind,
        "" if adjustment.effective_on is None else adjustment.effective_on.isoformat(),
        fields.text_of(adjustment.adjusted_by, "adjusted_by").strip() or context.source,
        "",
    )


def _needed(value: Text, name: str, what: str) -> str:
    text = fields.identifier_of(value, name)
    if not text:
        raise Refused(f"{name} is missing; expected {what}")
    return text


def _handle_of(handle: Text) -> str:
    text = alias_of("tiktok", fields.identifier_of(handle, "handle"))
    if not text:
        raise Refused("handle is missing; expected the creator's, such as @ana")
    return text


def _source_of(source: Text, context: Context) -> str:
    named = fields.identifier_of(source, "source", longest=fields.MAX_GATEWAY).lower() or context.word
    if not named:
        raise Refused("source is missing; expected the sync in a column source, or a folder sync/<its name>")
    return named


def _report_day_of(day: date | None, context: Context) -> str:
    """Return the day that a figure is of: the row's, else the one in the file's name, else the one that was stated."""
    if day is None and (named := _DAY.search(context.source.rpartition("/")[2])):
        try:
            day = date(*map(int, named.groups()))
        except ValueError:
            day = None
    day = day or context.day
    if day is None:
        raise Refused(
            "report_day is missing; expected a day in the row, in the file's name (videos_2025-01-25.csv), "
            "or with --day"
        )
    if not fields.EARLIEST.date() <= day <= context.latest.date():
        wrong = "before the year 2000" if day < fields.EARLIEST.date() else "after tomorrow"
        raise Refused(f"report_day {day} is {wrong}")
    return day.isoformat()


def _currency_of(currency: Text, tenant_id: str, context: Context) -> str:
    """Return the currency of the row, else that of the tenant's program."""
    code = fields.text_of(currency, "currency").strip().upper() or context.known.get((tenant_id,), "")
    if not code:
        raise Refused("currency is missing, and the tenant has no loyalty program")
    if not is_currency(code):
        raise Refused(f"currency {fields.shown(code)} is not an ISO 4217 code such as BRL")
    return code


def _signed(amount: Decimal, name: str, context: Context) -> str:
    text = fields.amount_of(abs(amount), context.note, name)
    return f"-{text}" if amount < 0 else text


def _number(value: Text, name: str) -> Decimal | None:
    """Return a number of a sync's file: $1,234.50 or 12."""
    text = fields.text_of(value, name).strip().replace("$", "", 1)
    return number_of(text, name, ".") if text else None


def _whole(value: Decimal, name: str, largest: int) -> str:
    if not value.is_finite() or value != value.to_integral_value() or abs(value) > largest:
        raise Refused(f"{name} is {value:.20g}; expected a whole number")
    return str(int(value))


def _ctr_of(ctr: Text) -> str:
    """Return a click-through rate as the sync gives it, without its percent sign."""
    value = _number(fields.text_of(ctr, "ctr").strip().removesuffix("%"), "ctr")
    if value is None:
        return ""
    if not value.is_finite() or abs(value) >= 1000:
        raise Refused(f"ctr is {value:.20g}; expected a rate below 1000")
    return f"{value:.3f}"


def _video_id_of(url: str) -> str:
    """Return the digits of a video's URL, else 32 hex digits of the URL's SHA-256."""
    if url.isdecimal():
        return url
    found = _VIDEO.search(url)
    return found[1] if found else hashlib.sha256(url.encode()).hexdigest()[:32]


CREATORS = Kind(
    name="creators",
    into="creator_aliases",
    says="Whose a link code or a TikTok handle is from a day on, and since when creators are members of the loyalty "
    "program. The later word on an alias and day counts; the next posting moves its sales.",
    record=CreatorRecord,
    columns=("tenant_id", "kind", "alias", "valid_from", "user_id", "enrolled_on", "updated_at"),
    row=_creator_row,
    stated="updated_at",
    beforehand=("loyalty/insert_users_of_creators", "loyalty/insert_members_of_creators"),
    insert="loyalty/insert_aliases",
)
SALES_REPORTS = Kind(
    name="sales_reports",
    says="What syncs say about the sales of videos and creators, by day: what the ledger of creators' sales is posted "
    "from. Never changed; of an item and day the newest figure counts.",
    record=ReportRecord,
    columns=(
        "tenant_id",
        "source",
        "item",
        "report_day",
        "as_of",
        "handle",
        "basis",
        "post_date",
        "amount",
        "units",
        "currency",
        "file",
        "line",
    ),
    row=_report_row,
    stated="as_of",
    numbered="line",
    known="loyalty/program_currencies",
    beforehand=("loyalty/reject_reports",),
    insert="loyalty/insert_reports",
    afterwards=("loyalty/write_sync_days",),
    looks_into=("creator_aliases",),
)
VIDEOS = Kind(
    name="videos",
    says="The newest figures of creators' videos, as a sync exports them. Each line is a report of the video's sales "
    "as well (`sales_reports`).",
    record=VideoRecord,
    columns=(
        "tenant_id",
        "video_id",
        "post_date",
        "video_url",
        "video_title",
        "views",
        "likes",
        "comments",
        "gmv",
        "ctr",
        "units_sold",
        "sync_date",
        "handle",
        "source",
        "report_day",
        "currency",
        "file",
        "line",
    ),
    row=_video_row,
    optional=frozenset({"ctr", "video_title", "video_url", "views", "likes", "comments"}),
    long_texts=frozenset({"video_title"}),
    stated="sync_date",
    numbered="line",
    known="loyalty/program_currencies",
    beforehand=(
        "loyalty/make_staged_reports",
        "loyalty/stage_reports_of_videos",
        "loyalty/reject_reports",
        "loyalty/make_video_months",
    ),
    insert="loyalty/insert_reports",
    afterwards=("loyalty/write_sync_days", "loyalty/write_videos"),
    looks_into=("creator_aliases", "sales_reports"),
)
SALES_ADJUSTMENTS = Kind(
    name="sales_adjustments",
    says="Sales that people add to creators or take away by hand. Never changed: a correction is a new row.",
    record=AdjustmentRecord,
    columns=(
        "tenant_id",
        "external_id",
        "user_id",
        "amount",
        "amount_units",
        "currency",
        "reason",
        "adjustment_type",
        "effective_on",
        "adjusted_by",
        "created_at",
    ),
    row=_adjustment_row,
    row_id="external_id",
    now="created_at",
    known="loyalty/program_currencies",
    references={"user_id": "loyalty/unknown_users"},
)
# Aliases first: reports look up whose they are.
KINDS = (CREATORS, SALES_REPORTS, VIDEOS, SALES_ADJUSTMENTS)
