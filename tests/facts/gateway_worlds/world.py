"""A world of payments: how their documents arrive, and what has become of all of it in the end.

What belongs here: drawing worlds, cutting them into files, and the oracle, which counts what lives tell. What does
not: what a gateway sends of a life (the modules of the gateways).
"""

import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from facts.gateway_worlds.courses import cakto, eduzz, hotmart, kiwify
from facts.gateway_worlds.life import TEST, Back, Document, Life, Returned, Sold
from facts.gateway_worlds.mercadopago import mercadopago
from facts.gateway_worlds.paypal import paypal
from facts.gateway_worlds.sales import braip, guru, kirvano, monetizze, perfectpay, ticto
from facts.gateway_worlds.shops import shopify, woocommerce
from facts.gateway_worlds.stripe import stripe
from hypothesis import strategies as st

GATEWAYS: Mapping[str, Callable[[Life], list[Document]]] = {
    builder.__name__: builder
    for builder in (
        *(braip, cakto, eduzz, guru, hotmart, kirvano, kiwify, mercadopago),
        *(monetizze, paypal, perfectpay, shopify, stripe, ticto, woocommerce),
    )
}
TENANTS = ("acme", "globex")
# Takes the payments of gateways' test modes.
TRYING = "globex"
LOADS = 3


class Payment(NamedTuple):
    """A life at a gateway of a tenant."""

    tenant: str
    gateway: str
    life: Life


@dataclass(frozen=True)
class World:
    """Payments, and the seed of how they arrive."""

    payments: tuple[Payment, ...]
    seed: int


@dataclass
class File:
    """Documents that arrive together, in this load."""

    tenant: str
    gateway: str
    load: int
    number: int
    form: bool
    documents: list[Document] = field(default_factory=list)

    @property
    def source(self) -> str:
        """Its path in the landing folder."""
        suffix = "form" if self.form else ("json", "jsonl", "ndjson")[self.number % 3]
        return f"{self.tenant}/webhooks/{self.gateway}/{self.load}-{self.number}.{suffix}"

    def write(self, landing: Path) -> Path:
        """Write it: forms and lines one below the other, an array, or documents that follow each other."""
        path = landing / self.source
        path.parent.mkdir(parents=True, exist_ok=True)
        payloads = [document.payload for document in self.documents]
        if self.form:
            text = "\n".join(map(urlencode, payloads))
        elif path.suffix == ".json":
            text = json.dumps(payloads)
        else:
            text = "\n".join(
                json.dumps(payload, indent=2 if path.suffix == ".ndjson" else None) for payload in payloads
            )
        path.write_text(text, encoding="utf-8")
        return path


_FATES: tuple[Back, ...] = ("part", "part", "rest", "chargeback", "asked", "disputed", "won")


