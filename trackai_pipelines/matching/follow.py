"""The resident drain: stays, and matches what arrives within a fraction of a second.

What belongs here: waking up, resting, and coming back after a lost connection. What does not: a look and its batch
(drain.py), other residents (residents/), and what the UI shows of a window (defs/).
"""

import logging
import time
from collections.abc import Callable

from psycopg import Connection, OperationalError, sql
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from trackai_pipelines.database.connection import is_pooled
from trackai_pipelines.matching.batch_size import SizeOfNext, built_in
from trackai_pipelines.matching.drain import DrainReport, looks

_log = logging.getLogger(__name__)

WAKE_UP = "trackai_match"
"""The channel on which inserts announce that conversions wait (`queue_conversions` in sql/schema.sql)."""

POLL_SECONDS = 0.5
"""How long an idle drain waits for a wake-up before it polls: a look costs a few milliseconds, and not every insert
sends a wake-up."""

REST_SECONDS = 0.1
"""The pause between looks while batches are not full. Under a steady trickle each look then takes a batch instead of a
row: planning a batch costs ten times as much as matching one more row."""

RECONNECT_SECONDS = 60
"""How long the server may be unreachable before a resident gives up and leaves the rest to its successor."""


OnWindow = Callable[[Connection, DrainReport, float], None]


def follow(
    connect: Callable[[], Connection],
    *,
    run_id: str,
    until: Callable[[], bool],
    on_window: OnWindow,
    window_seconds: float,
    batch_size: SizeOfNext = built_in,
) -> None:
    """Match as rows arrive until `until()` is true, which is asked after each look; `batch_size` before each.

    `on_window` receives what was done and the seconds it took, about every `window_seconds` and at the end; it is not
    called when nothing was done. Raises psycopg.OperationalError when the server is unreachable for RECONNECT_SECONDS.
    """
    window = _Window(on_window, window_seconds)
    while not until():
        with _connected(connect) as connection:
            try:
                _stay(connection, run_id, until, window, batch_size)
            except OperationalError as error:
                # What was committed is counted; the batch that was under way is back on the queue.
                if not connection.broken:
                    raise
                _log.warning("the drain lost its connection and reconnects: %s", error)
            finally:
                if not connection.broken:
                    window.close(connection)


def _connected(connect: Callable[[], Connection]) -> Connection:
    return Retrying(
        retry=retry_if_exception_type(OperationalError),
        stop=stop_after_delay(RECONNECT_SECONDS),
        wait=wait_random_exponential(multiplier=0.1, max=2),
        reraise=True,
    )(connect)


def _stay(
    connection: Connection, run_id: str, until: Callable[[], bool], window: "_Window", batch_size: SizeOfNext
) -> None:
    if not is_pooled(connection):
        # A pooler would hand the listening session to others, and wake nobody here.
        connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(WAKE_UP)))
    looked = time.monotonic()
    for look in looks(connection, run_id=run_id, batch_size=batch_size):
        window.add(connection, look.report)
        if until():
            return
        if not look.full:
            time.sleep(max(0.0, REST_SECONDS - (time.monotonic() - looked)))
        if look.idle:
            # Wake-ups that came since the last look are returned at once.
            for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
                pass
        looked = time.monotonic()


class _Window:
    """What was done since the last report."""

    def __init__(self, on_window: OnWindow, seconds: float) -> None:
        self._on_window = on_window
        self._seconds = seconds
        self._open()

    def _open(self) -> None:
        self._report = DrainReport()
        self._opened = time.monotonic()

    def add(self, connection: Connection, report: DrainReport) -> None:
        self._report.add(report)
        if time.monotonic() - self._opened >= self._seconds:
            self.close(connection)

    def close(self, connection: Connection) -> None:
        if self._report.conversions or self._report.late:
            self._on_window(connection, self._report, time.monotonic() - self._opened)
        self._open()
