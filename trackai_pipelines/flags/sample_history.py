"""The history of the sample's flags: who changed what, when and why.

What belongs here: the changes, and recording them as if they had been made then. What does not: the checks
(sample_world.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from trackai_pipelines.flag_values.gates import GATES
from trackai_pipelines.flags.altering import override_with, set_fields
from trackai_pipelines.flags.changes import ChangeTerms, carry_out, propose
from trackai_pipelines.flags.creating import NewFlag, create_flag
from trackai_pipelines.flags.recording import Author, writing
from trackai_pipelines.flags.segments import define
from trackai_pipelines.sample_data.gate_changes import gate_changes

DAYS = 30
"""UTC days with checks, however many have sales: usage is kept so long."""
CHECKOUT, BADGE, SHIPPING = "one_page_checkout", "price_badge", "free_shipping_bar"
FLAGS = (CHECKOUT, BADGE, SHIPPING)
TESTERS = "beta_testers"
OWNER = "growth@example.com"
VARIANTS = {"control": 34, "discount": 33, "urgency": 33}

# When a percentage is raised: the time since the first day with checks, and the percentage from then on.
RAMP = ((timedelta(0), 5), (timedelta(days=8, hours=10), 25), (timedelta(days=15, hours=10), 50),
        (timedelta(days=22, hours=10), 100))  # fmt: skip
BADGE_RAMP = ((timedelta(days=-1), 60), (timedelta(days=16, hours=12), 100))


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A change of a flag, or of a gate of a tenant."""

    flag: str
    at: datetime
    by: str
    reason: str
    new: NewFlag | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    tenant: str | None = None
    effective_from: datetime | None = None
    """None: at once, and of a new flag from the beginning."""

    @property
    def told(self) -> list[str | None]:
        """Return what history must say: flag, tenant, since when, when and by whom it was recorded, and why."""
        since = None if self.new else self.effective_from or self.at
        return [
            self.flag, self.tenant, since.isoformat() if since else None, self.at.isoformat(), self.by, self.reason
        ]  # fmt: skip


def first_moment(end: datetime) -> datetime:
    """Return the midnight that the days with checks begin at."""
    return end - timedelta(days=DAYS)


def history(end: datetime, days: int) -> list[Change]:
    """Return all changes in the order in which they were made; `days` have sales."""
    start = first_moment(end)
    ramp = [
        Change(flag=CHECKOUT, at=start + after, by="ana", reason=f"ramp to {percentage} %",
               fields={"enabled": True, "rollout_percentage": percentage})
        for after, percentage in RAMP
    ]  # fmt: skip
    gates = [
        Change(flag=gate.gate, tenant=gate.tenant, at=gate.recorded_at, effective_from=gate.effective_from, by=gate.by,
               reason=gate.reason, fields=_override(gate.gate, gate.value))
        for gate in gate_changes(end, days)
    ]  # fmt: skip
    everybody = Change(
        flag=BADGE, at=start + BADGE_RAMP[1][0], by="caio", reason="no complaints", fields={"rollout_percentage": 100}
    )
    return sorted([*_created(start), *ramp, everybody, *gates], key=lambda change: change.at)


def record(connection: Connection[Any], changes: Sequence[Change]) -> None:
    """Record the changes, each at its own time."""
    for change in changes:
        with writing(connection, lambda: change.at) as now:  # noqa: B023 - it is asked at once
            _make(connection, change, now)


def _make(connection: Connection[Any], change: Change, now: datetime) -> None:
    author = Author(change.by, change.reason)
    if change.new:
        if change.flag == CHECKOUT:
            define(connection, TESTERS, "list", None, author, now)
        create_flag(connection, change.new, author, now)
        return
    alter = set_fields(change.fields)
    if change.tenant is not None:
        alter = override_with(**change.fields, percentage=None, gate=GATES[change.flag], by_tenant=True)
    terms = ChangeTerms(now, change.reason, effective_from=change.effective_from)
    carry_out(connection, propose(connection, change.flag, alter, terms, tenant=change.tenant), author)


def _created(start: datetime) -> list[Change]:
    variants = [_row(None, name, weight) for name, weight in VARIANTS.items()]
    checkout = {"rollouts": [_row(TESTERS, None, 100)]}
    badge = {"enabled": True, "rollout_percentage": BADGE_RAMP[0][1], "off_value": "none", "rollouts": variants}
    overdue = {"expires_on": (start + timedelta(days=20)).date()}
    return [
        _new(SHIPPING, "Free shipping bar", start - timedelta(days=60), "dora", "for the summer campaign",
             {"enabled": True}, overdue),
        _new(CHECKOUT, "One-page checkout", start - timedelta(days=2), "ana", "testers first", checkout, {}),
        _new(BADGE, "Price badge", start + BADGE_RAMP[0][0], "caio", "which badge sells",
             badge, {"track_exposures": True}, value_type="string"),
    ]  # fmt: skip


def _new(
    key: str,
    name: str,
    at: datetime,
    by: str,
    reason: str,
    state: Mapping[str, Any],
    described: Mapping[str, Any],
    value_type: str = "boolean",
) -> Change:
    described = {"owner_email": OWNER, **described}
    return Change(
        flag=key, at=at, by=by, reason=reason, new=NewFlag(key, name, "Experimental", value_type, state, described)
    )


def _row(segment: str | None, variant: str | None, percentage: int) -> dict[str, Any]:
    return {
        "user_segment": segment,
        "variant_key": variant,
        "variant_value": None,
        "percentage": percentage,
        "active": True,
    }


def _override(gate: str, value: int) -> dict[str, Any]:
    is_switch = GATES[gate].value_type == "boolean"
    return {"on": bool(value) if is_switch else None, "value": None if is_switch else str(value)}
