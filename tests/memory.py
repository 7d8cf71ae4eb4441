"""How much memory a function allocates at most."""

import tracemalloc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any


def peak_memory(function: Callable[..., object], *args: Any) -> int:
    """The bytes that Python holds at most while it runs `function`, which belongs to a module, with `args`.

    It runs in a process of its own: what other tests' threads allocate meanwhile is not counted. It runs twice, and
    the second time counts: the first one has its imports in it.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_peak, function, args).result()


def _peak(function: Callable[..., object], args: tuple[Any, ...]) -> int:
    function(*args)
    tracemalloc.start()
    function(*args)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak
