"""Payloads in the shape in which gateways send them: paid sales, money that went back, and events that are neither.

What belongs here: one module for each gateway, and their register. What does not: reading payloads (`facts.gateways`).
Amounts are in cents where the gateway sends cents, times as exact as the gateway sends them.
"""

from collections.abc import Mapping

from trackai_pipelines.sample_data.gateways import (
    braip,
    eduzz,
    guru,
    hotmart,
    kirvano,
    kiwify,
    monetizze,
    paypal,
    perfectpay,
    stripe,
    ticto,
    woocommerce,
)
from trackai_pipelines.sample_data.webhooks import Webhook

WEBHOOKS: Mapping[str, Webhook] = {
    "braip": braip.WEBHOOK,
    "eduzz": eduzz.WEBHOOK,
    "guru": guru.WEBHOOK,
    "hotmart": hotmart.WEBHOOK,
    "kirvano": kirvano.WEBHOOK,
    "kiwify": kiwify.WEBHOOK,
    "monetizze": monetizze.WEBHOOK,
    "paypal": paypal.WEBHOOK,
    "perfectpay": perfectpay.WEBHOOK,
    "stripe": stripe.WEBHOOK,
    "ticto": ticto.WEBHOOK,
    "woocommerce": woocommerce.WEBHOOK,
}
