"""Monetizze's postbacks: form-encoded (`venda[codigo]=...`) or JSON of the same names, in BRL.

A sale is reported when it is paid and again when it is complete, 30 days later, with the same code. Each
charge of a subscription is a sale with a code of its own.
"""

from collections.abc import Iterator, Mapping

from trackai_pipelines.facts.gateways.no_sale import (
    DISPUTED,
    NO_PAYMENT,
    NOT_PAID,
    NOT_PAID_YET,
    marked,
    no_sale,
)
from trackai_pipelines.facts.gateways.optional import is_later_charge, items_of, other_click_ids, source_of_renewal
from trackai_pipelines.facts.gateways.payload import (
    BRASILIA,
    amount,
    at,
    buyer,
    moment,
    phone_in,
    required_text,
    text,
)
from trackai_pipelines.facts.gateways.tracking import tracking_keys
from trackai_pipelines.facts.refund import Refund
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken

_PAID = {"2", "6"}
_REFUNDED = "4"
_EVENTS = {
    "1": NOT_PAID_YET,
    "3": NOT_PAID,
    # A sale in dispute.
    "5": DISPUTED,
    # An abandoned checkout, what Monetizze keeps for itself, subscriptions' states, parcels.
    **dict.fromkeys(("7", "8", "98", "99", "101", "102", "103", "104", "105", "106", "120"), NO_PAYMENT),
}
# Postbacks of the first version have no event's code, only the sale's state.
_STATES = {
    "Aguardando pagamento": "1",
    "Finalizada": "2",
    "Cancelada": "3",
    "Devolvida": "4",
    "Bloqueada": "5",
    "Completa": "6",
    "Abandono de Checkout": "7",
}
_TEST_PRODUCT = "X-Wing"


def read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    """Yield the sale of a paid or completed order, its refund, or why it is neither. Raises MalformedPayload."""
    trial = text(payload, "produto.nome") == _TEST_PRODUCT
    test = f"the product {_TEST_PRODUCT} of Monetizze's test button" if trial else None
    yield from marked(test, _read(payload))


def _read(payload: Mapping[str, object]) -> Iterator[Sale | Refund | NotTaken]:
    event = text(payload, "tipoEvento.codigo", "postback_evento", "codigo_status")
    if event is None:
        state = text(payload, "venda.status")
        event = _STATES.get(state, state) if state else required_text(payload, "tipoEvento.codigo")
    code = text(payload, "venda.codigo", "codigo_venda")
    event_id = f"{code}:{event}" if code else None
    if event == _REFUNDED:
        yield _refund(payload)
        return
    if event not in _PAID:
        yield no_sale("monetizze event", event, _EVENTS, event_id)
        return
    code = required_text(payload, "venda.codigo", "codigo_venda")
    keys = tracking_keys(at(payload, "venda"))
    yield Sale(
        gateway_event_id=f"{code}:{event}",
        sale_key=code,
        order_id=code,
        value=amount(payload, "venda.valor"),
        currency="BRL",
        occurred_at=moment(payload, "venda.dataFinalizada", zone=BRASILIA),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        click_names=keys.names,
        email=text(payload, "comprador.email"),
        phone=phone_in(text(payload, "comprador.telefone"), text(payload, "comprador.pais"), otherwise="BR"),
        buyer=buyer(
            at(payload, "comprador"),
            full_name="nome",
            birth_date="data_nascimento",
            city="cidade",
            state="estado",
            zip="cep",
            country="pais",
        ),
        client_ip=at(payload, "comprador.ip"),
        client_user_agent=text(payload, "comprador.user_agent"),
        contents=items_of(payload, item_id="produto.codigo", title="produto.nome", quantity="venda.quantidade"),
        click_ids=other_click_ids(at(payload, "venda")),
        action_source=source_of_renewal(is_later_charge(payload, "assinatura.parcela")),
    )


def _refund(payload: Mapping[str, object]) -> Refund:
    code = required_text(payload, "venda.codigo", "codigo_venda")
    return Refund(
        gateway_event_id=f"{code}:refunded",
        sale_key=code,
        order_id=code,
        value=amount(payload, "venda.valor"),
        currency="BRL",
        # No time of a refund is documented: these are the sale's.
        occurred_at=moment(payload, "venda.dataFinalizada", "venda.dataInicio", zone=BRASILIA),
    )
