"""The landing kinds that say what is so now: users and campaigns. A later row of the same id replaces an earlier one.

What belongs here: their records, rows and kinds. What does not: the kinds of facts, which never change (`landing`).
"""

from datetime import datetime

import msgspec

from trackai_pipelines.facts.contacts import hashed_email, hashed_phone
from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.context import Context, Text
from trackai_pipelines.ingest.kinds import Kind
from trackai_pipelines.ingest.outcomes import Refused


class UserRecord(msgspec.Struct, gc=False):
    """A user of the app as a record of a file."""

    tenant: Text = None
    tenant_id: Text = None
    id: Text = None
    email_hash: str | None = None
    phone_hash: str | None = None
    email: str | None = None
    phone: Text = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class CampaignRecord(msgspec.Struct, gc=False):
    """An ad campaign as a record of a file."""

    tenant: Text = None
    tenant_id: Text = None
    campaign_id: Text = None
    name: Text = None
    status: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


def _user_row(user: UserRecord, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(user.tenant, user.tenant_id)
    user_id = fields.identifier_of(user.id, "id")
    if not user_id:
        raise Refused("id is missing; expected the app's own id of the user")
    return (
        owner.id,
        user_id,
        hashed_email(user.email_hash, user.email, "email_hash", context),
        hashed_phone(user.phone_hash, user.phone, "phone_hash", owner, context),
        context.optional_time(user.created_at, "created_at"),
        fields.optional_time(user.updated_at, "updated_at", context.latest),
    )


def _campaign_row(campaign: CampaignRecord, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(campaign.tenant, campaign.tenant_id)
    campaign_id = fields.identifier_of(campaign.campaign_id, "campaign_id")
    if not campaign_id:
        raise Refused("campaign_id is missing; expected what clicks name in utm_campaign")
    status = (campaign.status or "").strip().lower() or "draft"
    if status not in _STATUSES:
        raise Refused(f"status {fields.shown(status)} is not one of {', '.join(_STATUSES)}")
    return (
        owner.id,
        campaign_id,
        fields.text_of(campaign.name, "name").strip() or campaign_id,
        status,
        context.optional_time(campaign.created_at, "created_at"),
        fields.optional_time(campaign.updated_at, "updated_at", context.latest),
    )


_STATUSES = ("draft", "active", "paused", "completed", "archived")


USERS = Kind(
    name="users",
    says="People of an app, by the app's own id, with hashed e-mail and phone. A later row of the same id replaces the "
    "hashes.",
    record=UserRecord,
    columns=("tenant_id", "id", "email_hash", "phone_hash", "created_at", "updated_at"),
    row=_user_row,
    optional=frozenset({"email_hash", "phone_hash", "email", "phone", "created_at"}),
    stated="updated_at",
    whole_days=frozenset({"created_at", "updated_at"}),
    insert="facts/insert_users",
    afterwards=("facts/link_staged_users",),
    looks_into=("conversions", "user_conversions"),
)
CAMPAIGNS = Kind(
    name="campaigns",
    says="Ad campaigns: those that a tenant lists, and those that its clicks name in `utm_campaign`. A later row of "
    "the same id replaces name and status.",
    record=CampaignRecord,
    columns=("tenant_id", "campaign_id", "name", "status", "created_at", "updated_at"),
    row=_campaign_row,
    optional=frozenset({"created_at"}),
    stated="updated_at",
    whole_days=frozenset({"created_at", "updated_at"}),
    insert="facts/insert_campaigns",
)
