"""Parquet files as numbered records.

What belongs here: row groups, columns, and what of a value is lost on the way to Python. What does not: what a record's
fields must be (`rows`, the kinds). One bad record never costs another.
"""

from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from trackai_pipelines.ingest.floats import shortest_decimal
from trackai_pipelines.ingest.kinds import Columns
from trackai_pipelines.ingest.outcomes import Refused
from trackai_pipelines.ingest.records import (
    Fields,
    Unreadable,
    canonical_json,
    known_names,
    note_unknown_columns,
    sha256,
)
from trackai_pipelines.ingest.streams import Notes

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

_BATCH_ROWS = 4_096
# Floats narrower than Python's, by Arrow's names, as `struct` knows them; whole numbers up to here are all told apart.
_WIDTHS: dict[str, Literal["e", "f"]] = {"halffloat": "e", "float": "f"}
_EXACT = {"e": 2**11, "f": 2**24}


def parquet_records(path: Path, columns: Columns, notes: Notes) -> Iterator[Fields | Unreadable]:
    """Return an iterator over the rows of a Parquet file, numbered from 1.

    Row groups that cannot be read are noted and passed over. Raises Refused where a known column stands twice.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path, pre_buffer=False)
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        text = f"the Parquet file has no readable footer ({_first_line(error)}); nothing could be read of it"
        notes.add(text, damaged=True)
        return iter(())
    if file.metadata.num_rows == 0:
        notes.add("there are no rows in it")
    stored = file.schema_arrow.names
    try:
        names = known_names(stored, columns.known)
    except Refused:
        file.close()
        raise
    note_unknown_columns(names, columns.known, notes)
    wanted = {
        name: _Column(place, name in columns.amounts)
        for name, place in zip(names, stored, strict=True)
        if name in columns.known
    }
    return _rows(file, wanted, notes)


class _Column(NamedTuple):
    """Under which name a column is stored, and whether it holds amounts."""

    stored: str
    amounts: bool


def _rows(file: "ParquetFile", wanted: dict[str, _Column], notes: Notes) -> Iterator[Fields | Unreadable]:
    import pyarrow

    with file:
        before = 0
        stored = [column.stored for column in wanted.values()]
        for group in range(file.num_row_groups):
            rows, done = file.metadata.row_group(group).num_rows, 0
            # A column whose description is damaged may read as one without any values.
            wrong = "it has fewer rows than it says"
            try:
                for batch in file.iter_batches(_BATCH_ROWS, [group], stored, use_threads=False):
                    yield from _batch_records(batch, wanted, before + done + 1)
                    done += batch.num_rows
            except (pyarrow.ArrowException, OSError) as error:
                wrong = _first_line(error)
            if done < rows:
                text = f"row group {group + 1} of {file.num_row_groups} cannot be read ({wrong}); "
                notes.add(f"{text}{rows - done} rows are missing", damaged=True)
            before += max(rows, done)
        if before < file.metadata.num_rows:
            text = "the descriptions of the row groups are damaged"
            notes.add(f"{text}; {file.metadata.num_rows - before} rows are missing", damaged=True)


def _batch_records(batch: Any, wanted: dict[str, _Column], first: int) -> Iterator[Fields | Unreadable]:
    columns = {
        known: _column_values(batch.column(column.stored), amounts=column.amounts) for known, column in wanted.items()
    }
    for index in range(batch.num_rows):
        values = {known: column[index] for known, column in columns.items()}
        bad = [known for known, value in values.items() if isinstance(value, _NoValue)]
        if bad:
            shown = {known: value for known, value in values.items() if known not in bad}
            raw = canonical_json(shown)
            yield Unreadable(first + index, raw, sha256(raw), f"{bad[0]} cannot be read: {values[bad[0]]}")
        else:
            yield Fields(first + index, None, values)


class _NoValue(str):
    """Stands for a Parquet value that has no Python value, and says why."""

    __slots__ = ()


def _column_values(column: Any, *, amounts: bool) -> list[object]:
    """A column as Python values; a value that cannot be one is a _NoValue and leaves its neighbours alone."""
    import pyarrow

    width = _WIDTHS.get(str(column.type))
    if width is not None:
        read = _amount if amounts else _number
        return [value if value is None else read(value, width) for value in column.to_pylist()]
    if pyarrow.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pyarrow.timestamp("us", column.type.tz), safe=False)
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError):
        return [_python_value(value) for value in column]


def _amount(value: float, width: Literal["e", "f"]) -> object:
    return shortest_decimal(value, width) if isfinite(value) else value


def _number(value: float, width: Literal["e", "f"]) -> object:
    """Return a number of a column of narrow floats unless it may stand for several whole numbers."""
    return value if -_EXACT[width] < value < _EXACT[width] else _NoValue("its digits are lost in a column of floats")


def _python_value(value: Any) -> object:
    try:
        return value.as_py()
    except UnicodeDecodeError:
        return _NoValue("not valid UTF-8")
    except (ValueError, OverflowError):
        return _NoValue("out of range")


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
