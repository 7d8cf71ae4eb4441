"""Ending a run without cutting off its requests.

What belongs here: signals between Dagster and asyncio. What does not: how a dispatch ends (delivery/dispatcher).
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Within the block, interrupt asyncio in its own way when the run is ended, which lets requests in flight finish.

    Dagster's handler raises wherever the process is: requests that Meta may have taken would be cut off and sent again.
    It receives the interrupt when the block is over. Outside the main thread, where signals do not arrive, nothing
    changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        signal.raise_signal(signal.SIGINT)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        # This is the only handler that asyncio.run replaces by its own.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, interrupt)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    except KeyboardInterrupt:
        signal.raise_signal(signal.SIGINT)
        raise
