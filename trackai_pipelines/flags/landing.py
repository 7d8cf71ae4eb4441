"""The landing kinds of flags: checks that were made offline, and members of segments by list.

What belongs here: their records, and the rows that they become. What does not: how files are read and rows written
(`ingest`), and checks that a process of ours makes (`flag_values`).
"""

from datetime import UTC, datetime

import msgspec

from trackai_pipelines.flag_values.stored import stored_device, stored_key, stored_request
from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.context import Context, Text
from trackai_pipelines.ingest.kinds import Kind
from trackai_pipelines.ingest.outcomes import Refused

_APP_TYPES = ("mobile", "admin", "web", "pipeline")
_TRUTHS = {"true": True, "t": True, "yes": True, "1": True, "false": False, "f": False, "no": False, "0": False}


class UsageRecord(msgspec.Struct, gc=False):
    """A check of a flag as a record of a file."""

    tenant: Text = None
    tenant_id: Text = None
    flag: Text = None
    user_id: Text = None
    app_type: Text = None
    accessed_at: datetime | None = None
    value_used: object = None
    variant_key: Text = None
    device_info: object = None
    request_id: Text = None
    external_id: Text = None


class MemberRecord(msgspec.Struct, gc=False):
    """That a user is in a segment, or not any more, as a record of a file."""

    tenant: Text = None
    tenant_id: Text = None
    segment: Text = None
    user_id: Text = None
    remove: object = None


def _usage_row(usage: UsageRecord, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(usage.tenant, usage.tenant_id)
    key = fields.text_of(usage.flag, "flag").strip()
    flag_id = context.known.get(("flag", key))
    if flag_id is None:
        raise Refused(f"unknown_flag: no flag has the key {fields.shown(key)}; see `trackai flags list`")
    app_type = fields.text_of(usage.app_type, "app_type").strip()
    if app_type not in _APP_TYPES:
        raise Refused(f"bad_app_type: {fields.shown(app_type)} is none of {', '.join(_APP_TYPES)}")
    accessed_at = _time_of(usage.accessed_at, context)
    used = _truth_of(usage.value_used, "value_used")
    variant = fields.identifier_of(usage.variant_key, "variant_key")
    if not variant and used is not None:
        variant = "on" if used else "off"
    return (
        owner.id,
        accessed_at,
        fields.identifier_of(usage.external_id, "external_id"),
        accessed_at,
        flag_id,
        stored_key(fields.identifier_of(usage.user_id, "user_id"), owner.default_country) or "",
        app_type,
        "" if used is None else str(used).lower(),
        variant,
        stored_device(_object_of(usage.device_info, context)) or "",
        stored_request(fields.text_of(usage.request_id, "request_id")) or "",
    )


def _time_of(accessed_at: datetime | None, context: Context) -> str:
    if accessed_at is None:
        raise Refused("accessed_at is missing; expected when the flag was checked")
    moment = accessed_at.replace(tzinfo=UTC) if accessed_at.tzinfo is None else accessed_at
    if moment > context.latest:
        raise Refused(f"in_future: accessed_at {moment:%Y-%m-%dT%H:%M:%SZ} is more than 24 hours ahead of the clock")
    moment = fields.time_of(moment, "accessed_at", context.latest)
    if ("day", moment.date().isoformat()) not in context.known:
        raise Refused(f"too_old: the checks of {moment.date()} have left the database")
    return moment.isoformat()


def _truth_of(value: object, name: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    text = fields.text_of(value, name).strip().lower()
    if text and text not in _TRUTHS:
        raise Refused(f"{name} is {fields.shown(value)}; expected true or false")
    return _TRUTHS.get(text)


def _object_of(device: object, context: Context) -> object:
    """Return a device that came as an object, or as the text of one, as in CSV."""
    if not isinstance(device, str | bytes) or not device:
        return device
    try:
        return msgspec.json.decode(device)
    except msgspec.DecodeError:
        return context.leave_out("device_info", "not an object of JSON") or None


def _member_row(member: MemberRecord, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(member.tenant, member.tenant_id)
    segment = fields.text_of(member.segment, "segment").strip()
    kind = context.known.get((segment,))
    if kind is None:
        raise Refused(f"unknown_segment: there is no segment {fields.shown(segment)}; see `trackai flags segment`")
    if kind != "list":
        raise Refused(f"segment {fields.shown(segment)} is not a list: its members are computed from its {kind}")
    user = stored_key(fields.identifier_of(member.user_id, "user_id"), owner.default_country)
    if not user:
        raise Refused("user_id is missing")
    # The time that a user comes into the segment; none stands for leaving it.
    added_at = "" if _truth_of(member.remove, "remove") else context.stated_at.isoformat()
    if context.known.setdefault(("stated", owner.id, segment, user), added_at) != added_at:
        raise Refused(f"user_id stands in the file for coming into {fields.shown(segment)} and for leaving it")
    return owner.id, segment, user, added_at


FLAG_USAGE = Kind(
    name="flag_usage",
    into="feature_flag_usage",
    says="Checks of flags. Processes write them as they check; files bring those of apps that were offline. Equal "
    "checks within some seconds are one row with a count. Kept for 30 days.",
    record=UsageRecord,
    columns=(
        "tenant_id",
        "accessed_at",
        "external_id",
        "last_accessed_at",
        "flag_id",
        "user_id",
        "app_type",
        "value_used",
        "variant_key",
        "device_info",
        "request_id",
    ),
    row=_usage_row,
    optional=frozenset({"device_info", "request_id"}),
    row_id="external_id",
    known="flags/known_of_usage",
)
FLAG_SEGMENTS = Kind(
    name="flag_segments",
    into="feature_flag_segment_members",
    says="Users in segments of flags: those of lists come in files, those with conversions are computed each night.",
    record=MemberRecord,
    columns=("tenant_id", "segment", "user_id", "added_at"),
    row=_member_row,
    known="flags/known_segments",
    insert="flags/move_members",
    afterwards=("flags/tell_staged_members",),
)
KINDS = (FLAG_USAGE, FLAG_SEGMENTS)
