"""Bringing archived days back: rows that were not dropped yet are put back in place, others are loaded from their file.

What belongs here: one day of a table, whole or not at all. What does not: the command (cli.py).
"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from psycopg import Connection, sql

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.partitions import (
    attach_partition,
    create_detached,
    detach_partition,
    detached_days,
    drop_detached,
    partition_days,
    partition_name,
)
from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Table
from trackai_pipelines.lifecycle.archive.drop import drop_day
from trackai_pipelines.lifecycle.archive.manifest import Archive, archives, change, require_intact
from trackai_pipelines.lifecycle.archive.marks import is_half_restored, mark_half_restored, unmark
from trackai_pipelines.lifecycle.archive.store import ArchiveDamaged, ArchiveError, Store
from trackai_pipelines.lifecycle.mover import only_mover

# Rows inserted in one transaction while others use the table; it takes a fraction of a second.
_BATCH = 5_000
# So many days are named one by one.
_SHOWN_DAYS = 10


def restore_day(
    connection: Connection[Any],
    database_url: str,
    store: Store,
    table: Table,
    day: date,
    *,
    keep: timedelta,
    clock: Clock = utc_now,
) -> int:
    """Bring a UTC day back, to stay for `keep` at least; return how many rows were put back.

    0 where all were there: a day that is restored already is only kept for longer. It can be killed at any moment and
    repeated. Raises ArchiveDamaged (nothing has been changed then), ArchiveError, and MoverBusyError while another
    session moves rows.
    """
    with only_mover(connection):
        found = archives(connection, table.name, day)
        if not found:
            raise ArchiveError(_never_archived(connection, table, day))
        keep_until = clock() + keep
        try:
            if table.partitioned:
                return _restore_partition(connection, database_url, store, table, day, found, keep_until)
            return _restore_rows(connection, database_url, store, table, found, keep_until)
        except psycopg.errors.LockNotAvailable as error:
            raise ArchiveError(
                f"{table.name} stays locked by others: {error.diag.message_primary or error}. Repeat it when they are "
                "done; it goes on from here."
            ) from error
        except (psycopg.IntegrityError, psycopg.DataError) as error:
            # Details, and the message of a value that does not fit, hold parts of the row.
            fits = isinstance(error, psycopg.IntegrityError)
            said = error.diag.message_primary if fits else f"a value does not fit its column ({type(error).__name__})"
            raise ArchiveError(
                f"The database refuses archived rows of {table.name} of {day}: {said}. Put back what they need, then "
                "repeat it; it goes on from here."
            ) from error


def _restore_partition(
    connection: Connection[Any],
    database_url: str,
    store: Store,
    table: Table,
    day: date,
    found: list[Archive],
    keep_until: datetime,
) -> int:
    name = partition_name(table.name, day)
    if day not in partition_days(connection, table.name):
        # A detach that was interrupted is finished before anything else.
        detach_partition(connection, table.name, day)
    attached, standing = (day in days(connection, table.name) for days in (partition_days, detached_days))
    verified, restored = ([a for a in found if a.state == state] for state in ("verified", "restored"))
    if verified and len(verified) < len(found):
        raise ArchiveError(
            f"Of {table.name} of {day} some rows are archived and not dropped yet, others have been. Restore the day "
            f"after {verified[0].keep_until:%Y-%m-%d %H:%M} UTC, when retention has dropped the rest."
        )
    if verified and (attached or (standing and not _lacks_columns(connection, table.name, name))):
        attach_partition(connection, table.name, day)
        for archive in verified:
            change(connection, archive, state="restored", keep_until=keep_until)
        return sum(archive.rows for archive in verified)
    if restored and (attached or standing):
        attach_partition(connection, table.name, day)
        for archive in restored:
            change(connection, archive, keep_until=keep_until)
        return 0
    for archive in verified:
        # It cannot be attached. Loaded, its rows get the columns that the table has now.
        drop_day(connection, store, table, archive, clock=lambda: verified[0].keep_until)
    found = archives(connection, table.name, day)
    for archive in found:
        _require_intact(store, archive)
    if is_half_restored(connection, table.name, day):
        drop_detached(connection, table.name, day)
    elif attached or day in detached_days(connection, table.name):
        raise ArchiveError(
            f"trackai.{name} is there, with rows that no archive has. Let `trackai retention` archive and drop them, "
            "then restore the day."
        )
    with connection.transaction():
        create_detached(connection, table.name, day)
        mark_half_restored(connection, table.name, day)
    for archive in found:
        _load_partition(connection, store, name, archive)
    for archive in found:
        _require_rows(database_url, store, table, name, archive, by_key=len(found) > 1)
    with connection.transaction():
        unmark(connection, table.name, day)
        for archive in found:
            change(connection, archive, state="restored", keep_until=keep_until)
    attach_partition(connection, table.name, day)
    return sum(archive.rows for archive in found)


def _lacks_columns(connection: Connection[Any], table: str, standing: str) -> bool:
    """Return whether a migration has changed the table since the day was detached."""
    from trackai_pipelines.lifecycle.archive.arrow_rows import schema_of

    return set(schema_of(connection, table).names) != set(schema_of(connection, standing).names)


def _load_partition(connection: Connection[Any], store: Store, name: str, archive: Archive) -> None:
    """Copy a file's rows into a day's table that nobody sees yet."""
    from trackai_pipelines.lifecycle.archive.arrow_rows import copy_lines, joined_lines
    from trackai_pipelines.lifecycle.archive.parquet_files import batches_of_file

    copy = _copy_into(sql.Identifier("trackai", name), _columns(connection, store, name, archive))
    for batch in batches_of_file(store, archive.path):
        with connection.transaction(), connection.cursor().copy(copy) as target:
            target.write(joined_lines(copy_lines(batch)))


def _restore_rows(
    connection: Connection[Any],
    database_url: str,
    store: Store,
    table: Table,
    found: list[Archive],
    keep_until: datetime,
) -> int:
    restored = 0
    to_load = [archive for archive in found if archive.state != "restored" and archive.dropped_at is not None]
    for archive in to_load:
        _require_intact(store, archive)
    for archive in found:
        if archive in to_load:
            # From now on some rows are here: if it is interrupted, they are dropped again in their time.
            change(connection, archive, state="verified", keep_until=keep_until)
            begun = replace(archive, state="verified")
            restored += _load_rows(connection, store, table, archive)
            _require_rows(database_url, store, table, table.name, archive, by_key=True)
            change(connection, begun, state="restored")
        else:
            change(connection, archive, state="restored", keep_until=keep_until)
    return restored


def _load_rows(connection: Connection[Any], store: Store, table: Table, archive: Archive) -> int:
    """Insert the rows of a file that are not in the table; return how many."""
    from trackai_pipelines.lifecycle.archive.arrow_rows import copy_lines, joined_lines
    from trackai_pipelines.lifecycle.archive.parquet_files import batches_of_file

    columns = _columns(connection, store, table.name, archive)
    names = {
        "table": sql.Identifier("trackai", table.name),
        "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
    }
    copy = _copy_into(sql.Identifier("pg_temp", "restoring"), columns)
    insert = sql.SQL(statement("lifecycle/archive/insert")).format(**names)
    connection.execute("DROP TABLE IF EXISTS pg_temp.restoring")
    connection.execute(sql.SQL(statement("lifecycle/archive/staging")).format(**names))
    restored = 0
    for batch in batches_of_file(store, archive.path):
        lines = copy_lines(batch)
        for start in range(0, len(lines), _BATCH):
            with connection.transaction():
                with connection.cursor().copy(copy) as target:
                    target.write(joined_lines(lines[start : start + _BATCH]))
                restored += connection.execute(insert).rowcount
                for call in table.restored:
                    call(connection)
    connection.execute("DROP TABLE pg_temp.restoring")
    return restored


def _columns(connection: Connection[Any], store: Store, relation: str, archive: Archive) -> list[str]:
    """Return the file's columns. Columns that the table has got since are left to their defaults."""
    from trackai_pipelines.lifecycle.archive.arrow_rows import schema_of
    from trackai_pipelines.lifecycle.archive.parquet_files import schema_of_file

    names: list[str] = schema_of_file(store, archive.path).names
    lost = set(names) - set(schema_of(connection, relation).names)
    if lost:
        raise ArchiveError(
            f"{store.shown(archive.path)} has columns that trackai.{relation} does not have any more: "
            f"{', '.join(sorted(lost))}. Add them, or read the file with a tool for Parquet."
        )
    return names


