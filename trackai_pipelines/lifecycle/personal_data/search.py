"""Finding a person: everything that the event database, its archives and dry runs hold about somebody of one tenant.

What belongs here: reading, and the order in which what was found has to go. The way from sales to clicks, by keys, is
spelled out in `clicks`; rows of all other tables are found by what these declare. What does not: changing it (`erase`).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_interface
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg import Connection, sql
from psycopg.rows import namedtuple_row

from trackai_pipelines.customer_information.hashing import key_of_hash
from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Table
from trackai_pipelines.lifecycle.archive.manifest import Archive, archives
from trackai_pipelines.lifecycle.archive.store import ArchiveDamaged, Store
from trackai_pipelines.lifecycle.personal_data.clicks import Clicks, Part, clicks_of, part_of, unreadable
from trackai_pipelines.lifecycle.personal_data.parquet_mask import (
    Person,
    going,
    hash_columns,
    hashed,
    of_person,
    of_table,
    personal_of,
    places_of,
    rows_of_person,
)

if TYPE_CHECKING:
    import pyarrow

SPELLED_OUT = ("clicks", "conversions", "identities")
"""Tables whose rows are found, and erased, in an order of their own."""

# A shorter key (`test`, `1`) stands in texts of anybody.
_SHORTEST_WORD = 8
# An e-mail address inside another text is replaced by this many digits of its hash (`emails_hashed` in ingest).
_STAND_IN_DIGITS = 12
# What a hash, a key or an address is made of; anything else separates.
_WORDS = re.compile(r"[0-9a-z_.:-]+")


@dataclass(frozen=True)
class People:
    """Rows that carry a hash of the person."""

    conversions: list[int] = field(default_factory=list)
    identities: list[int] = field(default_factory=list)


Quoting = dict[int, set[str]]
"""By a row's id: which of its columns quote the person."""


@dataclass(frozen=True)
class Quotes:
    """What a text must hold to quote the person: a hash or its beginning, a key, a user id, an IP address."""

    words: frozenset[str]
    hashes: str
    """The hashes alone as a regular expression, for PostgreSQL and RE2."""

    def within(self, text: str | None) -> bool:
        """Return whether the text quotes the person, in whatever case; 1.2.3.4 is not within 11.2.3.45."""
        return text is not None and not self.words.isdisjoint(_words(text.lower()))


@dataclass(frozen=True)
class Found:
    """Everything about a person, each kind in the order in which it has to go: what leads to the rest goes last."""

    person: Person
    quotes: Quotes
    texts: dict[str, Quoting]
    """By table: rows that quote the person."""
    archived_texts: list[Part]
    rows: dict[str, int]
    """By table: how many rows are the person's by a hash, a user id or a sale; in the database and in archives."""
    archived: dict[Part, int]
    """The archives that hold some of these rows, and how many of them are to be deleted."""
    dry_runs: list[Path]
    clicks: tuple[Clicks, Clicks]
    """Those found by a key alone; those that a sale or an identity points at, which have the keys."""
    people: tuple[People, People]
    """Rows found by a hash that stands next to a given one; rows with a given one."""


def search(
    connection: Connection,
    store: Store,
    tables: Sequence[Table],
    tenant_id: str,
    given: Iterable[str],
    dry_runs: Path | None,
) -> Found:
    """Find what a tenant's data say about the person with these hashes; `dry_runs` is the folder of dry runs, if any.

    A hash that stands next to a given one in a row that never leaves counts too, one step far. The person's user ids
    are those of rows with one of the hashes. Raises ArchiveDamaged where an archive does not read.
    """
    person = _person(connection, tables, tenant_id, tuple(given))
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        sales: list[Any] = cursor.execute(
            statement("lifecycle/personal_data/find_conversions"), person.parameters
        ).fetchall()
        identities: list[Any] = cursor.execute(
            statement("lifecycle/personal_data/find_identities"), person.parameters
        ).fetchall()
    person = replace(person, conversion_ids=tuple(row.id for row in sales))
    clicks, clicks_in_order = clicks_of(connection, store, tenant_id, sales, identities)
    quotes = _quotes(person, [*sales, *clicks])
    rows, archived = _declared_rows(connection, store, tables, person)
    with_texts = [table for table in tables if table.personal and table.personal.texts]
    return Found(
        person,
        quotes,
        texts={table.name: _texts(connection, table, tenant_id, quotes) for table in with_texts},
        archived_texts=[
            part for table in with_texts for part in _archived_texts(connection, store, table, tenant_id, quotes)
        ],
        rows=rows,
        archived=archived,
        dry_runs=_dry_runs(connection, tenant_id, dry_runs, person.hashes) if dry_runs else [],
        clicks=clicks_in_order,
        people=(_people(sales, identities, named=False), _people(sales, identities, named=True)),
    )


