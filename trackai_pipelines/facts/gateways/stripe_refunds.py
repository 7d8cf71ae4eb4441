"""Stripe's refunds and disputes: money that goes back.

A refund has an id of its own (`re_...`), whichever event holds it. A charge says only how much of it went back so far;
since 2022-11-15 its event does not list the refunds behind that any more.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType

from trackai_pipelines.facts.gateways.no_sale import CHARGEBACK, NO_PAYMENT, REFUND, REFUND_ASKED_FOR, no_sale
from trackai_pipelines.facts.gateways.payload import (
    at,
    currency,
    minor_amount,
    moment_of_epoch,
    refuse,
    required_text,
    text,
)
from trackai_pipelines.facts.gateways.stripe_resources import decimals_of
from trackai_pipelines.facts.refund import Refund, RefundKind
from trackai_pipelines.ingest.outcomes import NotTaken

Payload = Mapping[str, object]

_REFUNDS = {
    **dict.fromkeys(("pending", "requires_action"), REFUND_ASKED_FOR),
    **dict.fromkeys(("failed", "canceled"), NO_PAYMENT),
}
_DISPUTES = {
    **dict.fromkeys(("needs_response", "under_review"), f"{CHARGEBACK}: not decided"),
    **dict.fromkeys(("warning_needs_response", "warning_under_review", "warning_closed", "prevented"), NO_PAYMENT),
    "won": NO_PAYMENT,
}


def of_a_charge(event: Payload) -> Iterator[Refund | NotTaken]:
    """Yield the refunds that a charge lists. Raises MalformedPayload."""
    charge = at(event, "data.object")
    listed = [refund for refund in _list(at(charge, "refunds.data")) if isinstance(refund, Mapping)]
    if not listed:
        reason = f"{REFUND}: stripe charge that does not list its refunds; land the event refund.created"
        yield NotTaken(reason=reason, event_id=text(event, "id"))
    for refund in listed:
        yield _refund({"charge": text(charge, "id"), "payment_intent": at(charge, "payment_intent"), **refund})


def _refund(refund: Payload) -> Refund | NotTaken:
    status = text(refund, "status") or "succeeded"
    if status != "succeeded":
        return no_sale("stripe refund that is", status, _REFUNDS, text(refund, "id"))
    return _money_back(refund, "refund")


def _dispute(dispute: Payload) -> Refund | NotTaken:
    status = required_text(dispute, "status")
    if status != "lost":
        return no_sale("stripe dispute that is", status, _DISPUTES, text(dispute, "id"))
    return _money_back(dispute, "chargeback")


READERS: Mapping[str, Callable[[Payload], Refund | NotTaken]] = MappingProxyType(
    {"refund": _refund, "dispute": _dispute}
)


def _money_back(resource: Payload, kind: RefundKind) -> Refund:
    sale = text(resource, "payment_intent.id", "payment_intent", "charge.id", "charge")
    if sale is None:
        refuse("charge", "is missing")
    code = currency(resource, "currency")
    return Refund(
        gateway_event_id=required_text(resource, "id"),
        sale_key=sale,
        kind=kind,
        value=minor_amount(resource, "amount", decimals_of(code)),
        currency=code,
        occurred_at=moment_of_epoch(resource, "created", unit=timedelta(seconds=1)),
    )


def _list(found: object) -> list[object]:
    return found if isinstance(found, list) else []
