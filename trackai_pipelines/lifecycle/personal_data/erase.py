"""Erasing: everything of one person of one tenant, in the event database, its archives and dry runs.

Rows stay where something counts or points at them, and lose what they say of the person. What belongs here: the order
of the changes, and their transactions. What does not: finding the rows (`erase_search`), the age after which personal
fields go by themselves (`anonymise`), and the producers' landing files.

Killed anywhere, it is repeated with the same address: what leads to the rest goes last, and so the rest is found again.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from psycopg import Connection, errors
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database import locks
from trackai_pipelines.database.statements import statement
from trackai_pipelines.delivery.events import order_of, stable_event_id
from trackai_pipelines.domain import Table
from trackai_pipelines.errors import ExpectedError
from trackai_pipelines.lifecycle.archive.manifest import archives, require_own
from trackai_pipelines.lifecycle.archive.store import Store
from trackai_pipelines.lifecycle.leaving import leaving
from trackai_pipelines.lifecycle.mover import only_mover
from trackai_pipelines.lifecycle.personal_data.erase_search import Found, Part, People, search

if TYPE_CHECKING:
    import pyarrow

_BATCH = 1_000
"""Rows a transaction."""

_PAUSE_SECONDS = 0.1
_PATIENCE_SECONDS = 300.0

_PERSONAL = ("fbclid", "fbc", "fbp", "ip", "user_agent")
_CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
_INSTEAD = "erased: it told of a person whose data was erased"
_UNSENT = "the buyer's data was erased before the event was sent, so that it is not sent any more"

T = TypeVar("T")


class ErasureUnfinishedError(ExpectedError):
    """Something is in the way of the last step; the text says what. All before it is done."""


@dataclass(frozen=True)
class Erasure:
    """How much there was of a person: rows by kind, requests of dry runs, and archives that had to be rewritten."""

    conversions: int = 0
    identities: int = 0
    clicks: int = 0
    archived_clicks: int = 0
    rejects: int = 0
    dry_runs: int = 0
    archives: int = 0
    events: int = 0
    """Of the sales, those whose event waited to be delivered and is not sent any more."""

    @property
    def nothing(self) -> bool:
        """Whether nothing was found."""
        return not any(asdict(self).values())


def find(
    connection: Connection,
    store: Store,
    tables: Sequence[Table],
    tenant_id: str,
    *,
    email_hash: str | None = None,
    phone_hash: str | None = None,
    dry_runs: Path | None = None,
) -> Erasure:
    """What `erase` would erase; events are not counted before. Nothing is changed."""
    return _counted(search(connection, store, tenant_id, _given(email_hash, phone_hash), dry_runs))


def erase(
    connection: Connection,
    store: Store,
    tables: Sequence[Table],
    tenant_id: str,
    *,
    email_hash: str | None = None,
    phone_hash: str | None = None,
    dry_runs: Path | None = None,
    clock: Clock = utc_now,
) -> Erasure:
    """Erase the person with this e-mail or phone (SHA-256, 64 hex digits) from a tenant's data; gives how much it was.

    Sales and identities are found by their hashes, and a hash that stands beside a given one on them (the phone of the
    same person) counts too, one step far. Clicks are found by these rows, by what these were matched to, and by the
    click and browser keys of all of them. `dry_runs` is the folder of dry runs, whose requests with one of the hashes
    are removed. An event that is on its way to Meta is waited for; one that waits is closed, and never sent afterwards.
    What was found is recorded, as counts; a person who is not found leaves no record.

    Raises ValueError without any hash, MoverBusyError while retention or a restoration is at work, ArchiveError where
    an archive does not read or cannot be written, ErasureUnfinishedError where an event stays on its way for minutes.
    """
    given = _given(email_hash, phone_hash)
    with only_mover(connection):
        found = search(connection, store, tenant_id, given, dry_runs)
        done = _counted(found)
        if done.nothing:
            return done
        # One moment for all: a click that is both in the database and in a file stays the same in both.
        now = clock()
        _erase_rejects(connection, store, tables, found)
        for path in found.dry_runs:
            path.unlink(missing_ok=True)
        _erase_clicks(connection, store, tables, found, now)
        _remove_strays(connection, store)
        return _erase_people(connection, found, done, now)


def _given(email_hash: str | None, phone_hash: str | None) -> list[str]:
    given = [digest for digest in (email_hash, phone_hash) if digest]
    if not given:
        raise ValueError("nobody was named: give the hash of an e-mail address or of a phone number")
    return given


def _counted(found: Found) -> Erasure:
    archived = {part for clicks in found.clicks for part in clicks.archived}
    return Erasure(
        conversions=sum(len(rows.conversions) for rows in found.people),
        identities=sum(len(rows.identities) for rows in found.people),
        clicks=sum(len(clicks.ids) for clicks in found.clicks),
        archived_clicks=sum(len(ids) for clicks in found.clicks for ids in clicks.archived.values()),
        rejects=len(found.rejects),
        dry_runs=len(found.dry_runs),
        archives=len(archived) + len(found.archived_rejects),
    )


def _erase_rejects(connection: Connection, store: Store, tables: Sequence[Table], found: Found) -> None:
    """Refused records: nothing is found by them, so they go first."""
    for part in found.archived_rejects:
        _rewrite(connection, store, tables, part, partial(_without_quotes, found))
    quoting = [reject for reject, reason_quotes in found.rejects.items() if reason_quotes]
    for ids in _batches(sorted(found.rejects)):
        connection.execute(
            statement("lifecycle/personal_data/erase_rejects"), {"ids": ids, "quoting": quoting, "instead": _INSTEAD}
        )


def _erase_clicks(connection: Connection, store: Store, tables: Sequence[Table], found: Found, now: datetime) -> None:
    """Clicks, in archives and in the database: those found by the keys of others before those others."""
    for clicks in found.clicks:
        for part, ids in clicks.archived.items():
            _rewrite(connection, store, tables, part, partial(_without_person, found, ids, now))
        for ids in _batches(sorted(clicks.ids)):
            connection.execute(
                statement("lifecycle/personal_data/erase_clicks"),
                {"tenant_id": found.tenant_id, "ids": ids, "hashes": found.quotes.hashes, "now": now},
            )


def _erase_people(connection: Connection, found: Found, done: Erasure, now: datetime) -> Erasure:
    """Sales and identities: those with one of the given hashes last. The record goes with the last of them."""
    events = 0
    batches = [batch for people in found.people for batch in _batches_of(people)] or [People()]
    for at, people in enumerate(batches, 1):

        def step(people: People = people, last: bool = at == len(batches), before: int = events) -> int:
            with connection.transaction():
                closed = _erase_sales(connection, found, people.conversions, now) if people.conversions else 0
                connection.execute(
                    statement("lifecycle/personal_data/erase_identities"),
                    {"tenant_id": found.tenant_id, "identity_ids": people.identities},
                )
                if last:
                    changed = {**asdict(done), "events": before + closed}
                    record = {"tenant_id": found.tenant_id, "now": now, "changed": Jsonb(changed)}
                    connection.execute(statement("lifecycle/personal_data/erase_record"), record)
            return closed

        events += _patiently(step)
    return Erasure(**{**asdict(done), "events": events})


class _UnderWay(Exception):  # noqa: N818 - a state of things, which passes
    """A request with the person's event is on its way."""


