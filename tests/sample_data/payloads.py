"""What a payload of each gateway reports, read by plain code from what the gateway documents.

What belongs here: an independent reading of single payloads. What does not: files (`answers`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Fields without which a form was cut off before it said what happened.
DECISIVE = {"eduzz": "trans_status", "monetizze": "tipoEvento[codigo]", "paypal": "payment_status"}


@dataclass
class Report:
    """A paid sale in the columns of a conversion, and what went back: by its event, the order and the value."""

    sale: dict[str, Any] | None = None
    back: dict[str, tuple[str, Decimal]] = field(default_factory=dict)


def report_of(gateway: str, payload: dict[str, Any]) -> Report:
    return READINGS[gateway](payload)


def _sale(
    event_id: str, order_id: str, value: Any, currency: str, happened: datetime, email: str, fbc: Any, fbp: Any
) -> Report:
    return Report(
        {
            "gateway_event_id": event_id,
            "order_id": order_id,
            "value": Decimal(str(value)),
            "currency": currency,
            "occurred_at": happened,
            "email": email,
            "fbclid": None,
            "fbc": fbc or None,
            "fbp": fbp or None,
        }
    )


def _back(event: str, order_id: str, value: Any) -> Report:
    return Report(back={event: (order_id, Decimal(str(value)))})


def _brasilia(written: str) -> datetime:
    """Three hours behind UTC."""
    return datetime.strptime(written, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) + timedelta(hours=3)


def _hotmart(payload: dict[str, Any]) -> Report:
    event, purchase = payload["event"], payload["data"]["purchase"]
    order, price = purchase["transaction"], purchase["price"]
    if event in ("PURCHASE_REFUNDED", "PURCHASE_CHARGEBACK"):
        return _back(payload["id"], order, price["value"])
    if event not in ("PURCHASE_APPROVED", "PURCHASE_COMPLETE"):
        return Report()
    happened = EPOCH + timedelta(milliseconds=purchase["approved_date"])
    email, keys = payload["data"]["buyer"]["email"], purchase["origin"]
    return _sale(
        payload["id"], order, price["value"], price["currency_value"], happened, email, keys["sck"], keys["xcod"]
    )


def _kiwify(payload: dict[str, Any]) -> Report:
    order, money, keys = payload["order_id"], payload["Commissions"], payload["TrackingParameters"]
    value = Decimal(money["charge_amount"]) / 100
    if payload["webhook_event_type"] in ("order_refunded", "chargeback"):
        return _back(payload["order_status"], order, value)
    if payload["order_status"] != "paid":
        return Report()
    happened = datetime.strptime(payload["approved_date"], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    event = f"{order}:{payload['webhook_event_type']}"
    email = payload["Customer"]["email"]
    return _sale(event, order, value, money["currency"], happened, email, keys["sck"], keys["s1"])


def _stripe(payload: dict[str, Any]) -> Report:
    session = payload["data"]["object"]
    if payload["type"] != "checkout.session.completed" or session["payment_status"] != "paid":
        return Report()
    currency, keys = session["currency"].upper(), session["metadata"]
    value = Decimal(session["amount_total"]) / (1 if currency == "JPY" else 100)
    happened = EPOCH + timedelta(seconds=payload["created"])
    email = session["customer_details"]["email"]
    return _sale(payload["id"], session["id"], value, currency, happened, email, keys.get("fbc"), keys.get("fbp"))


def _eduzz(payload: dict[str, Any]) -> Report:
    if "event" not in payload:
        return _eduzz_form(payload)
    event, invoice = payload["event"].removeprefix("myeduzz."), payload["data"]
    if event in ("invoice_refunded", "invoice_chargeback"):
        return _back(event, invoice["id"], invoice["paid"]["value"])
    if event != "invoice_paid" or invoice["status"] != "paid":
        return Report()
    happened, keys, money = datetime.fromisoformat(invoice["paidAt"]), invoice["tracker"], invoice["paid"]
    email = invoice["buyer"]["email"]
    return _sale(
        f"{invoice['id']}:paid", invoice["id"], money["value"], money["currency"], happened, email, keys["code1"],
        keys["code2"],
    )  # fmt: skip


def _eduzz_form(fields: dict[str, Any]) -> Report:
    invoice = fields["trans_cod"]
    if fields["trans_status"] == "7":
        return _back("refunded", invoice, fields["trans_paid"])
    if fields["trans_status"] != "3":
        return Report()
    day = fields["trans_paiddate"]
    happened = _brasilia(f"{day[:4]}-{day[4:6]}-{day[6:]} {fields['trans_paidtime']}")
    return _sale(
        f"{invoice}:paid", invoice, fields["trans_paid"], fields["trans_currency"], happened, fields["cus_email"],
        fields["tracker_trk"], fields["tracker_trk2"],
    )  # fmt: skip


def _monetizze(fields: dict[str, Any]) -> Report:
    code, event, value = fields["venda[codigo]"], fields["tipoEvento[codigo]"], fields["venda[valor]"]
    if event == "4":
        return _back(event, code, value)
    if event not in ("2", "6"):
        return Report()
    return _sale(
        f"{code}:{event}", code, value, "BRL", _brasilia(fields["venda[dataFinalizada]"]), fields["comprador[email]"],
        fields["venda[src]"], fields["venda[utm_content]"],
    )  # fmt: skip


def _perfectpay(payload: dict[str, Any]) -> Report:
    code, status, value = payload["code"], payload["sale_status_enum"], payload["sale_amount"]
    if status in (7, 9):
        return _back(str(status), code, value)
    if status not in (2, 10):
        return Report()
    currency = {1: "BRL", 2: "USD", 3: "EUR"}[payload["currency_enum"]]
    happened, keys = _brasilia(payload["date_approved"]), payload["metadata"]
    email = payload["customer"]["email"]
    return _sale(f"{code}:{status}", code, value, currency, happened, email, keys["src"], keys["utm_perfect"])


def _kirvano(payload: dict[str, Any]) -> Report:
    event = payload["event"]
    sign, written = payload["total_price"].split()
    assert sign == "R$"
    value = written.replace(".", "").replace(",", ".")
    if event in ("SALE_REFUNDED", "SALE_CHARGEBACK"):
        return _back(event, payload["sale_id"], value)
    if event != "SALE_APPROVED":
        return Report()
    sale, keys, happened = payload["sale_id"], payload["cookies"], _brasilia(payload["payment"]["finished_at"])
    email = payload["customer"]["email"]
    return _sale(f"{sale}:{event}", sale, value, "BRL", happened, email, keys["_fbc"], keys["_fbp"])


def _braip(payload: dict[str, Any]) -> Report:
    sale, status, value = (
        payload["trans_key"],
        payload["trans_status_code"],
        Decimal(payload["trans_total_value"]) / 100,
    )
    if status in ("4", "5"):
        return _back(status, sale, value)
    if status != "2":
        return Report()
    happened, keys = _brasilia(payload["trans_payment_date"]), payload["meta"]
    event = f"{sale}:{payload['type']}"
    return _sale(event, sale, value, payload["currency"], happened, payload["client_email"], keys["fbc"], keys["fbp"])


def _ticto(payload: dict[str, Any]) -> Report:
    status, transaction = payload["status"], payload["transaction"]["hash"]
    value = Decimal(payload["order"]["paid_amount"]) / 100
    if status in ("refunded", "chargeback"):
        return _back(status, transaction, value)
    if status != "authorized":
        return Report()
    keys = {name: None if told == "Não Informado" else told for name, told in payload["tracking"].items()}
    happened, email = _brasilia(payload["status_date"]), payload["customer"]["email"]
    return _sale(f"{transaction}:{status}", transaction, value, "BRL", happened, email, keys["src"], keys["sck"])


def _guru(payload: dict[str, Any]) -> Report:
    status, transaction, money = payload["status"], payload["id"], payload["payment"]
    if status in ("refunded", "chargeback"):
        return _back(status, transaction, money["total"])
    if status != "approved":
        return Report()
    happened, keys = datetime.fromisoformat(payload["dates"]["confirmed_at"]), payload["source"]
    return _sale(
        f"{transaction}:{status}", transaction, money["total"], money["currency"], happened,
        payload["contact"]["email"], keys["source"], keys["checkout_source"],
    )  # fmt: skip


def _woocommerce(payload: dict[str, Any]) -> Report:
    if payload["status"] not in ("processing", "completed", "refunded"):
        return Report()
    notes = {note["key"]: note["value"] for note in payload["meta_data"]}
    order, happened = str(payload["id"]), datetime.fromisoformat(payload["date_paid_gmt"]).replace(tzinfo=UTC)
    report = _sale(
        payload["order_key"], order, payload["total"], payload["currency"], happened, payload["billing"]["email"],
        notes.get("_fbc"), notes.get("_fbp"),
    )  # fmt: skip
    report.back = {str(refund["id"]): (order, -Decimal(refund["total"])) for refund in payload["refunds"]}
    return report


def _paypal(payload: dict[str, Any]) -> Report:
    if "event_type" not in payload:
        return _paypal_form(payload)
    event, resource = payload["event_type"], payload["resource"]
    if event in ("PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.REVERSED"):
        (up,) = (link["href"] for link in resource["links"] if link["rel"] == "up")
        return _back(resource["id"], up.rpartition("/")[2], resource["amount"]["value"])
    if event != "CHECKOUT.ORDER.COMPLETED":
        return Report()
    (unit,) = resource["purchase_units"]
    (capture,) = unit["payments"]["captures"]
    assert len(unit["custom_id"]) <= 127, "PayPal takes no more"
    money, happened = capture["amount"], datetime.fromisoformat(capture["create_time"])
    keys, email = parse_qs(unit["custom_id"]), resource["payer"]["email_address"]
    return _sale(
        payload["id"], capture["id"], money["value"], money["currency_code"], happened, email,
        *(keys.get(name, [None])[0] for name in ("fbc", "fbp")),
    )  # fmt: skip


def _paypal_form(fields: dict[str, Any]) -> Report:
    assert (fields["txn_type"], fields["payment_status"]) == ("express_checkout", "Completed")
    local, zone = fields["payment_date"].rsplit(" ", 1)
    behind = timedelta(hours={"PST": 8, "PDT": 7}[zone])
    happened = datetime.strptime(local, "%H:%M:%S %b %d, %Y").replace(tzinfo=UTC) + behind
    keys = parse_qs(fields["custom"])
    return _sale(
        fields["txn_id"], fields["txn_id"], fields["mc_gross"], fields["mc_currency"], happened, fields["payer_email"],
        *(keys.get(name, [None])[0] for name in ("fbc", "fbp")),
    )  # fmt: skip


READINGS: dict[str, Callable[[dict[str, Any]], Report]] = {
    "braip": _braip,
    "eduzz": _eduzz,
    "guru": _guru,
    "hotmart": _hotmart,
    "kirvano": _kirvano,
    "kiwify": _kiwify,
    "monetizze": _monetizze,
    "paypal": _paypal,
    "perfectpay": _perfectpay,
    "stripe": _stripe,
    "ticto": _ticto,
    "woocommerce": _woocommerce,
}
