"""The life of a test: draft, running, paused, completed, archived.

What belongs here: transitions, what they require, and what starting freezes. What does not: drafts (creating.py), and
what becomes of users (assigning.py) and of results.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from psycopg import Connection
from psycopg.types.json import Jsonb

from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments.creating import ChangedBy, add_event, locked_design
from trackai_pipelines.experiments.currencies import ProposedCap, currency_of_sales, proposed_cap
from trackai_pipelines.experiments.designs import Design, config_digest, design_of, designs_to_compute, frozen
from trackai_pipelines.experiments.refusals import ExperimentRefusedError
from trackai_pipelines.experiments.rules import check_cap, check_currency, shown

Action = Literal["start", "pause", "resume", "complete", "archive"]

_BECOMES = {
    ("draft", "start"): "running",
    ("running", "pause"): "paused",
    ("paused", "resume"): "running",
    ("running", "complete"): "completed",
    ("paused", "complete"): "completed",
    ("completed", "archive"): "archived",
    ("paused", "archive"): "archived",
    ("draft", "archive"): "archived",
}
_NEW_TEST = "a test that is taken up again is a new test. Create one with another key"
_WHY_NOT = {
    ("running", "start"): "it is running already",
    ("paused", "start"): "it is paused. `trackai experiments resume` takes it up again",
    ("completed", "start"): f"it is completed, and {_NEW_TEST}",
    ("archived", "start"): f"it is archived, and {_NEW_TEST}",
    ("draft", "pause"): "it is a draft: nobody is assigned before it starts",
    ("paused", "pause"): "it is paused already",
    ("completed", "pause"): "it is completed: nobody new is assigned any more",
    ("archived", "pause"): "it is archived: nobody new is assigned any more",
    ("draft", "resume"): "it is a draft. `trackai experiments start` starts it",
    ("running", "resume"): "it is running already",
    ("completed", "resume"): f"it is completed, and {_NEW_TEST}",
    ("archived", "resume"): f"it is archived, and {_NEW_TEST}",
    ("draft", "complete"): "it is a draft: there is nothing to complete. Archive or delete it",
    ("completed", "complete"): "it is completed already",
    ("archived", "complete"): "it is archived already",
    ("running", "archive"): "it is running. Complete or pause it first",
    ("archived", "archive"): "it is archived already",
}
_END_IS_OVER = ChangedBy("trackai", "end_date is over")


@dataclass(frozen=True, kw_only=True, slots=True)
class StartTerms:
    """What is said when a test is started."""

    since: datetime | None = None
    """When it began; None: now. Only of tests whose users are assigned outside."""
    currency: str | None = None
    """None: the draft's, else that of the tenant's sales."""
    revenue_cap: Decimal | None = None
    """None: the draft's, else what buyers propose."""
    capped: bool = True
    """Whether there is a cap at all."""


@dataclass(frozen=True, slots=True)
class Started:
    """A test that was started, and the cap that buyers proposed; None where they were not asked."""

    design: Design
    proposed: ProposedCap | None


def start(
    connection: Connection[Any], tenant_id: str, test_key: str, author: ChangedBy, now: datetime, terms: StartTerms
) -> Started:
    """Start a draft: fix its money, freeze what is compared and how, let users in. Raises ExperimentRefusedError."""
    with connection.transaction():
        draft = _checked(connection, tenant_id, test_key, "start")
        at = _begin(draft, terms.since, now)
        proposed = _fix_money(connection, draft, at, terms)
        design = design_of(connection, tenant_id, draft.id)
        config = Jsonb(frozen(design))
        _move(connection, design, "start", author, now, at=at, digest=config_digest(design), config=config)
        return Started(design_of(connection, tenant_id, draft.id), proposed)


def change(
    connection: Connection[Any], tenant_id: str, test_key: str, action: Action, author: ChangedBy, now: datetime
) -> Design:
    """Pause, resume, complete or archive a test. Raises ExperimentRefusedError for a transition that is not allowed."""
    with connection.transaction():
        design = _checked(connection, tenant_id, test_key, action)
        _move(connection, design, action, author, now)
        return design_of(connection, tenant_id, design.id)


