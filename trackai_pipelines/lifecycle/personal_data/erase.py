"""Erasing: everything about one person of one tenant, in the event database, its archives and dry runs.

Rows stay where something counts or refers to them, and lose what they say about the person; a table's declaration says
what. What belongs here: the order of the changes, and their transactions. What does not: finding the rows (`search`),
what is taken out of them (`parquet_mask`), the age after which personal fields go by themselves (`anonymise`), and the
producers' landing files.

It can be killed anywhere and repeated with the same address: what leads to the rest goes last, so the rest is found
again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from psycopg import Connection, errors, sql
from psycopg.types.json import Jsonb
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database import locks
from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Domain, NotNowError, Table, tables_of
from trackai_pipelines.errors import ExpectedError
from trackai_pipelines.lifecycle.archive.manifest import archives, forget, require_own
from trackai_pipelines.lifecycle.archive.store import Store
from trackai_pipelines.lifecycle.leaving import leaving
from trackai_pipelines.lifecycle.mover import only_mover
from trackai_pipelines.lifecycle.personal_data.clicks import Part
from trackai_pipelines.lifecycle.personal_data.parquet_mask import (
    at_most,
    erased,
    erasing,
    matching,
    of_person,
    of_table,
    personal_of,
    places_of,
    rows_of_person,
    rows_with_ids,
    with_ids,
    with_sales,
)
from trackai_pipelines.lifecycle.personal_data.search import (
    Found,
    People,
    found_by_person,
    leads_further,
    quoting_rows,
    search,
)

if TYPE_CHECKING:
    import pyarrow

_BATCH = 1_000
"""Rows a transaction."""

_PAUSE_SECONDS = 0.1
_PATIENCE_SECONDS = 300.0

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
    """The sales whose event waited to be delivered and is not sent any more."""
    tables: Mapping[str, int] = field(default_factory=dict)
    """Rows of other tables, in the database and in archives, by table."""

    @property
    def nothing(self) -> bool:
        """Return whether nothing was found."""
        return not any(asdict(self).values())


def find(
    connection: Connection,
    store: Store,
    domains: Sequence[Domain],
    tenant_id: str,
    *,
    email_hash: str | None = None,
    phone_hash: str | None = None,
    dry_runs: Path | None = None,
) -> Erasure:
    """Return what `erase` would erase; events are not counted before. Nothing is changed."""
    return _counted(search(connection, store, tables_of(domains), tenant_id, _given(email_hash, phone_hash), dry_runs))


def erase(
    connection: Connection,
    store: Store,
    domains: Sequence[Domain],
    tenant_id: str,
    *,
    email_hash: str | None = None,
    phone_hash: str | None = None,
    dry_runs: Path | None = None,
    clock: Clock = utc_now,
) -> Erasure:
    """Erase the person with this e-mail or phone (SHA-256, 64 hex digits) from a tenant's data; return how much it was.

    Rows are found by the hashes; a hash that stands next to a given one (the phone of the same person) counts too, one
    step far, and so do the person's user ids. Clicks are found by sales and identities, by what these were matched to,
    and by the click and browser keys of all of them. `dry_runs` is the folder of dry runs, whose requests with one of
    the hashes are removed. An event that is on its way to Meta is waited for; one that waits is closed, and never sent
    afterwards. What was found is recorded, as counts; a person who is not found leaves no record.

    Raises ValueError without any hash, MoverBusyError while retention or a restoration is at work, ArchiveError where
    an archive does not read or cannot be written, ErasureUnfinishedError where an event stays on its way for minutes.
    """
    given = _given(email_hash, phone_hash)
    tables = tables_of(domains)
    with only_mover(connection):
        found = search(connection, store, tables, tenant_id, given, dry_runs)
        done = _counted(found)
        if done.nothing:
            return done
        # One moment for all: a click that is both in the database and in a file stays the same in both.
        now = clock()
        _erase_texts(connection, store, tables, found, now)
        for path in found.dry_runs:
            path.unlink(missing_ok=True)
        _erase_declared(connection, store, tables, found, now)
        _erase_clicks(connection, store, tables, found, now)
        _remove_strays(connection, store, tables)
        return _erase_people(connection, domains, found, done, now)


def _given(email_hash: str | None, phone_hash: str | None) -> list[str]:
    given = [digest for digest in (email_hash, phone_hash) if digest]
    if not given:
        raise ValueError("nobody was named: give the hash of an e-mail address or of a phone number")
    return given


def _counted(found: Found) -> Erasure:
    parts = {part for clicks in found.clicks for part in clicks.archived}
    texts = {name: len(rows) for name, rows in found.texts.items() if rows}
    return Erasure(
        conversions=sum(len(rows.conversions) for rows in found.people),
        identities=sum(len(rows.identities) for rows in found.people),
        clicks=sum(len(clicks.ids) for clicks in found.clicks),
        archived_clicks=sum(len(ids) for clicks in found.clicks for ids in clicks.archived.values()),
        rejects=texts.pop("ingest_rejects", 0),
        dry_runs=len(found.dry_runs),
        archives=len(parts.union(found.archived_texts, found.archived)),
        tables={**texts, **found.rows},
    )


def _erase_texts(connection: Connection, store: Store, tables: Sequence[Table], found: Found, now: datetime) -> None:
    """Rows that quote the person, such as refused records: nothing is found by them, so they go first."""
    for part in found.archived_texts:
        _rewrite(connection, store, tables, part, partial(_without_quotes, found, now))
    for table in tables:
        quoting = found.texts.get(table.name, {})
        by_column = {
            f"quoting_{column}": [key for key, columns in quoting.items() if column in columns]
            for column in (personal_of(table).quotes if quoting else ())
        }
        for ids in _batches(sorted(quoting)):
            about = {"tenant_id": found.person.tenant_id, "now": now, "ids": ids, **by_column}
            connection.execute(erasing(table, of_table(table.name), with_ids(table)), about)


def _erase_declared(connection: Connection, store: Store, tables: Sequence[Table], found: Found, now: datetime) -> None:
    """Rows found by hashes, user ids or sales, in archives and in the database, but those that lead to others."""
    for part, gone in found.archived.items():
        _rewrite(connection, store, tables, part, partial(_without_person, found, now), gone=gone)
    for table in tables:
        if table.name in found.rows and not leads_further(table):
            for rows, there in places_of(connection, table):
                _erase_rows(connection, there, rows, of_person(there), found, now)


def _erase_rows(
    connection: Connection, table: Table, rows: sql.Identifier, which: sql.Composed, found: Found, now: datetime
) -> None:
    change = erasing(table, rows, at_most(table, rows, which))
    about = {**found.person.parameters, "now": now, "quoted": found.quotes.hashes, "size": _BATCH}
    while connection.execute(change, about).rowcount:
        pass


def _erase_clicks(connection: Connection, store: Store, tables: Sequence[Table], found: Found, now: datetime) -> None:
    """Clicks, in archives and in the database: those found by the keys of others before those others."""
    (table,) = (table for table in tables if table.name == "clicks")
    for clicks in found.clicks:
        for part, ids in clicks.archived.items():
            _rewrite(connection, store, tables, part, partial(_without_ids, found, now, ids))
        for ids in _batches(sorted(clicks.ids)):
            _erase_ids(connection, table, found, ids, now)


def _erase_ids(connection: Connection, table: Table, found: Found, ids: Sequence[int], now: datetime) -> None:
    about = {"tenant_id": found.person.tenant_id, "now": now, "ids": list(ids), "quoted": found.quotes.hashes}
    connection.execute(erasing(table, of_table(table.name), with_ids(table)), about)


def _erase_people(
    connection: Connection, domains: Sequence[Domain], found: Found, done: Erasure, now: datetime
) -> Erasure:
    """Sales, identities and other rows that lead to a person's data: those with one of the given hashes last.

    The record is written with the last of them.
    """
    by_name = {table.name: table for table in tables_of(domains)}
    leading = [table for table in by_name.values() if found_by_person(table) and leads_further(table)]
    events = 0

    def step(people: People, *, last: bool) -> int:
        with connection.transaction():
            closed = _erase_sales(connection, domains, found, people.conversions, now) if people.conversions else 0
            _erase_ids(connection, by_name["identities"], found, people.identities, now)
            if last:
                for table in leading:
                    about = {**found.person.parameters, "now": now, "quoted": found.quotes.hashes}
                    connection.execute(erasing(table, of_table(table.name), of_person(table)), about)
                record = {"tenant_id": found.person.tenant_id, "now": now}
                changed = Jsonb({**asdict(done), "events": events + closed})
                connection.execute(statement("lifecycle/personal_data/record_erasure"), {**record, "changed": changed})
        return closed

    others, named = found.people
    for people in _batches_of(others):
        events += _patiently(partial(step, people, last=False))
    for table in leading:
        _erase_rows(connection, table, of_table(table.name), of_person(table, named=False), found, now)
    *before, end = [*_batches_of(named)] or [People()]
    for people in before:
        events += _patiently(partial(step, people, last=False))
    events += _patiently(partial(step, end, last=True))
    return replace(done, events=events)


def _erase_sales(
    connection: Connection, domains: Sequence[Domain], found: Found, conversion_ids: list[int], now: datetime
) -> int:
    """Erase sales within the caller's transaction; return how many rows the domains closed. Raises NotNowError."""
    # A session that waits for a lock makes others wait behind it: give way and retry.
    connection.execute("SET LOCAL lock_timeout = '2s'")
    # A micro-batch that has read the sale would write its keys down after they are gone.
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (locks.BATCHES,))
    tables = tables_of(domains)
    (conversions,) = (table for table in tables if table.name == "conversions")
    # Before the rows that belong to them, in the order in which a change of the tenant locks the two.
    _erase_ids(connection, conversions, found, conversion_ids, now)
    tenant_id = found.person.tenant_id
    closed = sum(
        domain.erased_with_sales(connection, tenant_id, conversion_ids, now)
        for domain in domains
        if domain.erased_with_sales
    )
    about = {"tenant_id": tenant_id, "conversion_ids": conversion_ids, "now": now, "quoted": found.quotes.hashes}
    for table in tables:
        if table.personal and table.personal.conversion:
            connection.execute(erasing(table, of_table(table.name), with_sales(table)), about)
    return closed


