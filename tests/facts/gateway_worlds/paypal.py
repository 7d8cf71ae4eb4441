"""PayPal, by its documentation: Webhook event names; Orders v2; Payments v2; IPN and PDT variables."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from facts.gateway_worlds.life import (
    MOVES,
    NOT_PAID,
    NOT_YET,
    NOTHING,
    Charge,
    Document,
    Life,
    Payload,
    Returned,
    Sold,
    charges,
    iso,
    money,
    nothing,
)


def paypal(life: Life) -> list[Document]:
    """An order of one capture or two, sales of a subscription, messages (IPN), alone or of one payment."""
    if life.moves:
        return _moves(life)
    found: list[Document] = []
    shape = life.shape % 5
    first = charges(life)[0]
    if life.waited:
        pending = _event(life, "PAYMENT.CAPTURE.PENDING", first.at, _capture(life, first, "PENDING"))
        found.append(nothing(NOT_YET, pending))
        found.append(nothing(NOT_YET, _message(life, first, payment_status="Pending"), form=True))
        approved = _event(life, "CHECKOUT.ORDER.APPROVED", first.at, {"id": f"5O{life.number}", "status": "APPROVED"})
        found.append(nothing(NOT_YET, approved))
    if not life.paid:
        denied = _event(life, "PAYMENT.CAPTURE.DENIED", first.at, _capture(life, first, "DECLINED"))
        return [*found, nothing(NOT_PAID, denied)]
    if shape in {0, 2}:
        found.append(_order(life, first, captures=1 + shape // 2))
    for charge in charges(life):
        renews = charge.place > 0 or shape == 3
        if renews:
            found.append(_sale(life, charge))
        elif shape != 4:
            payload = _event(life, "PAYMENT.CAPTURE.COMPLETED", charge.at, _capture(life, charge, "COMPLETED"))
            found.append(Document(payload, (_sold(life, charge, payload["id"]),)))
        if shape in {1, 3, 4}:
            kind = "recurring_payment" if renews else "web_accept"
            sold = _sold(life, charge, _id(life, charge), "system_generated" if renews else None)
            found.append(Document(_message(life, charge, txn_type=kind), (sold,), form=True))
    return [*found, *_money_back(life, first, of_sale=shape == 3, message=shape in {1, 4})]


def _order(life: Life, charge: Charge, captures: int) -> Document:
    """The order that is complete, with a second capture, which may be pending."""
    second = _capture(life, charge, "PENDING" if life.waited else "COMPLETED") | {"id": f"{_id(life, charge)}X"}
    listed = [_capture(life, charge, "COMPLETED"), second][:captures]
    resource = {
        "id": f"5O{life.number}",
        "status": "COMPLETED",
        "payer": {
            "email_address": f"buyer{life.number}@example.com",
            "name": {"given_name": "Ana", "surname": "Souza"},
        },
        "purchase_units": [{"reference_id": "default", "payments": {"captures": listed}}],
    }
    payload = _event(life, "CHECKOUT.ORDER.COMPLETED", charge.at, resource)
    event_id = payload["id"]
    if captures == 1:
        return Document(payload, (_sold(life, charge, event_id),))
    one = _sold(life, charge, f"{event_id}:1")
    if life.waited:
        return Document(payload, (one,), NOT_YET)
    amount, currency = _amount(life)
    other = Sold(second["id"], f"{event_id}:2", amount, currency, charge.at, test=life.test)
    return Document(payload, (one, other))


def _sale(life: Life, charge: Charge) -> Document:
    """A charge that an agreement makes."""
    amount, currency = _amount(life)
    resource = {
        "id": _id(life, charge),
        "state": "completed",
        "amount": {"total": str(amount), "currency": currency},
        "billing_agreement_id": "I-1",
        "create_time": iso(charge.at),
    }
    payload = _event(life, "PAYMENT.SALE.COMPLETED", charge.at, resource)
    return Document(payload, (_sold(life, charge, payload["id"], "system_generated"),))


def _money_back(life: Life, charge: Charge, *, of_sale: bool, message: bool) -> list[Document]:
    currency, payment = _amount(life)[1], _id(life, charge)
    found: list[Document] = []
    for place, kind, cents in life.amounts_back:
        at, back = life.later(place + 1), "chargeback" if kind == "chargeback" else "refund"
        refund_id = f"R{life.number}-{place}"
        value = money(cents, _decimals(currency))
        links = [
            {"rel": "self", "href": f"https://api.paypal.com/v2/payments/refunds/{refund_id}"},
            {"rel": "up", "href": f"https://api.paypal.com/v2/payments/captures/{payment}"},
        ]
        resource: Payload = {"id": refund_id, "create_time": iso(at)}
        if of_sale:
            resource |= {"sale_id": payment, "amount": {"total": str(-value), "currency": currency}}
        else:
            resource |= {"links": links, "amount": {"value": str(value), "currency_code": currency}}
        name = f"PAYMENT.{'SALE' if of_sale else 'CAPTURE'}.{'REFUNDED' if back == 'refund' else 'REVERSED'}"
        payload = _event(life, name, at, resource, number=place)
        sent_at = at + _SENT
        found.append(Document(payload, (Returned(refund_id, payment, value, currency, sent_at, back, life.test),)))
        if message:
            fields = {
                "txn_id": refund_id,
                "parent_txn_id": payment,
                "mc_gross": str(-value),
                "payment_date": _pacific(at),
            }
            status = "Refunded" if back == "refund" else "Reversed"
            told = Returned(refund_id, payment, value, currency, at, back, life.test)
            payload = _message(life, charge, payment_status=status, **fields)
            del payload["txn_type"]
            found.append(Document(payload, (told,), form=True))
            if back == "chargeback":
                # The seller has the money back, which is not subtracted from what went.
                payload = _message(life, charge, **fields, payment_status="Canceled_Reversal")
                found.append(nothing("chargeback: ", payload, form=True))
    if "disputed" in life.back:
        dispute = {"dispute_id": f"PP-D-{life.number}", "disputed_transactions": [{"seller_transaction_id": payment}]}
        found.append(nothing("chargeback: ", _event(life, "CUSTOMER.DISPUTE.CREATED", life.later(1), dispute)))
    return found


def _moves(life: Life) -> list[Document]:
    first = charges(life)[0]
    payout = {"id": f"PO{life.number}", "batch_header": {"batch_status": "SUCCESS"}}
    return [
        nothing(MOVES, _event(life, "PAYMENT.PAYOUTSBATCH.SUCCESS", life.at, payout)),
        nothing(MOVES, _message(life, first, txn_type="masspay"), form=True),
        nothing(MOVES, _message(life, first, txn_type="send_money"), form=True),
        nothing(MOVES, _message(life, first, mc_gross=f"-{money(life.cents)}"), form=True),
        nothing(NOTHING, _event(life, "BILLING.SUBSCRIPTION.ACTIVATED", life.at, {"id": "I-1"})),
        nothing(NOTHING, _message(life, first, txn_type="subscr_signup"), form=True),
    ]


_SENT = timedelta(seconds=5)


def _sold(life: Life, charge: Charge, event_id: str, source: str | None = None) -> Sold:
    amount, currency = _amount(life)
    return Sold(_id(life, charge), event_id, amount, currency, charge.at, source, test=life.test)


def _amount(life: Life) -> tuple[Decimal, str]:
    currency = ("USD", "BRL", "JPY")[life.shape % 3]
    return money(life.cents, _decimals(currency)), currency


def _decimals(currency: str) -> int:
    return 0 if currency == "JPY" else 2


def _id(life: Life, charge: Charge) -> str:
    return f"3C{life.number}-{charge.place}"


def _capture(life: Life, charge: Charge, status: str) -> Payload:
    amount, currency = _amount(life)
    return {
        "id": _id(life, charge),
        "status": status,
        "amount": {"currency_code": currency, "value": str(amount)},
        "create_time": iso(charge.at),
    }


def _event(life: Life, name: str, at: datetime, resource: Payload, number: int = 0) -> Payload:
    host = "api.sandbox.paypal.com" if life.test else "api.paypal.com"
    event_id = f"WH-{life.number}-{name}-{resource.get('id')}-{number}"
    return {
        "id": event_id,
        "event_type": name,
        "create_time": iso(at + _SENT),
        "resource": resource,
        "links": [{"href": f"https://{host}/v1/notifications/webhooks-events/{life.number}", "rel": "self"}],
    }


def _message(life: Life, charge: Charge, **fields: str) -> Payload:
    amount, currency = _amount(life)
    return {
        "txn_type": "web_accept",
        "payment_status": "Completed",
        "txn_id": _id(life, charge),
        "mc_gross": str(amount),
        "mc_currency": currency,
        "payment_date": _pacific(charge.at),
        "payer_email": f"buyer{life.number}@example.com",
        "ipn_track_id": f"t{life.number}",
        **({"test_ipn": "1"} if life.test else {}),
    } | fields


def _pacific(moment: datetime) -> str:
    """17:30:15 Jan 01, 2025 PST."""
    return moment.astimezone(ZoneInfo("America/Los_Angeles")).strftime("%H:%M:%S %b %d, %Y %Z")
