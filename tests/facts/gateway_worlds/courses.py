"""Hotmart, Kiwify, Cakto and Eduzz, by their documentation: Webhook 2.0.0; Webhooks; docs.cakto.com.br, Webhooks;
developers.eduzz.com, Webhook reference, and the flat webhooks before it.
"""

from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal
from types import MappingProxyType

from facts.gateway_worlds.life import (
    ASKED,
    BRASILIA,
    NOT_PAID,
    NOT_YET,
    NOTHING,
    TEST,
    Charge,
    Document,
    Life,
    Payload,
    Returned,
    Sold,
    charges,
    clock,
    iso,
    money,
    nothing,
    whole_back,
)

UTC_ZONE = timezone.utc  # noqa: UP017 - the type of `clock`


def hotmart(life: Life) -> list[Document]:
    """Events with ids of their own; the transaction is the sale. What the panel sends is one transaction for all."""

    def event(name: str, at: datetime, charge: Charge, status: str) -> Payload:
        amount = 1500 if life.test else float(money(life.cents))
        price = {"value": amount, "currency_value": "BRL"}
        return {
            "id": f"ev-{life.number}-{charge.place}-{name}-{status}",
            "creation_date": _milliseconds(at),
            "event": name,
            "version": "2.0.0",
            "data": {
                "product": {
                    "id": 0 if life.test else 213344,
                    "name": "Produto test postback2" if life.test else "Curso",
                },
                "buyer": {
                    "name": "Ana Souza",
                    "email": f"buyer{life.number}@example.com",
                    "checkout_phone": "11999990000",
                },
                "commissions": [{"value": 1.5, "currency_value": "BRL", "source": "MARKETPLACE"}],
                "purchase": {
                    "transaction": transaction(charge),
                    "approved_date": _milliseconds(paid_at(charge)),
                    "order_date": _milliseconds(paid_at(charge)) - 5000,
                    "status": status,
                    "price": price,
                    "full_price": price | {"value": amount + 10},
                    "payment": {"type": "CREDIT_CARD", "installments_number": 12},
                    "recurrence_number": charge.place + 1,
                },
            },
        }

    def transaction(charge: Charge) -> str:
        return "HP16015479281022" if life.test else f"HP{life.number:05}{charge.place}"

    def paid_at(charge: Charge) -> datetime:
        return datetime.fromtimestamp(1511783346, UTC_ZONE) if life.test else charge.at

    first = charges(life)[0]
    found = []
    if life.waited:
        found.append(nothing(NOT_YET, event("PURCHASE_BILLET_PRINTED", life.later(-1), first, "BILLET_PRINTED")))
    if not life.paid:
        name = ("PURCHASE_CANCELED", "PURCHASE_EXPIRED")[life.shape % 2]
        return [*found, nothing(NOT_PAID, event(name, life.at, first, "CANCELLED"))]
    value = Decimal(1500) if life.test else money(life.cents)
    # A test is sent once for each event; its purchase is the same for all.
    for charge in charges(life)[: 1 if life.test else None]:
        for name, status, days in (("PURCHASE_APPROVED", "APPROVED", 0), ("PURCHASE_COMPLETE", "COMPLETED", 30)):
            payload = event(name, charge.at + days * (life.later(1) - life.at), charge, status)
            sold = Sold(
                transaction(charge), payload["id"], value, "BRL", paid_at(charge), charge.source, test=life.test
            )
            found.append(Document(payload, (sold,)))
    if "asked" in life.back:
        found.append(nothing(ASKED, event("PURCHASE_PROTEST", life.later(3), first, "DISPUTE")))
    if "part" in life.back:
        payload = event("PURCHASE_REFUNDED", life.later(4), first, "PARTIALLY_REFUNDED")
        found.append(nothing("refund: of a part of the sale", payload))
    back = whole_back(life, ("rest", "chargeback"))
    if back:
        at, kind = back
        name = "PURCHASE_REFUNDED" if kind == "refund" else "PURCHASE_CHARGEBACK"
        payload = event(name, at, first, "REFUNDED" if kind == "refund" else "CHARGEBACK")
        found.append(
            Document(payload, (Returned(payload["id"], transaction(first), value, "BRL", at, kind, life.test),))
        )
    if life.moves:
        found.append(nothing(NOTHING, event("SUBSCRIPTION_CANCELLATION", life.later(40), first, "CANCELLED")))
    return found


