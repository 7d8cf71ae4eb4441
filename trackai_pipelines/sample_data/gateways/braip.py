"""Braip's postbacks: one object a change of a sale's state, with Brasília's time and amounts in cents."""

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

_PAID = ("2", "Pagamento Aprovado")
_CHARGED_BACK = ("4", "Chargeback")
_REFUNDED = ("5", "Devolvida")
_UNPAID = (("1", "Aguardando Pagamento"), ("3", "Cancelada"), ("6", "Em Análise"), ("7", "Estorno Pendente"))


def _postback(payment: Payment, state: tuple[str, str], changed_at: int) -> Row:
    tenant, address = payment.tenant, ADDRESSES[payment.tenant.default_country]
    code, status = state
    paid = state in {_PAID, _CHARGED_BACK, _REFUNDED}
    return {
        "basic_authentication": "51dfd96e1f6bc1ee6b2c4c6e0a6f4b9d",
        "type": "STATUS_ALTERADO",
        "currency": tenant.currency,
        "plan_name": payment.product,
        "plan_key": "pla6p3gr",
        "plan_amount": 1,
        "product_name": payment.product,
        "product_key": "pro9m4xe",
        "trans_createdate": brasilia(payment.at_ms - 2 * SECOND_MS),
        "trans_updatedate": brasilia(changed_at),
        "trans_key": payment.order_id,
        "trans_status": status,
        "trans_status_code": code,
        "trans_payment": 2,
        "trans_payment_date": brasilia(payment.at_ms) if paid else None,
        "trans_value": str(payment.cents),
        "trans_total_value": str(payment.cents),
        "trans_freight": "0",
        "trans_installments": "1",
        "trans_items": [
            {
                "product_key": "pro9m4xe",
                "product_name": payment.product,
                "plan_key": "pla6p3gr",
                "plan_name": payment.product,
                "plan_amount": 1,
                "plan_value": payment.cents,
            }
        ],
        "meta": {"src": "meta", "utm_campaign": tenant.campaigns[0], "fbc": payment.fbc, "fbp": payment.fbp},
        "client_name": payment.name,
        "client_email": payment.email,
        "client_cel": f"{tenant.dial_code} {digits(payment.phone)}",
        "client_documment": "00000000000",
        "client_address": address.street,
        "client_address_number": address.number,
        "client_address_comp": None,
        "client_address_district": address.district,
        "client_address_city": address.city,
        "client_address_state": address.state,
        "client_address_country": tenant.default_country,
        "client_zip_code": address.zip,
    }


def _paid(payment: Payment) -> Row:
    return _postback(payment, _PAID, payment.at_ms)


def _unpaid(payment: Payment, rng: Random) -> Row:
    return _postback(payment, rng.choice(_UNPAID), payment.at_ms)


def _refunded(payment: Payment, back: MoneyBack, rng: Random) -> Row:
    return _postback(payment, _CHARGED_BACK if back.kind == "chargeback" else _REFUNDED, back.at_ms)


WEBHOOK = Webhook(
    order_id=lambda rng: f"ven{random_code(rng, 10).lower()}",
    event_id=lambda rng, order_id: f"{order_id}:STATUS_ALTERADO",
    paid=_paid,
    unpaid=_unpaid,
    refunded=_refunded,
)
