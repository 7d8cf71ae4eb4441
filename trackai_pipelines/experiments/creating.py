"""Drafts: tests that are described and not started.

What belongs here: adding and deleting them. What does not: what a draft may be (rules.py), starting it (life.py).
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.errors import ForeignKeyViolation, UniqueViolation

from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments.designs import Design, design_of
from trackai_pipelines.experiments.refusals import ExperimentRefusedError, UnknownTestError
from trackai_pipelines.experiments.rules import NewTest, check_new

_COLUMNS = ("control_variant", "variant_a", "variant_b", "variant_c")


@dataclass(frozen=True, slots=True)
class ChangedBy:
    """Who changes a test, and why."""

    by: str | None = None
    reason: str | None = None


def create_test(
    connection: Connection[Any],
    tenant_id: str,
    new: NewTest,
    author: ChangedBy,
    now: datetime,
    *,
    replace: bool = False,
) -> Design:
    """Add a draft; with `replace` it takes the place of the draft of its key. Raises ExperimentRefusedError."""
    check_new(new)
    with connection.transaction():
        if replace and _locked(connection, tenant_id, new.test_key) is not None:
            delete_draft(connection, tenant_id, new.test_key)
        test_id = _insert(connection, tenant_id, new, author, now)
        add_event(connection, tenant_id, test_id, "create", None, "draft", author, now)
        return design_of(connection, tenant_id, test_id)


def set_plan(
    connection: Connection[Any],
    draft: Design,
    sample_size: int,
    lift: float,
    baseline: float,
    author: ChangedBy,
    now: datetime,
) -> None:
    """Let a draft wait for so many users, and keep what that was planned from. Raises ExperimentRefusedError."""
    with connection.transaction():
        present = locked_design(connection, draft.tenant_id, draft.test_key)
        if present.status != "draft":
            raise ExperimentRefusedError(f"{draft.test_key} is {present.status}: its plan cannot be changed any more.")
        given = {"tenant_id": draft.tenant_id, "test_id": draft.id, "by": author.by, "now": now}
        planned = {"sample_size": sample_size, "lift": lift, "baseline": baseline}
        connection.execute(statement("experiments/set_plan"), given | planned)


def delete_draft(connection: Connection[Any], tenant_id: str, test_key: str) -> None:
    """Delete a draft to which nobody is assigned. Raises ExperimentRefusedError for any other test."""
    with connection.transaction():
        design = locked_design(connection, tenant_id, test_key)
        which = {"tenant_id": tenant_id, "test_id": design.id}
        if design.status != "draft":
            raise ExperimentRefusedError(
                f"{test_key} is {design.status}: only drafts can be deleted. Archive it when it is over."
            )
        (assigned,) = connection.execute(statement("experiments/has_assignments"), which).fetchone() or (False,)
        if assigned:
            raise ExperimentRefusedError(
                f"Users are assigned to {test_key} already, so it cannot be deleted. "
                f"`trackai experiments archive {test_key}` puts it away."
            )
        connection.execute(statement("experiments/delete_test"), which)


def locked_design(connection: Connection[Any], tenant_id: str, test_key: str) -> Design:
    """Return a test that nobody else changes until the transaction ends. Raises UnknownTestError."""
    test_id = _locked(connection, tenant_id, test_key)
    if test_id is None:
        raise UnknownTestError(f"There is no test {test_key}. `trackai experiments list` shows those that there are.")
    return design_of(connection, tenant_id, test_id)


def add_event(
    connection: Connection[Any],
    tenant_id: str,
    test_id: int,
    action: str,
    from_status: str | None,
    to_status: str,
    author: ChangedBy,
    at: datetime,
    config: Any = None,
) -> None:
    """Add what happened to a test."""
    given = {
        "tenant_id": tenant_id,
        "test_id": test_id,
        "at": at,
        "action": action,
        "from_status": from_status,
        "to_status": to_status,
        "by": author.by,
        "reason": author.reason,
        "config": config,
    }
    connection.execute(statement("experiments/add_event"), given)


def _locked(connection: Connection[Any], tenant_id: str, test_key: str) -> int | None:
    which = {"tenant_id": tenant_id, "test_key": test_key}
    found = connection.execute(statement("experiments/lock_test"), which).fetchone()
    return None if found is None else int(found[0])


def _insert(connection: Connection[Any], tenant_id: str, new: NewTest, author: ChangedBy, now: datetime) -> int:
    names = dict.fromkeys(_COLUMNS) | dict(zip(_COLUMNS, new.variants, strict=False))
    weights = None if new.weights is None else list(new.weights)
    given = asdict(new) | names | {"weights": weights, "tenant_id": tenant_id, "by": author.by, "now": now}
    try:
        found = connection.execute(statement("experiments/insert_test"), given).fetchone()
    except UniqueViolation:
        raise ExperimentRefusedError(
            f"Another test hashes with {new.hash_seed or new.test_key!r}: both would put the same users together. "
            "Give another --hash-seed."
        ) from None
    except ForeignKeyViolation:
        raise ExperimentRefusedError(f"There is no campaign {new.campaign_id!r} at this tenant.") from None
    if found is None:
        raise ExperimentRefusedError(
            f"There is a test {new.test_key} already. Give another key; --replace takes the place of a draft."
        )
    test_id = int(found[0])
    guardrails = {
        "metrics": [one.metric for one in new.guardrails],
        "margins": [one.margin for one in new.guardrails],
        "rules": [one.rule for one in new.guardrails],
    }
    which = {"tenant_id": tenant_id, "test_id": test_id}
    connection.execute(statement("experiments/insert_guardrails"), which | guardrails)
    return test_id
