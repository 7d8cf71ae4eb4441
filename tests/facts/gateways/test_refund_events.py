"""Refunds and chargebacks of the gateways that sell courses and subscriptions: what becomes one, of which sale."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from facts.payloads import PAID, Payload, changed, read_one, reason_of, refund_of, sale_of

from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.refund import Refund
from trackai_pipelines.ingest.outcomes import MalformedPayload, NotTaken

KIWIFY = changed(PAID["kiwify"], "refunded_at", "2025-04-10 08:00")
CAKTO = changed(PAID["cakto"], "data.refundedAt", "2025-04-10T05:00:00-03:00")
FLAT: Payload = {
    "trans_cod": "98000001",
    "trans_status": "7",
    "trans_paid": "51.90",
    "trans_currency": "BRL",
    "trans_paiddate": "20260510",
    "trans_paidtime": "15:34:20",
}
PAYMENT = datetime(2026, 5, 10, 18, 34, 20, tzinfo=UTC)

# What happened to the paid sale of each gateway; the refund's id, kind, value and time.
RETURNED = [
    ("kiwify", changed(KIWIFY, "webhook_event_type", "order_refunded"), "K1:refunded", "refund", "52.98",
     datetime(2025, 4, 10, 8, tzinfo=UTC)),
    ("kiwify", changed(KIWIFY, "webhook_event_type", "chargeback"), "K1:chargedback", "chargeback", "52.98",
     datetime(2025, 4, 10, 8, tzinfo=UTC)),
    ("cakto", changed(CAKTO, "event", "refund"), "C1:refund", "refund", "21.31", datetime(2025, 4, 10, 8, tzinfo=UTC)),
    ("cakto", changed(changed(CAKTO, "event", "chargeback"), "data.chargedbackAt", "2025-04-11T05:00:00-03:00"),
     "C1:chargeback", "chargeback", "21.31", datetime(2025, 4, 11, 8, tzinfo=UTC)),
    ("eduzz", changed(PAID["eduzz"], "event", "myeduzz.invoice_refunded"), "98000001:refunded", "refund", "52.4",
     datetime(2026, 5, 10, 18, 34, 23, 23000, tzinfo=UTC)),
    ("eduzz", changed(PAID["eduzz"], "event", "myeduzz.invoice_chargeback"), "98000001:chargedback", "chargeback",
     "52.4", datetime(2026, 5, 10, 18, 34, 23, 23000, tzinfo=UTC)),
    ("eduzz", FLAT, "98000001:refunded", "refund", "51.90", PAYMENT),
    ("monetizze", changed(PAID["monetizze"], "tipoEvento.codigo", "4"), "M7001:refunded", "refund", "197.00", PAYMENT),
    ("perfectpay", changed(PAID["perfectpay"], "sale_status_enum", 7), "PPCPX1:refunded", "refund", "385.0", PAYMENT),
    ("perfectpay", changed(PAID["perfectpay"], "sale_status_enum", 9), "PPCPX1:chargedback", "chargeback", "385.0",
     PAYMENT),
    ("kirvano", changed(PAID["kirvano"], "event", "SALE_REFUNDED"), "D2RP:refunded", "refund", "1169.80", PAYMENT),
    ("kirvano", changed(PAID["kirvano"], "event", "REFUND"), "D2RP:refunded", "refund", "1169.80", PAYMENT),
    ("kirvano", changed(PAID["kirvano"], "event", "SALE_CHARGEBACK"), "D2RP:chargedback", "chargeback", "1169.80",
     PAYMENT),
    ("braip", changed(PAID["braip"], "trans_status_code", 5), "ven9po:refunded", "refund", "237.90", PAYMENT),
    ("braip", changed(PAID["braip"], "trans_status_code", "4"), "ven9po:chargedback", "chargeback", "237.90", PAYMENT),
    ("ticto", changed(PAID["ticto"], "status", "refunded"), "TPC1:refunded", "refund", "39.90", PAYMENT),
    ("ticto", changed(PAID["ticto"], "status", "chargeback"), "TPC1:chargeback", "chargeback", "39.90", PAYMENT),
    ("guru", changed(changed(PAID["guru"], "status", "refunded"), "dates.canceled_at", "2026-05-12T10:00:00Z"),
     "9081534a-0000-4000-8000-218c1dc1f263:refunded", "refund", "500.5", datetime(2026, 5, 12, 10, tzinfo=UTC)),
    ("guru", changed(PAID["guru"], "status", "chargeback"), "9081534a-0000-4000-8000-218c1dc1f263:chargeback",
     "chargeback", "500.5", PAYMENT),
]  # fmt: skip


@pytest.mark.parametrize(("gateway", "payload", "event_id", "kind", "value", "at"), RETURNED)
def test_money_that_went_back(
    gateway: str, payload: Payload, event_id: str, kind: str, value: str, at: datetime
) -> None:
    refund, sale = refund_of(gateway, payload), sale_of(gateway, PAID[gateway])
    assert (refund.gateway_event_id, refund.kind, refund.value, refund.occurred_at) == (
        *(event_id, kind, Decimal(value), at),
    )
    assert (refund.currency, refund.test) == (sale.currency, None)
    # The sale is found by what its own reader wrote, and the refund is never taken for an event of it.
    assert (refund.sale_key, refund.order_id) == (sale.sale_key, sale.order_id)
    assert refund.gateway_event_id != sale.gateway_event_id


@pytest.mark.parametrize(("gateway", "payload", "event_id"), [case[:3] for case in RETURNED])
def test_a_refund_that_is_told_again_is_the_same(gateway: str, payload: Payload, event_id: str) -> None:
    assert refund_of(gateway, changed(payload, "resent", True)).gateway_event_id == event_id


@pytest.mark.parametrize(
    ("gateway", "payload", "path"),
    [
        ("kiwify", RETURNED[0][1], "Commissions.charge_amount"),
        ("kiwify", RETURNED[0][1], "order_id"),
        ("cakto", RETURNED[2][1], "data.amount"),
        ("cakto", RETURNED[2][1], "data.id"),
        ("eduzz", RETURNED[4][1], "data.id"),
        ("eduzz", FLAT, "trans_currency"),
        ("eduzz", FLAT, "trans_cod"),
        ("monetizze", RETURNED[7][1], "venda.valor"),
        ("perfectpay", RETURNED[8][1], "sale_amount"),
        ("kirvano", RETURNED[10][1], "total_price"),
        ("braip", RETURNED[13][1], "trans_key"),
        ("braip", RETURNED[13][1], "trans_updatedate"),
        ("ticto", RETURNED[15][1], "status_date"),
        ("guru", RETURNED[17][1], "payment.total"),
    ],
)
def test_what_a_refund_lacks_is_named(gateway: str, payload: Payload, path: str) -> None:
    with pytest.raises(MalformedPayload, match=f"^{path} is missing"):
        list(READERS[gateway](changed(payload, path, None)))


@pytest.mark.parametrize(
    ("gateway", "payload", "reason"),
    [
        ("cakto", changed(CAKTO, "event", "refund_requested"), "refund: asked for"),
        ("cakto", changed(CAKTO, "data.status", "refunded"), "refund: cakto status refunded"),
        ("cakto", changed(CAKTO, "data.status", "MED"), "chargeback: disputed"),
        ("kiwify", changed(KIWIFY, "order_status", "refund_requested"), "refund: asked for"),
        ("kiwify", changed(KIWIFY, "order_status", "refunded"), "refund: kiwify order_status refunded"),
        ("eduzz", changed(PAID["eduzz"], "data.status", "waitingRefund"), "refund: asked for"),
        ("perfectpay", changed(PAID["perfectpay"], "sale_status_enum", 4), "chargeback: disputed"),
        ("ticto", changed(PAID["ticto"], "status", "claimed"), "refund: asked for"),
    ],
)
def test_money_that_is_not_back_is_no_refund(gateway: str, payload: Payload, reason: str) -> None:
    assert reason_of(gateway, payload).startswith(reason)


def test_the_refund_of_a_renewal_is_of_that_charge() -> None:
    renewed = changed(changed(PAID["kirvano"], "event", "SALE_REFUNDED"), "plan.charge_number", 3)
    paid = changed(changed(PAID["kirvano"], "event", "SUBSCRIPTION_RENEWED"), "plan.charge_number", 3)
    assert refund_of("kirvano", renewed).sale_key == sale_of("kirvano", paid).sale_key == "D2RP:3"


def test_the_refund_of_a_test_is_one_of_a_test() -> None:
    for gateway, payload in (
        (
            "kiwify",
            changed(changed(KIWIFY, "Customer.email", "johndoe@example.com"), "webhook_event_type", "chargeback"),
        ),
        ("monetizze", changed(changed(PAID["monetizze"], "produto.nome", "X-Wing"), "tipoEvento.codigo", "4")),
    ):
        refund = read_one(gateway, payload)
        assert isinstance(refund, Refund)
        assert refund.test is not None


def test_refunds_of_several_orders_in_one_webhook() -> None:
    one, other = changed(CAKTO, "data.id", "C2")["data"], {"id": "C3", "status": "refunded"}
    first, second = READERS["cakto"]({"event": "refund", "data": [one, other]})
    assert isinstance(first, Refund)
    assert first.gateway_event_id == "C2:refund"
    assert second == NotTaken(reason="malformed: data.amount is missing", event_id="C3")
