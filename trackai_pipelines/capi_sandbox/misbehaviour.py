"""Misbehaviour: what the server does instead of answering correctly, by a script or by chance.

What belongs here: choosing what happens to a request. What does not: doing it (`app`).
"""

import random
from collections.abc import Callable, Collection
from typing import Annotated, Literal

import msgspec

Doing = Literal["error", "slow", "timeout", "reset", "html", "truncated", "empty"]
_Positive = Annotated[int, msgspec.Meta(ge=1)]


class Misbehaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do with which requests.

    Without `probability` it is scripted: it happens to the next `times` requests, and misbehaviours for the same
    pixel happen in the order in which they were added. With `probability` it happens by chance until it is removed.
    """

    do: Doing
    # None: any pixel.
    pixel: str | None = None
    # None: any request; otherwise those with an event of one of these ids, or of one of these orders.
    events: list[str] | None = None
    times: _Positive = 1
    probability: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    # Whether the events are accepted and recorded first, as when only the answer is lost; `slow` always accepts them.
    accept: bool = False
    # The answer's status, for error, html, truncated and empty.
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] | None = None
    # The error's code; the Graph API returns 2 when it is out of order.
    code: int = 2
    subcode: int | None = None
    # The error's message, instead of the usual one of its code.
    message: str | None = None
    # The wait in the headers of a throttling error.
    wait_seconds: Annotated[int, msgspec.Meta(ge=0)] = 60
    headers: dict[str, str] = {}
    # The delay before it happens.
    ms: Annotated[int, msgspec.Meta(ge=0)] = 0


class Script:
    """The misbehaviours that are in force; each pixel draws from a random sequence of its own, which `seed` fixes."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._scripted: list[tuple[Misbehaviour, int]] = []
        self._by_chance: list[Misbehaviour] = []
        self._draws: dict[str, random.Random] = {}

    def add(self, misbehaviour: Misbehaviour) -> None:
        """Put it in force, after those that are in force."""
        if misbehaviour.probability is None:
            self._scripted.append((misbehaviour, misbehaviour.times))
        else:
            self._by_chance.append(misbehaviour)

    def clear(self) -> None:
        """Remove all misbehaviours."""
        self._scripted.clear()
        self._by_chance.clear()
        self._draws.clear()

    def in_force(self) -> list[Misbehaviour]:
        """Return what is still to happen; a script's `times` are the remaining ones."""
        left = [msgspec.structs.replace(one, times=times) for one, times in self._scripted]
        return left + self._by_chance

    def next_for(self, pixel: str, names: Callable[[], Collection[str]]) -> Misbehaviour | None:
        """Return what happens to this request of the pixel, or None.

        `names` returns the ids and orders of the request's events; it is asked only where a misbehaviour wants to know.
        """
        for index, (one, times) in enumerate(self._scripted):
            if _concerns(one, pixel, names):
                self._scripted[index : index + 1] = [(one, times - 1)] if times > 1 else []
                return one
        candidates = [one for one in self._by_chance if _concerns(one, pixel, names)]
        if not candidates:
            return None
        if pixel not in self._draws:
            self._draws[pixel] = random.Random(f"{self._seed}/{pixel}")  # noqa: S311 - chance, not secrecy
        drawn = self._draws[pixel].random()
        for one in candidates:
            drawn -= one.probability or 0
            if drawn < 0:
                return one
        return None


def _concerns(one: Misbehaviour, pixel: str, names: Callable[[], Collection[str]]) -> bool:
    return one.pixel in (None, pixel) and (one.events is None or not set(one.events).isdisjoint(names()))
