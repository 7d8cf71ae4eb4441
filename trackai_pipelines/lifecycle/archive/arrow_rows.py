"""Rows on their way between PostgreSQL and Parquet, as Arrow batches: their schema, their text, their checksum.

What belongs here: how values are carried, exactly. What does not: which rows, and what becomes of the files. Import it
inside functions: pyarrow takes its time.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import md5
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from psycopg import Connection, sql

from trackai_pipelines.database.arrow import record_batches
from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Table
from trackai_pipelines.lifecycle.archive.store import ArchiveError

ROW_GROUP = 32_768
"""Rows that are written and read at once: some tens of megabytes."""

# Rows whose texts are in memory at once.
_HASHED_AT_ONCE = 16_384

_ARROW_TYPES = {
    "bigint": pa.int64(),
    "integer": pa.int32(),
    "smallint": pa.int16(),
    "double precision": pa.float64(),
    "real": pa.float32(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "timestamp without time zone": pa.timestamp("us"),
}
_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")
_MOST_DIGITS = 38
# The years 1 to 9999, in microseconds and in days. Beyond lie PostgreSQL's infinities, which Arrow has no values for.
_TIMES = (-62_135_596_800_000_000, 253_402_300_799_999_999)
_DATES = (-719_162, 2_932_896)


@dataclass
class Tally:
    """The number, checksum and bounds of some rows, in whatever order they are added."""

    rows: int = 0
    checksum: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def add(self, batch: pa.RecordBatch, time_column: str) -> None:
        """Count more rows."""
        if not batch.num_rows:
            return
        self.rows += batch.num_rows
        for start in range(0, batch.num_rows, _HASHED_AT_ONCE):
            self.checksum += _sum_of_hashes(batch.slice(start, _HASHED_AT_ONCE))
        self.checksum %= 2**64
        bounds = pc.min_max(batch.column(time_column)).as_py()
        first, last = moment_of(bounds["min"]), moment_of(bounds["max"])
        self.first = min(self.first or first, first)
        self.last = max(self.last or last, last)

    @property
    def digits(self) -> str:
        """Return the checksum as the manifest has it: the rows' MD5s, the last half of each, added up modulo 2^64."""
        return f"{self.checksum:016x}"


def schema_of(connection: Connection[Any], relation: str) -> pa.Schema:
    """Return the Parquet schema of a table of schema trackai: its columns in order, generated ones left out."""
    found = connection.execute(statement("lifecycle/archive/columns"), {"relation": relation}).fetchall()
    return pa.schema([(name, _arrow_type(kind)) for name, kind in found])


def _arrow_type(kind: str) -> pa.DataType:
    """Return the Arrow type of a type in PostgreSQL's words; a type without a counterpart becomes text."""
    numeric = _NUMERIC.fullmatch(kind)
    if numeric and int(numeric[2]) <= int(numeric[1]) <= _MOST_DIGITS:
        return pa.decimal128(int(numeric[1]), int(numeric[2]))
    return _ARROW_TYPES.get(kind, pa.string())


def day_bounds(day: date) -> dict[str, datetime]:
    """Return the parameters of statements over a UTC day: its beginning, and its end, which is not part of it.

    They fit a column of dates, too: sessions are in UTC, where a date is its first moment.
    """
    begin = moment_of(day)
    return {"from_time": begin, "to_time": begin + timedelta(days=1)}


def moment_of(value: date) -> datetime:
    """Return a time as it is, and of a date its first moment in UTC."""
    return value if isinstance(value, datetime) else datetime.combine(value, time(), UTC)


@contextmanager
def rows_of_day(
    database_url: str, table: Table, relation: str, day: date, schema: pa.Schema
) -> Iterator[Iterator[pa.RecordBatch]]:
    """Yield the rows of a UTC day in `relation` (the table, or its detached day), in `schema`.

    Raises ArchiveError for a value that the schema cannot hold and when reading is interrupted, and
    psycopg.OperationalError when the database does not answer.
    """
    bounds = {name: sql.Literal(value) for name, value in day_bounds(day).items()}
    query = sql.SQL(statement("lifecycle/archive/rows")).format(
        columns=sql.SQL(", ").join(_selected(field) for field in schema),
        relation=sql.Identifier("trackai", relation),
        time=sql.Identifier(table.time_column),
        **bounds,
    )
    with record_batches(database_url, query) as reader:
        yield _cast_all(reader, schema, relation)


def _selected(field: pa.Field) -> sql.Composable:
    as_text = pa.types.is_string(field.type) or pa.types.is_decimal(field.type)
    return sql.SQL("t.{0}::text AS {0}" if as_text else "t.{}").format(sql.Identifier(field.name))