def _copy_into(target: sql.Identifier, columns: list[str]) -> sql.Composed:
    return sql.SQL("COPY {} ({}) FROM STDIN").format(target, sql.SQL(", ").join(map(sql.Identifier, columns)))


def _require_rows(
    database_url: str, store: Store, table: Table, relation: str, archive: Archive, *, by_key: bool
) -> None:
    """Check that the file's rows are in `relation` as the manifest has them; without `by_key`, and no others.

    Raises ArchiveError.
    """
    import pyarrow as pa

    from trackai_pipelines.lifecycle.archive.arrow_rows import by_keys, rows_of_day, tally_of
    from trackai_pipelines.lifecycle.archive.parquet_files import batches_of_file, schema_of_file

    schema = schema_of_file(store, archive.path)
    with rows_of_day(database_url, table, relation, archive.day, schema) as rows:
        if by_key:
            keys = pa.Table.from_batches(batches_of_file(store, archive.path, list(table.key)))
            rows = by_keys(rows, schema, keys, among=True)
        found = tally_of(rows, table.time_column)
    if (found.rows, found.digits) != (archive.rows, archive.checksum):
        raise ArchiveError(
            f"After loading, trackai.{relation} does not have the rows of {store.shown(archive.path)} as they were: "
            f"{found.rows:,} rows with checksum {found.digits} instead of {archive.rows:,} with {archive.checksum}. "
            "Rows that came to the table, or were changed, since then stand in the way: find them, then repeat it. The "
            "archive is whole, and the manifest still counts on it."
        )


def _require_intact(store: Store, archive: Archive) -> None:
    try:
        require_intact(store, archive)
    except ArchiveDamaged as error:
        raise ArchiveDamaged(
            f"{error} Nothing was changed. Put the file back from a backup, then repeat it."
        ) from error


def _never_archived(connection: Connection[Any], table: Table, day: date) -> str:
    others = sorted({archive.day for archive in archives(connection, table.name)})
    if not others:
        return f"{table.name} of {day} was never archived, nor any other day of {table.name}."
    known = ", ".join(map(str, others)) if len(others) <= _SHOWN_DAYS else f"{len(others)}, {others[0]} to {others[-1]}"
    return f"{table.name} of {day} was never archived. Archived days of {table.name}: {known}."
