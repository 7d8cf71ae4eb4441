"""The demo's delivery: a sandbox in Meta's place, and the proof that every due sale reached it once.

What belongs here: that sandbox, its tokens, and the comparison with the sample's ground truth. What does not: the
sandbox itself (capi_sandbox), and the course of the demo (demo).
"""

import os
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.server import sandbox
from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.statements import statement
from trackai_pipelines.delivery.account import account_for
from trackai_pipelines.delivery.prepare import too_old_before
from trackai_pipelines.delivery.validate import LONGEST_AGE
from trackai_pipelines.domain import Companion, Proof, Sample
from trackai_pipelines.sample_data.ground_truth import Planned, attributions_in
from trackai_pipelines.settings import token_variable


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the database says about a tenant's delivery: sales sent, attempts accepted, sales refused because too little
    is known of the buyer; since when its sales have been attributed, and when the last one was sent."""

    slug: str
    pixel_id: str | None
    sent: int
    accepted: int
    refused: int
    attributed_from: datetime | None
    sent_until: datetime | None


def figures(connection: Connection, sample: Sample) -> Mapping[str, Mapping[str, object]]:
    """Return the events that are sent, failed and waiting, by slug."""
    events: Counter[tuple[str, str]] = Counter()
    for place in account_for(connection, datetime.combine(sample.first_day, time(), UTC)).places:
        events[place.slug, place.place] += place.events
    return {
        tenant["slug"]: {name: events[tenant["slug"], name] for name in ("sent", "failed", "waiting")}
        for tenant in sample.truth["tenants"]
    }


@contextmanager
def accompany(connection: Connection, sample: Sample) -> Iterator[Companion]:
    """Run a sandbox in Meta's place; its proof is that every due sale of the sample reached it once."""
    before = delivered_by_tenant(connection)
    tenants = sample.truth["tenants"]
    with demo_sandbox(tenants) as (box, variables):

        def prove(connection: Connection) -> Proof:
            differences = delivery_differences(
                before,
                delivered_by_tenant(connection),
                box,
                tenants=tenants,
                attributions=sample.home / sample.truth["attributions"],
                now=utc_now(),
            )
            return Proof(differences, "every due sale reached the sandbox, and was counted there once")

        shows = ((box.base_url, "the sandbox in Meta's place: what it received"),)
        yield Companion(variables=variables, prove=prove, shows=shows)


@contextmanager
def demo_sandbox(tenants: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Sandbox, dict[str, str]]]:
    """Run a sandbox for the sample's tenants; yield it and the variables that make every process deliver to it.

    Their tokens are made up here and live in these variables alone. Whatever else the environment says about Meta and
    tokens is overridden: the demo sends nothing anywhere else, and touches no real token.
    """
    real = [name for name in os.environ if name.startswith(token_variable(""))]
    tokens = {token_variable(tenant["slug"]): secrets.token_urlsafe(32) for tenant in tenants}
    with sandbox(tokens=tokens.values(), pixels=[tenant["pixel_id"] for tenant in tenants]) as box:
        # An empty variable counts as unset, and processes inherit it. TRACKAI_CAPI_TOKEN_DIR is among them.
        yield (
            box,
            {**dict.fromkeys(real, ""), **tokens, "TRACKAI_CAPI_URL": box.base_url, "TRACKAI_CAPI_SANDBOX_URL": ""},
        )


def delivered_by_tenant(connection: Connection) -> dict[str, Delivered]:
    """Return what has been delivered so far, by slug."""
    with connection.cursor(row_factory=class_row(Delivered)) as cursor:
        return {of.slug: of for of in cursor.execute(statement("delivery/delivered")).fetchall()}


def delivery_differences(
    before: Mapping[str, Delivered],
    after: Mapping[str, Delivered],
    box: Sandbox,
    *,
    tenants: Sequence[Mapping[str, Any]],
    attributions: Path,
    now: datetime,
) -> list[str]:
    """Return where sandbox, database and ground truth disagree, a line each; none when all due sales came once.

    A sale is due when it is younger than seven days as it is matched. A few may pass that age between then and their
    request, depending on the minute, so the truth is a range.
    """
    planned: dict[str, list[Planned]] = {tenant["slug"]: [] for tenant in tenants}
    for one in attributions_in(attributions):
        planned[one.tenant].append(one)
    wrong = []
    for tenant in tenants:
        slug, found = tenant["slug"], after[tenant["slug"]]
        due = planned[slug] if tenant["status"] == "active" else []
        expectations = [
            ("sent", found.sent, _due_range([p for p in due if not p.unknown_buyer], found, now)),
            ("refused", found.refused, _due_range([p for p in due if p.unknown_buyer], found, now)),
        ]
        for name, count, (least, most) in expectations:
            if not least <= count <= most:
                wrong.append(f"{slug}: {name} is {count:,} and should be {_either(least, most)}")
        if found.accepted != found.sent:
            wrong.append(f"{slug}: {found.sent:,} sales were sent {found.accepted:,} times")
        pixel, new = box.pixel(tenant["pixel_id"]), found.sent - before[slug].sent
        if not new == pixel.accepted == pixel.counted:
            wrong.append(
                f"{slug}: {new:,} sales were sent, the sandbox took {pixel.accepted:,} and counted {pixel.counted:,}"
            )
        if pixel.refused:
            wrong.append(f"{slug}: the sandbox refused {pixel.refused:,} requests, for {', '.join(pixel.refusals)}")
    return wrong


def _due_range(sales: Sequence[Planned], found: Delivered, now: datetime) -> tuple[int, int]:
    """Return how many of the sales must have been delivered, and how many may."""
    surely = too_old_before(found.sent_until or now)
    perhaps = (found.attributed_from or now) - LONGEST_AGE - timedelta(minutes=1)
    times = [datetime.fromtimestamp(sale.sold_at / 1000, UTC) for sale in sales]
    return sum(at > surely for at in times), sum(at > perhaps for at in times)


def _either(least: int, most: int) -> str:
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"