def kiwify(life: Life) -> list[Document]:
    """An order in each event; a renewal is an order of its own, told twice. Times are in minutes of UTC."""

    def order(name: str, status: str, charge: Charge, **fields: object) -> Payload:
        payload = {
            "order_id": f"kw-{life.number}-{charge.place}",
            "order_status": status,
            "webhook_event_type": name,
            "payment_method": "pix",
            "created_at": _minute(life.later(-1)),
            "updated_at": _minute(charge.at),
            "approved_date": _minute(charge.at) if status != "waiting_payment" else None,
            "Product": {"product_id": "p1", "product_name": "Example product" if life.test else "Curso"},
            "Customer": {
                "full_name": "Ana Souza",
                "email": f"buyer{life.number}@example.com",
                "mobile": "+5511999990000",
            },
            "Commissions": {
                "charge_amount": life.cents,
                "product_base_price": life.cents,
                "product_base_price_currency": "BRL",
                "currency": "BRL",
                "my_commission": life.cents // 2,
            },
            "TrackingParameters": {"src": None, "sck": None},
        } | fields
        if life.renewals:
            done = [{"order_id": f"kw-{life.number}-{c.place}", "created_at": iso(c.at)} for c in charges(life)]
            payload["Subscription"] = {"status": "active", "charges": {"completed": done[: charge.place + 1]}}
        return {"url": "https://example.com/hook", "signature": "x", "order": payload} if life.shape % 2 else payload

    first = charges(life)[0]
    found = []
    if life.waited:
        found.append(nothing(NOT_YET, order("billet_created", "waiting_payment", first)))
    if not life.paid:
        return [*found, nothing(NOT_PAID, order("order_rejected", "refused", first))]
    for charge in charges(life):
        for name in ("order_approved", "subscription_renewed")[: 2 if charge.place else 1]:
            key, at = f"kw-{life.number}-{charge.place}", charge.at.replace(second=0)
            sold = Sold(key, f"{key}:{name}", money(life.cents), "BRL", at, charge.source, test=life.test)
            found.append(Document(order(name, "paid", charge), (sold,)))
    back = whole_back(life)
    if back:
        at, kind = back
        name, status = ("order_refunded", "refunded") if kind == "refund" else ("chargeback", "chargedback")
        key, at = f"kw-{life.number}-0", at.replace(second=0)
        event_id = f"{key}:{'refunded' if kind == 'refund' else 'chargedback'}"
        returned = Returned(event_id, key, money(life.cents), "BRL", at, kind, life.test)
        fields = {"refunded_at": _minute(at)} if kind == "refund" else {"updated_at": _minute(at)}
        found.append(Document(order(name, status, first, **fields), (returned,)))
        # The approval, sent again.
        found.append(nothing(f"{kind}: ", order("order_approved", status, first)))
    if life.moves:
        found.append(nothing(NOTHING, {"id": f"cart-{life.number}", "status": "abandoned", "email": "a@example.com"}))
        found.append(nothing(NOTHING, order("subscription_late", "paid", first)))
    return found