def leads_further(table: Table) -> bool:
    """Return whether rows of the table lead to a person's other hashes or user ids: those have to go last."""
    return table.leaves == "never" and bool(hash_columns(table))


def found_by_person(table: Table) -> bool:
    """Return whether the table's rows are found by its declaration alone, apart from those that go with a sale."""
    if table.personal is None or table.name in SPELLED_OUT:
        return False
    with_sale = table.personal.conversion is not None and table.leaves != "never"
    by = (*hash_columns(table), table.personal.user_id, table.personal.contact_key)
    return any(by) or with_sale


def _person(connection: Connection, tables: Sequence[Table], tenant_id: str, given: tuple[str, ...]) -> Person:
    """Return the person with these hashes: with the hashes next to them, and the user ids."""
    leading = [table for table in tables if leads_further(table)]
    hashes = set(given)
    for table in leading:
        personal = personal_of(table)
        if personal.email_hash and personal.phone_hash:
            next_to = sql.SQL(statement("lifecycle/personal_data/hashes_next_to")).format(
                table=of_table(table.name),
                email_hash=sql.Identifier(personal.email_hash),
                phone_hash=sql.Identifier(personal.phone_hash),
            )
            about = {"tenant_id": tenant_id, "given": list(given)}
            hashes.update(found for (found,) in connection.execute(next_to, about))
    # An app may use a contact as the id of a user; then its hash is stored.
    user_ids = {key_of_hash(digest) for digest in hashes}
    for table in leading:
        if user_id := personal_of(table).user_id:
            ids = sql.SQL(statement("lifecycle/personal_data/user_ids")).format(
                table=of_table(table.name), user_id=sql.Identifier(user_id), hashed=hashed(table)
            )
            about = {"tenant_id": tenant_id, "hashes": sorted(hashes)}
            user_ids.update(found for (found,) in connection.execute(ids, about))
    return Person(tenant_id, given, tuple(sorted(hashes)), tuple(sorted(user_ids)))


def _declared_rows(
    connection: Connection, store: Store, tables: Sequence[Table], person: Person
) -> tuple[dict[str, int], dict[Part, int]]:
    """Return how many rows are the person's by table, and by archive how many of them are to be deleted."""
    rows: dict[str, int] = {}
    archived: dict[Part, int] = {}
    for table in filter(found_by_person, tables):
        here = 0
        for place, there in places_of(connection, table):
            count = sql.SQL(statement("lifecycle/personal_data/count_rows")).format(rows=place, which=of_person(there))
            row = connection.execute(count, person.parameters).fetchone()
            assert row is not None
            here += row[0]
        for file in archives(connection, table.name) if table.leaves != "never" else []:
            theirs = gone = 0
            for batch in _batches(store, file):
                found = rows_of_person(table, person, batch)
                theirs += found.to_pylist().count(True)
                gone += going(table, batch, found).to_pylist().count(True)
            if theirs:
                archived[part_of(file)] = gone
                here += theirs
        if here:
            rows[table.name] = here
    return rows, archived


