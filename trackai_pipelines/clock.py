"""What time it is, as a value that can be passed in.

Functions that depend on the time take a `Clock`; only the outermost callers fall back on `utc_now`.
"""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present, with its zone."""
    return datetime.now(UTC)
