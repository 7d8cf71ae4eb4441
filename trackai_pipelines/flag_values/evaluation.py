"""What a flag is for a tenant, a context and a moment.

What belongs here: the order in which a check is decided. What does not: the clock, usage and staleness (client).
"""

from collections.abc import Container, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec

from trackai_pipelines.flag_values.bucketing import bucket_after
from trackai_pipelines.flag_values.decisions import NOT_FOUND, Evaluation, FlagDecision, Group
from trackai_pipelines.flag_values.ruleset import Ruleset
from trackai_pipelines.flag_values.values import JsonText

__all__ = ["NO_MEMBERS", "TARGETING_KEY", "Evaluation", "Members", "evaluate"]

TARGETING_KEY = "targetingKey"

# Users of segments by list or conversions, by tenant's slug and segment.
Members = Mapping[tuple[str, str], Container[str]]
NO_MEMBERS: Members = MappingProxyType({})


def evaluate(
    ruleset: Ruleset,
    key: str,
    tenant: str | None,
    context: Mapping[str, Any],
    at: datetime,
    known_at: datetime | None = None,
    members: Members = NO_MEMBERS,
    visible_only: bool = False,
) -> Evaluation:
    """Return what a flag is for a tenant's slug and a context at a moment, from what was recorded until `known_at`.

    `context` has OpenFeature's `targetingKey` and attributes; its `tenant` is the tenant's slug, whatever it says.
    `visible_only`: a flag that clients may not see is not found. Never raises for what the context holds.
    """
    decision = ruleset.decision(key, tenant, at, known_at)
    if visible_only and not decision.client_visible:
        return NOT_FOUND
    if decision.always is not None:
        return decision.always
    # A copy only where the caller did not put the tenant in: most do.
    if tenant is not None and context.get("tenant") != tenant:
        context = {**context, "tenant": tenant}
    answer = decision.requires and _blocked(ruleset, decision, (key,), tenant, context, at, known_at, members)
    if not answer:
        answer = decision.decided or _by_group(decision, tenant, context, members)
    if isinstance(answer.value, JsonText):
        return msgspec.structs.replace(answer, value=answer.value.decoded())
    return answer


def unit_text(given: object) -> str | None:
    """Return the text of a unit; None for what is none: only texts and integers are."""
    if isinstance(given, str):
        return given
    if not isinstance(given, int) or isinstance(given, bool):
        return None
    # Python refuses to write integers of several thousand digits.
    return str(given) if given.bit_length() <= 4096 else None


def _blocked(
    ruleset: Ruleset,
    decision: FlagDecision,
    path: tuple[str, ...],
    tenant: str | None,
    context: Mapping[str, Any],
    at: datetime,
    known_at: datetime | None,
    members: Members,
) -> Evaluation | None:
    """Return the answer where a required flag is not on; `path` are the flags that ask, the last one is this one."""
    for required in decision.requires:
        # No change that we record makes a circle, but planned ones that meet may: a flag in a circle is off.
        if required in path:
            return decision.answer(decision.off, "DISABLED", prerequisite=required)
        below = ruleset.decision(required, tenant, at, known_at)
        found = (
            below.always
            or _blocked(ruleset, below, (*path, required), tenant, context, at, known_at, members)
            or below.decided
            or _by_group(below, tenant, context, members)
        )
        if found.value is not True:
            return decision.answer(decision.off, "DISABLED", prerequisite=required)
    return None


def _by_group(decision: FlagDecision, tenant: str | None, context: Mapping[str, Any], members: Members) -> Evaluation:
    """Return the answer of the first group that has the unit; everyone is the last group."""
    for group in decision.groups:
        if group.segment is None or _has(group, tenant, context, members):
            break
    if group.answer is not None:
        return group.answer
    given = context.get(decision.bucket_by)
    unit = unit_text(given)
    if unit:
        return decision.in_bucket(group, bucket_after(decision.salted, unit))
    return decision.error("TARGETING_KEY_MISSING" if given is None or given == "" else "INVALID_CONTEXT")


def _has(group: Group, tenant: str | None, context: Mapping[str, Any], members: Members) -> bool:
    if group.kind == "attribute":
        return group.matches(context)
    key = unit_text(context.get(TARGETING_KEY))
    return bool(key) and tenant is not None and key in members.get((tenant, group.segment or ""), ())
