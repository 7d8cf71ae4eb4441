"""Removing rows that are safely archived: the detached partition, or exactly the rows of the file.

What belongs here: the last check of the file, and the removal. What does not: when rows may go (plan.py decides; the
manifest's keep_until is checked again here).
"""

from typing import Any, LiteralString

from psycopg import Connection, sql

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.partitions import detached_days, drop_detached, partition_days, partition_name
from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Table
from trackai_pipelines.lifecycle.archive.manifest import Archive, change, forget, require_trusted
from trackai_pipelines.lifecycle.archive.store import ArchiveError, Store

# Rows deleted in one transaction; it takes a fraction of a second.
_BATCH = 5_000
_ARRAYS: dict[str, LiteralString] = {
    "string": "text[]",
    "int64": "bigint[]",
    "int32": "integer[]",
    "int16": "smallint[]",
    "date32[day]": "date[]",
    "timestamp[us, tz=UTC]": "timestamptz[]",
}


def drop_day(
    connection: Connection[Any], store: Store, table: Table, archive: Archive, *, clock: Clock = utc_now
) -> int:
    """Remove the rows of a verified archive of `table` from the database; return how many there were.

    It can be killed at any moment and repeated. Raises ArchiveError where the rows are to be kept, and ArchiveDamaged
    where the file is not the one that was verified: then the manifest forgets it, and the next run archives the rows
    again.
    """
    if archive.state != "verified":
        raise ArchiveError(f"{_named(archive)} is {archive.state}: no rows of it are waiting to be dropped.")
    if clock() < archive.keep_until:
        raise ArchiveError(
            f"The rows of {_named(archive)} stay until {archive.keep_until:%Y-%m-%d %H:%M} UTC. Drop them then."
        )
    require_trusted(connection, store, archive)
    if table.partitioned:
        return _drop_partition(connection, store, table, archive, clock)
    return _delete_rows(connection, store, table, archive, clock)


def _drop_partition(connection: Connection[Any], store: Store, table: Table, archive: Archive, clock: Clock) -> int:
    name = partition_name(table.name, archive.day)
    if archive.day in partition_days(connection, table.name):
        forget(connection, store, archive)
        raise ArchiveError(
            f"trackai.{name} is part of its table again, because its restoration was interrupted. Nothing was dropped; "
            "the next run archives it again."
        )
    if archive.day not in detached_days(connection, table.name):
        # It was dropped by hand: the file is the only copy.
        change(connection, archive, state="dropped", dropped_at=clock())
        return 0
    count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("trackai", name))
    with connection.transaction():
        rows = connection.execute(count).fetchone()
        if rows == (archive.rows,):
            drop_detached(connection, table.name, archive.day)
            change(connection, archive, state="dropped", dropped_at=clock())
            return archive.rows
    forget(connection, store, archive)
    raise ArchiveError(
        f"trackai.{name} has other rows than {_named(archive)}, which has {archive.rows:,}: it was changed "
        "since. Nothing was dropped; the next run archives it again."
    )


def _delete_rows(connection: Connection[Any], store: Store, table: Table, archive: Archive, clock: Clock) -> int:
    from trackai_pipelines.lifecycle.archive.arrow_rows import day_bounds
    from trackai_pipelines.lifecycle.archive.parquet_files import batches_of_file, schema_of_file

    # From now on the file is the only copy of some rows; the manifest records it before it comes true.
    begun = clock()
    change(connection, archive, dropped_at=begun)
    kinds = schema_of_file(store, archive.path)
    delete = sql.SQL(statement("lifecycle/archive/delete_rows")).format(
        table=sql.Identifier("trackai", table.name),
        time=sql.Identifier(table.time_column),
        keys=sql.SQL(", ").join(
            sql.SQL("{}::" + _ARRAYS[str(kinds.field(name).type)]).format(sql.Placeholder(name)) for name in table.key
        ),
        names=sql.SQL(", ").join(map(sql.Identifier, table.key)),
        same=sql.SQL(" AND ").join(sql.SQL("t.{0} = k.{0}").format(sql.Identifier(name)) for name in table.key),
    )
    removed = 0
    for rows in batches_of_file(store, archive.path, list(table.key)):
        for start in range(0, rows.num_rows, _BATCH):
            keys = {name: rows.column(name)[start : start + _BATCH].to_pylist() for name in table.key}
            with connection.transaction():
                removed += connection.execute(delete, {**keys, **day_bounds(archive.day)}).rowcount
    change(connection, archive, state="dropped", dropped_at=clock())
    return removed


def _named(archive: Archive) -> str:
    return f"the archive of {archive.table_name} of {archive.day} (part {archive.part})"
