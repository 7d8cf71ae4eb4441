"""Match rates recomputed from archives and database.

What belongs here: which facts a range of days needs, where they are, and the resulting rates. What does not: how they
are shown (the command line). Facts pass through DuckDB in a file, so memory stays bounded whatever the range.
"""

import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg import Connection, sql

from trackai_pipelines.database.partitions import detached_days
from trackai_pipelines.database.statements import statement
from trackai_pipelines.lifecycle.archive.manifest import Archive, archives
from trackai_pipelines.lifecycle.archive.reader import archive_reader, readable
from trackai_pipelines.lifecycle.archive.store import ArchiveError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from trackai_pipelines.lifecycle.archive.store import Store

# A click counts from the window's start to five minutes after the sale.
_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class Rates:
    """A row of trackai.daily_match_rates, recomputed."""

    tenant_id: str
    day: date
    gateway: str
    currency: str
    conversions: int
    fbc: int
    fbp: int
    email: int
    unmatched: int
    pending: int
    value_total: Decimal
    value_matched: Decimal
    p95_match_seconds: float | None
    """It is exact, while the database's comes from buckets; None if nothing is decided, and when matched again."""

    @property
    def match_rate(self) -> float | None:
        """Matched / (matched + unmatched); None if nothing is decided."""
        matched = self.fbc + self.fbp + self.email
        return matched / (matched + self.unmatched) if matched + self.unmatched else None


def recompute(
    connection: Connection,
    database_url: str,
    store: "Store",
    from_day: date,
    to_day: date,
    *,
    lookback_days: int | None = None,
    email_matching: bool | None = None,
) -> list[Rates]:
    """Return the match rates of the UTC days of sale `from_day` to `to_day`, both included.

    They are by tenant, day, gateway and currency. Without `lookback_days` and `email_matching` they are as the match
    log has them: as the database aggregated them, wherever the log is now. With one of them, every decided conversion
    is matched again with that value, and with its sale's own of the other; clicks that were erased or deleted are
    missing. Nothing is written. Raises ArchiveDamaged if a needed file is missing or does not read, ArchiveError while
    a needed day is between table and archive, and ValueError for an empty range.
    """
    if to_day < from_day:
        raise ValueError(f"the range of days is empty: {from_day} is after {to_day}; swap them")
    with (
        tempfile.TemporaryDirectory(prefix="trackai-what-if-") as folder,
        archive_reader(store, Path(folder)) as duck,
    ):
        _load(duck, database_url, "conversions", "what_if/conversions", _days(from_day, to_day))
        _load_attempts(connection, duck, database_url, store, from_day, to_day)
        duck.execute(statement("what_if/duckdb/decided"))
        if lookback_days is not None or email_matching is not None:
            given = {"lookback_days": lookback_days, "email_matching": email_matching}
            _load_clicks(connection, duck, database_url, store, from_day, to_day, _longest(duck, lookback_days))
            _load(duck, database_url, "identities", "what_if/live_identities", {"of_all": bool(email_matching)})
            duck.execute(statement("what_if/duckdb/rematch"), given)
        rows = duck.execute(statement("what_if/duckdb/rates"))
        names = [name for name, *_ in rows.description]
        return [Rates(**dict(zip(names, row, strict=True))) for row in rows.fetchall()]


def _longest(duck: "DuckDBPyConnection", lookback_days: int | None) -> int:
    """Return the longest window, in days, that one of the loaded conversions is matched again with."""
    if lookback_days is not None:
        return lookback_days
    row = duck.execute("SELECT coalesce(max(lookback_days), 0) FROM conversions").fetchone()
    assert row is not None
    return int(row[0])


def _days(from_day: date, to_day: date) -> dict[str, Any]:
    return {"from_day": from_day.isoformat(), "after_day": (to_day + timedelta(days=1)).isoformat()}


def _load(duck: "DuckDBPyConnection", database_url: str, table: str, name: str, parameters: dict[str, Any]) -> None:
    """Stream the result of one of our statements into a DuckDB table."""
    from trackai_pipelines.database.arrow import record_batches

    query = sql.SQL(statement(name)).format(**{key: sql.Literal(value) for key, value in parameters.items()})
    with record_batches(database_url, query) as batches:
        duck.register("arriving", batches)
        create = sql.SQL("CREATE TABLE {} AS SELECT * FROM arriving").format(sql.Identifier(table))
        duck.execute(create.as_string())
        duck.unregister("arriving")


def _load_attempts(
    connection: Connection,
    duck: "DuckDBPyConnection",
    database_url: str,
    store: "Store",
    from_day: date,
    to_day: date,
) -> None:
    """Load all attempts of the conversions: a sale that came late was matched late, so the log is read to its end."""
    # A sale is at most a day ahead of its arrival.
    first = from_day - timedelta(days=1)
    files = [file for file in archives(connection, "match_log", states=("verified", "dropped")) if file.day >= first]
    filed = {file.day for file in files}
    for day in detached_days(connection, "match_log"):
        if day >= first and day not in filed:
            raise ArchiveError(
                f"match_log of {day} is on its way into the archive: run `trackai retention`, then this."
            )
    _load(duck, database_url, "attempts", "what_if/live_attempts", _days(from_day, to_day))
    _append(
        duck,
        store,
        "INSERT INTO attempts SELECT l.tenant_id, l.conversion_id, l.strategy, l.outcome, l.click_id, l.created_at "
        "FROM read_parquet($paths) l SEMI JOIN conversions c ON c.tenant_id = l.tenant_id AND c.id = l.conversion_id",
        files,
    )


def _load_clicks(
    connection: Connection,
    duck: "DuckDBPyConnection",
    database_url: str,
    store: "Store",
    from_day: date,
    to_day: date,
    lookback_days: int,
) -> None:
    """Load the clicks that lie in some window, once each: a click in a file may still be in the database."""
    since = datetime.combine(from_day, time(), UTC) - timedelta(days=lookback_days)
    until = datetime.combine(to_day + timedelta(days=1), time(), UTC) + _SKEW
    _load(duck, database_url, "clicks", "what_if/live_clicks", {"from_time": since, "until_time": until})
    files = [
        file
        for file in archives(connection, "clicks", states=("verified", "dropped"))
        if since.date() <= file.day <= until.date()
    ]
    _append(
        duck,
        store,
        "INSERT INTO clicks SELECT k.tenant_id, k.id, k.fbc, k.fbclid, k.fbp, k.created_at "
        "FROM read_parquet($paths) k ANTI JOIN clicks c ON c.tenant_id = k.tenant_id AND c.id = k.id",
        files,
    )


def _append(duck: "DuckDBPyConnection", store: "Store", insert: LiteralString, files: list[Archive]) -> None:
    import duckdb

    from trackai_pipelines.lifecycle.archive.store import ArchiveDamaged

    if not files:
        return
    try:
        duck.execute(insert, {"paths": readable(store, files)})
    except (duckdb.IOException, duckdb.InvalidInputException, FileNotFoundError) as error:
        raise ArchiveDamaged(
            f"An archive does not read: {error}. Bring the file back from a copy; nothing was changed."
        ) from error