def _patiently(step: Callable[[], T]) -> T:
    """Do a transaction, and retry it while something that passes is in its way."""
    passes = (NotNowError, errors.LockNotAvailable, errors.DeadlockDetected)
    attempts = Retrying(
        retry=retry_if_exception_type(passes),
        stop=stop_after_delay(_PATIENCE_SECONDS),
        wait=wait_fixed(_PAUSE_SECONDS),
        reraise=True,
    )
    try:
        return attempts(step)
    except passes as error:
        what = str(error) if isinstance(error, NotNowError) else "rows of the person are locked by another session"
        raise ErasureUnfinishedError(
            f"The sales could not be erased: for {_PATIENCE_SECONDS / 60:.0f} minutes, {what}. The clicks are erased; "
            "see `trackai doctor`, then repeat the command."
        ) from error


def _rewrite(
    connection: Connection,
    store: Store,
    tables: Sequence[Table],
    part: Part,
    change: "Callable[[Table, pyarrow.Table], pyarrow.Table]",
    *,
    gone: int = 0,
) -> None:
    """Put an archive through `change`, which leaves out `gone` rows."""
    from trackai_pipelines.lifecycle.archive.rewrite import rewrite_archive

    name, day, number = part
    table = leaving(tables)[name]
    for archive in archives(connection, name, day):
        if archive.part == number:
            left = archive.rows - gone
            if left:
                rewrite_archive(connection, store, table, archive, partial(change, table), rows=left)
            else:
                forget(connection, store, archive)


