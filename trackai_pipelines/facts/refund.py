"""A refund or chargeback as a gateway's reader returns it.

What belongs here: the values passed from the readers to the landing kind, and what identifies a refund. What does not:
how a payload is read (`gateways/`), how a row is written (`landing`), how a refund finds its sale (`refund_links`).
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

RefundKind = Literal["refund", "chargeback"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money that went back to a buyer.

    `gateway_event_id` tells refunds apart: two events with one id are one refund, redelivered or reported twice, and
    two ids are two refunds that add up. It is, in this order:

    1. the refund's own id, where the gateway gives it one (a refund or dispute object inside of the event);
    2. the event's id, where one event reports one refund;
    3. made of the sale and the state, e.g. `<order>:refunded`, where an event has no id, or its id is the sale's.

    It is never the `gateway_event_id` of a sale. Where a gateway tells only how much of a sale went back so far, the
    reader yields the refunds behind that sum or the difference to the sum before; if the payload has neither, it
    yields a NotTaken that says so. A cumulative sum is never a `value`.

    At least one of `original_event_id`, `sale_key` and `order_id` names the sale, by what the reader gives a `Sale`
    there; the first of them that leads to a sale counts. `value` is above 0, in major units of `currency` (ISO 4217,
    upper case); a gateway that states no amount of a refund gave all of the sale back: its value in this payload.
    `occurred_at` is in UTC.

    A refund that is asked for, pending or failed, and a dispute that is open or was won, moved no money for good: they
    are a NotTaken. `test` says how it shows that nobody paid for the sale, as in a `Sale`.
    """

    gateway_event_id: str
    original_event_id: str | None = None
    sale_key: str | None = None
    order_id: str | None = None
    kind: RefundKind = "refund"
    value: Decimal
    currency: str
    occurred_at: datetime
    test: str | None = None
