"""What the sample's tenants change of matching's settings while its days pass.

What belongs here: the changes, and what is set at a moment. What does not: recording them (`flags`), and what comes of
them (`stories`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from trackai_pipelines.sample_data.world import SampleTenant, milliseconds


@dataclass(frozen=True)
class GateChange:
    """A tenant's gate has another value from a moment on; whoever says so may say it later."""

    tenant: str
    gate: str
    value: int
    effective_from: datetime
    recorded_at: datetime
    by: str
    reason: str


@dataclass(frozen=True)
class SaleSettings:
    """What matching reads of a tenant for a sale."""

    lookback_days: int
    email_matching: bool


def gate_changes(end: datetime, days: int) -> tuple[GateChange, ...]:
    """Return the changes in the sample of so many days: in their middle, and one of them is recorded later."""
    middle, later = end - timedelta(days=days) / 2, end - timedelta(days=days) / 4
    return (
        GateChange(
            "lumina-cursos", "email_matching", True, middle, middle, "ana", "students agreed to be found by e-mail"
        ),
        GateChange(
            "northwind-fitness", "lookback_days", 45, middle, later, "bruno",
            "agreed with the client; said after it began",
        ),
    )  # fmt: skip


def settings_at(tenant: SampleTenant, at_ms: int, changes: Iterable[GateChange]) -> SaleSettings:
    """Return what is set for a sale at a moment; `changes` are in order."""
    values: dict[str, int] = {"lookback_days": tenant.lookback_days, "email_matching": tenant.email_matching}
    for change in changes:
        if change.tenant == tenant.slug and milliseconds(change.effective_from) <= at_ms:
            values[change.gate] = change.value
    return SaleSettings(values["lookback_days"], bool(values["email_matching"]))
