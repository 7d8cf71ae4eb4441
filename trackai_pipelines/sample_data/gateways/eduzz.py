"""Eduzz's webhooks: events of the Developer Hub (version 3), and the flat invoices before them, as forms.

A product is moved from one to the other by itself: the last of a tenant's products still sends the old ones.
"""

from random import Random

from trackai_pipelines.sample_data.refunds import MoneyBack
from trackai_pipelines.sample_data.stories import Row
from trackai_pipelines.sample_data.webhooks import (
    ADDRESSES,
    SECOND_MS,
    Body,
    Payment,
    Webhook,
    brasilia,
    digits,
    form,
    random_number,
    utc,
)

# Event, the invoice's state in it, and both in the flat webhooks.
_PAID = ("invoice_paid", "paid", "invoice_paid", "3")
_REFUNDED = ("invoice_refunded", "refunded", "invoice_refunded", "7")
# The flat webhooks know no chargeback.
_CHARGED_BACK = ("invoice_chargeback", "chargeback", "invoice_refunded", "7")
_UNPAID = (
    ("invoice_opened", "opened", "invoice_open", "1"),
    ("invoice_canceled", "canceled", "invoice_canceled", "4"),
    ("invoice_expired", "expired", "invoice_expired", "10"),
    ("invoice_waiting_refund", "waitingRefund", "invoice_waiting_refund", "6"),
)


def _invoice(payment: Payment, state: tuple[str, str, str, str], sent_at: int) -> Body:
    event, status, flat_event, flat_status = state
    if payment.product == payment.tenant.products[-1]:
        return _flat(payment, flat_event, flat_status, sent_at)
    return _event(payment, event, status, sent_at)


def _event(payment: Payment, event: str, status: str, sent_at: int) -> Row:
    tenant, address = payment.tenant, ADDRESSES[payment.tenant.default_country]
    price = {"currency": tenant.currency, "value": float(payment.value)}
    paid = status in {"paid", "refunded", "chargeback", "waitingRefund"}
    return {
        "id": f"{payment.order_id}-{event}",
        "event": f"myeduzz.{event}",
        "sentDate": utc(sent_at),
        "data": {
            "id": payment.order_id,
            "status": status,
            "buyer": {
                "id": "77",
                "name": payment.name,
                "document": "00000000000",
                "email": payment.email,
                "phone": None,
                "phone2": None,
                "cellphone": f"+{tenant.dial_code}{digits(payment.phone)}",
                "address": {
                    "street": address.street,
                    "number": address.number,
                    "neighborhood": address.district,
                    "city": address.city,
                    "state": address.state,
                    "country": tenant.default_country,
                    "zipCode": address.zip,
                },
            },
            "producer": {"id": "1", "name": tenant.name, "email": "contact@example.com", "originSecret": "secret"},
            "utm": {"source": "meta", "campaign": tenant.campaigns[0], "medium": "paid_social", "content": None},
            "tracker": {"code1": payment.fbc, "code2": payment.fbp, "code3": None},
            "createdAt": utc(payment.at_ms - 2 * SECOND_MS),
            "paidAt": utc(payment.at_ms) if paid else None,
            "price": price,
            "paid": price if paid else None,
            "paymentMethod": "creditCard",
            "installments": 1,
            "checkoutUrl": f"https://example.com/{tenant.slug}/checkout",
            "items": [{"productId": "4774438", "name": payment.product, "price": price}],
            "contract": None,
        },
    }


def _flat(payment: Payment, event: str, status: str, sent_at: int) -> bytes:
    tenant, address = payment.tenant, ADDRESSES[payment.tenant.default_country]
    day, time = brasilia(payment.at_ms).split()
    created_day, created_time = brasilia(payment.at_ms - 2 * SECOND_MS).split()
    paid = status in {"3", "6", "7"}
    return form(
        {
            "type": "invoice",
            "origin_secret": "b1946ac92492d2347c6235b4d2611184",
            "event_name": event,
            "trans_cod": payment.order_id,
            "trans_status": status,
            "trans_value": payment.value,
            "trans_paid": payment.value if paid else 0,
            "trans_currency": tenant.currency,
            "trans_createdate": created_day.replace("-", ""),
            "trans_createtime": created_time,
            "trans_paiddate": day.replace("-", "") if paid else None,
            "trans_paidtime": time if paid else None,
            "trans_paymentmethod": 15,
            "refund_date": brasilia(sent_at).split()[0].replace("-", "") if status == "7" else None,
            "product_cod": 4774438,
            "product_name": payment.product,
            "cus_cod": 77,
            "cus_name": payment.name,
            "cus_email": payment.email,
            "cus_taxnumber": "00000000000",
            "cus_cel": digits(payment.phone),
            "cus_tel": None,
            "cus_address": address.street,
            "cus_address_number": address.number,
            "cus_address_district": address.district,
            "cus_address_city": address.city,
            "cus_address_state": address.state,
            "cus_address_country": tenant.default_country,
            "cus_address_zip_code": address.zip,
            "page_checkout_url": f"https://example.com/{tenant.slug}/checkout",
            "tracker_trk": payment.fbc,
            "tracker_trk2": payment.fbp,
            "tracker_trk3": None,
            "tracker_utm_source": "meta",
            "tracker_utm_campaign": tenant.campaigns[0],
            "tracker_utm_medium": "paid_social",
            "tracker_utm_content": None,
        }
    )


def _paid(payment: Payment) -> Body:
    return _invoice(payment, _PAID, payment.at_ms + 3 * SECOND_MS)


def _unpaid(payment: Payment, rng: Random) -> Body:
    return _invoice(payment, rng.choice(_UNPAID), payment.at_ms)


def _refunded(payment: Payment, back: MoneyBack, rng: Random) -> Body:
    return _invoice(payment, _CHARGED_BACK if back.kind == "chargeback" else _REFUNDED, back.at_ms)


WEBHOOK = Webhook(
    order_id=random_number,
    event_id=lambda rng, order_id: f"{order_id}:paid",
    paid=_paid,
    unpaid=_unpaid,
    refunded=_refunded,
)
