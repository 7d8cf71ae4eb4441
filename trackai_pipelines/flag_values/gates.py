"""The gates: flags that the pipeline itself reads.

What belongs here: what each is, as data. What does not: reading one (the domain whose behaviour it switches).
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Gate:
    """A flag with a built-in value; its row appears with its first change. Values are texts of `value_type`."""

    key: str
    value_type: Literal["boolean", "string", "integer"]
    built_in: str
    """The value where nobody changed anything, and the off value."""
    on_value: str
    bucket_by: str
    timed_by: str
    """The moment whose value counts. A gate timed by the sale takes no rollout rows and no prerequisites."""
    says: str
    allowed: tuple[str, ...] = ()
    """The values of a text; empty: any of the type."""
    least: int = 0
    most: int = 0
    """The range of an integer, both ends included."""
    killed_value: str | None = None
    """The value while it is killed; None: the built-in one."""

    @property
    def timed_by_sale(self) -> bool:
        """Whether the sale's own moment counts, so that a change may be backdated."""
        return self.timed_by == "sale"


GATES = {
    gate.key: gate
    for gate in (
        Gate(
            key="email_matching",
            value_type="boolean",
            built_in="false",
            on_value="true",
            bucket_by="tenant",
            timed_by="sale",
            says="Whether matching tries e-mail hashes where the click identifiers found no click.",
        ),
        Gate(
            key="lookback_days",
            value_type="integer",
            built_in="90",
            on_value="90",
            bucket_by="tenant",
            timed_by="sale",
            says="How many days before a sale its click may lie.",
            most=3650,
        ),
        Gate(
            key="dispatch_policy",
            value_type="string",
            built_in="all",
            on_value="all",
            bucket_by="tenant",
            timed_by="moment it becomes due",
            says="Which sales are queued for the Conversions API: all, or the matched ones.",
            allowed=("all", "matched"),
        ),
        Gate(
            key="dispatch_target",
            value_type="string",
            built_in="meta",
            on_value="meta",
            bucket_by="tenant",
            timed_by="each request",
            says="Where events are sent: to Meta, to the sandbox, or nowhere until it changes.",
            allowed=("meta", "sandbox", "hold"),
            killed_value="hold",
        ),
        Gate(
            key="anonymise_after_days",
            value_type="integer",
            built_in="0",
            on_value="0",
            bucket_by="tenant",
            timed_by="plan of retention",
            says="After how many days personal fields are removed, where the policy says later; 0: as it says.",
            most=36_500,
        ),
        Gate(
            key="drain_batch_size",
            value_type="integer",
            built_in="5000",
            on_value="5000",
            bucket_by="run",
            timed_by="each micro-batch",
            says="How many conversions a drain takes at once. Results do not depend on it.",
            least=500,
            most=50_000,
        ),
    )
}
