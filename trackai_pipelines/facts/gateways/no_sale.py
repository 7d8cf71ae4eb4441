"""Why a payload is no sale, in the same words for every gateway.

What belongs here: the meanings that a gateway's events and states can have besides "paid", and their wording. What does
not: which of a gateway's names has which meaning (its own module).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from trackai_pipelines.facts.gateways.payload import shown
from trackai_pipelines.facts.refund import Refund
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import MalformedPayload, NotTaken

TEST = "test payment"
NOT_PAID_YET = "not paid yet"
NOT_PAID = "not paid"
REFUND = "refund"
CHARGEBACK = "chargeback"
REFUND_ASKED_FOR = "refund: asked for, and the money is not back yet"
DISPUTED = "chargeback: disputed, and not decided yet"
MONEY_MOVES = "money that moves, not a sale"
NO_PAYMENT = "not a payment"
_Found = TypeVar("_Found", bound=Sale | Refund | NotTaken)


def no_sale(what: str, name: str, meanings: Mapping[str, str], event_id: str | None = None) -> NotTaken:
    """Return what a payload is instead of a sale. `what` is the kind of the name, such as "ticto status"."""
    meaning = meanings.get(name)
    reason = f"{meaning}: {what} {shown(name)}" if meaning else f"{what} {shown(name)} is not known"
    return NotTaken(reason=reason, event_id=event_id)


def marked(test: str | None, found: Iterable[_Found]) -> Iterator[_Found | NotTaken]:
    """Yield what a payload holds. Sales and refunds of a test are marked: its tenant decides whether they are taken.

    `test` says how it shows; None for no test. What cannot be read is a test payment all the same: examples of
    gateways' panels lack much. Raises MalformedPayload where it is no test.
    """
    if test is None:
        yield from found
        return
    try:
        for result in found:
            yield result if isinstance(result, NotTaken) else replace(result, test=test)
    except MalformedPayload as problem:
        yield NotTaken(reason=f"{TEST}: {test}; {problem}")
