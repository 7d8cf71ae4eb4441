"""The landing kind `toy_calls*`."""

from datetime import datetime

import msgspec

from trackai_pipelines.customer_information.contact import email_hash
from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.context import Context, Text
from trackai_pipelines.ingest.kinds import Kind
from trackai_pipelines.ingest.outcomes import Refused


class Call(msgspec.Struct, gc=False):
    """A call as a record of a file."""

    tenant: Text = None
    tenant_id: Text = None
    call_id: Text = None
    called_at: datetime | None = None
    seconds: Text = None
    order_id: Text = None
    user_id: Text = None
    email: str | None = None
    ip: str | None = None
    user_agent: Text = None


def _row(call: Call, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(call.tenant, call.tenant_id)
    if call.called_at is None:
        raise Refused("called_at is missing; expected the time of the call in ISO 8601")
    return (
        owner.id,
        fields.identifier_of(call.call_id, "call_id"),
        fields.time_of(call.called_at, "called_at", context.latest).isoformat(),
        str(call.seconds or 0),
        call.order_id or "",
        call.user_id or "",
        email_hash(call.email) or "",
        fields.ip_of(call.ip or "", "ip"),
        call.user_agent or "",
    )


TOY_CALLS = Kind(
    name="toy_calls",
    says="Calls to a shop's hotline. Immutable; one row a call.",
    record=Call,
    columns=(
        "tenant_id",
        "call_id",
        "called_at",
        "seconds",
        "order_id",
        "user_id",
        "email_hash",
        "ip",
        "user_agent",
    ),
    row=_row,
    row_id="call_id",
)