def _texts(connection: Connection, table: Table, tenant_id: str, quotes: Quotes) -> Quoting:
    """Return the table's rows that quote the person, and in which columns."""
    texts = personal_of(table).texts
    query = sql.SQL(statement("lifecycle/personal_data/find_texts")).format(
        table=of_table(table.name),
        key=sql.Identifier(table.key[-1]),
        texts=sql.SQL(", ").join(sql.SQL("t.{}::text").format(sql.Identifier(column)) for column in texts),
    )
    found: Quoting = {}
    with connection.cursor() as cursor:
        for key, *values in cursor.stream(query, {"tenant_id": tenant_id}):
            quoting = {column for column, value in zip(texts, values, strict=True) if quotes.within(value)}
            if quoting:
                found[key] = quoting
    return found


def _archived_texts(
    connection: Connection, store: Store, table: Table, tenant_id: str, quotes: Quotes
) -> Iterator[Part]:
    """Yield the table's archives with rows that quote the person."""
    texts = personal_of(table).texts
    for file in archives(connection, table.name) if table.leaves != "never" else []:
        for rows in _batches(store, file):
            if any(any(found) for found in quoting_rows(rows, texts, tenant_id, quotes).values()):
                yield part_of(file)
                break


def quoting_rows(
    rows: "pyarrow.Table", columns: Iterable[str], tenant_id: str, quotes: Quotes
) -> dict[str, list[bool]]:
    """Return, by column, which rows of the tenant, or of none, quote the person there."""
    tenants = rows["tenant_id"].to_pylist()
    return {
        column: [
            tenant in (None, tenant_id) and quotes.within(text)
            for tenant, text in zip(tenants, rows[column].to_pylist(), strict=True)
        ]
        for column in columns
    }


def _batches(store: Store, file: Archive) -> "Iterator[pyarrow.Table]":
    """Yield the rows of an archive. Raises ArchiveDamaged where it does not read."""
    import pyarrow

    from trackai_pipelines.lifecycle.archive.parquet_files import batches_of_file

    try:
        for batch in batches_of_file(store, file.path):
            yield pyarrow.Table.from_batches([batch])
    except (pyarrow.ArrowException, OSError) as error:
        raise ArchiveDamaged(unreadable(file.table_name, f"{store.shown(file.path)}: {error}")) from error


def _quotes(person: Person, rows: Sequence[Any]) -> Quotes:
    stand_ins = [digest[:_STAND_IN_DIGITS] for digest in person.hashes]
    words = {*person.hashes, *stand_ins}
    keys = [key for row in rows for key in (row.fbclid, row.fbc, row.fbp, row.click_key, row.browser_key) if key]
    words.update(key.strip().lower() for key in (*keys, *person.user_ids) if len(key.strip()) >= _SHORTEST_WORD)
    for row in rows:
        if row.client_ip and (place := ip_interface(row.client_ip)).network.num_addresses == 1:
            words.update((str(place.ip), place.ip.exploded))
    return Quotes(frozenset(words), "|".join(stand_ins))


def _words(text: str) -> Iterator[str]:
    """Yield the words of a text in lower case, their parts at colons, and what Meta's cookies are made of."""
    for found in _WORDS.findall(text):
        for word in (found, found.partition(":")[2], found.rpartition(":")[2]):
            yield word.strip(".:")
            if word.startswith("fb."):
                segments = word.split(".")
                yield ".".join(segments[:4])
                yield from segments[3:4]


def _dry_runs(connection: Connection, tenant_id: str, folder: Path, hashes: Iterable[str]) -> list[Path]:
    """Return the tenant's requests that dry runs wrote with one of the hashes in them."""
    row = connection.execute("SELECT slug FROM trackai.tenants WHERE id = %s", (tenant_id,)).fetchone()
    if row is None:
        return []
    wanted = re.compile("|".join(hashes).encode())
    return [path for path in sorted(folder.glob("*/*/*.json")) if path.parent.name == row[0]
            and wanted.search(path.read_bytes())]  # fmt: skip


def _people(sales: Sequence[Any], identities: Sequence[Any], *, named: bool) -> People:
    return People(*(sorted(row.id for row in rows if row.named is named) for rows in (sales, identities)))
