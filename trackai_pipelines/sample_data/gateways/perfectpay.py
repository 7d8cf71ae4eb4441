"""PerfectPay's webhooks: sales with the number of their state, Brasília's time and amounts in units."""

from random import Random

from trackai_pipelines.sample_data.refunds import MoneyBack
from trackai_pipelines.sample_data.stories import Row
from trackai_pipelines.sample_data.webhooks import (
    ADDRESSES,
    SECOND_MS,
    Payment,
    Webhook,
    brasilia,
    digits,
    random_code,
)

_CURRENCIES = {"BRL": 1, "USD": 2, "EUR": 3}
_UNPAID = ((1, "pending"), (5, "rejected"), (6, "cancelled"), (12, "precheckout"))
_WITH_A_PAYMENT = {2, 7, 9}
# Of a Brazilian phone number: the area, and the rest.
_AREA_DIGITS = 2


def _sale(payment: Payment, status: int, detail: str) -> Row:
    address, phone = ADDRESSES[payment.tenant.default_country], digits(payment.phone)
    return {
        "token": "7378fa24f96b38a3b1805d7a6887bc82",
        "code": payment.order_id,
        "sale_amount": float(payment.value),
        "currency_enum": _CURRENCIES[payment.tenant.currency],
        "coupon_code": None,
        "installments": 1,
        "installment_amount": float(payment.value),
        "payment_type_enum": 1,
        "quantity": 1,
        "sale_status_enum": status,
        "sale_status_detail": detail,
        "date_created": brasilia(payment.at_ms - 2 * SECOND_MS),
        "date_approved": brasilia(payment.at_ms) if status in _WITH_A_PAYMENT else None,
        "product": {"code": "PPPB5P8N", "name": payment.product, "external_reference": None, "guarantee": 7},
        "plan": {"code": "PPLQQIV7", "name": payment.product, "quantity": 1},
        "customer": {
            "customer_type_enum": 1,
            "full_name": payment.name,
            "email": payment.email,
            "identification_type": "CPF",
            "identification_number": "00000000000",
            "birthday": None,
            "phone_extension": payment.tenant.dial_code,
            "phone_area_code": phone[:_AREA_DIGITS],
            "phone_number": phone[_AREA_DIGITS:],
            "street_name": address.street,
            "street_number": address.number,
            "district": address.district,
            "zip_code": address.zip,
            "city": address.city,
            "state": address.state,
            "country": payment.tenant.default_country,
            "ip": payment.ip,
            "user_agent": payment.user_agent,
        },
        "metadata": {
            "src": payment.fbc,
            "utm_source": "meta",
            "utm_medium": "paid_social",
            "utm_campaign": payment.tenant.campaigns[0],
            "utm_term": None,
            "utm_content": None,
            "utm_perfect": payment.fbp,
        },
    }


def _paid(payment: Payment) -> Row:
    return _sale(payment, 2, "approved")


def _unpaid(payment: Payment, rng: Random) -> Row:
    return _sale(payment, *rng.choice(_UNPAID))


def _refunded(payment: Payment, back: MoneyBack, rng: Random) -> Row:
    return _sale(payment, 9, "charged_back") if back.kind == "chargeback" else _sale(payment, 7, "refunded")


WEBHOOK = Webhook(
    order_id=lambda rng: f"PPCP{random_code(rng, 10)}",
    event_id=lambda rng, order_id: f"{order_id}:2",
    paid=_paid,
    unpaid=_unpaid,
    refunded=_refunded,
)