def cakto(life: Life) -> list[Document]:
    """Version 1: an order in each event; version 2: a list of them. An order bump is an order of its own."""
    both = life.shape % 3 == 2

    def order(
        charge: Charge, status: str, *, bump: bool = False, times: Mapping[str, str] = MappingProxyType({})
    ) -> Payload:
        return {
            "id": key(charge, bump=bump),
            "status": status,
            "amount": float(cents(bump=bump)),
            "baseAmount": float(cents(bump=bump)),
            "customer": {
                "name": "Ana Souza",
                "email": "john.doe@example.com" if life.test else f"buyer{life.number}@example.com",
                "phone": "5511999990000",
            },
            "product": {"id": "p1", "name": "Curso", "type": "subscription" if life.renewals else "unique"},
            "offer": {"id": "o1", "name": "Oferta", "price": 9.9},
            "offer_type": "orderbump" if bump else "main",
            "checkoutUrl": "https://pay.cakto.com.br/EXAMPLE" if life.test else "https://pay.cakto.com.br/abc",
            "subscription_period": charge.place + 1 if life.renewals else None,
            "createdAt": life.later(-1).isoformat(),
            "paidAt": charge.at.astimezone(BRASILIA).isoformat()
            if status not in {"waiting_payment", "refused"}
            else None,
        } | dict(times)

    def key(charge: Charge, *, bump: bool = False) -> str:
        return f"ck-{life.number}-{charge.place}{'-bump' if bump else ''}"

    def cents(*, bump: bool = False) -> Decimal:
        return money(life.cents + (500 if bump else 0))

    def sent(name: str, orders: list[Payload], told: list[Sold | Returned] | str) -> list[Document]:
        """In version 1, in version 2, or in both."""
        reason = told if isinstance(told, str) else None
        each = [()] * len(orders) if isinstance(told, str) else [(one,) for one in told]
        found = []
        if life.shape % 3 != 0:
            all_of_it = () if isinstance(told, str) else tuple(told)
            found.append(Document({"secret": "s", "event": name, "data": orders}, all_of_it, reason))
        if life.shape % 3 == 0 or both:
            found += [
                Document({"secret": "s", "event": name, "data": one}, facts, reason)
                for one, facts in zip(orders, each, strict=True)
            ]
        return found

    first, found = charges(life)[0], []
    if life.waited:
        found += sent("pix_gerado", [order(first, "waiting_payment")], NOT_YET)
    if not life.paid:
        return [*found, *sent("purchase_refused", [order(first, "refused")], NOT_PAID)]
    for charge in charges(life):
        name = "subscription_renewed" if charge.place else "purchase_approved"
        bumps = (False, True) if life.moves and not charge.place else (False,)
        sold = [
            Sold(
                key(charge, bump=bump),
                f"{key(charge, bump=bump)}:{name}",
                *(cents(bump=bump), "BRL", charge.at, charge.source),
                test=life.test,
            )
            for bump in bumps
        ]
        found += sent(name, [order(charge, "paid", bump=bump) for bump in bumps], list(sold))
    if life.waited and not life.renewals:
        # What is bought next to it may be paid for later.
        extra = order(first, "processing", bump=True) | {"id": f"ck-{life.number}-extra"}
        one = Sold(key(first), f"{key(first)}:purchase_approved", cents(), "BRL", first.at, test=life.test)
        together = {"event": "purchase_approved", "data": [order(first, "paid"), extra]}
        found.append(Document(together, (one,), NOT_YET))
    if "asked" in life.back:
        found += sent("refund_requested", [order(first, "refund_requested")], ASKED)
    back = whole_back(life)
    if back:
        at, kind = back
        status, time = ("refunded", "refundedAt") if kind == "refund" else ("chargedback", "chargedbackAt")
        returned = Returned(f"{key(first)}:{kind}", key(first), cents(), "BRL", at, kind, life.test)
        found += sent(kind, [order(first, status, times={time: at.isoformat()})], [returned])
        # The approval, sent again.
        found += sent("purchase_approved", [order(first, status)], f"{kind}: ")
    if life.renewals:
        found += sent("subscription_created", [order(first, "paid")], NOTHING)
    return found


