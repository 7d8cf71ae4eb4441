"""What a gateway reader gives: a sale, or the reason why a payload is none.

Here: the values passed between the readers and the loader. Not here: how a payload is read (`gateways/`), how a
buyer is hashed (`customer_information`), or how a row is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """One paid event of a gateway.

    `email`, `phone` and `buyer` are raw, as the gateway sent them: they are hashed before they go anywhere
    (`customer_information`). `buyer` holds name, address and birth date by the columns of a landing file.
    `value` is finite and in major units of `currency` (ISO 4217, upper case). `occurred_at` is in UTC.
    Tracking keys are as they came, malformed or not.
    """

    gateway_event_id: str
    # The sale behind several paid events of one gateway (approved, complete); None where an event is the sale.
    sale_key: str | None = None
    order_id: str | None = None
    event_name: str = "Purchase"
    value: Decimal
    currency: str
    occurred_at: datetime
    fbclid: str | None = None
    fbc: str | None = None
    fbp: str | None = None
    email: str | None = None
    phone: str | None = None
    buyer: Mapping[str, Any] = field(default_factory=dict)
    client_ip: str | None = None
    client_user_agent: str | None = None
    event_source_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotASale:
    """A payload that is understood and is no paid sale, with the reason in words."""

    reason: str
    event_id: str | None = None


class MalformedPayload(ValueError):  # noqa: N818 - it names what was found, as its readers speak of it
    """A payload that cannot be read: the message names the field and what is wrong, never the buyer's data."""
