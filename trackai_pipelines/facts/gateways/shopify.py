"""Shopify's orders, as its webhooks and its REST API send them (bare, or wrapped in `order`), refunds and disputes.

An order is a snapshot: the first that arrives may be refunded already. It was paid before, so it is a sale of its whole
price, and its refunds are told next to it.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from urllib.parse import urlsplit

from trackai_pipelines.facts.gateways.no_sale import (
    CHARGEBACK,
    NO_PAYMENT,
    NOT_PAID,
    NOT_PAID_YET,
    REFUND,
    REFUND_ASKED_FOR,
    marked,
    no_sale,
)
from trackai_pipelines.facts.gateways.payload import (
    amount,
    at,
    buyer,
    currency,
    first,
    moment,
    page_url,
    phone_in,
    required_text,
    text,
)
from trackai_pipelines.facts.gateways.tracking import named_values, query_of, tracking_keys
from trackai_pipelines.facts.refund import Refund
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken

_PAID = {"paid", "partially_refunded", "refunded"}
_STATUSES = {
    **dict.fromkeys(("pending", "authorized", "partially_paid", "unpaid"), NOT_PAID_YET),
    **dict.fromkeys(("voided", "expired"), NOT_PAID),
}
# Where an order was made, by `source_name`. A draft is an order that staff wrote down, for a call or a chat.
_PLACES = {
    "pos": "physical_store",
    "subscription_contract": "system_generated",
    "subscription_contract_checkout_one": "system_generated",
    "shopify_draft_order": "other",
}
_ADDRESSES = ("billing_address", "customer.default_address", "shipping_address")
_BOGUS = "bogus"
_DISPUTES = {
    **dict.fromkeys(("needs_response", "under_review", "accepted_pending"), f"{CHARGEBACK}: not decided"),
    **dict.fromkeys(("won", "charge_refunded", "prevented"), NO_PAYMENT),
}
_LOST = {"lost", "accepted"}


def read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    """Yield the sale of a paid order and its refunds, or what else it is. Raises MalformedPayload."""
    wrapped = payload.get("order")
    order = wrapped if isinstance(wrapped, Mapping) else payload
    yield from marked(_test(order), _read(order))


def _test(order: Mapping[str, object]) -> str | None:
    if order.get("test") is True:
        return "shopify order with test true"
    names = order.get("payment_gateway_names")
    gateways = [order.get("gateway"), *(names if isinstance(names, list) else [])]
    if any(isinstance(name, str) and _BOGUS in name.lower() for name in gateways):
        return "shopify order paid with the bogus gateway"
    if any(transaction.get("test") is True for transaction in _mappings(order.get("transactions"))):
        return "shopify transaction with test true"
    return None


def _read(order: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    if "order_id" in order and "financial_status" not in order:
        yield _dispute(order) if "evidence_due_by" in order else _refund(order, required_text(order, "order_id"), order)
        return
    status = required_text(order, "financial_status")
    if status not in _PAID:
        yield no_sale("shopify order that is", status, _STATUSES, text(order, "id"))
        return
    yield _sale(order)
    for refund in _mappings(order.get("refunds")):
        yield _refund(refund, required_text(order, "id"), order)


def _sale(order: Mapping[str, object]) -> Sale:
    order_id = required_text(order, "id")
    landing_site = _whole(at(order, "landing_site"), text(order, "order_status_url"))
    # What the shop notes down at checkout is nearer to the sale than the page the visit began on.
    keys = tracking_keys(named_values(at(order, "note_attributes")), query_of(landing_site))
    # One address as a whole: a gift is shipped to somebody else, so that shipping comes last.
    home = next((place for place in _ADDRESSES if text(order, f"{place}.country_code")), _ADDRESSES[0])
    return Sale(
        gateway_event_id=order_id,
        order_id=order_id,
        value=amount(order, "total_price"),
        currency=currency(order, "currency"),
        occurred_at=moment(order, "processed_at", "created_at"),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        click_names=keys.names,
        click_ids=keys.click_ids,
        email=text(order, "email", "contact_email", "customer.email"),
        phone=phone_in(
            text(order, "phone", "customer.phone", *(f"{place}.phone" for place in _ADDRESSES)),
            text(order, f"{home}.country_code"),
        ),
        buyer=buyer(
            order,
            first_name=("customer.first_name", "billing_address.first_name", "shipping_address.first_name"),
            last_name=("customer.last_name", "billing_address.last_name", "shipping_address.last_name"),
            city=f"{home}.city",
            state=(f"{home}.province_code", f"{home}.province"),
            zip=f"{home}.zip",
            country=(f"{home}.country_code", f"{home}.country"),
        ),
        client_ip=first(order, "client_details.browser_ip", "browser_ip")[1],
        client_user_agent=text(order, "client_details.user_agent"),
        event_source_url=page_url(landing_site),
        action_source=_PLACES.get(text(order, "source_name") or ""),
        contents=tuple(
            {
                "id": text(item, "product_id", "sku", "variant_id"),
                "quantity": item.get("quantity"),
                "price": item.get("price"),
                "title": text(item, "title", "name"),
            }
            for item in _mappings(order.get("line_items"))
            if text(item, "product_id", "sku", "variant_id")
        ),
    )


def _refund(refund: Mapping[str, object], order_id: str, order: Mapping[str, object]) -> Refund | NotTaken:
    """The refund by its transactions: what was given back, rather than what was sold."""
    refund_id = required_text(refund, "id")
    event_id = f"refund:{refund_id}"
    transactions = [
        transaction
        for transaction in _mappings(refund.get("transactions"))
        if text(transaction, "kind") == "refund" and text(transaction, "status") == "success"
    ]
    if not transactions:
        reason = f"{REFUND}: without a transaction that succeeded, how much went back is not stated"
        return NotTaken(reason=reason, event_id=event_id)
    code = "currency" if text(transactions[0], "currency") else None
    return Refund(
        gateway_event_id=event_id,
        original_event_id=order_id,
        order_id=order_id,
        value=sum((amount(transaction, "amount") for transaction in transactions), Decimal()),
        currency=currency(transactions[0], "currency") if code else currency(order, "currency"),
        occurred_at=moment(refund, "processed_at", "created_at"),
    )


def _dispute(dispute: Mapping[str, object]) -> Refund | NotTaken:
    order_id, status = required_text(dispute, "order_id"), required_text(dispute, "status")
    event_id = f"dispute:{required_text(dispute, 'id')}"
    if text(dispute, "type") == "inquiry":
        return NotTaken(reason=f"{REFUND_ASKED_FOR}: shopify inquiry", event_id=event_id)
    if status not in _LOST:
        return no_sale("shopify dispute", status, _DISPUTES, event_id)
    return Refund(
        gateway_event_id=event_id,
        original_event_id=order_id,
        order_id=order_id,
        kind="chargeback",
        value=amount(dispute, "amount"),
        currency=currency(dispute, "currency"),
        occurred_at=moment(dispute, "finalized_on", "initiated_at"),
    )


def _whole(landing_site: object, order_status_url: str | None) -> object:
    """The landing page as a web address: it is a path, and the shop's host stands where the buyer follows the order."""
    if not isinstance(landing_site, str) or not landing_site.startswith("/") or not order_status_url:
        return landing_site
    try:
        shop = urlsplit(order_status_url)
    except ValueError:
        return landing_site
    return f"{shop.scheme}://{shop.netloc}/{landing_site.lstrip('/')}" if shop.netloc else landing_site


def _mappings(found: object) -> list[Mapping[str, object]]:
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []
