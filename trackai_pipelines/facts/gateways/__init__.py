"""The gateways whose webhooks are read: one small module each, registered here by name.

A new gateway is one new module with a `read` function and one line in `READERS`. What belongs here: the register. What
does not: files and the database (`ingest`), hashing (`customer_information`).
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from trackai_pipelines.facts.gateways import (
    braip,
    cakto,
    eduzz,
    guru,
    hotmart,
    kirvano,
    kiwify,
    mercadopago,
    monetizze,
    paypal,
    perfectpay,
    shopify,
    stripe,
    ticto,
    woocommerce,
)
from trackai_pipelines.facts.refund import Refund
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken

# Takes one payload as the gateway sends it (numbers as int, Decimal or str). Raises MalformedPayload where a paid
# sale lacks what a conversion needs, or money that went back what a refund needs.
Reader = Callable[[Mapping[str, object]], Iterator[Sale | Refund | NotTaken]]

READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "braip": braip.read,
        "cakto": cakto.read,
        "eduzz": eduzz.read,
        "guru": guru.read,
        "hotmart": hotmart.read,
        "kirvano": kirvano.read,
        "kiwify": kiwify.read,
        "mercadopago": mercadopago.read,
        "monetizze": monetizze.read,
        "paypal": paypal.read,
        "perfectpay": perfectpay.read,
        "shopify": shopify.read,
        "stripe": stripe.read,
        "ticto": ticto.read,
        "woocommerce": woocommerce.read,
    }
)
