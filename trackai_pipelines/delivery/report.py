"""What a dispatch did, counted by tenant and day.

What belongs here: counting. What does not: dispatching (`dispatcher`), and how the figures are shown (defs/, cli).
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date

from trackai_pipelines.delivery.blame import Outcome
from trackai_pipelines.delivery.claims import Claim
from trackai_pipelines.delivery.targets import SANDBOX

Part = tuple[str, date]
"""A tenant's slug and the UTC day of the sale."""


@dataclass
class DispatchReport:
    """Events by tenant and UTC day of the sale, and requests."""

    sent: Counter[Part] = field(default_factory=Counter)
    """Accepted by Meta."""
    failed: Counter[Part] = field(default_factory=Counter)
    """Failed for good, each with its reason in trackai.dispatch_attempts."""
    retried: Counter[Part] = field(default_factory=Counter)
    """Attempts that did not get through and are retried."""
    sandbox: Counter[Part] = field(default_factory=Counter)
    """Accepted or refused for good by the sandbox: none of them was sent."""
    waiting: Counter[str] = field(default_factory=Counter)
    """Events on the queue when it ended, by slug; empty in the report of a window."""
    requests: int = 0
    failed_requests: int = 0
    """Requests that were not accepted."""
    seconds: float = 0.0

    def add(self, other: "DispatchReport") -> None:
        """Add what another, later dispatch did; what waits is what waited after that one."""
        self.sent.update(other.sent)
        self.failed.update(other.failed)
        self.retried.update(other.retried)
        self.sandbox.update(other.sandbox)
        self.waiting = Counter(other.waiting)
        self.requests += other.requests
        self.failed_requests += other.failed_requests
        self.seconds += other.seconds

    def add_closed(self, claim: Claim) -> None:
        """Count events that a claim closed unsent."""
        slug = claim.recipient.slug
        self.failed.update((slug, event.occurred_at.astimezone(UTC).date()) for event in claim.closed if event.problem)

    def add_answer(self, claim: Claim, outcome: Outcome) -> None:
        """Count a request, and its events by outcome."""
        self.requests += 1
        if outcome.failure is not None:
            self.failed_requests += 1
        if not outcome.final:
            counted = self.retried
        elif claim.target.name == SANDBOX:
            counted = self.sandbox
        else:
            counted = self.sent if outcome.failure is None else self.failed
        counted.update((claim.recipient.slug, event.occurred_at.astimezone(UTC).date()) for event in claim.events)

    @property
    def outcomes(self) -> dict[str, Counter[Part]]:
        """What became of attempts, by name."""
        return {"sent": self.sent, "failed": self.failed, "retried": self.retried, "sandbox": self.sandbox}

    @property
    def empty(self) -> bool:
        """Whether nothing was done."""
        return not (self.requests or self.failed)


def by_tenant(counted: Counter[Part]) -> Counter[str]:
    """Events by slug, over all days."""
    total: Counter[str] = Counter()
    for (slug, _), count in counted.items():
        total[slug] += count
    return total
