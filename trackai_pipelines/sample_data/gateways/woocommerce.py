"""WooCommerce's webhooks: whole orders, sent again whenever they change, with a shop's own time next to UTC.

A refund is such a change. The order that lists it is the paid order once more.
"""

from random import Random

from trackai_pipelines.sample_data.refunds import MoneyBack
from trackai_pipelines.sample_data.stories import Row
from trackai_pipelines.sample_data.webhooks import ADDRESSES, SECOND_MS, Payment, Webhook, random_code
from trackai_pipelines.sample_data.world import moment

_HOUR_MS = 3_600_000
_UNPAID = ("pending", "on-hold", "cancelled", "failed", "checkout-draft")
_WITH_A_PAYMENT = {"processing", "refunded"}


def _order(payment: Payment, status: str, changed_at: int, refunds: list[Row]) -> Row:
    tenant, address = payment.tenant, ADDRESSES[payment.tenant.default_country]
    first_name, _, last_name = payment.name.partition(" ")
    dates = {
        "date_created": payment.at_ms - 2 * SECOND_MS,
        "date_modified": changed_at,
        "date_paid": payment.at_ms if status in _WITH_A_PAYMENT else None,
        "date_completed": None,
    }
    home = {
        "first_name": first_name,
        "last_name": last_name,
        "company": "",
        "address_1": f"{address.number} {address.street}",
        "address_2": "",
        "city": address.city,
        "state": address.state,
        "postcode": address.zip,
        "country": tenant.default_country,
        "phone": payment.phone,
    }
    return {
        "id": int(payment.order_id),
        "parent_id": 0,
        "number": payment.order_id,
        "order_key": payment.event_id,
        "created_via": "checkout",
        "version": "9.1.2",
        "status": status,
        "currency": tenant.currency,
        **{name: _written(at, tenant.utc_offset_hours) for name, at in dates.items()},
        **{f"{name}_gmt": _written(at, 0) for name, at in dates.items()},
        "discount_total": "0.00",
        "shipping_total": "0.00",
        "total": str(payment.value),
        "total_tax": "0.00",
        "prices_include_tax": True,
        "customer_id": 0,
        "customer_ip_address": payment.ip,
        "customer_user_agent": payment.user_agent,
        "customer_note": "",
        "billing": home | {"email": payment.email},
        "shipping": home,
        "payment_method": "bacs",
        "payment_method_title": "Direct bank transfer",
        "transaction_id": "",
        "meta_data": _notes({"_fbc": payment.fbc, "_fbp": payment.fbp, "is_vat_exempt": "no"}),
        "line_items": [
            {
                "id": 1,
                "name": payment.product,
                "product_id": 93,
                "variation_id": 0,
                "quantity": 1,
                "subtotal": str(payment.value),
                "total": str(payment.value),
                "price": float(payment.value),
            }
        ],
        "refunds": refunds,
    }


def _written(at_ms: int | None, offset_hours: int) -> str | None:
    return None if at_ms is None else moment(at_ms + offset_hours * _HOUR_MS).strftime("%Y-%m-%dT%H:%M:%S")


def _notes(values: dict[str, str | None]) -> list[Row]:
    return [{"id": n, "key": key, "value": value} for n, (key, value) in enumerate(values.items(), 1) if value]


def _paid(payment: Payment) -> Row:
    return _order(payment, "processing", payment.at_ms, [])


def _unpaid(payment: Payment, rng: Random) -> Row:
    return _order(payment, rng.choice(_UNPAID), payment.at_ms, [])


def _refunded(payment: Payment, back: MoneyBack, rng: Random) -> Row:
    refund = {"id": int(payment.order_id) + 1, "reason": "", "total": f"-{back.value}"}
    return _order(payment, "refunded", back.at_ms, [refund])


WEBHOOK = Webhook(
    order_id=lambda rng: str(rng.getrandbits(48)),
    event_id=lambda rng, order_id: f"wc_order_{random_code(rng, 13)}",
    paid=_paid,
    unpaid=_unpaid,
    refunded=_refunded,
    sale_in_refund=True,
)
