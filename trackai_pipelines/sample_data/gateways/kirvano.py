"""Kirvano's webhooks: events of sales, with Brasília's time and prices as people write them."""

from decimal import Decimal
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
    random_uuid,
)

# Event, its description, the sale's state, how it is paid.
_UNPAID = (
    ("PIX_GENERATED", "PIX gerado", "PENDING", "PIX"),
    ("BANK_SLIP_GENERATED", "Boleto gerado", "PENDING", "BANK_SLIP"),
    ("SALE_REFUSED", "Compra recusada", "REFUSED", "CREDIT_CARD"),
    ("PIX_EXPIRED", "PIX expirado", "CANCELED", "PIX"),
)
_COMMA_FOR_POINT = str.maketrans(",.", ".,")


def _reais(value: Decimal) -> str:
    return f"R$ {value:,.2f}".translate(_COMMA_FOR_POINT)


def _sale(payment: Payment, event: str, description: str, status: str, method: str = "CREDIT_CARD") -> Row:
    address, price = ADDRESSES[payment.tenant.default_country], _reais(payment.value)
    paid = status in {"APPROVED", "REFUNDED", "CHARGEBACK"}
    return {
        "event": event,
        "event_description": description,
        "checkout_id": "Q8J1N6K3",
        "checkout_url": f"https://example.com/{payment.tenant.slug}/checkout",
        "sale_id": payment.order_id,
        "payment_method": method,
        "total_price": price,
        "type": "ONE_TIME",
        "status": status,
        "created_at": brasilia(payment.at_ms - 2 * SECOND_MS),
        "ip": payment.ip,
        "cookies": {"_fbc": payment.fbc, "_fbp": payment.fbp},
        "customer": {
            "name": payment.name,
            "document": "00000000000",
            "email": payment.email,
            "phone_number": payment.tenant.dial_code + digits(payment.phone),
            "address": {
                "street": address.street,
                "number": address.number,
                "district": address.district,
                "city": address.city,
                "state": address.state,
                "zipcode": address.zip,
            },
        },
        "payment": {
            "method": method,
            "brand": "visa",
            "installments": 1,
            "finished_at": brasilia(payment.at_ms) if paid else None,
        },
        "products": [
            {
                "id": "31aa8c9f-2d56-4b7d-9c07-5e1f0a2b3c4d",
                "name": payment.product,
                "offer_name": payment.product,
                "description": None,
                "price": price,
                "is_order_bump": False,
            }
        ],
        "utm": {
            "src": None,
            "utm_source": "meta",
            "utm_medium": "paid_social",
            "utm_campaign": payment.tenant.campaigns[0],
            "utm_term": None,
            "utm_content": None,
        },
    }


def _paid(payment: Payment) -> Row:
    return _sale(payment, "SALE_APPROVED", "Compra aprovada", "APPROVED")


def _unpaid(payment: Payment, rng: Random) -> Row:
    if rng.random() < 0.2:
        # A cart has no sale yet.
        cart = _sale(payment, "ABANDONED_CART", "Carrinho abandonado", "ABANDONED_CART")
        return {name: value for name, value in cart.items() if name != "sale_id"} | {"checkout_id": random_uuid(rng)}
    return _sale(payment, *rng.choice(_UNPAID))


def _refunded(payment: Payment, back: MoneyBack, rng: Random) -> Row:
    if back.kind == "chargeback":
        return _sale(payment, "SALE_CHARGEBACK", "Chargeback", "CHARGEBACK")
    return _sale(payment, "SALE_REFUNDED", "Compra reembolsada", "REFUNDED")


WEBHOOK = Webhook(
    order_id=lambda rng: random_code(rng, 10),
    event_id=lambda rng, order_id: f"{order_id}:SALE_APPROVED",
    paid=_paid,
    unpaid=_unpaid,
    refunded=_refunded,
)
