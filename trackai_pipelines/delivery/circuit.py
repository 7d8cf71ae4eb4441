"""The circuit of a tenant: when requests may go out, and what an answer changes about that.

Ten failed requests in a row open it, and so do refusals that are not the events' fault (`blame`). While it is open,
nothing is sent and nothing is lost. After a cool-down a request with one event may try (half open), and its answer
decides. Here: the rules, as functions from one state to the next. Not here: where the state is kept
(`trackai.dispatch_circuits`, written only by the worker that holds the tenant), and what answers mean (`answers`).
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from trackai_pipelines.delivery.answers import AnswerKind, Verdict
from trackai_pipelines.settings import CapiSettings

FAILURES_TO_OPEN = 10
LONGEST_COOLDOWN_SECONDS = 3600.0
LONGEST_BACKOFF_SECONDS = 60.0
THROTTLED_STEPS = 30
"""How many first back-off steps a throttled tenant waits if Meta does not say how long."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """The state of a tenant's circuit: `closed`, `open` or `half_open`.

    `retry_at` is when an open circuit lets a probe through, `wait_until` when a closed one lets the next request
    through. `opened_at` is when the trouble began; failed probes do not move it. `refusal` is the kind of refusal that
    opened it or, while it is closed, that events have met since the last one was accepted.
    """

    state: str = "closed"
    consecutive_failures: int = 0
    opened_at: datetime | None = None
    retry_at: datetime | None = None
    reason: str | None = None
    cooldown_seconds: float | None = None
    wait_until: datetime | None = None
    refusal: str | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Circuit":
        """Return the circuit in a row that has its columns among others."""
        return cls(**{field.name: row[field.name] for field in fields(cls)})

    def lets_through(self, now: datetime) -> bool:
        """Return whether a request may go out now; through an open circuit it is the probe."""
        if self.state == "open":
            return self.retry_at is not None and self.retry_at <= now
        return self.wait_until is None or self.wait_until <= now


def after(circuit: Circuit, verdict: Verdict, *, now: datetime, settings: CapiSettings) -> Circuit:
    """Return the circuit as it is after a request was answered by anything but a refusal (see `blame`)."""
    asked = timedelta(seconds=verdict.wait_seconds or 0)
    match verdict.kind:
        case AnswerKind.accepted:
            return Circuit(wait_until=now + asked if asked else None)
        case AnswerKind.slow_down:
            wait = asked or timedelta(seconds=THROTTLED_STEPS * settings.retry_base_seconds)
            if circuit.state == "half_open":
                return replace(circuit, state="open", retry_at=now + wait)
            return replace(circuit, wait_until=now + wait, reason=verdict.message)
        case AnswerKind.setup:
            return opened(circuit, verdict.message, now=now, settings=settings)
        case _:
            failures = circuit.consecutive_failures + 1
            if circuit.state == "half_open" or failures >= FAILURES_TO_OPEN:
                return opened(circuit, verdict.message, now=now, settings=settings)
            wait = max(asked, timedelta(seconds=backoff_seconds(failures, settings)))
            return replace(circuit, consecutive_failures=failures, wait_until=now + wait, reason=verdict.message)


def opened(
    circuit: Circuit, reason: str, *, now: datetime, settings: CapiSettings, refusal: str | None = None
) -> Circuit:
    """Return the circuit after a failed request opened it; a failed probe doubles the cool-down, up to its cap."""
    cooldown = settings.circuit_cooldown_seconds
    if circuit.state == "half_open":
        cooldown = 2 * (circuit.cooldown_seconds or cooldown)
    cooldown = min(cooldown, LONGEST_COOLDOWN_SECONDS)
    return Circuit(
        state="open",
        consecutive_failures=circuit.consecutive_failures + 1,
        opened_at=circuit.opened_at or now,
        retry_at=now + timedelta(seconds=cooldown),
        reason=reason,
        cooldown_seconds=cooldown,
        refusal=refusal,
    )


def blocked(circuit: Circuit, reason: str, *, now: datetime, settings: CapiSettings) -> Circuit:
    """Return the circuit opened because no request is possible at all, e.g. without a token.

    The cool-down stays the same: checking again costs nothing, and what is missing may come at any time.
    """
    cooldown = min(settings.circuit_cooldown_seconds, LONGEST_COOLDOWN_SECONDS)
    return Circuit(
        state="open",
        consecutive_failures=circuit.consecutive_failures,
        opened_at=circuit.opened_at or now,
        retry_at=now + timedelta(seconds=cooldown),
        reason=reason,
        cooldown_seconds=cooldown,
    )


def backoff_seconds(failures: int, settings: CapiSettings) -> float:
    """Return how long to wait after so many failures in a row: doubling up to LONGEST_BACKOFF_SECONDS, with jitter."""
    base = settings.retry_base_seconds
    doubled = min(base * 2.0 ** (failures - 1), LONGEST_BACKOFF_SECONDS)
    return doubled + random.uniform(0, base)  # noqa: S311 - jitter, not a secret
