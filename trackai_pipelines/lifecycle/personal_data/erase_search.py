"""Finding a person: everything that the event database, its archives and dry runs hold of somebody of one tenant.

What belongs here: reading, and the order in which what was found has to go. What does not: changing it (`erase`).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from ipaddress import ip_interface
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from psycopg import Connection, sql
from psycopg.rows import namedtuple_row

from trackai_pipelines.database.partitions import detached_days, partition_name
from trackai_pipelines.database.statements import statement
from trackai_pipelines.lifecycle.archive.manifest import Archive, archives
from trackai_pipelines.lifecycle.archive.reader import archive_reader, readable
from trackai_pipelines.lifecycle.archive.store import ArchiveDamaged, Store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ROWS_AT_ONCE = 10_000
# A shorter key (`test`, `1`) stands in texts of anybody.
_SHORTEST_WORD = 8
# Of an e-mail address inside another text this much of its hash is kept (`emails_hashed` in ingest/personal.py).
_STAND_IN_DIGITS = 12
# What a hash, a key or an address is made of; anything else separates.
_WORDS = re.compile(r"[0-9a-z_.:-]+")

Part = tuple[str, date, int]
"""Which archive: table, UTC day and part. Its file gets another name when it is rewritten."""


@dataclass(frozen=True)
class People:
    """Rows that carry a hash of the person."""

    conversions: list[int] = field(default_factory=list)
    identities: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Clicks:
    """Clicks with anything personal on them, by id: in the database, and in archives."""

    ids: list[int] = field(default_factory=list)
    archived: dict[Part, list[int]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True)
class Quotes:
    """What a text must hold to quote the person: a hash or what stands in for an address, a key, an IP address."""

    words: frozenset[str]
    hashes: str
    """The hashes alone as a regular expression, for PostgreSQL and RE2."""

    def within(self, text: str | None) -> bool:
        """Whether the text quotes the person, in whatever case; 1.2.3.4 is not within 11.2.3.45."""
        return text is not None and not self.words.isdisjoint(_words(text.lower()))


@dataclass(frozen=True)
class Found:
    """All of a person, each kind in the order in which it has to go: what leads to the rest goes last."""

    tenant_id: str
    quotes: Quotes
    rejects: dict[int, bool]
    """Refused records that quote the person, and whether the reason does."""
    archived_rejects: list[Part]
    dry_runs: list[Path]
    clicks: tuple[Clicks, Clicks]
    """Those found by a key alone; those that a sale or an identity points at, which told the keys."""
    people: tuple[People, People]
    """Rows found by a hash that stood beside a given one; rows with a given one."""


def search(connection: Connection, store: Store, tenant_id: str, given: Iterable[str], dry_runs: Path | None) -> Found:
    """Find what a tenant's data tell of the person with these hashes; `dry_runs` is the folder of dry runs, if any.

    A hash that stands beside a given one on a sale or an identity counts too, one step far. Raises ArchiveDamaged where
    an archive does not read.
    """
    about: dict[str, Any] = {"tenant_id": tenant_id, "given": list(given)}
    beside = {hash_ for (hash_,) in connection.execute(statement("lifecycle/personal_data/erase_beside"), about)}
    about["hashes"] = sorted(beside.union(about["given"]))
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        sales: list[Any] = cursor.execute(statement("lifecycle/personal_data/erase_find_conversions"), about).fetchall()
        identities: list[Any] = cursor.execute(
            statement("lifecycle/personal_data/erase_find_identities"), about
        ).fetchall()
    with archive_reader(store) as duck:
        wanted = _Wanted(
            ids={row.click_id for row in [*sales, *identities] if row.click_id is not None},
            external_ids={row.click_external_id for row in identities if row.click_external_id},
            click_keys={row.click_key for row in sales if row.click_key},
            browser_keys={row.browser_key for row in sales if row.browser_key},
        )
        logged = {row.id: row.logged_at for row in sales if row.logged_at}
        if logged:
            wanted.ids.update(_hits(connection, store, duck, tenant_id, logged))
        clicks = _clicks(connection, store, duck, tenant_id, wanted)
        quotes = _quotes(about["hashes"], [*sales, *clicks])
        archived_rejects = _archived_rejects(connection, store, duck, tenant_id, quotes)
    return Found(
        tenant_id,
        quotes,
        rejects=_rejects(connection, tenant_id, quotes),
        archived_rejects=archived_rejects,
        dry_runs=_dry_runs(connection, tenant_id, dry_runs, about["hashes"]) if dry_runs else [],
        clicks=(
            _by_part(click for click in clicks if not wanted.points_at(click)),
            _by_part(click for click in clicks if wanted.points_at(click)),
        ),
        people=(_people(sales, identities, named=False), _people(sales, identities, named=True)),
    )


class _Click(NamedTuple):
    """A click as it was found; `part` is None in the database."""

    part: Part | None
    id: int
    external_id: str | None
    fbclid: str | None
    fbc: str | None
    fbp: str | None
    client_ip: str | None
    click_key: str | None
    browser_key: str | None


@dataclass(frozen=True)
class _Wanted:
    """By what clicks are looked for."""

    ids: set[int]
    external_ids: set[str]
    click_keys: set[str]
    browser_keys: set[str]

    def points_at(self, click: _Click) -> bool:
        return click.id in self.ids or click.external_id in self.external_ids

    def learn(self, clicks: Iterable[_Click]) -> bool:
        """Look for the keys of these clicks too, where they are pointed at; says whether any is new."""
        before = len(self.click_keys) + len(self.browser_keys)
        pointed_at = [click for click in clicks if self.points_at(click)]
        self.click_keys.update(click.click_key for click in pointed_at if click.click_key)
        self.browser_keys.update(click.browser_key for click in pointed_at if click.browser_key)
        return len(self.click_keys) + len(self.browser_keys) > before

    @property
    def parameters(self) -> dict[str, Any]:
        names = ("ids", "external_ids", "click_keys", "browser_keys")
        return {name: sorted(getattr(self, name)) for name in names}


def _clicks(
    connection: Connection, store: Store, duck: "DuckDBPyConnection", tenant_id: str, wanted: _Wanted
) -> list[_Click]:
    """The clicks that are wanted, and those with a key of one that is pointed at, wherever either of them is."""
    if not any(wanted.parameters.values()):
        return []
    files = archives(connection, "clicks")
    parts = {store.shown(file.path): _part(file) for file in files}
    duck.execute(statement("what_if/keys"))
    wanted.learn(_live_clicks(connection, tenant_id, wanted))
    while True:
        archived = _ask(
            duck,
            store,
            statement("lifecycle/personal_data/erase_archived_clicks"),
            files,
            {"tenant_id": tenant_id, **wanted.parameters},
        )
        found = [_Click(parts[path], *rest) for path, *rest in archived]
        # An archived click's keys may lead to more.
        if not wanted.learn(found):
            return [*_live_clicks(connection, tenant_id, wanted), *found]


def _live_clicks(connection: Connection, tenant_id: str, wanted: _Wanted) -> list[_Click]:
    rows = connection.execute(
        statement("lifecycle/personal_data/erase_find_clicks"), {"tenant_id": tenant_id, **wanted.parameters}
    ).fetchall()
    return [_Click(*row) for row in rows]


def _hits(
    connection: Connection,
    store: Store,
    duck: "DuckDBPyConnection",
    tenant_id: str,
    logged: dict[int, datetime],
) -> set[int]:
    """The clicks of sales whose attribution has lost its click, as the log tells, wherever its day is now."""
    days = {moment.astimezone(UTC).date() for moment in logged.values()}
    standing = [partition_name("match_log", day) for day in detached_days(connection, "match_log") if day in days]
    sales = {"tenant_id": tenant_id, "conversion_ids": [*logged], "moments": [*logged.values()]}
    found: set[int] = set()
    for log in ["match_log", *standing]:
        query = sql.SQL(statement("lifecycle/personal_data/erase_find_hits")).format(log=sql.Identifier("trackai", log))
        found.update(click_id for (click_id,) in connection.execute(query, sales))
    files = [file for file in archives(connection, "match_log") if file.day in days]
    hits = _ask(
        duck,
        store,
        statement("lifecycle/personal_data/erase_archived_hits"),
        files,
        {"tenant_id": tenant_id, "conversion_ids": [*logged]},
    )
    return found.union(click_id for (click_id,) in hits)


def _rejects(connection: Connection, tenant_id: str, quotes: Quotes) -> dict[int, bool]:
    """Refused records that quote the person, and whether their reason does."""
    with connection.cursor() as cursor:
        rows = cursor.stream(statement("lifecycle/personal_data/erase_find_rejects"), {"tenant_id": tenant_id})
        return {
            reject: quotes.within(reason)
            for reject, payload, reason in rows
            if quotes.within(payload) or quotes.within(reason)
        }


def _archived_rejects(
    connection: Connection, store: Store, duck: "DuckDBPyConnection", tenant_id: str, quotes: Quotes
) -> list[Part]:
    """The archives of refused records that quote the person."""
    files = archives(connection, "ingest_rejects")
    rows = _ask(
        duck, store, statement("lifecycle/personal_data/erase_archived_rejects"), files, {"tenant_id": tenant_id}
    )
    quoting = {path for path, payload, reason in rows if quotes.within(payload) or quotes.within(reason)}
    return [_part(file) for file in files if store.shown(file.path) in quoting]


def _ask(
    duck: "DuckDBPyConnection", store: Store, query: str, files: Sequence[Archive], parameters: dict[str, Any]
) -> Iterator[tuple[Any, ...]]:
    """What a query over archives comes to; without archives, nothing."""
    import duckdb

    if not files:
        return
    try:
        answer = duck.execute(query, {**parameters, "paths": readable(store, files)})
        while rows := answer.fetchmany(_ROWS_AT_ONCE):
            yield from rows
    except (duckdb.Error, OSError) as error:
        raise ArchiveDamaged(
            f"The archives of {files[0].table_name} do not read, so that it is not known what they hold of the person: "
            f"{error}. Bring the file back from a copy; where there is none, remove its row from trackai.archives. "
            "Nothing was erased; then repeat it."
        ) from error


def _quotes(hashes: Sequence[str], rows: Iterable[Any]) -> Quotes:
    stand_ins = [digest[:_STAND_IN_DIGITS] for digest in hashes]
    words = {*hashes, *stand_ins}
    for row in rows:
        keys = (row.fbclid, row.fbc, row.fbp, row.click_key, row.browser_key)
        words.update(key.strip().lower() for key in keys if key and len(key.strip()) >= _SHORTEST_WORD)
        if row.client_ip and (place := ip_interface(row.client_ip)).network.num_addresses == 1:
            words.update((str(place.ip), place.ip.exploded))
    return Quotes(frozenset(words), "|".join(stand_ins))


def _words(text: str) -> Iterator[str]:
    """The words of a text in lower case, their parts at colons, and what Meta's cookies are made of."""
    for found in _WORDS.findall(text):
        for word in (found, found.partition(":")[2], found.rpartition(":")[2]):
            yield word.strip(".:")
            if word.startswith("fb."):
                segments = word.split(".")
                yield ".".join(segments[:4])
                yield from segments[3:4]


def _dry_runs(connection: Connection, tenant_id: str, folder: Path, hashes: Iterable[str]) -> list[Path]:
    """Requests of the tenant that dry runs wrote with one of the hashes in them."""
    row = connection.execute("SELECT slug FROM trackai.tenants WHERE id = %s", (tenant_id,)).fetchone()
    if row is None:
        return []
    wanted = re.compile("|".join(hashes).encode())
    return [path for path in sorted(folder.glob("*/*/*.json")) if path.parent.name == row[0]
            and wanted.search(path.read_bytes())]  # fmt: skip


def _people(sales: Sequence[Any], identities: Sequence[Any], *, named: bool) -> People:
    return People(*([row.id for row in rows if row.named is named] for rows in (sales, identities)))


def _by_part(clicks: Iterable[_Click]) -> Clicks:
    found = Clicks()
    for click in clicks:
        (found.ids if click.part is None else found.archived[click.part]).append(click.id)
    return found


def _part(archive: Archive) -> Part:
    return archive.table_name, archive.day, archive.part
