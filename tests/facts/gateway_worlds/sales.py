"""Monetizze, PerfectPay, Kirvano, Braip, Ticto and Guru, by their documentation: Documentação PostBack; Integração via
webhook; Webhook; Postback; docs v2; Webhook para Transações. All but Guru write the time of Brasilia without a zone.
"""

from datetime import datetime, timedelta

from facts.gateway_worlds.life import (
    ASKED,
    DISPUTED,
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
    clock,
    iso,
    money,
    nothing,
    whole_back,
)


def monetizze(life: Life) -> list[Document]:
    """Postbacks in a form or in JSON; those of the first version know the state and no event. A charge is a sale."""
    form = life.shape % 2 == 0
    states = {1: "Aguardando pagamento", 2: "Finalizada", 3: "Cancelada", 4: "Devolvida", 5: "Bloqueada", 6: "Completa"}

    def postback(event: int, charge: Charge) -> Payload:
        payload: Payload = {
            "chave_unica": "52a7196c",
            "produto": {"codigo": "900", "nome": "X-Wing" if life.test else "Curso"},
            "tipoEvento": {"codigo": str(event), "descricao": states.get(event, "Assinatura")},
            "venda": {
                "codigo": code(charge),
                "dataInicio": clock(charge.at - timedelta(minutes=4)),
                "dataFinalizada": clock(charge.at) if event != 1 else "",
                "status": states.get(event, "Finalizada"),
                "valor": str(money(life.cents)),
                "valorRecebido": str(money(life.cents // 2)),
                "quantidade": "1",
            },
            "comprador": {
                "nome": "Ana Souza",
                "email": f"buyer{life.number}@example.com",
                "telefone": "(11) 99999-0000",
            },
        }
        if life.renewals:
            payload["assinatura"] = {"codigo": f"{life.number}", "parcela": str(charge.place + 1)}
        if life.shape % 3 == 0 and event in states:
            del payload["tipoEvento"]
        if not form:
            return payload
        return {f"{folder}[{name}]": value for folder, inside in payload.items() if isinstance(inside, dict)
                for name, value in inside.items()} | {"chave_unica": "52a7196c"}  # fmt: skip

    def code(charge: Charge) -> str:
        return f"M{life.number}{charge.place}"

    first, found = charges(life)[0], []
    if life.waited:
        found.append(nothing(NOT_YET, postback(1, first), form=form))
    if not life.paid:
        return [*found, nothing(NOT_PAID, postback(3, first), form=form)]
    for charge in charges(life):
        for event in (2, 6):
            event_id = f"{code(charge)}:{event}"
            sold = Sold(code(charge), event_id, money(life.cents), "BRL", charge.at, charge.source, test=life.test)
            found.append(Document(postback(event, charge), (sold,), form=form))
    if "disputed" in life.back:
        found.append(nothing(DISPUTED, postback(5, first), form=form))
    if whole_back(life):
        returned = Returned(f"{code(first)}:refunded", code(first), money(life.cents), "BRL", first.at, test=life.test)
        found.append(Document(postback(4, first), (returned,), form=form))
    if life.moves:
        found += [nothing(NOTHING, postback(event, first), form=form) for event in (7, 101)]
    return found


def perfectpay(life: Life) -> list[Document]:
    """One object a sale and state. A renewal has a code of its own; a subscription's state has no amount of a sale."""
    number, currency = ((1, "BRL"), (2, "USD"), (3, "EUR"))[life.shape % 3]

    def sale(status: int, charge: Charge) -> Payload:
        payload: Payload = {
            "token": "7378fa24",
            "code": code(charge),
            "sale_amount": float(money(life.cents)),
            "currency_enum": number,
            "sale_status_enum": status,
            "date_created": clock(charge.at - timedelta(minutes=4)),
            "date_approved": clock(charge.at) if status != 1 else None,
            "product": {"code": "PPP1", "name": "Curso"},
            "plan": {"code": "PPL1", "quantity": 1},
            "customer": {"full_name": "Ana Souza", "email": f"buyer{life.number}@example.com"},
            "metadata": {"src": None},
        }
        if life.renewals:
            state = "subscription_renewed" if charge.place else "subscription_started"
            payload["subscription"] = {"code": "PPS1", "status_event": state, "charges_made": charge.place + 1}
        return payload

    def code(charge: Charge) -> str:
        return f"PPCPMTB{life.number}{charge.place}"

    first, found = charges(life)[0], []
    if life.waited:
        found.append(nothing(NOT_YET, sale(1, first)))
    if not life.paid:
        return [*found, nothing(NOT_PAID, sale((5, 6)[life.shape % 2], first))]
    for charge in charges(life):
        for status in (2, 10):
            event_id = f"{code(charge)}:{status}"
            sold = Sold(code(charge), event_id, money(life.cents), currency, charge.at, charge.source)
            found.append(Document(sale(status, charge), (sold,)))
    if "disputed" in life.back:
        found.append(nothing(DISPUTED, sale(4, first)))
    back = whole_back(life)
    if back:
        # Without a time of its own.
        status, happened = (7, "refunded") if back[1] == "refund" else (9, "chargedback")
        event_id = f"{code(first)}:{happened}"
        returned = Returned(event_id, code(first), money(life.cents), currency, first.at, back[1])
        found.append(Document(sale(status, first), (returned,)))
    if life.moves:
        state = {name: value for name, value in sale(2, first).items() if name != "sale_amount"}
        found += [nothing(NOTHING, state | {"subscription_amount": 197}), nothing(NOTHING, sale(12, first))]
    return found


def kirvano(life: Life) -> list[Document]:
    """A renewal keeps the sale's number and has one of its charge; it is told as approved and as renewed."""

    def sale(event: str, status: str, charge: Charge) -> Payload:
        payload: Payload = {
            "event": event,
            "event_description": "x",
            "sale_id": f"KV{life.number}",
            "total_price": _reais(life.cents),
            "type": "RECURRING" if life.renewals else "ONE_TIME",
            "status": status,
            "created_at": clock(charge.at - timedelta(minutes=4)),
            "customer": {
                "name": "Ana Souza",
                "email": f"buyer{life.number}@example.com",
                "phone_number": "5511999990000",
            },
            "payment": {"method": "PIX", "finished_at": clock(charge.at) if status != "PENDING" else None},
            "products": [{"id": "p1", "name": "Curso", "price": _reais(life.cents), "is_order_bump": False}],
        }
        if life.renewals:
            following = clock(charge.at + timedelta(days=31))
            payload["plan"] = {"name": "Mensal", "charge_number": charge.place + 1, "next_charge_date": following}
        return payload

    def key(charge: Charge) -> str:
        return f"KV{life.number}:{charge.place + 1}" if charge.place else f"KV{life.number}"

    first, found = charges(life)[0], []
    if life.waited:
        found.append(nothing(NOT_YET, sale("PIX_GENERATED", "PENDING", first)))
    if not life.paid:
        event, status = (("SALE_REFUSED", "REFUSED"), ("PIX_EXPIRED", "CANCELED"))[life.shape % 2]
        return [*found, nothing(NOT_PAID, sale(event, status, first))]
    for charge in charges(life):
        for event in ("SALE_APPROVED", "SUBSCRIPTION_RENEWED")[: 2 if charge.place else 1]:
            sold = Sold(key(charge), f"{key(charge)}:{event}", money(life.cents), "BRL", charge.at, charge.source)
            found.append(Document(sale(event, "APPROVED", charge), (sold,)))
    back = whole_back(life)
    if back:
        # Of the last charge, and without a time of its own.
        last = charges(life)[-1]
        kind = back[1]
        events = ("SALE_REFUNDED", "REFUND") if kind == "refund" else ("SALE_CHARGEBACK",)
        event_id = f"{key(last)}:{'refunded' if kind == 'refund' else 'chargedback'}"
        returned = Returned(event_id, key(last), money(life.cents), "BRL", last.at, kind)
        status = "REFUNDED" if kind == "refund" else "CHARGEBACK"
        found += [Document(sale(event, status, last), (returned,)) for event in events]
        # The approval, sent again.
        found.append(nothing(f"{kind}: ", sale("SALE_APPROVED", status, last)))
    if life.moves:
        found.append(nothing(NOTHING, sale("SUBSCRIPTION_CANCELED", "CANCELED", first)))
        found.append(nothing(NOTHING, {"event": "ABANDONED_CART", "checkout_id": f"c{life.number}"}))
    return found


def braip(life: Life) -> list[Document]:
    """Amounts are in cents. The day of the payment may be known without its time, or not at all."""
    key = f"ven{life.number:04}"

    def postback(status: int, at: datetime, kind: str = "STATUS_ALTERADO") -> Payload:
        paid = (None, clock(life.at)[:10], clock(life.at))[life.shape % 3]
        return {
            "basic_authentication": "51dfd96e",
            "type": kind,
            "currency": "BRL",
            "trans_createdate": clock(life.later(-1)),
            "trans_updatedate": clock(at),
            "trans_key": key,
            "trans_status_code": (str(status), status)[life.shape % 2],
            "trans_value": str(life.cents),
            "trans_total_value": str(life.cents + 1000),
            "trans_freight": "1000",
            "trans_payment_date": paid if status != 1 else None,
            "client_name": "Ana Souza",
            "client_email": f"buyer{life.number}@example.com",
            "client_cel": "5511999990000",
        }

    value, found = money(life.cents + 1000), []
    if life.waited:
        found.append(nothing(NOT_YET, postback(1, life.later(-1))))
    if not life.paid:
        return [*found, nothing(NOT_PAID, postback(3, life.at))]
    for kind, days in (("STATUS_ALTERADO", 0), ("VENDA_COMPLETA", 30)):
        changed = life.later(days)
        sold = Sold(key, f"{key}:{kind}", value, "BRL", life.at if life.shape % 3 == 2 else changed)
        found.append(Document(postback(2, changed, kind), (sold,)))
    if "asked" in life.back:
        found.append(nothing(ASKED, postback(7, life.later(1))))
    back = whole_back(life)
    if back:
        at, kind = back
        status, happened = (5, "refunded") if kind == "refund" else (4, "chargedback")
        returned = Returned(f"{key}:{happened}", key, value, "BRL", at, kind)
        found.append(Document(postback(status, at), (returned,)))
    if life.moves:
        found.append(nothing(NOTHING, {"type": "ABANDONO", "client_email": "a@example.com", "n": life.number}))
    return found


def ticto(life: Life) -> list[Document]:
    """Amounts are in cents. A renewal keeps the order's hash; its transaction is another."""

    def webhook(status: str, at: datetime, charge: Charge) -> Payload:
        payload: Payload = {
            "version": "2.0",
            "status": status,
            "status_date": clock(at),
            "order": {"hash": f"TOC{life.number}", "transaction_hash": key(charge), "paid_amount": life.cents},
            "customer": {"name": "Ana Souza", "email": f"buyer{life.number}@example.com"},
            "item": {"product_name": "Curso", "product_id": 1, "quantity": 1, "amount": life.cents + 100},
            "transaction": {"hash": key(charge)},
            "tracking": {"src": "Não Informado"},
            "query_params": [],
        }
        if life.renewals:
            payload["subscriptions"] = [{"id": 1, "successful_charges": charge.place + 1}]
        return payload

    def key(charge: Charge) -> str:
        return f"TPC{life.number}-{charge.place}"

    first, found = charges(life)[0], []
    if life.waited:
        status = ("waiting_payment", "pix_created", "bank_slip_created")[life.shape % 3]
        found.append(nothing(NOT_YET, webhook(status, life.later(-1), first)))
    if not life.paid:
        return [*found, nothing(NOT_PAID, webhook(("refused", "pix_expired")[life.shape % 2], life.at, first))]
    for charge in charges(life):
        event_id = f"{key(charge)}:authorized"
        sold = Sold(key(charge), event_id, money(life.cents), "BRL", charge.at, charge.source)
        found.append(Document(webhook("authorized", charge.at, charge), (sold,)))
    if "asked" in life.back:
        found.append(nothing(ASKED, webhook("claimed", life.later(1), first)))
    back = whole_back(life)
    if back:
        at, kind = back
        status = "refunded" if kind == "refund" else "chargeback"
        returned = Returned(f"{key(first)}:{status}", key(first), money(life.cents), "BRL", at, kind)
        found.append(Document(webhook(status, at, first), (returned,)))
    if life.moves:
        states = ("abandoned_cart", "trial", "subscription_canceled")
        found += [nothing(NOTHING, webhook(status, life.later(2), first)) for status in states]
    return found


def guru(life: Life) -> list[Document]:
    """Transactions by their state; each cycle of a subscription is one of its own."""
    currency = ("BRL", "USD", "EUR")[life.shape % 3]

    def transaction(status: str, charge: Charge, **dates: str) -> Payload:
        payload: Payload = {
            "webhook_type": "transaction",
            "id": key(charge),
            "type": "producer",
            "status": status,
            "contact": {"name": "Ana Souza", "email": f"buyer{life.number}@example.com"},
            "payment": {
                "total": float(money(life.cents)),
                "net": float(money(life.cents // 2)),
                "gross": float(money(life.cents)),
                "currency": currency,
            },
            "product": {"id": "1587", "name": "Curso", "unit_value": 1.5, "qty": 1},
            "dates": {"created_at": iso(life.later(-1)), "confirmed_at": iso(charge.at)} | dates,
        }
        if life.renewals:
            payload |= {"invoice": {"id": "inv", "cycle": charge.place + 1}, "subscription": {"id": "sub"}}
        return payload

    def key(charge: Charge) -> str:
        return f"9081534a-0000-4000-8000-{life.number:08}{charge.place:04}"

    first, found = charges(life)[0], []
    if life.waited:
        found.append(nothing(NOT_YET, transaction("waiting_payment", first)))
    if not life.paid:
        return [*found, nothing(NOT_PAID, transaction(("canceled", "expired")[life.shape % 2], first))]
    for charge in charges(life):
        for status in ("approved", "completed"):
            event_id = f"{key(charge)}:{status}"
            sold = Sold(key(charge), event_id, money(life.cents), currency, charge.at, charge.source)
            found.append(Document(transaction(status, charge), (sold,)))
    if "disputed" in life.back:
        found.append(nothing(DISPUTED, transaction("dispute", first)))
    back = whole_back(life)
    if back:
        at, kind = back
        status = "refunded" if kind == "refund" else "chargeback"
        returned = Returned(f"{key(first)}:{status}", key(first), money(life.cents), currency, at, kind)
        found.append(Document(transaction(status, first, canceled_at=iso(at)), (returned,)))
    if life.moves:
        found.append(nothing(NOTHING, {"webhook_type": "subscription", "id": f"s{life.number}", "status": "active"}))
        found.append(nothing(NOTHING, transaction("abandoned", first)))
    return found


def _reais(cents: int) -> str:
    """R$ 1.169,80."""
    whole = f"{cents // 100:,}".replace(",", ".")
    return f"R$ {whole},{cents % 100:02}"
