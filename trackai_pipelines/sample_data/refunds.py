"""Money that goes back in the invented world: which sales, how much, when, and how it is reported.

What belongs here: drawing the refunds of one sale. What does not: which file they go to and what is counted
(`deliveries`), and a gateway's payloads (`gateways`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Literal

from trackai_pipelines.sample_data.stories import Row
from trackai_pipelines.sample_data.world import DAY_MS, moment

# Sales of which something goes back, and shares of those: in two halves, by the buyer's bank.
_REFUNDED = 0.04
_IN_HALVES = 0.3
_CHARGED_BACK = 0.2


@dataclass(frozen=True, slots=True)
class MoneyBack:
    """A refund or chargeback. `number` is 1, 2, ... among those of its sale; `at_ms` is in milliseconds since 1970."""

    number: int
    kind: Literal["refund", "chargeback"]
    value: Decimal
    at_ms: int

    def row(self, gateway: str, order_id: str, currency: str) -> Row:
        """Return it as a row of a landing file."""
        return {
            "gateway": gateway,
            "gateway_event_id": f"{order_id}:back:{self.number}",
            "order_id": order_id,
            "kind": self.kind,
            "value": str(self.value),
            "currency": currency,
            "occurred_at": moment(self.at_ms).isoformat(timespec="milliseconds"),
        }


def money_back(rng: Random, value: Decimal, sold_at: int, end_at: int, *, whole: bool) -> Iterator[MoneyBack]:
    """Yield what goes back of a sale: mostly nothing, else all of it, in one piece or (unless `whole`) half by half.

    The second half may never come. Nothing happens after the end of the sample.
    """
    if rng.random() >= _REFUNDED or value == 0:
        return
    kind: Literal["refund", "chargeback"] = "chargeback" if rng.random() < _CHARGED_BACK else "refund"
    parts = [value]
    if not whole and rng.random() < _IN_HALVES:
        half = (value / 2).quantize(value)
        parts = [part for part in (half, value - half) if part][: rng.randrange(1, 3)]
    at = sold_at
    for number, part in enumerate(parts, 1):
        at = min(at + rng.randrange(3 * DAY_MS), end_at - 1)
        yield MoneyBack(number, kind, part, at)
