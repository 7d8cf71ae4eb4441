"""A sale as a gateway's reader returns it.

What belongs here: the values passed from the readers to the landing kind. What does not: how a payload is read
(`gateways/`), why one is no sale (`ingest.outcomes`), how a buyer is hashed (`customer_information`), or how a row is
written (`landing`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """One paid event of a gateway.

    `email`, `phone` and `buyer` are raw, as the gateway sent them: they are hashed before they go anywhere
    (`customer_information`). `buyer` holds name, address and birth date by the columns of a landing file.
    `value` is finite and in major units of `currency` (ISO 4217, upper case); both are None only where an event that is
    no Purchase has none. `occurred_at` is in UTC. Tracking keys are as they came, malformed or not.
    `contents` are the items as objects with `id`, and perhaps `quantity`, `price` (a unit's, in major units) and
    `title`; `click_ids` those of other networks by the names of `details.CLICK_IDS`. Both are as they came: what cannot
    be used is left out later.
    """

    gateway_event_id: str
    # How it shows that nobody paid for it, e.g. "livemode is false"; None for a real sale.
    test: str | None = None
    # The sale behind several paid events of one gateway (approved, complete); None where an event is the sale.
    sale_key: str | None = None
    # All ids by which an event may name this sale, where several kinds of events do: one that shares an id with a sale
    # is of that sale.
    sale_names: tuple[str, ...] = ()
    order_id: str | None = None
    event_name: str = "Purchase"
    value: Decimal | None = None
    currency: str | None = None
    occurred_at: datetime
    fbclid: str | None = None
    fbc: str | None = None
    fbp: str | None = None
    # Texts that may be a click's `external_id`, in the order of the carriers; none where there is a key of Meta's.
    click_names: tuple[str, ...] = ()
    email: str | None = None
    phone: str | None = None
    buyer: Mapping[str, Any] = field(default_factory=dict)
    # As it came, in any form: a list of addresses, one with a port, or what is none.
    client_ip: object = None
    client_user_agent: str | None = None
    event_source_url: str | None = None
    contents: Sequence[Mapping[str, Any]] = ()
    click_ids: Mapping[str, Any] = field(default_factory=dict)
    # One of Meta's names; None where it was, or may have been, on a website.
    action_source: str | None = None
    # What the buyer asked for; the tenant's own settings stay as they are.
    limited_data_use: bool = False
    opt_out: bool = False
