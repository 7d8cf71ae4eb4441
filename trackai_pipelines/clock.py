"""The time as a value that callers pass in.

Functions that depend on the time take a `Clock`; only the outermost callers fall back on `utc_now`.
"""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present time in UTC."""
    return datetime.now(UTC)
