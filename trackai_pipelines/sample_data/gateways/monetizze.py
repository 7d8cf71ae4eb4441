"""Monetizze's postbacks: forms, with Brasília's time and amounts in BRL."""

from random import Random

from trackai_pipelines.sample_data.refunds import MoneyBack
from trackai_pipelines.sample_data.webhooks import (
    ADDRESSES,
    SECOND_MS,
    Payment,
    Webhook,
    brasilia,
    form,
    random_number,
)

_UNPAID = (
    ("1", "Aguardando pagamento", "Aguardando pagamento"),
    ("3", "Cancelada", "Cancelada"),
    ("5", "Bloqueada", "Bloqueada"),
    ("7", "Abandono de Checkout", "Abandono de Checkout"),
)


def _postback(payment: Payment, code: str, description: str, state: str) -> bytes:
    address = ADDRESSES[payment.tenant.default_country]
    return form(
        {
            "chave_unica": "52a7196c8d3f4a0b9c1e2d3f4a5b6c7d",
            "produto": {"codigo": "900", "nome": payment.product, "chave": "b1a4c7d2"},
            "tipoPostback": {"codigo": "2", "descricao": "Produtor"},
            "plano": {"codigo": "901", "referencia": None, "nome": None, "quantidade": "1"},
            "tipoEvento": {"codigo": code, "descricao": description},
            "venda": {
                "codigo": payment.order_id,
                "dataInicio": brasilia(payment.at_ms - 2 * SECOND_MS),
                "dataFinalizada": brasilia(payment.at_ms) if code in {"2", "4", "5"} else None,
                "meioPagamento": "Monetizze",
                "formaPagamento": "Cartão de crédito",
                "garantiaRestante": "7",
                "status": state,
                "valor": payment.value,
                "quantidade": "1",
                "valorRecebido": payment.value,
                "src": payment.fbc,
                "utm_source": "meta",
                "utm_medium": "paid_social",
                "utm_campaign": payment.tenant.campaigns[0],
                "utm_content": payment.fbp,
            },
            "comprador": {
                "nome": payment.name,
                "email": payment.email,
                "data_nascimento": None,
                "cnpj_cpf": "00000000000",
                "telefone": payment.phone,
                "cep": address.zip,
                "endereco": address.street,
                "numero": address.number,
                "bairro": address.district,
                "cidade": address.city,
                "estado": address.state,
                "pais": payment.tenant.default_country,
                "ip": payment.ip,
                "user_agent": payment.user_agent,
            },
        }
    )


def _paid(payment: Payment) -> bytes:
    return _postback(payment, "2", "Finalizada / Aprovada", "Finalizada")


def _unpaid(payment: Payment, rng: Random) -> bytes:
    return _postback(payment, *rng.choice(_UNPAID))


def _refunded(payment: Payment, back: MoneyBack, rng: Random) -> bytes:
    # A chargeback is a return, too.
    return _postback(payment, "4", "Devolvida", "Devolvida")


WEBHOOK = Webhook(
    order_id=random_number,
    event_id=lambda rng, order_id: f"{order_id}:2",
    paid=_paid,
    unpaid=_unpaid,
    refunded=_refunded,
)
