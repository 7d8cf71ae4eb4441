"""The Parquet files of archives: each is read back and compared with what was written.

What belongs here: one file. What does not: where its rows come from, and the manifest. Import it inside functions:
pyarrow takes its time.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from trackai_pipelines.lifecycle.archive.arrow_rows import ROW_GROUP, Tally, tally_of
from trackai_pipelines.lifecycle.archive.store import ArchiveError, Store


@dataclass(frozen=True)
class Written:
    """A file that was written and read back."""

    rows: Tally
    bytes: int
    sha256: str


class _Hashed:
    """A file for writing that computes the SHA-256 of its content."""

    closed = False

    def __init__(self, file: Any) -> None:
        self._file = file
        self._bytes = 0
        self.sha256 = hashlib.sha256()

    def write(self, data: Any) -> int:
        self._file.write(data)
        self.sha256.update(data)
        self._bytes += len(data)
        return len(data)

    def tell(self) -> int:
        return self._bytes

    def flush(self) -> None:
        """Nothing waits here."""


def write_verified(
    store: Store, path: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch], time_column: str
) -> Written:
    """Write a file, read it back from the store, and compare.

    Raises ArchiveError where it does not hold the rows, and OSError; there is no file then.
    """
    wanted = Tally()
    with store.write(path) as file:
        hashed = _Hashed(file)
        with pq.ParquetWriter(hashed, schema, compression="zstd") as writer:
            for batch in batches:
                # A row group of its own: write_batch would keep a million rows in memory.
                writer.write_table(pa.Table.from_batches([batch]))
                wanted.add(batch, time_column)
    try:
        sha256 = store.sha256(path)
        if sha256 != hashed.sha256.hexdigest():
            raise ArchiveError(_not_the_same(store, path, "other bytes than were written"))
        found = tally_of(batches_of_file(store, path), time_column)
        if found != wanted or not schema_of_file(store, path).equals(schema):
            raise ArchiveError(_not_the_same(store, path, f"{found} instead of {wanted}"))
        return Written(found, store.size(path), sha256)
    except pa.ArrowException as error:
        store.remove(path)
        raise ArchiveError(_not_the_same(store, path, f"nothing that can be read ({error})")) from error
    except BaseException:
        store.remove(path)
        raise


def batches_of_file(store: Store, path: str, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the rows of an archive's file, all columns or some, a batch at a time."""
    with store.open(path) as file, pq.ParquetFile(file, pre_buffer=False) as parquet:
        yield from parquet.iter_batches(ROW_GROUP, columns=columns)


def schema_of_file(store: Store, path: str) -> pa.Schema:
    """Return the columns of an archive's file."""
    with store.open(path) as file, pq.ParquetFile(file) as parquet:
        return parquet.schema_arrow.remove_metadata()


def _not_the_same(store: Store, path: str, found: str) -> str:
    return (
        f"{store.shown(path)}, read back, holds {found}. The file was removed, and nothing is lost: all rows are where "
        "they were. Try again; if it fails again, do not trust that place."
    )