def eduzz(life: Life) -> list[Document]:
    """Events of version 3, flat invoices, or both: the invoice is the sale, a renewal an invoice of its own."""
    new, flat = life.shape % 3 != 0 and not life.test, life.shape % 3 != 1 or life.test
    # Of the flat ones both are known.
    form = life.shape % 2 == 0

    def invoice(charge: Charge) -> str:
        return str(98000000 + 10 * life.number + charge.place)

    def event(name: str, status: str, charge: Charge, at: datetime) -> Payload:
        paid = float(money(life.cents))
        price = {"currency": "BRL", "value": paid}
        data = {
            "id": invoice(charge),
            "status": status,
            "buyer": {"name": "Ana Souza", "email": f"buyer{life.number}@example.com", "cellphone": "+5511999990000"},
            "paidAt": iso(charge.at),
            "price": price | {"value": paid + 3},
            "paid": price,
            "items": [{"productId": "P1", "name": "Curso", "price": price}],
        }
        return {"id": f"z{life.number}-{name}", "event": f"myeduzz.{name}", "sentDate": iso(at), "data": data}

    def old(status: int, charge: Charge) -> Payload:
        day, time = clock(charge.at).split(" ")
        return {
            "type": "invoice",
            "trans_cod": invoice(charge),
            "trans_status": str(status),
            "trans_value": str(money(life.cents + 300)),
            "trans_paid": str(money(life.cents)),
            "trans_currency": "BRL",
            "trans_paiddate": day.replace("-", ""),
            "trans_paidtime": time,
            "recurrence_count": str(charge.place + 1) if life.renewals else "",
            "cus_email": "webhook@eduzz.com" if life.test else f"buyer{life.number}@example.com",
            "cus_name": "Ana Souza",
        }

    first, found = charges(life)[0], []
    if life.waited:
        found += [nothing(NOT_YET, event("invoice_waiting_payment", "waitingPayment", first, life.at))] if new else []
        found += [nothing(NOT_YET, old(1, first), form=form)] if flat else []
    if not life.paid:
        found += [nothing(NOT_PAID, event("invoice_expired", "expired", first, life.at))] if new else []
        return [*found, *([nothing(NOT_PAID, old(4, first), form=form)] if flat else [])]
    for charge in charges(life):
        key = invoice(charge)
        if new:
            sold = Sold(key, f"{key}:paid", money(life.cents), "BRL", charge.at)
            found.append(Document(event("invoice_paid", "paid", charge, charge.at), (sold,)))
        if flat:
            sold = Sold(key, f"{key}:paid", money(life.cents), "BRL", charge.at, charge.source, test=life.test)
            found.append(Document(old(3, charge), (sold,), form=form))
    if "asked" in life.back:
        found += [nothing(ASKED, event("invoice_waiting_refund", "waitingRefund", first, life.later(1)))] if new else []
        found += [nothing(ASKED, old(6, first), form=form)] if flat else []
    back = whole_back(life)
    if back:
        at, kind = back
        key = invoice(first)
        if new:
            name = "refunded" if kind == "refund" else "chargeback"
            event_id = f"{key}:{'refunded' if kind == 'refund' else 'chargedback'}"
            returned = Returned(event_id, key, money(life.cents), "BRL", at, kind)
            found.append(Document(event(f"invoice_{name}", name, first, at), (returned,)))
            # The payment, sent again.
            found.append(nothing(f"{kind}: ", event("invoice_paid", name, first, at)))
        if flat and kind == "refund":
            # Without a time of its own.
            returned = Returned(f"{key}:refunded", key, money(life.cents), "BRL", first.at, test=life.test)
            found.append(Document(old(7, first), (returned,), form=form))
    if life.moves:
        found.append(nothing(TEST, {"id": f"p{life.number}", "event": "ping", "data": {}}))
        found.append(nothing(NOTHING, event("contract_created", "waitingPayment", first, life.at)))
    return found


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _minute(moment: datetime) -> str:
    return clock(moment, UTC_ZONE)[:16]