def _cast_all(reader: pa.RecordBatchReader, schema: pa.Schema, relation: str) -> Iterator[pa.RecordBatch]:
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except (OSError, pa.ArrowException) as error:
            # Not an OSError, which the writer would take for one of the archive's disk.
            said = str(error).partition("\n")[0]
            raise ArchiveError(
                f"Reading trackai.{relation} was interrupted ({said}). All rows are there; see `trackai doctor`, then "
                "repeat it."
            ) from error
        for start in range(0, batch.num_rows, ROW_GROUP):
            yield _cast(batch.slice(start, ROW_GROUP), schema, relation)


def _cast(batch: pa.RecordBatch, schema: pa.Schema, relation: str) -> pa.RecordBatch:
    columns = []
    for field, column in zip(schema, batch.columns, strict=True):
        try:
            columns.append(column.cast(field.type))
            if pa.types.is_timestamp(field.type):
                _require_within(columns[-1].view(pa.int64()), _TIMES)
            elif pa.types.is_date(field.type):
                _require_within(columns[-1].view(pa.int32()), _DATES)
        except pa.ArrowInvalid as error:
            raise ArchiveError(
                f"A value of trackai.{relation}.{field.name} cannot be archived as {field.type}: an infinite time or a "
                "numeric that is not a number has no counterpart in Parquet. Correct the row, then try again; all rows "
                "are still in the database."
            ) from error
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _require_within(column: pa.Array, bounds: tuple[int, int]) -> None:
    found = pc.min_max(column).as_py()
    if found["min"] is not None and not bounds[0] <= found["min"] <= found["max"] <= bounds[1]:
        raise pa.ArrowInvalid("out of range")


def tally_of(batches: Iterable[pa.RecordBatch], time_column: str) -> Tally:
    """Return the tally of all these rows."""
    tally = Tally()
    for batch in batches:
        tally.add(batch, time_column)
    return tally


def by_keys(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, keys: pa.Table, *, among: bool
) -> Iterator[pa.RecordBatch]:
    """Yield the rows whose key is (`among`) or is not among `keys`, whose columns are the key."""
    import duckdb

    join = "SEMI" if among else "ANTI"
    columns = ", ".join(f'"{name}"' for name in keys.column_names)
    with duckdb.connect(config={"threads": 1}) as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.register("found", pa.RecordBatchReader.from_batches(schema, batches))
        engine.register("keys", keys)
        chosen = engine.sql(f"SELECT found.* FROM found {join} JOIN keys USING ({columns})")  # noqa: S608 - catalog names
        for batch in chosen.to_arrow_reader(ROW_GROUP):
            yield pa.RecordBatch.from_arrays(
                [column.cast(field.type) for field, column in zip(schema, batch.columns, strict=True)], schema=schema
            )


def copy_lines(batch: pa.RecordBatch) -> pa.Array:
    """Return each row as COPY reads it in its text format, without the line's end; all values are escaped."""
    texts = [_copy_text(column) for column in batch.columns]
    return pc.binary_join_element_wise(*texts, "\t", null_handling="replace", null_replacement="\\N")


def joined_lines(lines: pa.Array) -> bytes:
    """Return lines with their ends, as bytes."""
    whole = pc.binary_join(pa.ListArray.from_arrays([0, len(lines)], lines), "\n")
    return bytes(whole[0].as_buffer()) + b"\n"


def _copy_text(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        # In UTC, as the session reads it.
        return column.view(pa.timestamp("us")).cast(pa.string())
    if not pa.types.is_string(column.type):
        return column.cast(pa.string())
    held = _bytes_of(column)
    # The backslash first: it stands before the others afterwards. Nearly no value has any of them.
    for sign, written in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        if sign.encode() in held:
            column = pc.replace_substring(column, sign, written)
    return column


def _bytes_of(column: pa.Array) -> bytes:
    """Return all values of a column of text, one after the other."""
    _, offsets, data = column.buffers()
    if data is None:
        return b""
    places = memoryview(offsets).cast("i")
    return bytes(memoryview(data)[places[column.offset] : places[column.offset + len(column)]])


def _sum_of_hashes(batch: pa.RecordBatch) -> int:
    """Return the sum over the rows of the last eight bytes, as a little-endian number, of the MD5 of each one's text.

    The text is that of `copy_lines`, but with times and floating-point numbers as the integers that they are stored as:
    the manifest's sums hold however later versions write them.
    """
    exact = pa.RecordBatch.from_arrays([_exact(column) for column in batch.columns], names=batch.schema.names)
    lines = copy_lines(exact).cast(pa.binary()).to_pylist()
    return sum(int.from_bytes(md5(line, usedforsecurity=False).digest()[8:], "little") for line in lines)


def _exact(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        return column.view(pa.int64())
    if pa.types.is_floating(column.type):
        # PostgreSQL has one NaN, whatever its bits.
        one_nan = pc.if_else(pc.is_nan(column), pa.scalar(float("nan"), column.type), column)
        return one_nan.view(pa.int64() if pa.types.is_float64(column.type) else pa.int32())
    return column
