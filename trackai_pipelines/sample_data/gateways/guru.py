"""Digital Manager Guru's webhooks of transactions, with times in UTC and amounts in units."""

from random import Random

from trackai_pipelines.sample_data.refunds import MoneyBack
from trackai_pipelines.sample_data.stories import Row
from trackai_pipelines.sample_data.webhooks import (
    ADDRESSES,
    SECOND_MS,
    Payment,
    Webhook,
    digits,
    random_uuid,
    utc,
)

_UNPAID = ("waiting_payment", "canceled", "abandoned", "dispute", "expired")
_WITH_A_PAYMENT = {"approved", "refunded", "chargeback", "dispute"}


def _transaction(payment: Payment, status: str, canceled_at: int | None = None) -> Row:
    tenant, address = payment.tenant, ADDRESSES[payment.tenant.default_country]
    value = float(payment.value)
    return {
        "webhook_type": "transaction",
        "id": payment.order_id,
        "type": "producer",
        "status": status,
        "api_token": "mLjcoYLvhQkzeGsF",
        "checkout_url": f"https://example.com/{tenant.slug}/checkout",
        "contact": {
            "id": "9081534a-7512-4dab-9172-218c1dc1f263",
            "name": payment.name,
            "company_name": "",
            "email": payment.email,
            "doc": "00000000000",
            "phone_number": digits(payment.phone),
            "phone_local_code": tenant.dial_code,
            "address": address.street,
            "address_number": address.number,
            "address_comp": "",
            "address_district": address.district,
            "address_city": address.city,
            "address_state": address.state,
            "address_country": tenant.default_country,
            "address_zip_code": address.zip,
        },
        "payment": {
            "marketplace_name": "pagarme2",
            "method": "credit_card",
            "currency": tenant.currency,
            "total": value,
            "gross": value,
            "net": value,
            "installments": {"qty": 1, "value": value},
        },
        "product": {
            "id": "1587980452",
            "internal_id": "9081534a-0000-4dab-9172-218c1dc1f263",
            "name": payment.product,
            "type": "product",
            "qty": 1,
            "unit_value": value,
            "total_value": value,
        },
        "items": [],
        "dates": {
            "created_at": utc(payment.at_ms - 2 * SECOND_MS),
            "ordered_at": utc(payment.at_ms - 2 * SECOND_MS),
            "confirmed_at": utc(payment.at_ms) if status in _WITH_A_PAYMENT else None,
            "canceled_at": None if canceled_at is None else utc(canceled_at),
        },
        "infrastructure": {"ip": payment.ip, "host": "https://example.com", "user_agent": payment.user_agent},
        "source": {
            "source": payment.fbc,
            "checkout_source": payment.fbp,
            "utm_source": "meta",
            "utm_medium": "paid_social",
            "utm_campaign": tenant.campaigns[0],
            "utm_content": "",
            "utm_term": "",
            "pptc": [],
        },
    }


def _paid(payment: Payment) -> Row:
    return _transaction(payment, "approved")


def _unpaid(payment: Payment, rng: Random) -> Row:
    return _transaction(payment, rng.choice(_UNPAID))


def _refunded(payment: Payment, back: MoneyBack, rng: Random) -> Row:
    return _transaction(payment, "chargeback" if back.kind == "chargeback" else "refunded", back.at_ms)


WEBHOOK = Webhook(
    order_id=random_uuid,
    event_id=lambda rng, order_id: f"{order_id}:approved",
    paid=_paid,
    unpaid=_unpaid,
    refunded=_refunded,
)
