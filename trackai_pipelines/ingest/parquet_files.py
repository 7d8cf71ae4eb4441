"""Parquet files as numbered records.

What belongs here: row groups, columns, and what of a value is lost on the way to Python. What does not: what a record's
fields must be (`rows`, the kinds). One bad record never costs another.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from trackai_pipelines.ingest.records import Fields, Unreadable, canonical_json, note_unknown_columns, sha256
from trackai_pipelines.ingest.streams import Notes

_BATCH_ROWS = 4_096


def parquet_records(path: Path, columns: Collection[str], notes: Notes) -> Iterator[Fields | Unreadable]:
    """Yield rows of a Parquet file, numbered from 1. Row groups that cannot be read are noted and passed over."""
    import pyarrow
    from pyarrow import parquet

    unreadable = (pyarrow.ArrowException, OSError)
    try:
        file = parquet.ParquetFile(path, pre_buffer=False)
    except unreadable as error:
        text = f"the Parquet file has no readable footer ({_first_line(error)}); nothing could be read of it"
        notes.add(text, damaged=True)
        return
    with file:
        names = {name.strip().lower(): name for name in file.schema_arrow.names}
        if len(names) < len(file.schema_arrow.names):
            notes.add("the Parquet file has two columns of one name; nothing was read", damaged=True)
            return
        note_unknown_columns(list(names), columns, notes)
        wanted = {known: stored for known, stored in names.items() if known in columns}
        before = 0
        for group in range(file.num_row_groups):
            rows, done = file.metadata.row_group(group).num_rows, 0
            try:
                for batch in file.iter_batches(_BATCH_ROWS, [group], list(wanted.values()), use_threads=False):
                    yield from _batch_records(batch, wanted, before + done + 1)
                    done += batch.num_rows
            except unreadable as error:
                text = (
                    f"row group {group + 1} of {file.num_row_groups} cannot be read ({_first_line(error)}); "
                    f"{rows - done} rows are missing"
                )
                notes.add(text, damaged=True)
            before += rows


def _batch_records(batch: Any, wanted: dict[str, str], first: int) -> Iterator[Fields | Unreadable]:
    columns = {known: _column_values(batch.column(stored)) for known, stored in wanted.items()}
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


def _column_values(column: Any) -> list[object]:
    """A column as Python values; a value that cannot be one is a _NoValue and leaves its neighbours alone."""
    import pyarrow

    if pyarrow.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pyarrow.timestamp("us", column.type.tz), safe=False)
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError):
        return [_python_value(value) for value in column]


def _python_value(value: Any) -> object:
    try:
        return value.as_py()
    except UnicodeDecodeError:
        return _NoValue("not valid UTF-8")
    except (ValueError, OverflowError):
        return _NoValue("out of range")


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
