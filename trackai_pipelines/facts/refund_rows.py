"""Refunds as rows: the record of a landing file or a gateway, and what is required of it.

What belongs here: the record and its row. What does not: what a refund of a gateway is (`refund`), and the kind
(`landing`).
"""

from datetime import datetime
from decimal import Decimal
from functools import partial

import msgspec

from trackai_pipelines.facts.gateways.no_sale import TEST
from trackai_pipelines.facts.refund import Refund, RefundKind
from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.context import Context, Text
from trackai_pipelines.ingest.outcomes import Refused
from trackai_pipelines.money import is_currency

_KINDS: tuple[RefundKind, ...] = ("refund", "chargeback")


class RefundRecord(msgspec.Struct, gc=False):
    """A refund or chargeback as a record of a file, or as a gateway's."""

    tenant: Text = None
    tenant_id: Text = None
    gateway: str | None = None
    gateway_event_id: Text = None
    original_event_id: Text = None
    sale_key: Text = None
    order_id: Text = None
    kind: str | None = None
    value: Decimal | None = None
    currency: str | None = None
    occurred_at: datetime | None = None


class TestRefundRecord(RefundRecord, gc=False, kw_only=True):
    """A gateway's refund of a sale that nobody paid for."""

    test: str


def refund_row(refund: RefundRecord, context: Context) -> tuple[Text, ...]:
    """Return the values of the columns of `refunds`. Raises Refused."""
    owner = context.owner_of(refund.tenant, refund.tenant_id)
    if isinstance(refund, TestRefundRecord) and not owner.take_test_payments:
        raise Refused(f"{TEST}: {refund.test}")
    gateway = fields.identifier_of(refund.gateway, "gateway", longest=fields.MAX_GATEWAY)
    event_id = fields.identifier_of(refund.gateway_event_id, "gateway_event_id")
    if not gateway or not event_id:
        raise Refused(f"{'gateway_event_id' if gateway else 'gateway'} is missing; it tells refunds apart")
    names = ("original_event_id", "sale_key", "order_id")
    sale = [fields.identifier_of(getattr(refund, name), name) for name in names]
    if not any(sale):
        raise Refused(f"the sale is not named: expected one of {', '.join(names)}")
    kind = (refund.kind or "").strip().lower() or "refund"
    if kind not in _KINDS:
        raise Refused(f"kind {fields.shown(kind)} is not one of {', '.join(_KINDS)}")
    if refund.value is None:
        raise Refused("value is missing; expected the amount that went back, such as 129.90")
    value = fields.amount_of(refund.value, context.note)
    if not Decimal(value):
        raise Refused("value is 0; expected the amount that went back, above 0")
    currency = (refund.currency or "").strip().upper()
    if not is_currency(currency):
        raise Refused(f"currency {fields.shown(currency)} is not an ISO 4217 code such as BRL")
    if refund.occurred_at is None:
        raise Refused("occurred_at is missing; expected the time of the refund in ISO 8601")
    return (
        owner.id,
        gateway,
        event_id,
        *sale,
        kind,
        value,
        currency,
        fields.time_text(refund.occurred_at, "occurred_at", context.latest),
    )


def refund_record(refund: Refund, gateway: str) -> RefundRecord:
    """Return the record of a gateway's refund."""
    record = partial(TestRefundRecord, test=refund.test) if refund.test else RefundRecord
    return record(
        gateway=gateway,
        gateway_event_id=refund.gateway_event_id,
        original_event_id=refund.original_event_id,
        sale_key=refund.sale_key,
        order_id=refund.order_id,
        kind=refund.kind,
        value=refund.value,
        currency=refund.currency,
        occurred_at=refund.occurred_at,
    )
