"""Stripe, by its documentation: Checkout Session, Invoice, PaymentIntent, Charge, Refund, Dispute; Types of events;
Currencies (zero-decimal, three-decimal and special cases).

One payment is told by as many resources as an account has chosen events of. What each names is that of its version.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from facts.gateway_worlds.life import (
    ASKED,
    MOVES,
    NOT_PAID,
    NOT_YET,
    NOTHING,
    UNDECIDED,
    Charge,
    Document,
    Life,
    Payload,
    Returned,
    Sold,
    charges,
    money,
    nothing,
)

# Currencies with the decimals of their smallest unit; of ISK and UGX Stripe keeps two, which ISO 4217 does not.
_CURRENCIES = (("brl", 2), ("usd", 2), ("jpy", 0), ("kwd", 3), ("isk", 2), ("ugx", 2), ("mga", 0))
# How many seconds after the payment each kind of event is made.
_DELAYS = {"payment_intent": 0, "charge": 0, "invoice": 1, "checkout.session": 2}
_SAYS = {"checkout.session": 0, "invoice": 1, "payment_intent": 2, "charge": 2}


class _Writer:
    """Writes the events of a life."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.code, self.decimals = _CURRENCIES[life.shape % len(_CURRENCIES)]
        self.mode = "test" if life.test else "live"

    def id(self, kind: str, charge: Charge) -> str:
        """Return the id of a resource, as long as Stripe's are: it cuts references to them."""
        start = {"checkout.session": f"cs_{self.mode}", "invoice": "in", "payment_intent": "pi", "charge": "ch"}[kind]
        length = 66 if kind == "checkout.session" else 27
        return f"{start}_1{self.life.number:05}{charge.place}".ljust(length, "x")

    def resource(self, kind: str, charge: Charge, **fields: object) -> Payload:
        cents = self.life.cents
        own: dict[str, Payload] = {
            "checkout.session": {
                "payment_status": "paid",
                "amount_total": cents,
                "customer_details": {"email": f"buyer{self.life.number}@example.com", "name": "Ana Souza"},
                "metadata": {"fbc": "fb.1.1700000000000.IwAR0abc"},
            },
            "invoice": {
                "status": "paid",
                "amount_due": cents,
                "amount_paid": cents,
                "customer_email": f"buyer{self.life.number}@example.com",
                "billing_reason": "subscription_cycle" if charge.place else "manual",
                "status_transitions": {"paid_at": _seconds(charge.at)},
            },
            "payment_intent": {"status": "succeeded", "amount": cents, "amount_received": cents},
            "charge": {"status": "succeeded", "captured": True, "amount": cents, "amount_captured": cents},
        }
        common = {
            "id": self.id(kind, charge),
            "object": kind,
            "created": _seconds(charge.at),
            "currency": self.code,
            "livemode": not self.life.test,
        }
        return common | own[kind] | fields

    def event(self, name: str, at: datetime, resource: Payload) -> Payload:
        return {
            "id": f"evt_{name}_{resource['id']}_{_seconds(at)}",
            "object": "event",
            "type": name,
            "created": _seconds(at),
            "livemode": not self.life.test,
            "data": {"object": resource},
        }

    def paid(self, name: str, kind: str, charge: Charge, named: Iterable[str], fields: Payload) -> Document:
        """Return the event of a payment, which names the resources of these kinds as well as its own."""
        at = charge.at + timedelta(seconds=_DELAYS[kind])
        payload = self.event(name, at, self.resource(kind, charge) | fields)
        return Document(payload, (self.sold(payload["id"], kind, charge, named, at),))

    def sold(self, event_id: str, kind: str, charge: Charge, named: Iterable[str], at: datetime) -> Sold:
        value, names = money(self.life.cents, self.decimals), {self.id(each, charge) for each in (kind, *named)}
        source = "system_generated" if kind == "invoice" and charge.place else None
        return Sold(
            self.id("payment_intent", charge),
            event_id,
            *(value, self.code.upper(), at, source, frozenset(names), _SAYS[kind]),
            test=self.life.test,
        )


def stripe(life: Life) -> list[Document]:
    """A payment of one of seven ways to be paid, its renewals, and what goes back of it."""
    writer = _Writer(life)
    if life.moves:
        return _moves(writer)
    first, *renewals = charges(life)
    found: list[Document] = []
    if life.waited:
        waiting = writer.resource("payment_intent", first, status="processing", amount_received=0)
        found.append(nothing(NOT_YET, writer.event("payment_intent.processing", life.later(-1), waiting)))
        # A card that is refused before another one pays.
        refused = writer.resource("charge", first, id=f"ch_refused{life.number}", status="failed", captured=False)
        refused |= {"payment_intent": waiting["id"]}
        found.append(nothing(NOT_PAID, writer.event("charge.failed", life.later(-1), refused)))
    if not life.paid:
        failed = writer.resource("charge", first, status="failed", captured=False)
        return [*found, nothing(NOT_PAID, writer.event("charge.failed", life.at, failed))]
    found += _WAYS[life.shape % len(_WAYS)](writer, first)
    for renewal in renewals:
        found += _of_an_invoice(writer, renewal)
    # With a charge alone there is no intent that a refund could name.
    named = "charge" if life.shape % len(_WAYS) == _CHARGE_ALONE else "payment_intent"
    return [*found, *_money_back(writer, first, named)]


