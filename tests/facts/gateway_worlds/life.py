"""The life of a payment, and what its documents tell of it.

What belongs here: the words in which a builder says what a gateway sends of a life, and what of it counts by the
gateway's documentation. What does not: any gateway's documents (the other modules), how they arrive and what the
database should hold in the end (`world`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal

BRASILIA = timezone(timedelta(hours=-3))
Payload = dict[str, Any]
Back = Literal["part", "rest", "chargeback", "asked", "disputed", "won"]

# What a payload is that is no sale and no refund; the beginning of its reason.
NOT_YET, NOT_PAID, NOTHING, MOVES = "not paid yet: ", "not paid: ", "not a payment: ", "money that moves, not a sale: "
ASKED = "refund: asked for, and the money is not back yet: "
DISPUTED, UNDECIDED = "chargeback: disputed, and not decided yet: ", "chargeback: not decided: "
TEST = "test payment: "


@dataclass(frozen=True)
class Life:
    """What happens to one payment. A gateway that does not have some of it leaves that out."""

    number: int
    """Counted per tenant and gateway, so that tenants have payments of the same ids."""
    shape: int
    """Which of the ways in which a gateway reports a payment, modulo their number."""
    cents: int
    waited: bool = False
    """Whether it was reported before it was paid."""
    paid: bool = True
    renewals: int = 0
    back: tuple[Back, ...] = ()
    test: bool = False
    moves: bool = False
    """Money that moves between accounts: nobody bought anything."""

    @property
    def at(self) -> datetime:
        """When it was paid: at another minute than any other of its gateway, in summer and in winter."""
        return datetime(2025, 1, 2, 1, 30, 15, tzinfo=UTC) + timedelta(hours=37 * self.number + 5 * self.shape)

    def later(self, days: float) -> datetime:
        """Return a time after the payment."""
        return self.at + timedelta(days=days)

    @property
    def amounts_back(self) -> list[tuple[int, Back, int]]:
        """What goes back for good: place in `back`, kind, cents. A part is a third; the rest and a chargeback, all."""
        left, found = self.cents, []
        for place, kind in enumerate(self.back):
            if kind in {"asked", "disputed", "won"} or not left:
                continue
            cents = min(left, max(1, self.cents // 3)) if kind == "part" else left
            left -= cents
            found.append((place, kind, cents))
        return found


@dataclass(frozen=True)
class Sold:
    """A paid event in a document."""

    key: str
    """What the gateway knows the sale by; whatever has it in common is one sale."""
    event_id: str
    value: Decimal
    currency: str
    at: datetime
    source: str | None = None
    names: frozenset[str] = frozenset()
    """All ids by which the event names the sale, for gateways that use several."""
    says: int = 0
    """Of the events in one file, which says most of the buyer, where `names` join them."""
    test: bool = False


@dataclass(frozen=True)
class Returned:
    """Money that went back, in a document."""

    event_id: str
    sale: str
    """The key of its sale, or one of the sale's names."""
    value: Decimal
    currency: str
    at: datetime
    kind: str = "refund"
    test: bool = False


@dataclass(frozen=True)
class Document:
    """What a gateway sends at once. `reason` is how the reason begins for which it, or some of it, is kept aside."""

    payload: Payload
    told: tuple[Sold | Returned, ...] = ()
    reason: str | None = None
    form: bool = False
    """Whether the gateway sends it as a form."""


def money(cents: int, decimals: int = 2) -> Decimal:
    """Return the amount in major units."""
    return Decimal(cents).scaleb(-decimals)


def iso(moment: datetime) -> str:
    """2025-01-02T01:30:15Z, of a time in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock(moment: datetime, zone: timezone = BRASILIA) -> str:
    """2025-01-01 22:30:15, as a clock in Brasilia shows it."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def nothing(reason: str, payload: Payload, *, form: bool = False) -> Document:
    """Return a document that tells of no sale."""
    return Document(payload, reason=reason, form=form)


@dataclass(frozen=True)
class Charge:
    """One charge of a life: the payment itself, or a renewal."""

    place: int
    """0 for the first charge, from 1 on for the renewals."""
    at: datetime

    @property
    def source(self) -> str | None:
        """Where the sale happened, in Meta's words."""
        return "system_generated" if self.place else None


def charges(life: Life) -> list[Charge]:
    """Return the charges of a life. What goes back is of the first."""
    return [Charge(place, life.later(31 * place)) for place in range(life.renewals + 1)]


def whole_back(life: Life, kinds: tuple[Back, ...] = ("part", "rest", "chargeback")) -> tuple[datetime, str] | None:
    """Return when all of the first charge went back, and how, for gateways that return all or nothing; None: never."""
    for place, kind in enumerate(life.back):
        if kind in kinds:
            return life.later(place + 1), "chargeback" if kind == "chargeback" else "refund"
    return None
