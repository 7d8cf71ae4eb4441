"""How fast landing files are loaded, in how much memory, compared with a bare COPY of the same rows.

The bare COPY writes the rows as the load prepared them, in one statement, with all indexes, constraints and triggers.
What does not belong here: webhooks, whose cost is the gateway's payload (tests/ingest).
"""

import csv
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import dict_row

from benchmarks.database import Database, clear, count
from benchmarks.figures import Figure, Scale, row, short
from benchmarks.processes import begin_together, in_processes, peak_megabytes
from benchmarks.world import add_sales, have_world
from trackai_pipelines.database.connection import connect
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.facts.landing import CLICKS, CONVERSIONS
from trackai_pipelines.ingest.kinds import kinds_of
from trackai_pipelines.ingest.load import load_paths

CHARTED = ("rows/s",)

_TENANTS = 100
_COLUMNS = {kind.name: kind.columns for kind in (CLICKS, CONVERSIONS)}


@dataclass(frozen=True)
class _Sizes:
    rows: int
    repeats: int


SIZES = {
    "small": _Sizes(rows=500, repeats=1),
    "medium": _Sizes(rows=200_000, repeats=1),
    "full": _Sizes(rows=1_000_000, repeats=3),
}

Rows = Iterator[Mapping[str, Any]]


def run(scale: Scale, database: Database) -> Iterator[Figure]:
    """Rows a second of each kind and format, of loading it once more, and of the bare COPY."""
    sizes = SIZES[scale]
    for kind in ("conversions", "clicks"):
        title = f"Ingest: {short(sizes.rows)} {kind}"
        folder = database.home / "landing" / kind
        folder.mkdir(parents=True)
        _write_files(database, kind, sizes.rows, folder)
        for suffix in _WRITERS:
            path = folder / f"{kind}.{suffix}"
            runs = [loaded(database, kind, path, sizes.rows) for _ in range(sizes.repeats)]
            seconds, again, peak = min(runs)
            rates = {"rows/s": sizes.rows / seconds, "loaded again, rows/s": sizes.rows / again, "peak MB": peak}
            yield from row(title, suffix, rates)
            if suffix == "jsonl":
                _prepare_copy(database, kind, folder)
                floor = min(_copied(database, kind, folder, sizes.rows) for _ in range(sizes.repeats))
                yield from row(title, "bare COPY", {"rows/s": sizes.rows / floor})
            yield Figure(title, suffix, "share of the bare COPY's rate", floor / seconds, at_least=0.5)


def _write_files(database: Database, kind: str, rows: int, folder: Path) -> None:
    """The same facts as JSON Lines, CSV and Parquet, as a producer writes them."""
    have_world(database, clicks=rows if kind == "clicks" else 0, tenants=_TENANTS)
    with connect(database.url, name="benchmark") as connection:
        if kind == "conversions":
            add_sales(connection, 1, rows)
        for suffix, write in _WRITERS.items():
            write(folder / f"{kind}.{suffix}", as_given(connection, kind))


def as_given(connection: Connection[Any], kind: str) -> Rows:
    """The facts in the database as values of a landing file; half of the conversions come with a raw e-mail address."""
    query = sql.SQL("SELECT {} FROM trackai.{} ORDER BY id").format(
        sql.SQL(", ").join(map(sql.Identifier, _COLUMNS[kind])), sql.Identifier(kind)
    )
    with connection.transaction(), connection.cursor(name="given", row_factory=dict_row) as cursor:
        cursor.itersize = 10_000
        for number, found in enumerate(cursor.execute(query)):
            given = {name: str(value) for name, value in found.items() if value is not None}
            given["tenant"] = given.pop("tenant_id")
            if kind == "conversions":
                given["email"] = f"buyer{number}@example.com" if number % 2 else ""
            yield given


def write_json_lines(path: Path, rows: Rows) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(values) + "\n" for values in rows)


def _write_csv(path: Path, rows: Rows) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        first = next(iter(rows))
        names = list(dict.fromkeys([*first, *(name for kind in _COLUMNS.values() for name in kind)]))
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(rows)


def _write_parquet(path: Path, rows: Rows) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(list(rows)), path)


_WRITERS: Mapping[str, Callable[[Path, Rows], None]] = {
    "jsonl": write_json_lines,
    "csv": _write_csv,
    "parquet": _write_parquet,
}


def _empty(connection: Connection[Any], kind: str) -> None:
    clear(connection)
    connection.execute(sql.SQL("TRUNCATE trackai.{} CASCADE").format(sql.Identifier(kind)))
    connection.execute("CHECKPOINT")


def loaded(database: Database, kind: str, path: Path, rows: int) -> tuple[float, float, float]:
    """Seconds of loading the file and of loading it again, and peak megabytes of the process."""
    with connect(database.url, name="benchmark") as connection:
        _empty(connection, kind)
    ((seconds, again, peak, accepted, duplicates),) = in_processes(load_twice, [(database.url, path)])
    if not accepted == duplicates == rows:
        raise RuntimeError(f"of {rows:,} rows {accepted:,} were loaded, and {duplicates:,} found again")
    return seconds, again, peak


def load_twice(url: str, path: Path) -> tuple[float, float, float, int, int]:
    """Seconds of loading a file and of loading it again, peak megabytes, and the rows that were new, and then known."""
    kinds = kinds_of(DOMAINS)
    begin_together()
    begun = time.perf_counter()
    (first,) = load_paths(url, [path], landing_dir=path.parent, kinds=kinds)
    seconds, peak = time.perf_counter() - begun, peak_megabytes()
    (second,) = load_paths(url, [path], landing_dir=path.parent, kinds=kinds)
    return seconds, second.seconds, peak, first.accepted, second.duplicates


def _prepare_copy(database: Database, kind: str, folder: Path) -> None:
    """Keep the loaded rows as the text that COPY reads."""
    names = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS[kind]))
    query = sql.SQL("COPY (SELECT {} FROM trackai.{} ORDER BY id) TO STDOUT").format(names, sql.Identifier(kind))
    with (
        connect(database.url, name="benchmark") as connection,
        connection.cursor().copy(query) as rows,
        (folder / "prepared").open("wb") as file,
    ):
        file.writelines(rows)


def _copied(database: Database, kind: str, folder: Path, rows: int) -> float:
    """Seconds of the bare COPY of those rows."""
    names = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS[kind]))
    table = sql.Identifier("trackai", kind)
    with connect(database.url, name="benchmark") as connection, (folder / "prepared").open("rb") as file:
        _empty(connection, kind)
        begun = time.perf_counter()
        with connection.cursor().copy(sql.SQL("COPY {} ({}) FROM STDIN").format(table, names)) as target:
            while part := file.read(1 << 20):
                target.write(part)
        seconds = time.perf_counter() - begun
        if (
            count(connection, "SELECT count(*) FROM trackai.conversions")
            + count(connection, "SELECT count(*) FROM trackai.clicks")
            != rows
        ):
            raise RuntimeError("the bare COPY did not write all rows")
    return seconds