@st.composite
def worlds(draw: st.DrawFn, gateways: Sequence[str], most: int) -> World:
    """Draw a world of at most so many payments, at these gateways.

    All of it is made of a seed, so that lives are as different as they can be. Which of the payments there are is
    drawn, so that what fails shrinks to few of them, and those stay as they are.
    """
    # One draw of each: Hypothesis makes variants of what it draws more often, which would be the same few worlds.
    seed = draw(st.integers(0, 2**24 - 1))
    drawn = draw(st.binary(min_size=(most + 7) // 8, max_size=(most + 7) // 8))
    kept = [bool(drawn[place // 8] >> place % 8 & 1) for place in range(most)]
    chance = random.Random(seed)
    counted: dict[tuple[str, str], int] = defaultdict(int)
    payments = []
    for _ in kept:
        tenant, gateway = chance.choice(TENANTS), chance.choice(gateways)
        counted[tenant, gateway] += 1
        payments.append(Payment(tenant, gateway, _life(chance, counted[tenant, gateway])))
    return World(tuple(payment for payment, keep in zip(payments, kept, strict=True) if keep), seed)


def _life(chance: random.Random, number: int) -> Life:
    return Life(
        number,
        shape=chance.randrange(24 * 7),
        # From a tenth of a real to 20,000.
        cents=round(10 ** chance.uniform(1, 6.3)),
        waited=chance.random() < 0.4,
        paid=chance.random() < 0.85,
        renewals=chance.choice((0, 0, 1, 2)),
        back=tuple(chance.choices(_FATES, k=chance.choice((0, 0, 1, 2, 3)))),
        test=chance.random() < 0.15,
        moves=chance.random() < 0.15,
    )


def files_of(world: World) -> list[File]:
    """Return the files of a world in the order of their arrival: in any order, redelivered, and some of it lost."""
    files: dict[str, File] = {}
    arriving: dict[str, list[tuple[float, Document]]] = defaultdict(list)
    for tenant, gateway, life in world.payments:
        for place, document in enumerate(GATEWAYS[gateway](life)):
            # The same whichever other payments there are.
            chance = random.Random(f"{world.seed} {tenant} {gateway} {life.number} {place}")
            # What does not arrive at all is as if the account had not chosen that event.
            for _ in range(chance.choice((0, 1, 1, 1, 1, 1, 2, 3))):
                file = _file(world, tenant, gateway, document, chance)
                files.setdefault(file.source, file)
                arriving[file.source].append((chance.random(), document))
    for file in files.values():
        file.documents = [document for _, document in sorted(arriving[file.source], key=lambda one: one[0])]
    # A load takes its files in this order.
    return sorted(files.values(), key=lambda file: (file.load, file.source))


def _file(world: World, tenant: str, gateway: str, document: Document, chance: random.Random) -> File:
    """Return the file of a document: some gateways of a world have two, perhaps in different loads."""
    of_gateway = random.Random(f"{world.seed} {tenant} {gateway} {document.form}")
    number = chance.randrange(of_gateway.choice((1, 1, 2)))
    load = [of_gateway.randrange(LOADS), of_gateway.randrange(LOADS)][number]
    return File(tenant, gateway, load, number, document.form)


class SaleRow(NamedTuple):
    """What a conversion is to hold."""

    event_id: str
    value: Decimal
    currency: str
    at: datetime
    source: str | None


class RefundRow(NamedTuple):
    """What a refund is to hold, with the sale's event."""

    value: Decimal
    currency: str
    at: datetime
    kind: str
    sale: str | None


Key = tuple[str, str, str]
"""A tenant, a gateway, and what it knows a sale, an event or a refund by."""


class Arrived(NamedTuple):
    """A fact in the file of this place in the order of arrival."""

    place: int
    fact: Any


@dataclass
class Truth:
    """What the lives of a world come to, of what arrived of them."""

    at_once: bool
    """Whether the files arrive at the same moment, so that any of them may be the first."""
    sales: dict[Key, list[Arrived]] = field(default_factory=lambda: defaultdict(list))
    refunds: dict[Key, list[Arrived]] = field(default_factory=lambda: defaultdict(list))
    names: dict[Key, Key] = field(default_factory=dict)
    """The sales by all of their names."""
    rows: int = 0
    refused: int = 0
    """Documents of which something is no sale and no refund."""
    reasons: dict[tuple[str, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    """By file and place in it, how the reason may begin."""
    sold: list[tuple[tuple[str, int], Key, str]] = field(default_factory=list)
    """Every paid event that counts: its place, its sale, its id."""

    def candidates(self, key: Key) -> set[SaleRow]:
        """Return the events of a sale that may be the one that counts.

        It is one of the first file that has any: the earliest of them, or where ids join them one that says most.
        """
        together: list[Sold] = self._first(self.sales[key])
        if self.at_once:
            ranks: list[tuple[Any, ...]] = [()] * len(together)
        else:
            ranks = [(sold.says,) if sold.names else (sold.at, sold.event_id) for sold in together]
        return {
            SaleRow(sold.event_id, sold.value, sold.currency, sold.at, sold.source)
            for sold, rank in zip(together, ranks, strict=True)
            if rank == min(ranks)
        }

    def refund(self, key: Key, counted: Mapping[Key, str]) -> set[RefundRow]:
        """Return what a refund may hold by the first file that tells of it; its sale is the event that counts."""
        together: list[Returned] = self._first(self.refunds[key])
        if not self.at_once:
            together = [min(together, key=lambda told: told.at)]
        sales = [self.names.get((*key[:2], told.sale)) for told in together]
        return {
            RefundRow(told.value, told.currency, told.at, told.kind, counted[sale] if sale else None)
            for told, sale in zip(together, sales, strict=True)
        }

    def _first(self, arrived: Sequence[Arrived]) -> list[Any]:
        first = min(arrival.place for arrival in arrived)
        return [arrival.fact for arrival in arrived if self.at_once or arrival.place == first]


def truth_of(files: Iterable[File], *, at_once: bool = False) -> Truth:
    """Count what the documents of the files tell, in the order of their arrival."""
    truth = Truth(at_once)
    for place, file in enumerate(files):
        for number, document in enumerate(file.documents, 1):
            at = file.source, number
            if document.reason is not None:
                truth.reasons[at].add(document.reason)
            for fact in document.told:
                if fact.test and file.tenant != TRYING:
                    truth.reasons[at].add(TEST)
                    continue
                truth.rows += 1
                _tell(truth, file, at, Arrived(place, fact))
            truth.refused += at in truth.reasons
    return truth


def _tell(truth: Truth, file: File, at: tuple[str, int], arrived: Arrived) -> None:
    fact = arrived.fact
    of = file.tenant, file.gateway
    if isinstance(fact, Returned):
        truth.refunds[*of, fact.event_id].append(arrived)
        return
    key: Key = (*of, fact.key)
    truth.sales[key].append(arrived)
    truth.sold.append((at, key, fact.event_id))
    for name in fact.names or {fact.key}:
        truth.names[*of, name] = key
