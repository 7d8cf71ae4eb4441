"""The dry run: what would be sent, to the byte, without sending it.

Meta counts test events like others, so a trial has to be local. Nothing changes: everything is read in one read-only
transaction. What does not belong here: how events are made (`events`, `prepare`), and how it is shown (cli).

    <folder>/<slug>/0001.json   a request: method, url, headers without the token, body as it would be sent
    <folder>/diff.jsonl         a line for each event: new, same or changed since it was last sent, or refused
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row, kwargs_row

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.statements import statement
from trackai_pipelines.delivery.account import waiting_reason
from trackai_pipelines.delivery.circuit import Circuit
from trackai_pipelines.delivery.client import HEADERS, events_url
from trackai_pipelines.delivery.events import Recipient, request_body
from trackai_pipelines.delivery.prepare import (
    Closed,
    IdOwner,
    Prepared,
    QueuedEvent,
    id_owners,
    next_events,
    obstacle_to,
    prepared,
    queued_event,
    with_own_ids,
)
from trackai_pipelines.delivery.targets import holds_of
from trackai_pipelines.delivery.tokens import TokenStore
from trackai_pipelines.settings import CapiSettings


@dataclass
class DryRun:
    """What a dry run wrote: requests, events by slug, and which tenants would not be served right now."""

    folder: Path
    requests: int = 0
    new: Counter[str] = field(default_factory=Counter)
    """Never sent before."""
    same: Counter[str] = field(default_factory=Counter)
    """Sent before with the same bytes: a retry."""
    changed: Counter[str] = field(default_factory=Counter)
    """Sent before with other bytes."""
    refused: Counter[str] = field(default_factory=Counter)
    """Would be closed unsent, with the reason in diff.jsonl."""
    held_back: dict[str, str] = field(default_factory=dict)
    """Why a tenant's events would not go out at this moment, by slug; their requests are written nevertheless, unless
    the tenant has no pixel or is not active."""


def dry_run(
    connection: Connection, folder: Path, *, tokens: TokenStore, settings: CapiSettings, clock: Clock = utc_now
) -> DryRun:
    """Write the requests that are due into a folder, which is created if it is missing; return what was written.

    Raises FileExistsError unless the folder is empty: two dry runs never mix.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"the folder {folder} is not empty: name a new one for the dry run")
    found = DryRun(folder)
    now = clock()
    holds = holds_of(connection, at=now, settings=settings)
    with connection.transaction(), (folder / "diff.jsonl").open("w", encoding="utf-8") as diff:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        with connection.cursor(row_factory=dict_row) as cursor:
            tenants = cursor.execute(statement("delivery/waiting_tenants")).fetchall()
        for tenant in tenants:
            recipient, circuit = Recipient.from_row(tenant), Circuit.from_row(tenant)
            status, held, hold = tenant["status"], tenant["held"], holds.of(recipient.slug)
            obstacle = obstacle_to(recipient, tokens.token_of(recipient.slug))
            if status != "active" or hold or held or not circuit.lets_through(now):
                found.held_back[recipient.slug] = waiting_reason(
                    status, circuit, hold=hold, held=held, ahead=False, now=now
                )
            elif obstacle is not None:
                found.held_back[recipient.slug] = obstacle
            if status == "active" and recipient.pixel_id:
                for record in _tenant(
                    connection, found, recipient, events_url(settings.capi_url, settings, recipient.pixel_id), now
                ):
                    diff.write(json.dumps(record) + "\n")
    return found


def _tenant(
    connection: Connection, found: DryRun, recipient: Recipient, url: str, now: datetime
) -> Iterator[dict[str, Any]]:
    """Write a tenant's requests; yield the lines of diff.jsonl."""
    folder = found.folder / recipient.slug
    folder.mkdir()
    owners: dict[str, IdOwner] = {}
    last: Prepared | Closed | None = None
    number = 0
    while queued := _queued(connection, recipient, now, last):
        events, closed = prepared(recipient, queued, now=now)
        everything: list[Prepared | Closed] = [*events, *closed]
        last = max(everything, key=lambda event: (event.occurred_at, event.conversion_id))
        _note_owners(connection, recipient, events, owners)
        own, doubled = with_own_ids(recipient, events, owners)
        for refused in [*closed, *doubled]:
            if refused.problem is not None:
                found.refused[recipient.slug] += 1
                yield _line(recipient, refused, "refused", **asdict(refused.problem))
        if own:
            number += 1
            found.requests += 1
            _write_request(folder / f"{number:04}.json", url, request_body([event.event for event in own], recipient))
            yield from _compared(connection, found, recipient, own)


def _queued(
    connection: Connection, recipient: Recipient, now: datetime, last: Prepared | Closed | None
) -> list[QueuedEvent]:
    with connection.cursor(row_factory=kwargs_row(queued_event)) as cursor:
        after = None if last is None else (last.occurred_at, last.conversion_id)
        parameters = next_events(recipient.tenant_id, now, after)
        return cursor.execute(statement("delivery/next_events"), parameters).fetchall()


def _note_owners(
    connection: Connection, recipient: Recipient, events: Sequence[Prepared], owners: dict[str, IdOwner]
) -> None:
    """Note which conversion each event id belongs to: the registered one, else the first that comes."""
    registered = connection.execute(
        statement("delivery/registered_to"),
        {"tenant_id": recipient.tenant_id, "event_ids": [event.event_id for event in events]},
    )
    owners.update(id_owners(registered.fetchall()))
    for event in events:
        sale = event.sale
        owner = IdOwner(sale.conversion_id, sale.gateway, sale.gateway_event_id, sale.sale_key)
        owners.setdefault(event.event_id, owner)


def _compared(
    connection: Connection, found: DryRun, recipient: Recipient, events: Sequence[Prepared]
) -> Iterator[dict[str, Any]]:
    before: dict[int, str] = dict(
        connection.execute(
            statement("delivery/last_payloads"),
            {"tenant_id": recipient.tenant_id, "conversion_ids": [event.conversion_id for event in events]},
        ).fetchall()
    )
    for event in events:
        last, present = before.get(event.conversion_id), event.payload_sha256
        if last is None:
            found.new[recipient.slug] += 1
            yield _line(recipient, event, "new", sha256=present)
        elif last == present:
            found.same[recipient.slug] += 1
            yield _line(recipient, event, "same", sha256=present)
        else:
            found.changed[recipient.slug] += 1
            yield _line(recipient, event, "changed", sha256=present, sha256_before=last)


def _line(recipient: Recipient, event: Prepared | Closed, change: str, **more: object) -> dict[str, Any]:
    return {
        "tenant": recipient.slug,
        "conversion_id": event.conversion_id,
        "event_id": event.event_id,
        "attempt": event.attempt,
        "change": change,
        **more,
    }


def _write_request(path: Path, url: str, body: bytes) -> None:
    head = json.dumps({"method": "POST", "url": url, "headers": dict(HEADERS)})
    # The body is copied unchanged: its bytes are what would be sent.
    path.write_bytes(head[:-1].encode() + b', "body": ' + body + b"}\n")
