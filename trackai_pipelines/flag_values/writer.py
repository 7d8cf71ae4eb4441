"""Writing usage: what the buffer folded becomes rows, each once, however often the database goes away meanwhile.

What belongs here: batches, retries, and what becomes of rows that the database refuses. What does not: folding
(`buffer`).
"""

import logging
import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.errors import ExpectedError
from trackai_pipelines.flag_values.buffer import Buffer, Check, Gap, UsageRow
from trackai_pipelines.flag_values.stored import stored_key, stored_request

_log = logging.getLogger(__name__)

# A statement of so many rows takes a few hundredths of a second.
_ROWS_AT_ONCE = 5_000
_MICROSECOND = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Numbered(NamedTuple):
    """A row with its number among those of its writer, under which a repeated write finds it."""

    number: int
    row: UsageRow


class Writer:
    """Writes a process's usage every few seconds, on a thread and a connection of its own."""

    def __init__(
        self,
        connect: Callable[[], Connection[Any]],
        buffer: Buffer,
        *,
        seconds: float,
        country_of: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        """`country_of` returns the default country of a tenant's phone numbers, given its id."""
        self._connect = connect
        self._buffer = buffer
        self._seconds = seconds
        self._country_of = country_of
        self._begin()

    def _begin(self) -> None:
        self.name = uuid.uuid4().hex
        self._written = 0
        self._unwritten: list[Numbered] = []
        self._gaps: list[Gap] = []
        self._next_gap = 0
        self._failing = False
        self._connection: Connection[Any] | None = None
        self._one_at_a_time = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flag usage", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def restart(self) -> None:
        """Begin again in a forked child, which has neither the thread nor, rightly, anything that is unwritten.

        The parent's connection is left alone: closing it here would end the parent's session.
        """
        self._buffer.forget()
        self._begin()
        self.start()

    def flush(self) -> None:
        """Write all that there is. Raises psycopg.Error; what is not written then stays for the next time."""
        with self._one_at_a_time:
            try:
                # What is left of the last time first: so at most two buffers are in memory.
                self._write()
                self._take()
                self._write()
            except psycopg.Error:
                self._disconnect()
                raise

    def close(self) -> None:
        """Write what is left, and end. What cannot be written then is lost, and logged."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._attempt()
        self._disconnect()
        lost = sum(row.checks for _, row in self._unwritten) + sum(gap.lost for gap in self._gaps)
        if lost:
            _log.error(
                "%d checks of flags are lost, because the database cannot be written to as this process ends", lost
            )

    def _run(self) -> None:
        while not self._closing.wait(self._seconds):
            self._attempt()

    def _attempt(self) -> None:
        try:
            self.flush()
        except (psycopg.Error, ExpectedError) as error:
            if not self._failing:
                _log.warning("usage of flags waits in memory, because the database cannot be written to: %s", error)
            self._failing = True
        else:
            self._failing = False

    def _take(self) -> None:
        batch = self._buffer.take()
        self._unwritten = [Numbered(number, row) for number, row in enumerate(batch.rows, self._written + 1)]
        self._written += len(batch.rows)
        if batch.gap:
            self._note(batch.gap)

    def _write(self) -> None:
        while self._unwritten:
            rows = self._unwritten[:_ROWS_AT_ONCE]
            refused = self._written_but(rows)
            if refused:
                self._note(_gap_of(refused))
            del self._unwritten[: len(rows)]
        while self._gaps:
            self._write_gap(self._gaps[0])
            del self._gaps[0]

    def _written_but(self, rows: Sequence[Numbered]) -> list[tuple[UsageRow, str]]:
        """Write the rows, and return those that the database refuses, each with the reason."""
        try:
            self._connected().execute(statement("flag_values/insert_usage"), self._columns(rows))
        except (psycopg.IntegrityError, psycopg.DataError) as error:
            if len(rows) == 1:
                return [(rows[0].row, error.diag.message_primary or "refused by the database")]
            middle = len(rows) // 2
            return [*self._written_but(rows[:middle]), *self._written_but(rows[middle:])]
        return []

    def _write_gap(self, gap: Gap) -> None:
        given = {
            "writer": self.name,
            "from_at": _time(gap.first_at),
            "to_at": _time(gap.last_at),
            "lost_checks": gap.lost,
            "reason": gap.reason,
        }
        self._connected().execute(statement("flag_values/insert_gap"), given)

    def _note(self, gap: Gap) -> None:
        """Keep a gap to be written. Gaps are told apart by the microsecond in which they begin."""
        first = max(gap.first_at, self._next_gap)
        self._next_gap = first + _MICROSECOND
        self._gaps.append(Gap(first, max(gap.last_at, first), gap.lost, gap.reason))

    def _connected(self) -> Connection[Any]:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _columns(self, rows: Sequence[Numbered]) -> dict[str, list[Any]]:
        columns: dict[str, list[Any]] = {
            name: [row.check[at] for _, row in rows] for at, name in enumerate(Check._fields)
        }
        columns["user_id"] = [stored_key(row.check.user_id, self._country_of(row.check.tenant_id)) for _, row in rows]
        return columns | {
            "accessed_at": [_time(row.first_at) for _, row in rows],
            "last_accessed_at": [_time(row.last_at) for _, row in rows],
            "checks": [row.checks for _, row in rows],
            "cache_hits": [row.cache_hits for _, row in rows],
            # A clock that was set back during a check would make it negative.
            "response_us": [max(0, row.nanoseconds + _MICROSECOND // 2) // _MICROSECOND for _, row in rows],
            "bucket": [row.bucket for _, row in rows],
            "device_info": [row.device_info for _, row in rows],
            "request_id": [stored_request(row.request_id) for _, row in rows],
            "overflow": [row.overflow for _, row in rows],
            "external_id": [f"{self.name}-{number}" for number, _ in rows],
        }


def _gap_of(refused: Sequence[tuple[UsageRow, str]]) -> Gap:
    rows = [row for row, _ in refused]
    lost = sum(row.checks for row in rows)
    return Gap(min(row.first_at for row in rows), max(row.last_at for row in rows), lost, refused[0][1])


def _time(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds // _MICROSECOND)
