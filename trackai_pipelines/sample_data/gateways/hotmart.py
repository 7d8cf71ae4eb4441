"""Hotmart's webhooks, version 2.0.0: events of purchases, with times in milliseconds and amounts in units."""

from random import Random

from trackai_pipelines.sample_data.refunds import MoneyBack
from trackai_pipelines.sample_data.stories import Row
from trackai_pipelines.sample_data.webhooks import SECOND_MS, Payment, Webhook, random_uuid

_MINUTE_MS = 60_000


def _event(payment: Payment, event: str, status: str, *, event_id: str, delay_ms: int) -> Row:
    price = {"value": float(payment.value), "currency_value": payment.tenant.currency}
    first_name, _, last_name = payment.name.partition(" ")
    return {
        "id": event_id,
        "creation_date": payment.at_ms + delay_ms,
        "event": event,
        "version": "2.0.0",
        "data": {
            "product": {"id": 4774438, "name": payment.product, "has_co_production": False},
            "buyer": {
                "email": payment.email,
                "name": payment.name,
                "first_name": first_name,
                "last_name": last_name,
                "checkout_phone_code": payment.tenant.dial_code,
                "checkout_phone": payment.phone,
                "address": {"country": "Brasil", "country_iso": payment.tenant.default_country},
            },
            "producer": {"name": payment.tenant.name, "legal_nature": "Pessoa Jurídica"},
            "purchase": {
                "approved_date": payment.at_ms if status in ("APPROVED", "COMPLETED") else None,
                "full_price": price,
                "price": price,
                "original_offer_price": price,
                "order_date": payment.at_ms - 2 * SECOND_MS,
                "status": status,
                "transaction": payment.order_id,
                "payment": {"installments_number": 1, "type": "CREDIT_CARD"},
                "offer": {"code": "mkt01"},
                "origin": {"src": "meta", "sck": payment.fbc, "xcod": payment.fbp},
                "is_funnel": False,
                "business_model": "I",
            },
        },
    }


def _paid(payment: Payment) -> Row:
    return _event(payment, "PURCHASE_APPROVED", "APPROVED", event_id=payment.event_id, delay_ms=2 * SECOND_MS)


def _second(payment: Payment, rng: Random) -> tuple[str, Row]:
    event_id = random_uuid(rng)
    return event_id, _event(payment, "PURCHASE_COMPLETE", "COMPLETED", event_id=event_id, delay_ms=5 * _MINUTE_MS)


def _refunded(payment: Payment, back: MoneyBack, rng: Random) -> Row:
    status = "CHARGEBACK" if back.kind == "chargeback" else "REFUNDED"
    delay = back.at_ms - payment.at_ms
    return _event(payment, f"PURCHASE_{status}", status, event_id=random_uuid(rng), delay_ms=delay)


def _unpaid(payment: Payment, rng: Random) -> Row:
    event, status = rng.choice(
        (
            ("PURCHASE_BILLET_PRINTED", "BILLET_PRINTED"),
            ("PURCHASE_EXPIRED", "EXPIRED"),
            ("PURCHASE_CANCELED", "CANCELED"),
            ("PURCHASE_PROTEST", "DISPUTE"),
        )
    )
    return _event(payment, event, status, event_id=payment.event_id, delay_ms=SECOND_MS)


WEBHOOK = Webhook(
    tick_ms=1,
    margin_ms=0,
    order_id=lambda rng: f"HP{rng.getrandbits(53):016d}",
    event_id=lambda rng, order_id: random_uuid(rng),
    paid=_paid,
    unpaid=_unpaid,
    second=_second,
    refunded=_refunded,
)
