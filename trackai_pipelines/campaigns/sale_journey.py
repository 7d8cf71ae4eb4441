"""The journey of one sale, for people: its touches, what each deserves, and the keys that were not followed.

What belongs here: reading and wording it. What does not: printing (cli_journeys.py, story.py), computing (journeys.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, dict_row

from trackai_pipelines.campaigns.credit_models import MODELS
from trackai_pipelines.campaigns.journeys import LIMITS, find_touches
from trackai_pipelines.database.statements import statement

KINDS = {1: "click id", 2: "browser", 3: "e-mail", 4: "phone"}


@dataclass(frozen=True)
class JourneySale:
    """A sale, how it was matched, and its stored journey; None where it has none."""

    tenant_id: str
    conversion_id: int
    day: date
    occurred_at: datetime
    event_name: str
    value: Decimal | None
    currency: str | None
    strategy: str | None
    shared_keys: int | None
    truncated: bool | None
    anonymised: bool


@dataclass(frozen=True)
class Touch:
    """A touch of a journey."""

    position: int
    clicked_at: datetime | None
    campaign_id: str
    channel: str
    via: str
    credit: Mapping[str, Decimal]
    """By model."""


@dataclass(frozen=True)
class SharedKey:
    """A key that was not followed."""

    kind: str
    key: str
    why: str

    def __str__(self) -> str:
        shown = self.key if len(self.key) <= 20 else f"{self.key[:8]}...{self.key[-4:]}"
        return f"{self.kind} {shown}: {self.why}"


def sale_of(
    connection: Connection[Any],
    tenant: str,
    *,
    gateway: str | None = None,
    event_id: str | None = None,
    conversion_id: int | None = None,
) -> JourneySale | None:
    """Return a sale by its tenant (slug or id) and gateway's event, or its id; None where there is none."""
    values = {"tenant": tenant, "gateway": gateway, "event_id": event_id, "conversion_id": conversion_id}
    with connection.cursor(row_factory=class_row(JourneySale)) as cursor:
        return cursor.execute(statement("campaigns/sale_journey"), values).fetchone()


def touches_of(connection: Connection[Any], sale: JourneySale) -> list[Touch]:
    """Return the stored touches, the oldest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            statement("campaigns/sale_touches"),
            {"tenant_id": sale.tenant_id, "conversion_id": sale.conversion_id, "day": sale.day},
        ).fetchall()
    return [Touch(credit={model: row.pop(f"credit_{model}") for model in MODELS}, **row) for row in rows]


def shared_keys_of(connection: Connection[Any], sale: JourneySale) -> list[SharedKey]:
    """Return the keys that lead nowhere as facts stand now; for a sale whose facts have left, none may be known."""
    with connection.transaction(force_rollback=True):
        find_touches(connection, sale.tenant_id, sale.day, conversion_id=sale.conversion_id)
        rows = connection.execute(statement("campaigns/sale_shared_keys")).fetchall()
    return [SharedKey(KINDS[rank], key, _reason(rank, why)) for rank, key, why in rows]


def sentence_on(sale: JourneySale, touches: list[Touch], shared: list[SharedKey]) -> str:
    """Say what the sale's journey is, or why there is none."""
    worth = "without a value" if sale.value is None else f"{sale.value:,.2f} {sale.currency}"
    event = "Sale" if sale.event_name == "Purchase" else sale.event_name
    sold = f"{event} {worth} on {sale.occurred_at:%Y-%m-%d %H:%M} UTC"
    if sale.strategy is None:
        return f"{sold}, not matched yet: `trackai match` decides what waits."
    if sale.strategy == "unmatched":
        return f"{sold}, unmatched: it has no journey. `trackai explain` tells why."
    if not touches:
        fix = f"`trackai campaigns aggregate --from {sale.day} --to {sale.day}`"
        return f"{sold}, matched by {sale.strategy}. Its journey was not computed yet: {fix} does."
    count = f"{len(touches)} touch{'es' if len(touches) > 1 else ''}"
    cut = ", older ones were left out" if sale.truncated else ""
    return f"{sold}, matched by {sale.strategy}. {count}{cut}{_on_keys(sale, shared)}."


def _on_keys(sale: JourneySale, shared: list[SharedKey]) -> str:
    number = sale.shared_keys or 0
    if not number:
        return ""
    named = f" ({'; '.join(map(str, shared))})" if len(shared) == number else ""
    return f"; {number} key{'s were' if number > 1 else ' was'} shared and not followed{named}"


def _reason(rank: int, why: str) -> str:
    if why == "clicks":
        return f"{LIMITS.max_clicks + 1} clicks or more"
    if why == "buyers":
        return f"{LIMITS.max_buyers_of_a_browser + 1} buyers or more"
    limit = LIMITS.max_browsers_of_a_click_id if rank == 1 else LIMITS.max_browsers_of_a_contact
    return f"{limit + 1} browsers or more"
