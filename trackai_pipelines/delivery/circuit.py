"""The circuit of a tenant: when requests may go out, and what an answer changes about that.

Ten requests in a row that failed open it; nothing is sent while it is open, and nothing is lost. After a cool-down one
request may try (half open) and decides. Here: the rules, as a value that becomes another value. Not here: where it is
kept (`trackai.dispatch_circuits`, written only by the worker that holds the tenant), and what answers mean (`answers`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from trackai_pipelines.delivery.answers import Kind, Verdict
from trackai_pipelines.settings import CapiSettings

FAILURES_TO_OPEN = 10
LONGEST_COOLDOWN_SECONDS = 3600.0
LONGEST_BACKOFF_SECONDS = 60.0
THROTTLED_STEPS = 30
"""First back-off steps that a throttled tenant waits where Meta does not say how long."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """The state of a tenant's circuit: `closed`, `open` or `half_open`.

    `retry_at` is when an open one lets a probe through, `wait_until` is when a closed one lets the next request
    through. `opened_at` is when the trouble began, through all probes.
    """

    state: str = "closed"
    consecutive_failures: int = 0
    opened_at: datetime | None = None
    retry_at: datetime | None = None
    reason: str | None = None
    cooldown_seconds: float | None = None
    wait_until: datetime | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Circuit":
        """Return the circuit in a row that has its columns among others."""
        return cls(**{field.name: row[field.name] for field in fields(cls)})

    def lets_through(self, now: datetime) -> bool:
        """Whether a request may go out now; of an open circuit whose time has come, it is the probe."""
        if self.state == "open":
            return self.retry_at is not None and self.retry_at <= now
        return self.wait_until is None or self.wait_until <= now


def after(circuit: Circuit, verdict: Verdict, *, now: datetime, settings: CapiSettings) -> Circuit:
    """The circuit after a request was answered."""
    told = timedelta(seconds=verdict.wait_seconds or 0)
    match verdict.kind:
        case Kind.accepted:
            return Circuit(wait_until=now + told if told else None)
        case Kind.bad_event:
            # Says nothing about the next request, except for a probe: the way to Meta is clear.
            return Circuit() if circuit.state == "half_open" else circuit
        case Kind.slow_down:
            wait = told or timedelta(seconds=THROTTLED_STEPS * settings.retry_base_seconds)
            if circuit.state == "half_open":
                return replace(circuit, state="open", retry_at=now + wait)
            return replace(circuit, wait_until=now + wait, reason=verdict.message)
        case Kind.setup:
            return opened(circuit, verdict.message, now=now, settings=settings)
        case Kind.retry | Kind.unknown:
            failures = circuit.consecutive_failures + 1
            if circuit.state == "half_open" or failures >= FAILURES_TO_OPEN:
                return opened(circuit, verdict.message, now=now, settings=settings)
            wait = max(told, timedelta(seconds=backoff_seconds(failures, settings)))
            return replace(circuit, consecutive_failures=failures, wait_until=now + wait, reason=verdict.message)


def opened(circuit: Circuit, reason: str, *, now: datetime, settings: CapiSettings) -> Circuit:
    """The circuit opened by a failed request; a failed probe doubles the cool-down, up to its cap."""
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
    )


def blocked(circuit: Circuit, reason: str, *, now: datetime, settings: CapiSettings) -> Circuit:
    """The circuit opened because no request can be made at all, e.g. without a token.

    To look again costs nothing and is done at the same pace for ever: what is missing may come at any time.
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
    """How long to wait after so many failures in a row: doubling, with jitter, up to LONGEST_BACKOFF_SECONDS."""
    from tenacity import RetryCallState, Retrying, wait_exponential, wait_random

    base = settings.retry_base_seconds
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = failures
    return (wait_exponential(multiplier=base, max=LONGEST_BACKOFF_SECONDS) + wait_random(0, base))(state)