def _intent_alone(writer: _Writer, charge: Charge) -> list[Document]:
    """A payment without Checkout; the intent is read again from the API."""
    intent, paid = writer.id("payment_intent", charge), writer.id("charge", charge)
    of_charge = {"payment_intent": intent, "invoice": None}
    bare = writer.resource("payment_intent", charge, latest_charge=paid)
    return [
        writer.paid("payment_intent.succeeded", "payment_intent", charge, ["charge"], {"latest_charge": paid}),
        writer.paid("charge.succeeded", "charge", charge, ["payment_intent"], of_charge),
        Document(bare, (writer.sold(intent, "payment_intent", charge, ["charge"], charge.at),)),
    ]


def _checkout(writer: _Writer, charge: Charge) -> list[Document]:
    named = {"payment_intent": writer.id("payment_intent", charge)}
    of_intent = {
        "latest_charge": writer.id("charge", charge),
        "payment_details": {"order_reference": writer.id("checkout.session", charge)[:25]},
    }
    return [
        writer.paid("checkout.session.completed", "checkout.session", charge, ["payment_intent"], named),
        writer.paid("payment_intent.succeeded", "payment_intent", charge, ["charge"], of_intent),
        writer.paid("charge.succeeded", "charge", charge, ["payment_intent"], named),
    ]


def _paid_later(writer: _Writer, charge: Charge) -> list[Document]:
    """A session that is complete before it is paid."""
    # Whoever asks for it gets the intent itself instead of its id.
    intent: object = writer.id("payment_intent", charge)
    if writer.life.shape % 2:
        intent = writer.resource("payment_intent", charge)
    named = {"payment_intent": intent, "invoice": None}
    unpaid = writer.resource("checkout.session", charge, payment_status="unpaid", **named)
    later = "checkout.session.async_payment_succeeded"
    return [
        nothing(NOT_YET, writer.event("checkout.session.completed", charge.at - timedelta(days=2), unpaid)),
        writer.paid(later, "checkout.session", charge, ["payment_intent"], named),
        writer.paid("charge.succeeded", "charge", charge, ["payment_intent"], named),
    ]


def _subscription(writer: _Writer, charge: Charge) -> list[Document]:
    """The first charge of a subscription: a session that names the invoice, and what is paid of it."""
    named = {"invoice": writer.id("invoice", charge), "payment_intent": None}
    session = writer.paid("checkout.session.completed", "checkout.session", charge, ["invoice"], named)
    return [session, *_of_an_invoice(writer, charge)]


def _of_an_invoice(writer: _Writer, charge: Charge) -> list[Document]:
    """An invoice before 2025-03-31: it names what paid it, and is named by it."""
    invoice, intent, paid = (writer.id(kind, charge) for kind in ("invoice", "payment_intent", "charge"))
    named = {"payment_intent": intent, "charge": paid}
    of_it = {
        "invoice": invoice,
        "description": "Subscription update" if charge.place else "Subscription creation",
    }
    of_intent, of_charge = of_it | {"latest_charge": paid}, of_it | {"payment_intent": intent}
    return [
        writer.paid("invoice.paid", "invoice", charge, ["payment_intent", "charge"], named),
        writer.paid("invoice.payment_succeeded", "invoice", charge, ["payment_intent", "charge"], named),
        writer.paid("payment_intent.succeeded", "payment_intent", charge, ["charge", "invoice"], of_intent),
        writer.paid("charge.succeeded", "charge", charge, ["payment_intent", "invoice"], of_charge),
    ]


def _of_a_newer_invoice(writer: _Writer, charge: Charge) -> list[Document]:
    """Since 2025-03-31 an invoice lists its payments, and what paid it names it by a reference, or not at all."""
    invoice, intent, paid = (writer.id(kind, charge) for kind in ("invoice", "payment_intent", "charge"))
    listed = {"payments": {"data": [{"payment": {"type": "payment_intent", "payment_intent": intent}}]}}
    note = "Subscription creation"
    # Of a subscription that began in Checkout the intent may name the session, which is not the invoice.
    session = writer.life.shape % 2 == 0
    referred = writer.id("checkout.session", charge) if session else invoice
    of_intent: Payload = {
        "description": note,
        "latest_charge": paid,
        "payment_details": {"order_reference": referred[:25]},
    }
    intent_of_session = writer.resource("payment_intent", charge) | of_intent
    unnamed = writer.resource("charge", charge, description=note, payment_intent=intent)
    trial = writer.resource("invoice", charge, id=f"in_trial{writer.life.number}", amount_due=0, amount_paid=0)
    return [
        writer.paid("checkout.session.completed", "checkout.session", charge, ["invoice"], {"invoice": invoice}),
        writer.paid("invoice.paid", "invoice", charge, ["payment_intent"], listed),
        nothing(NOTHING, writer.event("payment_intent.succeeded", charge.at, intent_of_session))
        if session
        else writer.paid("payment_intent.succeeded", "payment_intent", charge, ["charge"], of_intent),
        nothing(NOTHING, writer.event("charge.succeeded", charge.at, unnamed)),
        nothing(NOTHING, writer.event("invoice.paid", charge.at, trial)),
    ]


