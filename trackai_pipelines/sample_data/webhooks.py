"""What a gateway knows of a sale, and how it reports it.

What belongs here: what the builders of payloads have in common. What does not: the payloads (`gateways`), reading them
(`facts.gateways`).
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from string import ascii_uppercase
from string import digits as decimal_digits
from urllib.parse import urlencode

from trackai_pipelines.sample_data.refunds import MoneyBack
from trackai_pipelines.sample_data.stories import Row
from trackai_pipelines.sample_data.world import SampleTenant, moment

# A body as it is posted: JSON, or a form that is encoded already.
Body = Row | bytes

SECOND_MS = 1_000
_BRASILIA_MS = -3 * 3_600_000
_CODE_SIGNS = decimal_digits + ascii_uppercase


@dataclass(frozen=True, slots=True)
class Payment:
    """What a gateway knows of a sale. `at_ms` is in milliseconds since 1970; e-mail and phone are raw."""

    tenant: SampleTenant
    event_id: str
    order_id: str
    at_ms: int
    value: Decimal
    product: str
    name: str
    email: str
    phone: str
    ip: str
    user_agent: str
    fbc: str | None
    fbp: str | None

    @property
    def cents(self) -> int:
        """The value in cents."""
        return int(self.value * 100)


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """How a gateway reports sales.

    Its times go in steps of `tick_ms`, and clicks keep `margin_ms` from the window's edges: most write whole seconds.
    `order_id` draws the id of a sale; `event_id` draws that of its event, or makes it of the order's. `paid` builds the
    payload of a sale, `unpaid` one of an event that is none, `second` a further paid event of the same sale with an id
    of its own, where the gateway has such, `refunded` the event that returns all of it, or, where `in_parts`, what
    went back. `sale_in_refund` says that the event of a refund reports the sale once more.
    """

    tick_ms: int = SECOND_MS
    margin_ms: int = SECOND_MS
    order_id: Callable[[Random], str]
    event_id: Callable[[Random, str], str]
    paid: Callable[[Payment], Body]
    unpaid: Callable[[Payment, Random], Body]
    second: Callable[[Payment, Random], tuple[str, Body]] | None = None
    refunded: Callable[[Payment, MoneyBack, Random], Body] | None = None
    in_parts: bool = False
    sale_in_refund: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """Where the buyers of a country live, all of them in one house that does not exist."""

    street: str
    number: str
    district: str
    city: str
    state: str
    zip: str


ADDRESSES: Mapping[str, Address] = {
    "BR": Address("Rua das Flores", "12", "Centro", "Sorocaba", "SP", "18000100"),
    "US": Address("Example Street", "12", "Downtown", "San Francisco", "CA", "94103"),
    "FR": Address("Rue de l'Exemple", "12", "Centre", "Lyon", "", "69001"),
}


def random_uuid(rng: Random) -> str:
    """Draw a UUID."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def random_code(rng: Random, length: int) -> str:
    """Draw a code of digits and capital letters."""
    return "".join(rng.choices(_CODE_SIGNS, k=length))


def random_number(rng: Random) -> str:
    """Draw a number that no other sale has."""
    return str(10**15 + rng.getrandbits(53))


def digits(phone: str) -> str:
    """Return the digits of a phone number."""
    return "".join(sign for sign in phone if sign.isdigit())


def brasilia(at_ms: int) -> str:
    """Return a time as Brazilian gateways write it: by Brasília's clock, without saying so."""
    return moment(at_ms + _BRASILIA_MS).strftime("%Y-%m-%d %H:%M:%S")


def utc(at_ms: int) -> str:
    """Return a time in UTC, to the second."""
    return moment(at_ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def form(fields: Mapping[str, object]) -> bytes:
    """Return a form-encoded body. None is an empty field; fields of a mapping stand in brackets after its name."""
    flat: dict[str, object] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}[{inside}]": of_inside for inside, of_inside in value.items()}
        else:
            flat[name] = value
    return urlencode({name: "" if value is None else value for name, value in flat.items()}).encode()
