"""Usage in memory: equal checks of a few seconds are one row with a count, and memory is bounded.

What belongs here: which checks are equal, how they fold, and what happens when there are too many. What does not:
writing rows (`writer`), and what of a context may be stored (`stored`).

Times are whole nanoseconds since 1970, UTC: a float or a rounded microsecond could move a check across midnight.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from trackai_pipelines.flag_values.stored import stored_device

KEYS = 50_000
"""Rows in memory from which on checks are counted without user, device and request."""
OVERFLOW_KEYS = 10_000
"""Rows in memory, of such checks, from which on checks are lost, and counted as lost."""
FOLD_SECONDS = 5.0

SECOND = 1_000_000_000
_DAY = 86_400 * SECOND
_TOO_MANY = "too many different checks in memory"


class Check(NamedTuple):
    """What equal checks have in common."""

    tenant_id: str
    flag_id: int
    flag_version: int
    override_version: int
    user_id: str | None
    app_type: str
    variant_key: str | None
    user_segment: str | None
    reason: str
    error_code: str | None
    value_used: bool | None
    """Whether the value differs from the off value; None where the caller's default was served."""


Key = tuple[str, int, int, int, str | None, str, str | None, str | None, str, str | None, bool | None]
"""The fields of a Check, which is equal to it: making a plain tuple takes a third of the time."""


@dataclass(slots=True)
class UsageRow:
    """Equal checks that were folded. `bucket`, `device_info` and `request_id` are those of the first."""

    check: Check
    first_at: int
    last_at: int
    until: int
    """A check from this moment on begins another row."""
    nanoseconds: int
    """How long all of them took."""
    cache_hits: int
    bucket: int | None = None
    device_info: str | None = None
    """JSON, masked."""
    request_id: str | None = None
    overflow: bool = False
    checks: int = 1


@dataclass(frozen=True, slots=True)
class Gap:
    """Checks that were not kept."""

    first_at: int
    last_at: int
    lost: int
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What a buffer held."""

    rows: list[UsageRow]
    gap: Gap | None


class Buffer:
    """Folds the checks of all threads of a process until somebody takes the rows."""

    def __init__(
        self,
        *,
        fold_seconds: float = FOLD_SECONDS,
        keys: int = KEYS,
        overflow_keys: int = OVERFLOW_KEYS,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """`clock` returns the time in nanoseconds since 1970."""
        self._fold = int(fold_seconds * SECOND)
        self._keys = keys
        self._overflow_keys = overflow_keys
        self._clock = clock
        self._empty()

    def _empty(self) -> None:
        self._lock = threading.Lock()
        # The rows that checks still fold into, with and without users.
        self._open: dict[Key, UsageRow] = {}
        self._open_overflow: dict[Key, UsageRow] = {}
        # All rows in the order in which they began, and how many of them are without users.
        self._rows: list[UsageRow] = []
        self._overflow = 0
        self._gap: Gap | None = None

    def forget(self) -> None:
        """Empty the buffer, its lock included: for a forked child, because the parent writes what is in here."""
        self._empty()

    def add(
        self,
        check: Key,
        began: int,
        hit: bool = True,
        bucket: int | None = None,
        device: object = None,
        request_id: str | None = None,
    ) -> None:
        """Count a check that began at a moment of the buffer's clock and has just ended.

        `hit` says that it needed no statement; `device` is the context's.
        """
        with self._lock:
            # Read under the lock, so that times of a row go back only where the clock does.
            now = self._clock()
            row = self._open.get(check)
            if row is not None and row.last_at <= now < row.until:
                row.checks += 1
                row.cache_hits += hit
                row.nanoseconds += now - began
                row.last_at = now
                return
        # Masking takes longer than all else here, so it is done outside the lock, once a row.
        info = stored_device(device) if device is not None and self._has_room() else None
        with self._lock:
            self._begin(
                UsageRow(Check._make(check), now, now, self._end(now), now - began, int(hit), bucket, info, request_id)
            )

    def take(self) -> Batch:
        """Return everything that is in the buffer, and empty it."""
        with self._lock:
            batch = Batch(self._rows, self._gap)
            self._open, self._open_overflow, self._rows, self._overflow, self._gap = {}, {}, [], 0, None
        return batch

    def _has_room(self) -> bool:
        return len(self._rows) - self._overflow < self._keys

    def _begin(self, row: UsageRow) -> None:
        """Begin a row, as long as there is room, else count it without its user, else as lost."""
        if self._has_room():
            self._open[row.check] = row
            self._rows.append(row)
            return
        bare = row.check._replace(user_id=None)
        known = self._open_overflow.get(bare)
        if known is not None and known.last_at <= row.first_at < known.until:
            known.checks += 1
            known.cache_hits += row.cache_hits
            known.nanoseconds += row.nanoseconds
            known.last_at = row.last_at
        elif self._overflow < self._overflow_keys:
            self._overflow += 1
            row = UsageRow(bare, row.first_at, row.last_at, row.until, row.nanoseconds, row.cache_hits, overflow=True)
            self._open_overflow[bare] = row
            self._rows.append(row)
        else:
            first, lost = (self._gap.first_at, self._gap.lost) if self._gap else (row.first_at, 0)
            self._gap = Gap(first, row.last_at, lost + 1, _TOO_MANY)

    def _end(self, now: int) -> int:
        return min(now + self._fold, (now // _DAY + 1) * _DAY)