def _remove_strays(connection: Connection, store: Store, tables: Sequence[Table]) -> None:
    """Remove files that the manifest does not name: killed runs leave them, and they may hold the person."""
    store.fs.invalidate_cache()
    for table in (name for name, found in leaving(tables).items() if found.personal):
        if not store.fs.isdir(store.full(table)):
            continue
        named = {archive.path for archive in archives(connection, table)}
        for full in store.fs.find(store.full(table)):
            path = full.removeprefix(f"{store.root}/")
            if path not in named and path.rpartition("/")[2].startswith(f"{table}_"):
                require_own(connection, store)
                store.remove(path)


def _without_ids(
    found: Found, now: datetime, ids: Sequence[int], table: Table, rows: "pyarrow.Table"
) -> "pyarrow.Table":
    theirs = rows_with_ids(table, found.person.tenant_id, ids, rows)
    return erased(table, rows, theirs, matching(table, rows, found.quotes.hashes), now)


def _without_person(found: Found, now: datetime, table: Table, rows: "pyarrow.Table") -> "pyarrow.Table":
    theirs = rows_of_person(table, found.person, rows)
    return erased(table, rows, theirs, matching(table, rows, found.quotes.hashes), now)


def _without_quotes(found: Found, now: datetime, table: Table, rows: "pyarrow.Table") -> "pyarrow.Table":
    import pyarrow

    by_column = quoting_rows(rows, personal_of(table).texts, found.person.tenant_id, found.quotes)
    theirs = pyarrow.array([any(of_row) for of_row in zip(*by_column.values(), strict=True)], pyarrow.bool_())
    quoting = {column: pyarrow.array(of_rows, pyarrow.bool_()) for column, of_rows in by_column.items()}
    return erased(table, rows, theirs, quoting, now)


def _batches(ids: Sequence[int]) -> Iterator[list[int]]:
    return (list(ids[at : at + _BATCH]) for at in range(0, len(ids), _BATCH))


def _batches_of(people: People) -> Iterator[People]:
    pairs = zip_longest(_batches(people.conversions), _batches(people.identities), fillvalue=())
    return (People(list(conversions), list(identities)) for conversions, identities in pairs)
