"""Why a payload is no sale, in the same words for every gateway.

What belongs here: the meanings that a gateway's events and states can have besides "paid", and their wording. What does
not: which of a gateway's names has which meaning (its own module).
"""

from collections.abc import Mapping

from trackai_pipelines.facts.gateways.payload import shown
from trackai_pipelines.ingest.outcomes import NotTaken

TEST = "test payment"
NOT_PAID_YET = "not paid yet"
NOT_PAID = "not paid"
REFUND = "refund"
CHARGEBACK = "chargeback"
MONEY_MOVES = "money that moves, not a sale"
NO_PAYMENT = "not a payment"


def no_sale(what: str, name: str, meanings: Mapping[str, str], event_id: str | None = None) -> NotTaken:
    """Return what a payload is instead of a sale. `what` is the kind of the name, such as "ticto status"."""
    meaning = meanings.get(name)
    reason = f"{meaning}: {what} {shown(name)}" if meaning else f"{what} {shown(name)} is not known"
    return NotTaken(reason=reason, event_id=event_id)


def sale_of_a_test(how_it_shows: str, event_id: str | None = None) -> NotTaken:
    """Return the refusal of a sale that nobody paid for."""
    return NotTaken(reason=f"{TEST}: {how_it_shows}", event_id=event_id)
