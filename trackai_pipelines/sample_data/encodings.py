"""Writing landing files row by row, in the format that the name asks for, with bounded memory.

What belongs here: encodings and open files. What does not: what is in a row.

A file is called `*.part` until it is complete: a process that watches the folder never sees half of it. The same rows
make the same bytes.
"""

import csv
import gzip
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from io import BufferedWriter
from pathlib import Path
from typing import Protocol

from trackai_pipelines.sample_data.stories import Row

CLICK_COLUMNS = (
    "tenant", "external_id", "fbclid", "fbc", "fbp", "utm_source", "utm_medium", "utm_campaign", "utm_content",
    "utm_term", "ip", "user_agent", "created_at",
)  # fmt: skip
CONVERSION_COLUMNS = (
    "tenant", "gateway", "gateway_event_id", "order_id", "event_name", "value", "currency", "occurred_at", "fbclid",
    "fbc", "fbp", "email", "phone", "client_ip", "client_user_agent", "event_source_url",
)  # fmt: skip

CAMPAIGN_COLUMNS = ("campaign_id", "name", "status", "created_at", "updated_at")
_COLUMNS = {"clicks": CLICK_COLUMNS, "conversions": CONVERSION_COLUMNS, "campaigns": CAMPAIGN_COLUMNS}

# Lines of a file that are held before they are written together: few, because many files are open at once.
_BATCH_LINES = 512
# Rows of a group of Parquet files.
_BATCH_ROWS = 4_096
# Fast rather than small: these files live for minutes.
_GZIP_LEVEL = 1


class RowFile(Protocol):
    """An open landing file."""

    def write(self, row: Row) -> None:
        """Append a row."""

    def close(self) -> None:
        """Complete the file and give it its name."""


class LinesFile:
    """JSON Lines, gzipped when the name says so."""

    def __init__(self, path: Path) -> None:
        from msgspec.json import Encoder

        self._path = path
        self._raw = _part(path).open("wb")
        self._stream: gzip.GzipFile | BufferedWriter = self._raw
        if path.suffix == ".gz":
            # No name and no time in the header: they would differ from run to run.
            self._stream = gzip.GzipFile("", "wb", _GZIP_LEVEL, self._raw, mtime=0)
        self._encode = Encoder().encode
        self._lines: list[bytes] = []

    def write(self, row: Row | bytes) -> None:
        """Append a row or a payload as one line; bytes are a line already."""
        self.write_line(row if isinstance(row, bytes) else self._encode(row))

    def write_line(self, line: bytes) -> None:
        """Append a line that need not be JSON."""
        self._lines.append(line)
        if len(self._lines) >= _BATCH_LINES:
            self._flush()

    def _flush(self) -> None:
        if self._lines:
            self._stream.write(b"\n".join(self._lines) + b"\n")
            self._lines.clear()

    def close(self) -> None:
        """Complete the file and give it its name."""
        self._flush()
        self._stream.close()
        self._raw.close()
        _part(self._path).rename(self._path)


class CsvFile:
    """CSV with a header; NULL is an empty field."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream = _part(path).open("w", encoding="utf-8", newline="")
        self._rows = csv.DictWriter(self._stream, _columns(path), lineterminator="\n")
        self._rows.writeheader()

    def write(self, row: Row) -> None:
        """Append a row."""
        self._rows.writerow(row)

    def close(self) -> None:
        """Complete the file and give it its name."""
        self._stream.close()
        _part(self._path).rename(self._path)


class ParquetFile:
    """Parquet with real types: times with their zone, money as decimal."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        types = {
            "created_at": pa.timestamp("us", tz="UTC"),
            "occurred_at": pa.timestamp("us", tz="UTC"),
            "value": pa.decimal128(18, 4),
        }
        self._path = path
        self._schema = pa.schema([(name, types.get(name, pa.string())) for name in _columns(path)])
        self._writer = parquet.ParquetWriter(_part(path), self._schema)
        self._rows: list[Row] = []

    def write(self, row: Row) -> None:
        """Append a row."""
        self._rows.append(row)
        if len(self._rows) >= _BATCH_ROWS:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        columns = []
        for column in self._schema:
            convert = _PARQUET_VALUES.get(column.name)
            values = [row[column.name] for row in self._rows]
            columns.append(pa.array([convert(v) for v in values] if convert else values, column.type))
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._rows.clear()

    def close(self) -> None:
        """Complete the file and give it its name."""
        self._flush()
        self._writer.close()
        _part(self._path).rename(self._path)


_PARQUET_VALUES: dict[str, Callable[[str], object]] = {
    "created_at": datetime.fromisoformat,
    "occurred_at": datetime.fromisoformat,
    "value": Decimal,
}


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _columns(path: Path) -> tuple[str, ...]:
    return next(columns for kind, columns in _COLUMNS.items() if path.name.startswith(kind))


class OpenFiles:
    """The files that are being written below a folder, opened when first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, RowFile] = {}

    def rows(self, name: str) -> RowFile:
        """The file for rows; `name` is its path in the folder, with the suffix that decides the format."""
        if name.endswith(".csv"):
            return self._opened(name, CsvFile)
        if name.endswith(".parquet"):
            return self._opened(name, ParquetFile)
        return self.lines(name)

    def lines(self, name: str) -> LinesFile:
        """The same for JSON Lines, which take any bytes as a line."""
        opened = self._opened(name, LinesFile)
        assert isinstance(opened, LinesFile)
        return opened

    def __contains__(self, name: str) -> bool:
        return name in self._open

    def write_array(self, name: str, payloads: list[Row]) -> None:
        """Write a whole file that is one JSON array."""
        from msgspec.json import encode

        path = self._path_of(name)
        _part(path).write_bytes(encode(payloads))
        _part(path).rename(path)

    def _path_of(self, name: str) -> Path:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _opened(self, name: str, opener: Callable[[Path], RowFile]) -> RowFile:
        if name not in self._open:
            self._open[name] = opener(self._path_of(name))
        return self._open[name]

    def close(self) -> None:
        """Complete all of them."""
        for file in self._open.values():
            file.close()
        self._open.clear()
