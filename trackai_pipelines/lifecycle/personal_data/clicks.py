"""Finding a person's clicks: by the sales and identities that point at them, and by click and browser keys.

What belongs here: the way from sales to clicks, in the database, in the match log and in archives. What does not:
finding sales and identities (`search`), and changing clicks (`erase`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from psycopg import Connection, sql

from trackai_pipelines.database.partitions import days_apart, partition_name
from trackai_pipelines.database.statements import statement
from trackai_pipelines.lifecycle.archive.manifest import Archive, archives
from trackai_pipelines.lifecycle.archive.reader import archive_reader, readable
from trackai_pipelines.lifecycle.archive.store import ArchiveDamaged, Store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ROWS_AT_ONCE = 10_000

Part = tuple[str, date, int]
"""Which archive: table, UTC day and part. Its file gets another name when it is rewritten."""


@dataclass(frozen=True)
class Clicks:
    """Clicks with anything personal on them, by id: in the database, and in archives."""

    ids: list[int] = field(default_factory=list)
    archived: dict[Part, list[int]] = field(default_factory=lambda: defaultdict(list))


class FoundClick(NamedTuple):
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
class Wanted:
    """By what clicks are looked for."""

    ids: set[int]
    external_ids: set[str]
    click_keys: set[str]
    browser_keys: set[str]

    def points_at(self, click: FoundClick) -> bool:
        return click.id in self.ids or click.external_id in self.external_ids

    def learn(self, clicks: Iterable[FoundClick]) -> bool:
        """Look for the keys of these clicks too, where they are pointed at; return whether any is new."""
        before = len(self.click_keys) + len(self.browser_keys)
        pointed_at = [click for click in clicks if self.points_at(click)]
        self.click_keys.update(click.click_key for click in pointed_at if click.click_key)
        self.browser_keys.update(click.browser_key for click in pointed_at if click.browser_key)
        return len(self.click_keys) + len(self.browser_keys) > before

    @property
    def parameters(self) -> dict[str, Any]:
        names = ("ids", "external_ids", "click_keys", "browser_keys")
        return {name: sorted(getattr(self, name)) for name in names}


def clicks_of(
    connection: Connection, store: Store, tenant_id: str, sales: Sequence[Any], identities: Sequence[Any]
) -> tuple[list[FoundClick], tuple[Clicks, Clicks]]:
    """Return the clicks of these sales and identities, and where they are, in the order in which they have to go.

    First those found by a key alone; then those that a sale or an identity points at, which have the keys. Raises
    ArchiveDamaged where an archive does not read.
    """
    wanted = Wanted(
        ids={row.click_id for row in [*sales, *identities] if row.click_id is not None},
        external_ids={row.click_external_id for row in identities if row.click_external_id},
        click_keys={row.click_key for row in sales if row.click_key},
        browser_keys={row.browser_key for row in sales if row.browser_key},
    )
    logged = {row.id: row.logged_at for row in sales if row.logged_at}
    with archive_reader(store) as duck:
        if logged:
            wanted.ids.update(_hits(connection, store, duck, tenant_id, logged))
        found = _clicks(connection, store, duck, tenant_id, wanted)
    return found, (
        _by_part(click for click in found if not wanted.points_at(click)),
        _by_part(click for click in found if wanted.points_at(click)),
    )


def _clicks(
    connection: Connection, store: Store, duck: "DuckDBPyConnection", tenant_id: str, wanted: Wanted
) -> list[FoundClick]:
    """Return the clicks that are wanted, and those with a key of one that is pointed at, wherever they are."""
    if not any(wanted.parameters.values()):
        return []
    files = archives(connection, "clicks")
    parts = {store.shown(file.path): part_of(file) for file in files}
    wanted.learn(_live_clicks(connection, tenant_id, wanted))
    while True:
        archived = _ask(
            duck,
            store,
            statement("lifecycle/duckdb/clicks_of_person"),
            files,
            {"tenant_id": tenant_id, **wanted.parameters},
        )
        found = [FoundClick(parts[path], *rest) for path, *rest in archived]
        # An archived click's keys may lead to more.
        if not wanted.learn(found):
            return [*_live_clicks(connection, tenant_id, wanted), *found]


def _live_clicks(connection: Connection, tenant_id: str, wanted: Wanted) -> list[FoundClick]:
    rows = connection.execute(
        statement("lifecycle/personal_data/find_clicks"), {"tenant_id": tenant_id, **wanted.parameters}
    ).fetchall()
    return [FoundClick(*row) for row in rows]


def _hits(
    connection: Connection,
    store: Store,
    duck: "DuckDBPyConnection",
    tenant_id: str,
    logged: dict[int, datetime],
) -> set[int]:
    """Return the clicks of sales whose attribution has lost its click, from the log, wherever its day is now."""
    days = {moment.astimezone(UTC).date() for moment in logged.values()}
    apart = [partition_name("match_log", day) for day in days_apart(connection, "match_log") if day in days]
    sales = {"tenant_id": tenant_id, "conversion_ids": [*logged], "moments": [*logged.values()]}
    found: set[int] = set()
    for log in ["match_log", *apart]:
        query = sql.SQL(statement("lifecycle/personal_data/find_hits")).format(log=sql.Identifier("trackai", log))
        found.update(click_id for (click_id,) in connection.execute(query, sales))
    files = [file for file in archives(connection, "match_log") if file.day in days]
    hits = _ask(
        duck,
        store,
        statement("lifecycle/duckdb/clicks_of_sales"),
        files,
        {"tenant_id": tenant_id, "conversion_ids": [*logged]},
    )
    return found.union(click_id for (click_id,) in hits)


def _ask(
    duck: "DuckDBPyConnection", store: Store, query: str, files: Sequence[Archive], parameters: dict[str, Any]
) -> Iterator[tuple[Any, ...]]:
    """Yield what a query over archives returns; without archives, nothing."""
    import duckdb

    if not files:
        return
    try:
        answer = duck.execute(query, {**parameters, "paths": readable(store, files)})
        while rows := answer.fetchmany(_ROWS_AT_ONCE):
            yield from rows
    except (duckdb.Error, OSError) as error:
        raise ArchiveDamaged(unreadable(files[0].table_name, error)) from error


def unreadable(table_name: str, why: object) -> str:
    return (
        f"The archives of {table_name} do not read, so it is not known what they hold of the person: {why}. Bring the "
        "file back from a copy; where there is none, remove its row from trackai.archives. Nothing was erased; then "
        "repeat it."
    )


def _by_part(clicks: Iterable[FoundClick]) -> Clicks:
    found = Clicks()
    for click in clicks:
        (found.ids if click.part is None else found.archived[click.part]).append(click.id)
    return found


def part_of(archive: Archive) -> Part:
    return archive.table_name, archive.day, archive.part
