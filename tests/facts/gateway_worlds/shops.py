"""Shopify and WooCommerce, by their documentation: Order resource, Refund, Dispute; REST API, Orders, and Webhooks.

Both send snapshots of an order: whichever arrives first, it was paid once, and each holds the refunds so far.
"""

from datetime import timedelta, timezone

from facts.gateway_worlds.life import (
    ASKED,
    NOT_PAID,
    NOT_YET,
    NOTHING,
    UNDECIDED,
    Document,
    Life,
    Payload,
    Returned,
    Sold,
    clock,
    iso,
    money,
    nothing,
)

_EASTERN = timedelta(hours=-5)
_UTC, _LISBON = timezone(timedelta()), timezone(timedelta(hours=1))


def shopify(life: Life) -> list[Document]:
    """The order's own events, a refund's, and a dispute's."""
    order_id, currency = 450789000 + life.number, ("USD", "BRL", "EUR")[life.shape % 3]
    source_name, place = (("web", None), ("pos", "physical_store"), ("subscription_contract", "system_generated"))[
        life.shape // 3 % 3
    ]

    def order(status: str, refunds: list[Payload]) -> Payload:
        payload: Payload = {
            "id": order_id,
            "name": f"#{1000 + life.number}",
            "financial_status": status,
            "test": life.test,
            "total_price": str(money(life.cents)),
            "current_total_price": "0.00" if status == "refunded" else str(money(life.cents)),
            "currency": currency,
            "created_at": iso(life.later(-1)),
            "processed_at": (life.at + _EASTERN).strftime("%Y-%m-%dT%H:%M:%S-05:00"),
            "email": f"buyer{life.number}@example.com",
            "source_name": source_name,
            "line_items": [{"id": 1, "product_id": 632910392, "quantity": 1, "price": "1.00", "title": "Shirt"}],
            "refunds": refunds,
        }
        return {"order": payload} if life.shape % 2 else payload

    def sold() -> Sold:
        return Sold(str(order_id), str(order_id), money(life.cents), currency, life.at, place, test=life.test)

    found: list[Document] = []
    if life.waited:
        found.append(nothing(NOT_YET, order(("pending", "authorized", "partially_paid")[life.shape % 3], [])))
    if not life.paid:
        return [*found, nothing(NOT_PAID, order("voided", []))]
    found.append(Document(order("paid", []), (sold(),)))
    refunds: list[Payload] = []
    returned: list[Returned] = []
    for number, kind, cents in life.amounts_back:
        at = life.later(number + 1)
        if kind == "chargeback":
            continue
        transactions = [
            {"kind": "refund", "status": "success", "amount": str(money(part)), "currency": currency, "test": life.test}
            for part in (cents - cents // 4, cents // 4)
            if part
        ]
        failed = {"kind": "refund", "status": "failure", "amount": str(money(cents)), "currency": currency}
        refund: Payload = {
            "id": 509562000 + 10 * life.number + number,
            "order_id": order_id,
            "created_at": iso(at),
            "processed_at": iso(at),
            "transactions": [*transactions, failed],
        }
        refunds.append(refund)
        returned.append(Returned(f"refund:{refund['id']}", str(order_id), money(cents), currency, at, test=life.test))
        left = life.cents - sum(one for place, _, one in life.amounts_back if place <= number)
        found.append(Document(order("partially_refunded" if left else "refunded", [*refunds]), (sold(), *returned)))
        found.append(Document(refund, (returned[-1],)))
    if "asked" in life.back:
        pending = {
            "id": 700000 + life.number,
            "order_id": order_id,
            "created_at": iso(life.later(1)),
            "transactions": [],
        }
        found.append(nothing("refund: ", pending))
        found.append(Document(order("paid", [pending]), (sold(),), "refund: "))
    # Nobody disputes what nobody paid.
    return found if life.test else [*found, *_disputes(life, str(order_id), currency)]


def _disputes(life: Life, order_id: str, currency: str) -> list[Document]:
    lost = [(place, cents) for place, kind, cents in life.amounts_back if kind == "chargeback"]
    cents = lost[0][1] if lost else life.cents
    dispute: Payload = {
        "id": 8000 + life.number,
        "order_id": int(order_id),
        "type": "chargeback",
        "amount": str(money(cents)),
        "currency": currency,
        "initiated_at": iso(life.later(2)),
        "evidence_due_by": iso(life.later(9)),
        "finalized_on": None,
    }
    found = []
    if lost or "won" in life.back:
        found.append(nothing(UNDECIDED, dispute | {"status": "needs_response"}))
    if "asked" in life.back:
        found.append(nothing(ASKED, dispute | {"id": 9000 + life.number, "type": "inquiry", "status": "under_review"}))
    if lost:
        at = life.later(lost[0][0] + 3)
        returned = Returned(f"dispute:{dispute['id']}", order_id, money(cents), currency, at, "chargeback")
        found.append(Document(dispute | {"status": "lost", "finalized_on": iso(at)}, (returned,)))
    elif "won" in life.back:
        found.append(nothing(NOTHING, dispute | {"status": "won", "finalized_on": iso(life.later(5))}))
    return found


def woocommerce(life: Life) -> list[Document]:
    """The order in each of its states. Its key is unique; its id counts from 1 in every shop of a tenant."""
    key = f"wc_order_{life.number:06}"
    currency, decimals = (("EUR", 2), ("BRL", 2), ("JPY", 0))[life.shape % 3]
    created, place = (("checkout", None), ("subscription", "system_generated"), ("admin", "other"))[life.shape // 3 % 3]

    def order(status: str, modified: float, refunds: list[Payload], *, paid: bool = True) -> Payload:
        return {
            # Two shops.
            "id": 1 + life.number // 2,
            "order_key": key,
            "created_via": created,
            "status": status,
            "currency": currency,
            "date_created_gmt": clock(life.later(-1), _UTC).replace(" ", "T"),
            "date_modified_gmt": clock(life.later(modified), _UTC).replace(" ", "T"),
            "date_paid": clock(life.at, _LISBON).replace(" ", "T") if paid else None,
            "date_paid_gmt": clock(life.at, _UTC).replace(" ", "T") if paid else None,
            "total": str(money(life.cents, decimals)),
            "billing": {"first_name": "Ana", "email": f"buyer{life.number}@example.com"},
            "meta_data": [{"id": 1, "key": "_wcpay_mode", "value": "test" if life.test else "prod"}],
            "line_items": [{"id": 1, "name": "Shirt", "product_id": 93, "quantity": 1}],
            "refunds": refunds,
        }

    def sold() -> Sold:
        return Sold(key, key, money(life.cents, decimals), currency, life.at, place, test=life.test)

    found: list[Document] = []
    if life.waited:
        # Goods to be paid on delivery are processed before.
        status = ("pending", "on-hold", "processing")[life.shape % 3]
        found.append(nothing(NOT_YET, order(status, -1, [], paid=False)))
    if not life.paid:
        return [*found, nothing(NOT_PAID, order(("cancelled", "failed")[life.shape % 2], 1, [], paid=False))]
    found += [Document(order(status, 0, []), (sold(),)) for status in ("processing", "completed")]
    refunds: list[Payload] = []
    amounts = life.amounts_back
    for count, (number, _, cents) in enumerate(amounts, 1):
        refunds.append({"id": 10 * life.number + number, "reason": "", "total": f"-{money(cents, decimals)}"})
        left = life.cents - sum(one for _, _, one in amounts[:count])
        # Of each refund only the time of the snapshot is known.
        at = life.later(number + 1)
        told = [
            Returned(
                f"{key}:refund:{10 * life.number + place}", key, money(one, decimals), currency, at, test=life.test
            )
            for place, _, one in amounts[:count]
        ]
        found.append(Document(order("completed" if left else "refunded", number + 1, [*refunds]), (sold(), *told)))
    if life.moves:
        found.append(nothing(NOTHING, {"webhook_id": str(life.number)}, form=True))
        found.append(nothing(NOTHING, order("checkout-draft", -1, [], paid=False)))
    return found
