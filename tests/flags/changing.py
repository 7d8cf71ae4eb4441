"""How tests change flags, and read what came of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from trackai_pipelines.clock import utc_now
from trackai_pipelines.flags.altering import set_fields
from trackai_pipelines.flags.changes import (
    Alter,
    ChangeTerms,
    Proposal,
    carry_out,
    propose,
    propose_kill,
    propose_unkill,
)
from trackai_pipelines.flags.creating import NewFlag, create_flag
from trackai_pipelines.flags.guards import read_guard
from trackai_pipelines.flags.ramps import decide_due, plan_ramp, read_steps
from trackai_pipelines.flags.recording import Author, writing

ANA = Author("ana", "because", "192.0.2.7")
Row = dict[str, Any]


def create(
    connection: Connection[Any],
    key: str,
    *,
    value_type: str = "boolean",
    now: datetime | None = None,
    described: Mapping[str, Any] | None = None,
    **state: Any,
) -> list[int]:
    """Create a flag; return its versions."""
    flag = NewFlag(key, key, "Experimental", value_type, state, described or {})
    with writing(connection, lambda: now or utc_now()) as at:
        return create_flag(connection, flag, ANA, at)[1]


def change(
    connection: Connection[Any],
    key: str,
    alter: Alter | Mapping[str, Any],
    *,
    tenant: str | None = None,
    now: datetime | None = None,
    author: Author = ANA,
    **wanted: Any,
) -> tuple[Proposal, list[int]]:
    """Change a flag, or a tenant's override; fields of its state may be given instead of a function."""
    altered = alter if callable(alter) else _fields(alter, tenant)
    with writing(connection, lambda: now or utc_now()) as at:
        proposal = propose(connection, key, altered, ChangeTerms(now=at, reason=author.reason, **wanted), tenant=tenant)
        return proposal, carry_out(connection, proposal, author)


def _fields(fields: Mapping[str, Any], tenant: str | None) -> Alter:
    return set_fields(fields) if tenant is None else lambda state: {**state, **fields}


def kill(connection: Connection[Any], key: str, *, tenant: str | None = None, now: datetime | None = None) -> Proposal:
    """Kill a flag."""
    with writing(connection, lambda: now or utc_now()) as at:
        proposal = propose_kill(connection, key, ChangeTerms(now=at, reason="broken"), tenant=tenant)
        carry_out(connection, proposal, ANA)
    return proposal


def unkill(
    connection: Connection[Any], key: str, *, tenant: str | None = None, now: datetime | None = None
) -> Proposal:
    """Lift a kill."""
    with writing(connection, lambda: now or utc_now()) as at:
        proposal = propose_unkill(connection, key, ChangeTerms(now=at, reason="mended"), tenant=tenant)
        carry_out(connection, proposal, ANA)
    return proposal


def flag_id(connection: Connection[Any], key: str) -> int:
    """The id of a flag."""
    (found,) = connection.execute("SELECT id FROM trackai.feature_flags WHERE key = %s", (key,)).fetchone() or (0,)
    return int(found)


def audit(connection: Connection[Any], key: str) -> list[Row]:
    """The rows of the audit log about a flag, in order."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "SELECT * FROM trackai.feature_flag_audit_log WHERE flag_key = %s ORDER BY id", (key,)
        ).fetchall()


def versions(connection: Connection[Any], key: str) -> list[Row]:
    """The versions of a flag and of its overrides, in order; None for -infinity."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "SELECT id, tenant_id, nullif(effective_from, '-infinity') AS effective_from, recorded_at, state, audit_id"
            " FROM trackai.feature_flag_versions WHERE flag_key = %s ORDER BY id",
            (key,),
        ).fetchall()


def rows_differ_from_history(connection: Connection[Any]) -> list[Row]:
    """Scopes whose rows say something else than the version in force."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT p.flag_key, p.tenant_id, p.state AS in_force,
                   CASE WHEN p.tenant_id IS NULL THEN trackai.flag_state(p.flag_id)
                        ELSE trackai.override_state(p.flag_id, p.tenant_id) END AS of_rows
            FROM trackai.feature_flag_periods p
            WHERE p.effective_from <= clock_timestamp() AND clock_timestamp() < p.effective_to
              AND p.state IS DISTINCT FROM
                  CASE WHEN p.tenant_id IS NULL THEN trackai.flag_state(p.flag_id)
                       ELSE trackai.override_state(p.flag_id, p.tenant_id) END
            """
        ).fetchall()


def hold_step(connection: Connection[Any], key: str, at: datetime) -> None:
    """Plan a ramp whose second step is held at a moment, since there is nothing to measure."""
    began = at - timedelta(days=1)
    steps, guard = read_steps("5@0d,25@1d"), read_guard("match_rate>=0.7 over 2d")
    with writing(connection, lambda: began):
        plan_ramp(connection, key, steps, guard, ANA, ChangeTerms(now=began, reason="because"))
    (step,) = decide_due(connection, lambda: at)
    assert step.state == "held"
