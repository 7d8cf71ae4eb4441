"""Kiwify's webhooks: orders with their state, times to the minute and amounts in cents."""

from random import Random

from trackai_pipelines.sample_data.refunds import MoneyBack
from trackai_pipelines.sample_data.stories import Row
from trackai_pipelines.sample_data.webhooks import Payment, Webhook, digits, random_uuid
from trackai_pipelines.sample_data.world import moment

_MINUTE_MS = 60_000


def _order(payment: Payment, *, status: str, event: str) -> Row:
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
            "mobile": payment.tenant.dial_code + digits(payment.phone),
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


def _paid(payment: Payment) -> Row:
    return _order(payment, status="paid", event="order_approved")


def _unpaid(payment: Payment, rng: Random) -> Row:
    status, event = rng.choice(
        (("waiting_payment", "pix_created"), ("waiting_payment", "billet_created"), ("refused", "order_rejected"))
    )
    return _order(payment, status=status, event=event)


def _refunded(payment: Payment, back: MoneyBack, rng: Random) -> Row:
    charged_back = back.kind == "chargeback"
    status, event = ("chargedback", "chargeback") if charged_back else ("refunded", "order_refunded")
    shown = moment(back.at_ms).strftime("%Y-%m-%d %H:%M")
    return _order(payment, status=status, event=event) | {"refunded_at": shown, "updated_at": shown}


WEBHOOK = Webhook(
    tick_ms=_MINUTE_MS,
    margin_ms=_MINUTE_MS,
    order_id=random_uuid,
    event_id=lambda rng, order_id: f"{order_id}:order_approved",
    paid=_paid,
    unpaid=_unpaid,
    refunded=_refunded,
)