def _erase_sales(connection: Connection, found: Found, conversion_ids: list[int], now: datetime) -> int:
    """Erase sales within the caller's transaction; gives how many events were closed unsent. Raises _UnderWay."""
    # Nobody waits behind a lock that this waits for in vain: it gives way and comes back.
    connection.execute("SET LOCAL lock_timeout = '2s'")
    about = {"tenant_id": found.tenant_id, "conversion_ids": conversion_ids}
    # A micro-batch that has read the sale would write its keys down after they are gone.
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (locks.BATCHES,))
    row = connection.execute(statement("lifecycle/personal_data/erase_lock_delivery"), about).fetchone()
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        events: list[Any] = cursor.execute(statement("lifecycle/personal_data/erase_find_events"), about).fetchall()
    pending = [event for event in events if event.pending]
    if pending and row is not None and row[0]:
        raise _UnderWay
    # Before the queue, in the order in which a change of the tenant locks the two.
    connection.execute(
        statement("lifecycle/personal_data/erase_conversions"),
        {**about, "now": now},
    )
    connection.execute(
        statement("delivery/give_up_pending"),
        {
            **about,
            "conversion_ids": [event.id for event in pending],
            "attempts": [event.attempts for event in pending],
            "now": now,
        },
    )
    queued = [event for event in events if event.queued]
    connection.execute(
        statement("delivery/close_events"),
        {
            "tenant_id": found.tenant_id,
            "now": now,
            "occurred_ats": [event.occurred_at for event in queued],
            "conversion_ids": [event.id for event in queued],
            "event_ids": [_event_id(found.tenant_id, event) for event in queued],
            "keys": [event.keys for event in queued],
            "attempts": [event.attempts + 1 for event in queued],
            "failures": ["erased" if event.due else None for event in queued],
            "messages": [_UNSENT if event.due else None for event in queued],
        },
    )
    return sum(event.due for event in queued)


