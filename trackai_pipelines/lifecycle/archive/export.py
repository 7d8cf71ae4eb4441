"""Writing a day's rows into the archive: they are exported, read back and compared before the manifest records them.

What belongs here: the way from rows to a verified file. What does not: removing the rows (drop).
"""

import errno
import logging
from datetime import date, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

from psycopg import Connection, sql

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.partitions import (
    attach_partition,
    create_detached,
    detach_partition,
    drop_detached,
    partition_days,
    partition_name,
)
from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Table
from trackai_pipelines.lifecycle.archive.manifest import (
    OWNER,
    Archive,
    archives,
    change,
    day_prefix,
    forget,
    record,
    require_own,
    require_trusted,
)
from trackai_pipelines.lifecycle.archive.marks import is_half_restored
from trackai_pipelines.lifecycle.archive.store import ArchiveDamaged, ArchiveError, Store

if TYPE_CHECKING:
    from trackai_pipelines.lifecycle.archive.parquet_files import Written

_log = logging.getLogger(__name__)

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def archive_day(
    connection: Connection[Any],
    database_url: str,
    store: Store,
    table: Table,
    day: date,
    *,
    grace: timedelta,
    clock: Clock = utc_now,
) -> Archive | None:
    """Archive the rows of a UTC day that no verified file holds yet; the rows stay for `grace`.

    A partition is detached first, and stays so once it is archived. Returns None where there is no row. It can be
    killed at any moment and repeated. Raises ArchiveError when the file cannot be written or is not what the database
    has (then nothing is recorded) or is another database's, and psycopg.errors.LockNotAvailable when the partition
    cannot be detached.
    """
    try:
        require_own(connection, store)
    except OSError as error:
        raise ArchiveError(_not_written(store, OWNER, table, day, error)) from error
    relation = table.name
    if table.partitioned:
        relation = partition_name(table.name, day)
        verified = _stand_alone(connection, store, table, day)
        if verified is not None:
            return verified
    before = archives(connection, table.name, day)
    path = f"{day_prefix(table.name, day)}{1 + max((archive.part for archive in before), default=0)}.parquet"
    try:
        made = _export(connection, database_url, store, table, day, relation, path, before)
    except (OSError, ArchiveError) as error:
        if table.partitioned and not before:
            # Its rows stay visible through the table until it can be archived.
            attach_partition(connection, table.name, day)
        if isinstance(error, ArchiveError):
            raise
        raise ArchiveError(_not_written(store, path, table, day, error)) from error
    if made is None:
        for archive in before:
            # Its rows had come back and were removed by hand: the file is the only copy again.
            if archive.state == "restored":
                change(connection, archive, state="dropped", dropped_at=clock())
        return None
    assert made.rows.first is not None
    assert made.rows.last is not None
    now = clock()
    archive = Archive(
        table_name=table.name,
        day=day,
        part=1 + max((archive.part for archive in before), default=0),
        state="verified",
        path=path,
        rows=made.rows.rows,
        bytes=made.bytes,
        sha256=made.sha256,
        checksum=made.rows.digits,
        first_row_at=made.rows.first,
        last_row_at=made.rows.last,
        verified_at=now,
        keep_until=now + grace,
        dropped_at=None,
    )
    record(connection, store, archive)
    return archive


def _stand_alone(connection: Connection[Any], store: Store, table: Table, day: date) -> Archive | None:
    """Detach the day's partition; return its archive where it has one already."""
    verified = archives(connection, table.name, day, states=["verified"])
    if verified and day in partition_days(connection, table.name):
        # A restoration that was interrupted: the partition has been attached since, and rows may have come.
        for archive in verified:
            forget(connection, store, archive)
        verified = []
    detach_partition(connection, table.name, day)
    if is_half_restored(connection, table.name, day):
        # The files hold all rows, so what had been loaded is discarded.
        with connection.transaction():
            drop_detached(connection, table.name, day)
            create_detached(connection, table.name, day)
    return verified[0] if verified else None


def _export(
    connection: Connection[Any],
    database_url: str,
    store: Store,
    table: Table,
    day: date,
    relation: str,
    path: str,
    before: list[Archive],
) -> "Written | None":
    """Write the rows that no verified file has, all in one snapshot; return None, without a file, if there is none."""
    import pyarrow as pa

    from trackai_pipelines.lifecycle.archive.arrow_rows import by_keys, rows_of_day, schema_of
    from trackai_pipelines.lifecycle.archive.parquet_files import batches_of_file, write_verified

    schema = schema_of(connection, relation)
    archived = _trusted(connection, store, before)
    with rows_of_day(database_url, table, relation, day, schema) as rows:
        if archived:
            keys = pa.Table.from_batches(
                batch for held in archived for batch in batches_of_file(store, held, list(table.key))
            )
            rows = by_keys(rows, schema, keys, among=False)
        first = next((batch for batch in rows if batch.num_rows), None)
        if first is None:
            return None
        written = write_verified(store, path, schema, chain([first], rows), table.time_column)
    if table.partitioned:
        counted = _counted(connection, table, relation)
        if counted != (written.rows.rows, written.rows.first, written.rows.last):
            store.remove(path)
            raise ArchiveError(
                f"trackai.{relation} has {counted} as its number of rows, first and last time, and {written.rows} were "
                f"read from it: {table.name} of {day} was not archived. All rows are still in the database. Try again; "
                "if it fails again, have the server's disk checked."
            )
    return written


def _trusted(connection: Connection[Any], store: Store, before: list[Archive]) -> list[str]:
    """Return the paths of the verified files. A damaged one is forgotten if its rows are here to be archived again."""
    trusted = []
    for archive in before:
        if archive.state == "verified":
            try:
                require_trusted(connection, store, archive)
                trusted.append(archive.path)
            except ArchiveDamaged as error:
                if archive.dropped_at is not None:
                    raise
                _log.warning("%s", error)
    return trusted


def _counted(connection: Connection[Any], table: Table, relation: str) -> tuple[int, datetime, datetime] | None:
    """Return the number of rows and the first and last time of a detached partition, as the database counts them."""
    from trackai_pipelines.lifecycle.archive.arrow_rows import moment_of

    count = sql.SQL(statement("lifecycle/archive/count")).format(
        time=sql.Identifier(table.time_column), relation=sql.Identifier("trackai", relation)
    )
    row = connection.execute(count).fetchone()
    assert row is not None
    rows, first, last = row
    return (rows, moment_of(first), moment_of(last)) if rows else None


def _not_written(store: Store, path: str, table: Table, day: date, error: OSError) -> str:
    what = f"{table.name} of {day} was not archived. Its rows are still in the database."
    why = error.strerror or str(error) or type(error).__name__
    if error.errno in _FULL:
        return (
            f"The archive at {store.shown('')} is full: {store.shown(path)} could not be written ({why}). {what} "
            "Make room there, or let TRACKAI_ARCHIVE_DIR name a larger place, then run `trackai retention`."
        )
    return (
        f"{store.shown(path)} could not be written or read back ({why}). {what} Fix the place that "
        "TRACKAI_ARCHIVE_DIR names, then run `trackai retention`."
    )
