"""Stripe's webhooks: checkout sessions in their events, times in seconds and amounts in minor units."""

from random import Random

from trackai_pipelines.sample_data.stories import Row
from trackai_pipelines.sample_data.webhooks import SECOND_MS, Payment, Webhook, digits

_MINUTE_MS = 60_000
# Currencies without minor units among those of the world: amounts are whole units there.
_ZERO_DECIMAL = frozenset({"JPY"})


def _session(payment: Payment, *, event: str, status: str, payment_status: str) -> Row:
    currency = payment.tenant.currency
    amount = int(payment.value if currency in _ZERO_DECIMAL else payment.value * 100)
    created = payment.at_ms // SECOND_MS
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
                    "phone": f"+{payment.tenant.dial_code}{digits(payment.phone).lstrip('0')}",
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


def _paid(payment: Payment) -> Row:
    return _session(payment, event="checkout.session.completed", status="complete", payment_status="paid")


def _unpaid(payment: Payment, rng: Random) -> Row:
    event, status = rng.choice((("checkout.session.completed", "complete"), ("checkout.session.expired", "expired")))
    return _session(payment, event=event, status=status, payment_status="unpaid")


WEBHOOK = Webhook(
    margin_ms=_MINUTE_MS,
    order_id=lambda rng: f"cs_live_{rng.getrandbits(128):032x}",
    event_id=lambda rng, order_id: f"evt_{rng.getrandbits(96):024x}",
    paid=_paid,
    unpaid=_unpaid,
)
