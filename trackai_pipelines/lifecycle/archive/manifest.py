"""The manifest: which archives there are, of which rows, and where these rows are now.

What belongs here: rows of trackai.archives, and whether a file is still the one that they describe. What does not: what
is in the files. A file that the manifest does not name counts for nothing.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.lifecycle.archive.store import ArchiveDamaged, ArchiveError, Store

_CHANGEABLE = (
    "state", "keep_until", "dropped_at", "path", "bytes", "sha256", "checksum", "rows", "first_row_at", "last_row_at"
)  # fmt: skip

OWNER = "OWNER"
"""The file that says which database an archive belongs to."""


@dataclass(frozen=True)
class Archive:
    """One Parquet file: rows of a table and UTC day. The columns of trackai.archives, where they are explained."""

    table_name: str
    day: date
    part: int
    state: str
    path: str
    rows: int
    bytes: int
    sha256: str
    checksum: str
    first_row_at: datetime
    last_row_at: datetime
    verified_at: datetime
    keep_until: datetime
    dropped_at: datetime | None
    """When its rows began to be removed. A `verified` one that has it: some are in the database, some are not."""


def archives(
    connection: Connection[Any],
    table: str | None = None,
    day: date | None = None,
    states: Iterable[str] | None = None,
) -> list[Archive]:
    """Return the archives, where given only those of a table, a UTC day or some states; by table, day and part."""
    asked = {"table": table, "day": day, "states": None if states is None else list(states)}
    with connection.cursor(row_factory=class_row(Archive)) as cursor:
        return cursor.execute(statement("lifecycle/archive/manifest"), asked).fetchall()


def require_own(connection: Connection[Any], store: Store) -> None:
    """Check that the archive is this database's; an archive without an owner becomes it.

    Files that a manifest does not name are overwritten and removed. Raises ArchiveError where another database has the
    archive: those are its files.
    """
    row = connection.execute("SELECT id::text FROM trackai.archive_owner").fetchone()
    assert row is not None
    if not store.exists(OWNER):
        with store.write(OWNER) as file:
            file.write(row[0].encode())
        return
    with store.open(OWNER) as file:
        owner = file.read().decode()
    if owner != row[0]:
        raise ArchiveError(
            f"The archive at {store.shown('')} belongs to another database: {OWNER} in it names {owner}, and this one "
            f"is {row[0]}. Give each database an archive of its own (TRACKAI_ARCHIVE_DIR). Nothing was changed."
        )


def day_prefix(table: str, day: date) -> str:
    """Return what the paths of all files of a day begin with."""
    return f"{table}/{day:%Y}/{table}_{day:%Y%m%d}."


def record(connection: Connection[Any], store: Store, archive: Archive) -> None:
    """Record a verified file. It takes the place of the day's `restored` ones, whose files are removed."""
    with connection.transaction():
        superseded = connection.execute(
            statement("lifecycle/archive/supersede"), {"table": archive.table_name, "day": archive.day}
        ).fetchall()
        connection.execute(statement("lifecycle/archive/record"), asdict(archive))
    for (path,) in superseded:
        store.remove(path)


def forget(connection: Connection[Any], store: Store, archive: Archive) -> None:
    """Remove a file and its entry: its rows are in the database, or it has none left."""
    connection.execute(
        "DELETE FROM trackai.archives WHERE table_name = %s AND day = %s AND part = %s AND sha256 = %s",
        (archive.table_name, archive.day, archive.part, archive.sha256),
    )
    store.remove(archive.path)


def change(connection: Connection[Any], archive: Archive, **columns: object) -> None:
    """Set `state`, `keep_until`, `dropped_at`, or what a rewrite changes: the path, and what the file holds.

    Raises ArchiveError where the manifest does not have the archive in this form any more.
    """
    unchanged = dict.fromkeys(_CHANGEABLE)
    known = {"known_state": archive.state, "known_sha256": archive.sha256}
    key = {"table": archive.table_name, "day": archive.day, "part": archive.part}
    changed = connection.execute(
        statement("lifecycle/archive/change"), {**unchanged, **columns, **known, **key}
    ).rowcount
    if changed != 1:
        raise ArchiveError(
            f"The archive of {archive.table_name} of {archive.day} (part {archive.part}) has been changed by another "
            "session meanwhile. Nothing was done; look at it again and repeat."
        )


def require_intact(store: Store, archive: Archive) -> None:
    """Check that the file is the one that was verified; it is read whole. Raises ArchiveDamaged."""
    try:
        found = store.sha256(archive.path)
    except FileNotFoundError:
        found = "no such file"
    if found != archive.sha256:
        raise ArchiveDamaged(
            f"The archive {store.shown(archive.path)} ({archive.rows:,} rows of {archive.table_name} of {archive.day}) "
            f"is damaged or missing: expected SHA-256 {archive.sha256}, found {found}."
        )


def require_trusted(connection: Connection[Any], store: Store, archive: Archive) -> None:
    """Check that the file of a `verified` archive is intact; one that is not is forgotten while all its rows are here.

    Raises ArchiveDamaged either way.
    """
    try:
        require_intact(store, archive)
    except ArchiveDamaged as error:
        if archive.dropped_at is not None:
            raise ArchiveDamaged(
                f"{error} Some of its rows are not in the database, the others were left where they are. Put the file "
                "back from a backup; the next run then goes on."
            ) from error
        forget(connection, store, archive)
        raise ArchiveDamaged(
            f"{error} The rows are still in the database, and the next run archives them again; find out what happened "
            "to the file."
        ) from error


def remove_strays(connection: Connection[Any], store: Store, table: str, day: date) -> int:
    """Remove the files of a day that the manifest does not name, which killed runs leave; return how many.

    Call it under `only_mover`: a file that is being written is not named yet.
    """
    named = {archive.path for archive in archives(connection, table, day)}
    strays = [path for path in store.beginning_with(day_prefix(table, day)) if path not in named]
    for path in strays:
        store.remove(path)
    return len(strays)