def complete_ended(connection: Connection[Any], now: datetime, tenant_id: str | None = None) -> list[Design]:
    """Complete the tests whose `end_date` is over, and return them."""
    completed = []
    for design in designs_to_compute(connection, tenant_id):
        if design.status != "completed" and design.end_date is not None and design.end_date <= now:
            try:
                completed.append(change(connection, design.tenant_id, design.test_key, "complete", _END_IS_OVER, now))
            except ExperimentRefusedError:
                # Somebody was quicker.
                continue
    return completed


def _checked(connection: Connection[Any], tenant_id: str, test_key: str, action: Action) -> Design:
    design = locked_design(connection, tenant_id, test_key)
    if (design.status, action) not in _BECOMES:
        raise ExperimentRefusedError(f"{test_key} cannot be {_done(action)}: {_WHY_NOT[design.status, action]}.")
    return design


def _begin(draft: Design, since: datetime | None, now: datetime) -> datetime:
    """Return when a draft begins. Raises ExperimentRefusedError where it cannot."""
    key = draft.test_key
    if len(draft.variants) < 2:
        raise ExperimentRefusedError(f"{key} has a control and nothing to compare it with: give it a variant.")
    if draft.sample_size is None:
        raise ExperimentRefusedError(
            f"{key} has no sample size, so nobody knows when to decide. `trackai experiments plan {key}` finds it."
        )
    at = now
    if since is not None:
        if draft.assigned_by != "outside":
            raise ExperimentRefusedError(
                f"Users of {key} are assigned by trackai, so it starts now. --since is for tests whose assignments "
                "come in files."
            )
        if since > now:
            raise ExperimentRefusedError(f"--since {shown(since)} is in the future.")
        if since < draft.start_date:
            raise ExperimentRefusedError(
                f"--since {shown(since)} is before the start date of {key}, {shown(draft.start_date)}. Nobody who is "
                "assigned earlier counts."
            )
        at = since
    if draft.end_date is not None and draft.end_date <= at:
        raise ExperimentRefusedError(
            f"The end date of {key}, {shown(draft.end_date)}, is over: nobody could be assigned."
        )
    return at


def _fix_money(connection: Connection[Any], draft: Design, at: datetime, terms: StartTerms) -> ProposedCap | None:
    """Set the draft's currency and cap."""
    currency = terms.currency or draft.currency or currency_of_sales(connection, draft, at)
    cap = terms.revenue_cap if terms.revenue_cap is not None else draft.revenue_cap
    proposed = None
    if not terms.capped:
        cap = None
    elif cap is None and currency is not None:
        proposed = proposed_cap(connection, draft, currency, at)
        cap = proposed.cap
    if currency is not None:
        check_currency(currency)
    if cap is not None:
        check_cap(cap)
        if currency is None:
            raise ExperimentRefusedError(f"A revenue cap of {draft.test_key} needs a currency: give --currency.")
    given = {"tenant_id": draft.tenant_id, "test_id": draft.id, "currency": currency, "revenue_cap": cap}
    connection.execute(statement("experiments/set_money"), given)
    return proposed


def _move(
    connection: Connection[Any],
    design: Design,
    action: Action,
    author: ChangedBy,
    now: datetime,
    *,
    at: datetime | None = None,
    digest: str | None = None,
    config: Jsonb | None = None,
) -> None:
    to_status = _BECOMES[design.status, action]
    given = {
        "tenant_id": design.tenant_id,
        "test_id": design.id,
        "to_status": to_status,
        "started_at": at,
        "completed_at": now if to_status == "completed" else None,
        "config_digest": digest,
        "by": author.by,
        "now": now,
    }
    connection.execute(statement("experiments/move_test"), given)
    add_event(connection, design.tenant_id, design.id, action, design.status, to_status, author, at or now, config)


def _done(action: Action) -> str:
    return {"start": "started", "complete": "completed"}.get(action, f"{action}d")
