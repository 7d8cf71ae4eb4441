"""Changing values inside an archive: into a new file, verified like any other, which then takes the old one's place.

What belongs here: the exchange of files. What does not: which values change, and why.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from psycopg import Connection

from trackai_pipelines.domain import Table
from trackai_pipelines.lifecycle.archive.manifest import Archive, change, remove_strays, require_intact
from trackai_pipelines.lifecycle.archive.store import ArchiveError, Store

if TYPE_CHECKING:
    import pyarrow


def rewrite_archive(
    connection: Connection[Any],
    store: Store,
    table: Table,
    archive: Archive,
    change_rows: "Callable[[pyarrow.Table], pyarrow.Table]",
    *,
    rows: int | None = None,
) -> None:
    """Put every part of the file through `change_rows`, which keeps the columns, and the rows with their times.

    With `rows`, it may leave rows out, and this many remain, at least one. The old file is gone afterwards. It can be
    killed at any moment and repeated, and removes what a killed run left; `remove_strays` does so alone. Call it under
    `only_mover`. Raises ArchiveDamaged where the file is not what was verified, ArchiveError where the new one cannot
    be written, ValueError where `change_rows` returns something else.
    """
    import pyarrow as pa

    from trackai_pipelines.lifecycle.archive.parquet_files import batches_of_file, schema_of_file, write_verified

    keeps_all = rows in (None, archive.rows)

    def changed() -> "Iterator[pyarrow.RecordBatch]":
        for batch in batches_of_file(store, archive.path):
            part = change_rows(pa.Table.from_batches([batch]))
            if (part.num_rows != batch.num_rows and keeps_all) or not part.schema.equals(schema):
                raise ValueError("a rewritten part of an archive must keep its rows and columns")
            yield from part.to_batches()

    remove_strays(connection, store, archive.table_name, archive.day)
    require_intact(store, archive)
    schema = schema_of_file(store, archive.path)
    path = _next_name(archive.path)
    try:
        made = write_verified(store, path, schema, changed(), table.time_column)
    except OSError as error:
        raise ArchiveError(
            f"{store.shown(path)} could not be written ({error.strerror or error}). {store.shown(archive.path)} is as "
            "it was. Make room there, or fix the place that TRACKAI_ARCHIVE_DIR names, then repeat it."
        ) from error
    if made.rows.rows != (archive.rows if rows is None else rows):
        raise ValueError("a rewritten archive must keep its rows")
    if keeps_all and (made.rows.first, made.rows.last) != (archive.first_row_at, archive.last_row_at):
        raise ValueError("a rewritten archive must keep its rows' times")
    change(
        connection,
        archive,
        path=path,
        bytes=made.bytes,
        sha256=made.sha256,
        checksum=made.rows.digits,
        rows=made.rows.rows,
        first_row_at=made.rows.first,
        last_row_at=made.rows.last,
    )
    store.remove(archive.path)


def _next_name(path: str) -> str:
    """`…/clicks_20260105.1.parquet`, `.1.2.parquet`, `.1.3.parquet` and so on: never the name of the file before."""
    day, part, *times = path.rpartition("/")[2].removesuffix(".parquet").split(".")
    number = int(times[0]) + 1 if times else 2
    return f"{path.rpartition('/')[0]}/{day}.{part}.{number}.parquet"
