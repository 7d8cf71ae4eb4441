"""Ticto's webhooks, version 2: transactions with their state, Brasília's time and amounts in cents of BRL."""

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

_UNPAID = ("waiting_payment", "pix_created", "bank_slip_created", "refused", "pix_expired", "claimed", "abandoned_cart")
# What Ticto writes where it was told nothing.
_NOTHING = "Não Informado"
# Of a Brazilian phone number: the area, and the rest.
_AREA_DIGITS = 2


def _transaction(payment: Payment, status: str, changed_at: int) -> Row:
    tenant, address = payment.tenant, ADDRESSES[payment.tenant.default_country]
    phone = digits(payment.phone)
    return {
        "version": "2.0",
        "status": status,
        "status_date": brasilia(changed_at),
        "payment_method": "credit_card",
        "checkout_url": f"https://example.com/{tenant.slug}/checkout",
        "token": "AqmMaY4OjKCdxSwIk1bs",
        "commission_type": "producer",
        "marketplace_commission": payment.cents // 14,
        "order": {
            "id": 797057,
            "hash": f"TOC{payment.order_id[3:]}",
            "transaction_hash": payment.order_id,
            "paid_amount": payment.cents,
            "installments": 1,
            "order_date": brasilia(payment.at_ms - 2 * SECOND_MS),
        },
        "customer": {
            "type": "person",
            "is_foreign": False,
            "name": payment.name,
            "email": payment.email,
            "cpf": "00000000000",
            "cnpj": None,
            "phone": {"ddi": f"+{tenant.dial_code}", "ddd": phone[:_AREA_DIGITS], "number": phone[_AREA_DIGITS:]},
            "address": {
                "street": address.street,
                "street_number": address.number,
                "complement": None,
                "neighborhood": address.district,
                "city": address.city,
                "state": address.state,
                "zip_code": address.zip,
                "country": "Brasil",
            },
        },
        "item": {
            "product_name": payment.product,
            "product_id": 4774438,
            "offer_name": payment.product,
            "offer_id": 1,
            "offer_code": "O84ABA07F",
            "quantity": 1,
            "amount": payment.cents,
        },
        "transaction": {"hash": payment.order_id, "cards": []},
        "tracking": {
            "sck": payment.fbp or _NOTHING,
            "src": payment.fbc or _NOTHING,
            "utm_source": "meta",
            "utm_medium": "paid_social",
            "utm_campaign": tenant.campaigns[0],
            "utm_content": _NOTHING,
            "utm_term": _NOTHING,
        },
        "query_params": {"code": "O84ABA07F"},
        "subscriptions": [],
    }


def _paid(payment: Payment) -> Row:
    return _transaction(payment, "authorized", payment.at_ms)


def _unpaid(payment: Payment, rng: Random) -> Row:
    return _transaction(payment, rng.choice(_UNPAID), payment.at_ms)


def _refunded(payment: Payment, back: MoneyBack, rng: Random) -> Row:
    return _transaction(payment, "chargeback" if back.kind == "chargeback" else "refunded", back.at_ms)


WEBHOOK = Webhook(
    order_id=lambda rng: f"TPC{random_code(rng, 10)}",
    event_id=lambda rng, order_id: f"{order_id}:authorized",
    paid=_paid,
    unpaid=_unpaid,
    refunded=_refunded,
)
