"""PayPal's webhooks, and the IPN messages that older shops still receive next to them, as forms.

An order's event knows the buyer and holds the capture, which is the sale; the message has the capture's id.
"""

from random import Random
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from trackai_pipelines.sample_data.refunds import MoneyBack
from trackai_pipelines.sample_data.stories import Row
from trackai_pipelines.sample_data.webhooks import (
    ADDRESSES,
    SECOND_MS,
    Payment,
    Webhook,
    digits,
    form,
    random_code,
    utc,
)
from trackai_pipelines.sample_data.world import moment

_API = "https://api.paypal.com"
# Where PayPal's clock stands.
_SAN_JOSE = ZoneInfo("America/Los_Angeles")
# The length of PayPal's ids.
_ID = 17


def _event(event_id: str, event: str, kind: str, summary: str, at_ms: int, resource: Row) -> Row:
    return {
        "id": event_id,
        "event_version": "1.0",
        "create_time": utc(at_ms),
        "resource_type": kind,
        "resource_version": "2.0",
        "event_type": event,
        "summary": summary,
        "resource": resource,
        "links": [_link("self", f"/v1/notifications/webhooks-events/{event_id}")],
    }


def _link(relation: str, path: str, method: str = "GET") -> Row:
    return {"href": f"{_API}{path}", "rel": relation, "method": method}


def _event_id(rng: Random) -> str:
    return f"WH-{random_code(rng, _ID)}-{random_code(rng, _ID)}"


def _keys(payment: Payment) -> str:
    """The keys as a shop's own page hands them on, in no more characters than PayPal lets through."""
    return urlencode({name: key for name, key in (("fbc", payment.fbc), ("fbp", payment.fbp)) if key})


def _amount(payment: Payment) -> Row:
    return {"currency_code": payment.tenant.currency, "value": str(payment.value)}


def _payer(payment: Payment) -> Row:
    address = ADDRESSES[payment.tenant.default_country]
    first_name, _, last_name = payment.name.partition(" ")
    return {
        "name": {"given_name": first_name, "surname": last_name},
        "email_address": payment.email,
        "payer_id": "QYR5Z8XDVJNXQ",
        "phone": {"phone_number": {"national_number": digits(payment.phone)}},
        "address": {
            "address_line_1": f"{address.number} {address.street}",
            "admin_area_2": address.city,
            "admin_area_1": address.state,
            "postal_code": address.zip,
            "country_code": payment.tenant.default_country,
        },
    }


def _paid(payment: Payment) -> Row:
    paid_at, capture = utc(payment.at_ms), payment.order_id
    # Ids of orders look like those of captures.
    order = capture[::-1]
    return _event(
        payment.event_id,
        "CHECKOUT.ORDER.COMPLETED",
        "checkout-order",
        "Checkout Order Completed",
        payment.at_ms + 3 * SECOND_MS,
        {
            "id": order,
            "intent": "CAPTURE",
            "status": "COMPLETED",
            "payer": _payer(payment),
            "purchase_units": [
                {
                    "reference_id": "default",
                    "custom_id": _keys(payment),
                    "amount": _amount(payment),
                    "payments": {
                        "captures": [
                            {
                                "id": capture,
                                "status": "COMPLETED",
                                "amount": _amount(payment),
                                "final_capture": True,
                                "seller_protection": {"status": "ELIGIBLE"},
                                "create_time": paid_at,
                                "update_time": paid_at,
                                "links": [_link("self", f"/v2/payments/captures/{capture}")],
                            }
                        ]
                    },
                }
            ],
            "create_time": utc(payment.at_ms - 2 * SECOND_MS),
            "update_time": paid_at,
            "links": [_link("self", f"/v2/checkout/orders/{order}")],
        },
    )


def _message(payment: Payment, rng: Random) -> tuple[str, bytes]:
    """The IPN message of the same payment. It names the event after the transaction."""
    address = ADDRESSES[payment.tenant.default_country]
    first_name, _, last_name = payment.name.partition(" ")
    message = form(
        {
            "mc_gross": payment.value,
            "protection_eligibility": "Eligible",
            "payer_id": "QYR5Z8XDVJNXQ",
            "payment_date": moment(payment.at_ms).astimezone(_SAN_JOSE).strftime("%H:%M:%S %b %d, %Y %Z"),
            "payment_status": "Completed",
            "charset": "UTF-8",
            "address_status": "confirmed",
            "address_street": f"{address.number} {address.street}",
            "address_zip": address.zip,
            "address_city": address.city,
            "address_state": address.state,
            "address_country_code": payment.tenant.default_country,
            "first_name": first_name,
            "last_name": last_name,
            "payer_email": payment.email,
            "contact_phone": payment.phone,
            "payer_status": "verified",
            "business": "contact@example.com",
            "notify_version": "3.9",
            "custom": _keys(payment),
            "quantity": 1,
            "txn_id": payment.order_id,
            "payment_type": "instant",
            "txn_type": "express_checkout",
            "item_name": payment.product,
            "mc_currency": payment.tenant.currency,
            "ipn_track_id": f"{rng.getrandbits(52):013x}",
        }
    )
    return payment.order_id, message


def _unpaid(payment: Payment, rng: Random) -> Row:
    event, status, summary = rng.choice(
        (
            ("PAYMENT.CAPTURE.PENDING", "PENDING", "Payment pending"),
            ("PAYMENT.CAPTURE.DENIED", "DECLINED", "Payment denied"),
        )
    )
    resource = {
        "id": payment.order_id,
        "status": status,
        "amount": _amount(payment),
        "custom_id": _keys(payment),
        "create_time": utc(payment.at_ms),
        "links": [_link("self", f"/v2/payments/captures/{payment.order_id}")],
    }
    return _event(payment.event_id, event, "capture", summary, payment.at_ms, resource)


def _refunded(payment: Payment, back: MoneyBack, rng: Random) -> Row:
    """A refund or a reversal; both are resources of their own, with a link up to the capture."""
    refund, currency = random_code(rng, _ID), payment.tenant.currency
    resource = {
        "id": refund,
        "status": "COMPLETED",
        "amount": {"currency_code": currency, "value": str(back.value)},
        "create_time": utc(back.at_ms),
        "update_time": utc(back.at_ms),
        "links": [
            _link("self", f"/v2/payments/refunds/{refund}"),
            _link("up", f"/v2/payments/captures/{payment.order_id}"),
        ],
    }
    verb = "reversed" if back.kind == "chargeback" else "refunded"
    summary = f"A {back.value} {currency} capture payment was {verb}"
    return _event(_event_id(rng), f"PAYMENT.CAPTURE.{verb.upper()}", "refund", summary, back.at_ms, resource)


WEBHOOK = Webhook(
    order_id=lambda rng: random_code(rng, _ID),
    event_id=lambda rng, order_id: _event_id(rng),
    paid=_paid,
    unpaid=_unpaid,
    second=_message,
    refunded=_refunded,
    in_parts=True,
)
