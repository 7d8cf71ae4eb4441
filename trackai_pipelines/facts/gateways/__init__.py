"""The gateways whose webhooks are read: one small module each, registered here by name.

A new gateway is one new module with a `read` function and one line in `READERS`. Here: the register. Not here:
files and the database (`ingest.load`), hashing (`customer_information`).
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from trackai_pipelines.facts.gateways import cakto, hotmart, kiwify, mercadopago, shopify, stripe
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken

# Takes one payload as the gateway sends it (numbers as int, Decimal or str). Raises MalformedPayload where a paid
# sale lacks what a conversion needs.
Reader = Callable[[Mapping[str, object]], Iterator[Sale | NotTaken]]

READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "cakto": cakto.read,
        "hotmart": hotmart.read,
        "kiwify": kiwify.read,
        "mercadopago": mercadopago.read,
        "shopify": shopify.read,
        "stripe": stripe.read,
    }
)
