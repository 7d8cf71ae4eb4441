"""Mercado Pago, by its documentation: Payments; Payment status; Orders, Order status.

Both the payment and the order of the Orders API are read as they are now: snapshots, each with the refunds so far.
"""

from datetime import timedelta

from facts.gateway_worlds.life import (
    MOVES,
    NOT_PAID,
    NOT_YET,
    NOTHING,
    Document,
    Life,
    Payload,
    Returned,
    Sold,
    iso,
    money,
    nothing,
)


def mercadopago(life: Life) -> list[Document]:
    """A payment, or an order of the Orders API, or both of one sale."""
    shape = life.shape % 4
    if life.moves:
        return _moves(life)
    found = _order(life) if shape in {2, 3} else []
    return found if shape == 3 else [*found, *_payment(life)]


def _payment(life: Life) -> list[Document]:
    number, currency, of_order = 1300000000 + life.number, _currency(life), life.shape % 4 == 2
    operation, place = (("regular_payment", None), (None, None), ("pos_payment", "physical_store"))[life.shape // 4 % 3]

    def payment(status: str, detail: str, days: float, **fields: object) -> Payload:
        return {
            "id": number,
            "status": status,
            "status_detail": detail,
            "operation_type": operation,
            "live_mode": not life.test or life.shape % 2 == 0,
            "transaction_amount": float(money(life.cents)),
            "currency_id": currency,
            "date_created": iso(life.later(-1)),
            "date_approved": iso(life.at) if status not in {"pending", "rejected", "cancelled"} else None,
            "date_last_updated": iso(life.later(days)),
            "collector_id": 99,
            "external_reference": "curso",
            # With the credentials of test users the mode is live.
            "payer": {"id": "7", "email": f"buyer{life.number}@{'testuser' if life.test else 'example'}.com"},
            "order": {"id": _order_id(life)} if of_order else {"id": "4945357007", "type": "mercadopago"},
            "refunds": [],
        } | fields

    def sold() -> Sold:
        key = _order_id(life) if of_order else str(number)
        names = frozenset({key, str(number)})
        return Sold(key, str(number), money(life.cents), currency, life.at, place, names, test=life.test)

    found: list[Document] = []
    if life.waited:
        found.append(nothing(NOT_YET, payment("pending", "pending_waiting_payment", -1)))
        notice = {"action": "payment.updated", "type": "payment", "data": {"id": str(number)}, "id": life.number}
        found.append(nothing("not a sale: ", notice))
    if not life.paid:
        status = ("rejected", "cancelled")[life.shape % 2]
        return [*found, nothing(NOT_PAID, payment(status, "expired", 0))]
    found.append(Document(payment("approved", "accredited", 0), (sold(),)))
    listed: list[Payload] = []
    returned: list[Returned] = []
    left = life.cents
    for place_of_it, kind, cents in life.amounts_back:
        if kind == "chargeback":
            continue
        at = life.later(place_of_it + 1)
        refund = {"id": 10 * life.number + place_of_it, "payment_id": number, "amount": float(money(cents))}
        listed.append(refund | {"status": "approved", "date_created": iso(at)})
        returned.append(Returned(f"refund:{refund['id']}", str(number), money(cents), currency, at, test=life.test))
        left -= cents
        status, detail = ("approved", "partially_refunded") if left else ("refunded", "refunded")
        # One that did not come about is listed, too.
        rejected = refund | {"id": 5, "status": "rejected", "date_created": iso(at)}
        snapshot = payment(status, detail, place_of_it + 1, refunds=[*listed, rejected])
        found.append(Document(snapshot, (sold(), *returned)))
    if "disputed" in life.back:
        found.append(Document(payment("in_mediation", "pending", 2, refunds=listed), (sold(), *returned)))
    if "won" in life.back:
        snapshot = payment("charged_back", "reimbursed", 4, refunds=listed)
        found.append(Document(snapshot, (sold(), *returned)))
    elif _charged_back(life):
        lost = Returned(
            f"{sold().key}:chargeback", str(number), money(life.cents), currency, life.later(5), "chargeback", life.test
        )
        found.append(Document(payment("charged_back", "settled", 5), (sold(), lost)))
    return found


def _order(life: Life) -> list[Document]:
    order, currency = _order_id(life), _currency(life)
    kind, place = (("online", None), ("point", "physical_store"))[life.shape // 4 % 2]
    created = life.at - timedelta(minutes=1)

    def snapshot(status: str, detail: str, days: float, refunds: list[Payload]) -> Payload:
        return {
            "id": order,
            "type": kind,
            "status": status,
            "status_detail": detail,
            "external_reference": "pedido",
            "total_amount": str(money(life.cents)),
            "total_paid_amount": str(money(life.cents)) if status != "created" else None,
            "country_code": {"ARS": "ARG", "BRL": "BRA", "MXN": "MEX"}[currency],
            "created_date": iso(created),
            "last_updated_date": iso(life.later(days)),
            "live_mode": not life.test,
            "payer": {"email": f"buyer{life.number}@example.com"},
            "transactions": {
                "payments": [{"id": f"PAY01J{life.number}", "status": status, "amount": str(money(life.cents))}],
                "refunds": refunds,
            },
        }

    def sold(*, first: bool) -> Sold:
        # Once it was changed again, the time of the payment is no longer there.
        at = life.at if first else created
        return Sold(order, order, money(life.cents), currency, at, place, frozenset({order}), test=life.test)

    found: list[Document] = []
    if life.waited:
        found.append(nothing(NOT_YET, snapshot("action_required", "waiting_payment", -1, [])))
    if not life.paid:
        return [*found, nothing(NOT_PAID, snapshot("canceled", "canceled", 0, []))]
    found.append(Document(snapshot("processed", "accredited", 0, []), (sold(first=True),)))
    lost = Returned(f"{order}:chargeback", order, money(life.cents), currency, life.later(5), "chargeback", life.test)
    charged_back = Document(snapshot("charged_back", "settled", 5, []), (sold(first=False), lost))
    if life.shape % 4 == 2:
        # Refunds of a part have other ids in the order than in the payment: here the payment tells of them.
        return [*found, charged_back] if _charged_back(life) and "won" not in life.back else found
    listed: list[Payload] = []
    returned: list[Returned] = []
    left = life.cents
    for number, kind_of_it, cents in life.amounts_back:
        if kind_of_it == "chargeback":
            continue
        at = life.later(number + 1)
        refund_id = f"REF01J{life.number}{number}"
        listed.append({"id": refund_id, "amount": str(money(cents)), "status": "processed", "date_created": iso(at)})
        returned.append(Returned(f"refund:{refund_id}", order, money(cents), currency, at, test=life.test))
        left -= cents
        # Orders of Checkout Pro stay processed when all of them went back.
        whole = ("refunded", "refunded") if life.shape // 4 % 2 else ("processed", "refunded")
        status, detail = ("processed", "partially_refunded") if left else whole
        found.append(Document(snapshot(status, detail, number + 1, [*listed]), (sold(first=False), *returned)))
    if "won" in life.back:
        found.append(Document(snapshot("charged_back", "reimbursed", 4, listed), (sold(first=False), *returned)))
    elif _charged_back(life):
        found.append(charged_back)
    return found


def _charged_back(life: Life) -> bool:
    """Whether all of it was charged back: nothing else went back before."""
    return [kind for _, kind, _ in life.amounts_back] == ["chargeback"]


def _moves(life: Life) -> list[Document]:
    payment: Payload = {
        "id": 1400000000 + life.number,
        "status": "approved",
        "operation_type": ("money_transfer", "account_fund", "regular_payment")[life.shape % 3],
        "live_mode": True,
        "transaction_amount": float(money(life.cents)),
        "currency_id": "BRL",
        "date_approved": iso(life.at),
        "collector_id": 99,
        # The seller's own, where it looks like a purchase.
        "payer": {"id": "99" if life.shape % 3 == 2 else "7"},
        "refunds": [],
    }
    merchant_order = {
        "id": life.number,
        "status": "closed",
        "order_status": "paid",
        "preference_id": "p",
        "payments": [],
    }
    return [nothing(MOVES, payment), nothing(NOTHING, merchant_order)]


def _order_id(life: Life) -> str:
    return f"ORD01J{life.number:020}"


def _currency(life: Life) -> str:
    return ("BRL", "ARS", "MXN")[life.shape % 3]
