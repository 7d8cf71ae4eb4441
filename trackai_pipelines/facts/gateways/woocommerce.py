"""WooCommerce's orders, as its webhooks and its REST API send them.

An order's id is its shop's own and begins at 1 in each; its key is random, so that a tenant may have several shops.
"""

from collections.abc import Iterator, Mapping

from trackai_pipelines.facts.gateways.no_sale import NO_PAYMENT, NOT_PAID, NOT_PAID_YET, marked, no_sale
from trackai_pipelines.facts.gateways.payload import (
    amount,
    at,
    buyer,
    currency,
    moment,
    page_url,
    phone_in,
    required_text,
    shown,
    text,
)
from trackai_pipelines.facts.gateways.tracking import query_of, tracking_keys
from trackai_pipelines.facts.refund import Refund
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken

_PAID = {"processing", "completed", "refunded"}
# How an order came about, by `created_via`, where it was not on the shop's pages.
_PLACES = {
    "subscription": "system_generated",
    "pos": "physical_store",
    "pos-rest-api": "physical_store",
    "admin": "other",
}
# Where plugins note that they are in their test mode, and how. WooCommerce itself has no flag for it.
_TEST_MODES = {"_wcpay_mode": "test", "_ppcp_paypal_payment_mode": "sandbox"}
_STATUSES = {
    **dict.fromkeys(("pending", "on-hold"), NOT_PAID_YET),
    **dict.fromkeys(("cancelled", "failed", "trash"), NOT_PAID),
    **dict.fromkeys(("checkout-draft", "auto-draft"), NO_PAYMENT),
}
# The page on which the visit began, as WooCommerce's order attribution notes it.
_ENTRY = "_wc_order_attribution_session_entry"
_USER_AGENT = "_wc_order_attribution_user_agent"


def read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    """Yield the sale of a paid order, or why it is none. Raises MalformedPayload."""
    noted = _noted(payload)
    test = next((f"woocommerce {name} {mode}" for name, mode in _TEST_MODES.items() if noted.get(name) == mode), None)
    yield from marked(test, _read(payload, noted))


def _read(payload: Mapping[str, object], noted: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    if payload.keys() == {"webhook_id"}:
        yield NotTaken(reason=f"{NO_PAYMENT}: woocommerce's trial of a new webhook")
        return
    status, key = required_text(payload, "status"), text(payload, "order_key")
    if status not in _PAID:
        yield no_sale("woocommerce status", status, _STATUSES, key)
        return
    # Goods paid on delivery are processed before they are paid.
    if not text(payload, "date_paid_gmt", "date_paid"):
        reason = f"{NOT_PAID_YET}: woocommerce order that is {shown(status)} and has no date_paid"
        yield NotTaken(reason=reason, event_id=key)
        return
    key = required_text(payload, "order_key")
    keys = tracking_keys(noted, query_of(noted.get(_ENTRY)))
    yield Sale(
        gateway_event_id=key,
        sale_key=key,
        order_id=required_text(payload, "id"),
        value=amount(payload, "total"),
        currency=currency(payload, "currency"),
        occurred_at=moment(payload, "date_paid_gmt"),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        click_names=keys.names,
        click_ids=keys.click_ids,
        email=text(payload, "billing.email"),
        phone=phone_in(text(payload, "billing.phone"), text(payload, "billing.country")),
        buyer=buyer(
            at(payload, "billing"),
            first_name="first_name",
            last_name="last_name",
            city="city",
            state="state",
            zip="postcode",
            country="country",
        ),
        client_ip=at(payload, "customer_ip_address"),
        client_user_agent=text(payload, "customer_user_agent") or text(noted, _USER_AGENT),
        event_source_url=page_url(noted.get(_ENTRY)),
        action_source=_PLACES.get(text(payload, "created_via") or ""),
        contents=tuple(
            {
                "id": text(item, "product_id"),
                "quantity": item.get("quantity"),
                "price": item.get("price"),
                "title": text(item, "name"),
            }
            for item in _mappings(payload.get("line_items"))
            if text(item, "product_id")
        ),
    )
    # An order lists its refunds without their times: each is here before the order is changed again.
    for refund in _mappings(payload.get("refunds")):
        yield Refund(
            gateway_event_id=f"{key}:refund:{required_text(refund, 'id')}",
            original_event_id=key,
            sale_key=key,
            value=abs(amount(refund, "total")),
            currency=currency(payload, "currency"),
            occurred_at=moment(payload, "date_modified_gmt", "date_paid_gmt"),
        )


def _mappings(found: object) -> list[Mapping[str, object]]:
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _noted(payload: Mapping[str, object]) -> dict[str, object]:
    """What the shop and its plugins noted of the order, by name."""
    notes = payload.get("meta_data")
    return {
        note["key"]: note.get("value")
        for note in (notes if isinstance(notes, list) else [])
        if isinstance(note, Mapping) and isinstance(note.get("key"), str)
    }