def _event_id(tenant_id: str, event: Any) -> str:
    """The id by which the sale is delivered once, whether it has been tried or not."""
    return stable_event_id(
        tenant_id,
        order=order_of(event.order_id, event.gateway, event.gateway_event_id),
        event_name=event.event_name,
        value=event.value,
        currency=event.currency,
    )


def _patiently(step: Callable[[], T]) -> T:
    """Do a transaction, again while something that passes is in its way."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return step()
        except (_UnderWay, errors.LockNotAvailable, errors.DeadlockDetected) as error:
            if time.monotonic() > deadline:
                what = (
                    "an event of the person is on its way to Meta"
                    if isinstance(error, _UnderWay)
                    else "rows of the person are locked by another session"
                )
                raise ErasureUnfinishedError(
                    f"The sales could not be erased: for {_PATIENCE_SECONDS / 60:.0f} minutes, {what}. The clicks are "
                    "erased; see `trackai doctor`, then repeat the command."
                ) from error
        time.sleep(_PAUSE_SECONDS)


def _rewrite(
    connection: Connection,
    store: Store,
    tables: Sequence[Table],
    part: Part,
    change: "Callable[[pyarrow.Table], pyarrow.Table]",
) -> None:
    from trackai_pipelines.lifecycle.archive.rewrite import rewrite_archive

    name, day, number = part
    table = leaving(tables)[name]
    for archive in archives(connection, name, day):
        if archive.part == number:
            rewrite_archive(connection, store, table, archive, change)


def _remove_strays(connection: Connection, store: Store) -> None:
    """Remove files that the manifest does not name: killed runs leave them, and they may hold the person."""
    store.fs.invalidate_cache()
    for table in ("clicks", "ingest_rejects"):
        named = {archive.path for archive in archives(connection, table)}
        for full in store.fs.find(store.full(table)):
            path = full.removeprefix(f"{store.root}/")
            if path not in named and path.rpartition("/")[2].startswith(f"{table}_"):
                require_own(connection, store)
                store.remove(path)


def _without_person(found: Found, ids: Sequence[int], now: datetime, rows: "pyarrow.Table") -> "pyarrow.Table":
    """Archived clicks as erase_clicks.sql leaves them."""
    import pyarrow
    from pyarrow import compute

    theirs = compute.and_(
        compute.equal(rows["tenant_id"], found.tenant_id),
        compute.is_in(rows["id"], value_set=pyarrow.array(ids, rows["id"].type)),
    )
    for name in (*_PERSONAL, "anonymised_at"):
        rows = _replaced(rows, name, theirs, now if name == "anonymised_at" else None)
    for name in _CAMPAIGN:
        quoting = compute.match_substring_regex(rows[name], found.quotes.hashes, ignore_case=True)
        rows = _replaced(rows, name, compute.and_(theirs, compute.fill_null(quoting, fill_value=False)), None)
    return rows


def _without_quotes(found: Found, rows: "pyarrow.Table") -> "pyarrow.Table":
    """Archived refused records as erase_rejects.sql leaves them."""
    import pyarrow

    def quoting(name: str) -> list[bool]:
        pairs = zip(rows["tenant_id"].to_pylist(), rows[name].to_pylist(), strict=True)
        return [tenant in (None, found.tenant_id) and found.quotes.within(text) for tenant, text in pairs]

    reasons = quoting("reason")
    either = [payload or reason for payload, reason in zip(quoting("payload"), reasons, strict=True)]
    return _replaced(
        _replaced(rows, "payload", pyarrow.array(either), None), "reason", pyarrow.array(reasons), _INSTEAD
    )


def _replaced(
    rows: "pyarrow.Table", name: str, where: "pyarrow.Array | pyarrow.ChunkedArray", value: object
) -> "pyarrow.Table":
    import pyarrow
    from pyarrow import compute

    # A column that a later migration added is not in older files.
    if name not in rows.column_names:
        return rows
    field = rows.schema.field(name)
    column = compute.if_else(where, pyarrow.scalar(value, field.type), rows[name])
    return rows.set_column(rows.schema.get_field_index(name), field, column)


def _batches(ids: Sequence[int]) -> Iterator[list[int]]:
    return (list(ids[at : at + _BATCH]) for at in range(0, len(ids), _BATCH))


def _batches_of(people: People) -> Iterator[People]:
    pairs = zip_longest(_batches(people.conversions), _batches(people.identities), fillvalue=())
    return (People(list(conversions), list(identities)) for conversions, identities in pairs)