def _charge_alone(writer: _Writer, charge: Charge) -> list[Document]:
    """A charge without an intent, authorised first and captured later."""
    held = writer.resource("charge", charge, captured=False, amount_captured=0, payment_intent=None)
    return [
        nothing(NOT_YET, writer.event("charge.succeeded", charge.at - timedelta(days=1), held)),
        writer.paid("charge.captured", "charge", charge, [], {"payment_intent": None}),
    ]


_WAYS = (
    *(_intent_alone, _checkout, _paid_later, _subscription, _of_an_invoice, _of_a_newer_invoice, _charge_alone),
    # Twice: Checkout is what most accounts use.
    _checkout,
)
_CHARGE_ALONE = _WAYS.index(_charge_alone)


def _money_back(writer: _Writer, charge: Charge, named: str) -> list[Document]:
    life, sale = writer.life, writer.id(named, charge)
    found: list[Document] = []
    listed: list[Payload] = []
    returned: list[Returned] = []
    names = {"charge": writer.id("charge", charge), "payment_intent": sale if named == "payment_intent" else None}
    for place, kind, cents in life.amounts_back:
        at, value = life.later(place + 1), money(cents, writer.decimals)
        common: Payload = {"amount": cents, "currency": writer.code, "created": _seconds(at)} | names
        currency = writer.code.upper()
        if kind == "chargeback":
            dispute = common | {"id": f"dp_{life.number}", "object": "dispute", "status": "needs_response"}
            found.append(nothing(UNDECIDED, writer.event("charge.dispute.created", at, dispute)))
            lost = Returned(dispute["id"], sale, value, currency, at, "chargeback", life.test)
            closed = writer.event("charge.dispute.closed", life.later(60), dispute | {"status": "lost"})
            found.append(Document(closed, (lost,)))
            continue
        refund = common | {"id": f"re_{life.number}_{place}", "object": "refund", "status": "succeeded"}
        listed.append(refund)
        returned.append(Returned(refund["id"], sale, value, currency, at, test=life.test))
        pending = writer.event("refund.created", at, refund | {"status": "pending"})
        found.append(nothing(ASKED, pending) if life.waited else Document(pending | _with(refund), (returned[-1],)))
        found.append(Document(writer.event("refund.updated", life.later(place + 2), refund), (returned[-1],)))
        # Until 2022-11-15 the charge lists its refunds so far.
        old = writer.resource("charge", charge, refunds={"data": [*listed]}, amount_refunded=cents)
        new = writer.resource("charge", charge, amount_refunded=cents)
        if life.shape % 2:
            found.append(Document(writer.event("charge.refunded", at, old), tuple(returned)))
        else:
            found.append(nothing("refund: ", writer.event("charge.refunded", at, new)))
    if "won" in life.back:
        won = {"id": f"dp_won{life.number}", "object": "dispute", "status": "won", "amount": 1} | names
        found.append(nothing(NOTHING, writer.event("charge.dispute.closed", life.later(50), won)))
    return found


def _with(resource: Payload) -> Payload:
    return {"data": {"object": resource}}


def _moves(writer: _Writer) -> list[Document]:
    (first, *_), number, at = charges(writer.life), writer.life.number, writer.life.at
    transferred = writer.resource("charge", first, source_transfer="tr_1", payment_intent=None)
    return [
        nothing(MOVES, writer.event("transfer.created", at, {"id": f"tr_{number}", "object": "transfer"})),
        nothing(MOVES, writer.event("payout.paid", at, {"id": f"po_{number}", "object": "payout"})),
        nothing(MOVES, writer.event("topup.succeeded", at, {"id": f"tu_{number}", "object": "topup"})),
        nothing(MOVES, writer.event("charge.succeeded", at, transferred)),
        nothing(MOVES, {"id": f"po_{number}", "object": "payout", "amount": 5}),
        nothing(NOTHING, writer.event("customer.subscription.created", at, {"id": f"sub_{number}"})),
    ]


def _seconds(moment: datetime) -> int:
    return round(moment.timestamp())
