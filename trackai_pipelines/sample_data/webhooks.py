"""Payloads in the shape in which gateways send them: paid sales, and events that are no paid sale.

What belongs here: one builder for each gateway. What does not: reading them (`ingest.gateways`). Prices are in
cents where the gateway sends cents, times as exact as the gateway sends them.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from trackai_pipelines.sample_data.refunds import MoneyBack
from trackai_pipelines.sample_data.stories import Row
from trackai_pipelines.sample_data.world import SampleTenant, moment

_SECOND_MS = 1_000
_MINUTE_MS = 60_000
# Currencies without minor units among those of the world: Stripe's amounts are whole units there.
_ZERO_DECIMAL = frozenset({"JPY"})


@dataclass(frozen=True, slots=True)
class Payment:
    """What a gateway knows of a sale. `at_ms` is in milliseconds since 1970; e-mail and phone are raw."""

    tenant: SampleTenant
    event_id: str
    order_id: str
    at_ms: int
    value: Decimal
    product: str
    name: str
    email: str
    phone: str
    ip: str
    fbc: str | None
    fbp: str | None


@dataclass(frozen=True)
class Webhook:
    """How a gateway reports sales.

    Its times go in steps of `tick_ms`, and clicks keep `margin_ms` from the window's edges. `order_id` draws the id
    of a sale; `event_id` draws that of its event, or makes it of the order's. `paid` builds the payload of a sale,
    `unpaid` one of an event that is none, `second` a further paid event of the same sale under an id of its own,
    where the gateway has such, `refunded` the event that gives all of it back.
    """

    tick_ms: int
    margin_ms: int
    order_id: Callable[[Random], str]
    event_id: Callable[[Random, str], str]
    paid: Callable[[Payment], Row]
    unpaid: Callable[[Payment, Random], Row]
    second: Callable[[Payment, str], Row] | None = None
    refunded: Callable[[Payment, MoneyBack, Random], Row] | None = None


def _uuid(rng: Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _digits(phone: str) -> str:
    return "".join(sign for sign in phone if sign.isdigit())


def _hotmart_event(payment: Payment, event: str, status: str, *, event_id: str, delay_ms: int) -> Row:
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
                "order_date": payment.at_ms - 2 * _SECOND_MS,
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


def _hotmart_paid(payment: Payment) -> Row:
    return _hotmart_event(payment, "PURCHASE_APPROVED", "APPROVED", event_id=payment.event_id, delay_ms=2 * _SECOND_MS)


def _hotmart_second(payment: Payment, event_id: str) -> Row:
    return _hotmart_event(payment, "PURCHASE_COMPLETE", "COMPLETED", event_id=event_id, delay_ms=5 * _MINUTE_MS)


def _hotmart_refunded(payment: Payment, back: MoneyBack, rng: Random) -> Row:
    status = "CHARGEBACK" if back.kind == "chargeback" else "REFUNDED"
    delay = back.at_ms - payment.at_ms
    return _hotmart_event(payment, f"PURCHASE_{status}", status, event_id=_uuid(rng), delay_ms=delay)


def _hotmart_unpaid(payment: Payment, rng: Random) -> Row:
    event, status = rng.choice(
        (
            ("PURCHASE_BILLET_PRINTED", "BILLET_PRINTED"),
            ("PURCHASE_EXPIRED", "EXPIRED"),
            ("PURCHASE_CANCELED", "CANCELED"),
            ("PURCHASE_PROTEST", "DISPUTE"),
        )
    )
    return _hotmart_event(payment, event, status, event_id=payment.event_id, delay_ms=_SECOND_MS)


def _kiwify_order(payment: Payment, *, status: str, event: str) -> Row:
    shown = moment(payment.at_ms).strftime("%Y-%m-%d %H:%M")
    cents = int(payment.value * 100)
    currency = payment.tenant.currency
    return {
        "order_id": payment.order_id,
        "order_ref": payment.order_id[:7],
        "order_status": status,
        "product_type": "membership",
        "payment_method": "credit_card" if status == "paid" else "pix",
        "installments": 1,
        "created_at": shown,
        "updated_at": shown,
        "approved_date": shown if status == "paid" else None,
        "refunded_at": None,
        "webhook_event_type": event,
        "Product": {"product_id": "876ffb01-2305-480e-9b8f-13f16a35e53d", "product_name": payment.product},
        "Customer": {
            "full_name": payment.name,
            "first_name": payment.name.split()[0],
            "email": payment.email,
            "mobile": payment.tenant.dial_code + _digits(payment.phone),
            "ip": payment.ip,
        },
        "Commissions": {
            "charge_amount": cents,
            "product_base_price": cents,
            "product_base_price_currency": currency,
            "kiwify_fee": cents // 11,
            "kiwify_fee_currency": currency,
            "settlement_amount": cents,
            "settlement_amount_currency": currency,
            "currency": currency,
            "my_commission": cents - cents // 11,
        },
        "TrackingParameters": {
            "src": None,
            "sck": payment.fbc,
            "utm_source": "meta",
            "utm_medium": "paid_social",
            "utm_campaign": payment.tenant.campaigns[0],
            "utm_content": None,
            "utm_term": None,
            "s1": payment.fbp,
            "s2": None,
            "s3": None,
        },
    }


def _kiwify_paid(payment: Payment) -> Row:
    return _kiwify_order(payment, status="paid", event="order_approved")


def _kiwify_unpaid(payment: Payment, rng: Random) -> Row:
    status, event = rng.choice(
        (("waiting_payment", "pix_created"), ("waiting_payment", "billet_created"), ("refused", "order_rejected"))
    )
    return _kiwify_order(payment, status=status, event=event)


def _kiwify_refunded(payment: Payment, back: MoneyBack, rng: Random) -> Row:
    charged_back = back.kind == "chargeback"
    status, event = ("chargedback", "chargeback") if charged_back else ("refunded", "order_refunded")
    shown = moment(back.at_ms).strftime("%Y-%m-%d %H:%M")
    return _kiwify_order(payment, status=status, event=event) | {"refunded_at": shown, "updated_at": shown}


def _stripe_session(payment: Payment, *, event: str, status: str, payment_status: str) -> Row:
    currency = payment.tenant.currency
    amount = int(payment.value if currency in _ZERO_DECIMAL else payment.value * 100)
    created = payment.at_ms // _SECOND_MS
    tracking = {"fbc": payment.fbc, "fbp": payment.fbp}
    return {
        "id": payment.event_id,
        "object": "event",
        "api_version": "2024-06-20",
        "created": created,
        "data": {
            "object": {
                "id": payment.order_id,
                "object": "checkout.session",
                "amount_subtotal": amount,
                "amount_total": amount,
                "client_reference_id": None,
                "created": created,
                "currency": currency.lower(),
                "customer_details": {
                    "address": {"country": payment.tenant.default_country},
                    "email": payment.email,
                    "name": payment.name,
                    "phone": f"+{payment.tenant.dial_code}{_digits(payment.phone).lstrip('0')}",
                },
                "livemode": True,
                "metadata": {name: value for name, value in tracking.items() if value is not None},
                "mode": "payment",
                "payment_method_types": ["card"],
                "payment_status": payment_status,
                "status": status,
                "success_url": "https://example.com/success",
            }
        },
        "livemode": True,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": event,
    }


def _stripe_paid(payment: Payment) -> Row:
    return _stripe_session(payment, event="checkout.session.completed", status="complete", payment_status="paid")


def _stripe_unpaid(payment: Payment, rng: Random) -> Row:
    event, status = rng.choice((("checkout.session.completed", "complete"), ("checkout.session.expired", "expired")))
    return _stripe_session(payment, event=event, status=status, payment_status="unpaid")


WEBHOOKS: Mapping[str, Webhook] = {
    "hotmart": Webhook(
        tick_ms=1,
        margin_ms=0,
        order_id=lambda rng: f"HP{rng.getrandbits(53):016d}",
        event_id=lambda rng, order_id: _uuid(rng),
        paid=_hotmart_paid,
        unpaid=_hotmart_unpaid,
        second=_hotmart_second,
        refunded=_hotmart_refunded,
    ),
    "kiwify": Webhook(
        tick_ms=_MINUTE_MS,
        margin_ms=_MINUTE_MS,
        order_id=_uuid,
        event_id=lambda rng, order_id: f"{order_id}:order_approved",
        paid=_kiwify_paid,
        unpaid=_kiwify_unpaid,
        refunded=_kiwify_refunded,
    ),
    "stripe": Webhook(
        tick_ms=_SECOND_MS,
        margin_ms=_MINUTE_MS,
        order_id=lambda rng: f"cs_live_{rng.getrandbits(128):032x}",
        event_id=lambda rng, order_id: f"evt_{rng.getrandbits(96):024x}",
        paid=_stripe_paid,
        unpaid=_stripe_unpaid,
    ),
}
