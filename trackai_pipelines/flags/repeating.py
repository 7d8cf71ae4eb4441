"""Answering logged checks again: each must be what its version, segment and bucket say.

What belongs here: comparing usage with the history. What does not: evaluation (flag_values).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import kwargs_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.flag_values.bucketing import bucket_after
from trackai_pipelines.flag_values.decisions import FlagDecision, decision_of
from trackai_pipelines.flag_values.evaluation import TARGETING_KEY
from trackai_pipelines.flag_values.ruleset import Version
from trackai_pipelines.flag_values.source import read_snapshot
from trackai_pipelines.flags.reconcile import Compared


class _Answer(NamedTuple):
    """Checks that got the same answer by the same bucket."""

    tenant: str
    flag_id: int
    flag_version: int | None
    override_version: int
    user_segment: str | None
    bucket: int
    variant_key: str | None
    user_id: str | None
    """None without one, and where it is hashed."""
    checks: int


def repeat_answers(connection: Connection[Any], day: date) -> Compared:
    """Compare the checks of a UTC day that a bucket decided with what they must have been."""
    versions = {version.id: version for version in read_snapshot(connection, members_too=False).versions}
    decisions: dict[tuple[int, int], FlagDecision | None] = {}
    faults: dict[str, int] = {}
    with connection.transaction(), connection.cursor(name="answers", row_factory=kwargs_row(_Answer)) as cursor:
        cursor.itersize = 10_000
        for answer in cursor.execute(statement("flags/answers_by_bucket"), {"day": day}):
            used = (answer.flag_version or 0, answer.override_version)
            if used not in decisions:
                decisions[used] = _decision(versions, *used)
            fault = _fault(answer, decisions[used])
            if fault:
                faults[fault] = faults.get(fault, 0) + answer.checks
    return Compared([f"{day}: {checks:,} checks {fault}" for fault, checks in faults.items()])


def _decision(versions: Mapping[int, Version], flag_version: int, override_version: int) -> FlagDecision | None:
    flag, override = versions.get(flag_version), versions.get(override_version)
    if flag is None:
        return None
    return decision_of(flag.flag_key, flag.state, override.state if override else None, flag_version, override_version)


def _fault(answer: _Answer, decision: FlagDecision | None) -> str | None:
    if decision is None:
        return f"name version {answer.flag_version}, which there is not"
    group = next((group for group in decision.groups if group.segment == answer.user_segment), None)
    if group is None:
        return f"name segment {answer.user_segment}, which version {answer.flag_version} does not have"
    expected = decision.in_bucket(group, answer.bucket).variant
    if answer.variant_key != expected:
        return f"got {answer.variant_key}, and version {answer.flag_version} has {expected} for their bucket"
    unit = {TARGETING_KEY: answer.user_id, "tenant": answer.tenant}.get(decision.bucket_by)
    if unit is not None and bucket_after(decision.salted, unit) != answer.bucket:
        return f"of version {answer.flag_version} have another bucket than their {decision.bucket_by}"
    return None
