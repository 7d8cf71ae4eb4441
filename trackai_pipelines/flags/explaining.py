"""A flag's value at a moment, and how it was decided, in words.

What belongs here: describing what evaluation did. What does not: evaluation (`flag_values.evaluation`), which decides,
and whose answer is the one that is shown.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.flag_values.bucketing import bucket_after
from trackai_pipelines.flag_values.decisions import FlagDecision, Group, Slot
from trackai_pipelines.flag_values.evaluation import TARGETING_KEY, Evaluation, Members, evaluate, unit_text
from trackai_pipelines.flag_values.members import Asked, FlagTenant, Lookup
from trackai_pipelines.flag_values.ruleset import Ruleset, Version, in_force
from trackai_pipelines.flag_values.source import read_snapshot
from trackai_pipelines.flags.rules import FlagRefusedError
from trackai_pipelines.flags.scopes import the_flag, the_tenant
from trackai_pipelines.flags.wording import in_words, moment_in_words

_MEMBERS_OF_NOW = "members are not recorded over time: those of now were asked"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a flag for a tenant, a context and a moment, from what was known at another."""

    key: str
    tenant: FlagTenant
    context: Mapping[str, Any]
    at: datetime
    known_at: datetime | None


@dataclass(frozen=True, slots=True)
class Explained:
    """The answer and the steps to it, in order."""

    answer: Evaluation
    steps: tuple[str, ...]


def explain(
    connection: Connection[Any],
    key: str,
    tenant: str,
    context: Mapping[str, Any],
    *,
    at: datetime,
    now: datetime,
    known_at: datetime | None = None,
) -> Explained:
    """Return what a flag is, and why. Raises FlagRefusedError where there is no such flag or tenant."""
    snapshot = read_snapshot(connection)
    if key not in snapshot.ruleset.flags:
        the_flag(connection, key)
        raise FlagRefusedError(
            f"{key} has no version: it was written with its triggers off. Set it once with `trackai flags set`."
        )
    owner = the_tenant(connection, tenant)
    question = Question(key, owner, {**context, "tenant": owner.slug}, at, known_at)
    members = Asked(snapshot.members, Lookup(lambda: connection), owner)
    answer = evaluate(
        snapshot.ruleset, key, tenant=owner.slug, context=question.context, at=at, known_at=known_at, members=members
    )
    return Explained(answer, tuple(_steps(connection, snapshot.ruleset, question, answer, members, now)))


def _steps(
    connection: Connection[Any], ruleset: Ruleset, asked: Question, answer: Evaluation, members: Members, now: datetime
) -> Iterator[str]:
    flag = ruleset.flags[asked.key]
    everyone = in_force(flag.everyone, asked.at, asked.known_at)
    own = in_force(flag.tenants.get(asked.tenant.slug, ()), asked.at, asked.known_at)
    by = _authors(connection, [one.id for one in (everyone, own) if one is not None])
    if everyone is None:
        yield f"{asked.key} has no version that was known then"
        return
    yield f"for everyone: {_version_in_words(everyone, by)}"
    yield f"{asked.tenant.slug}: {'overrides nothing' if own is None else _version_in_words(own, by)}"
    decision = ruleset.decision(asked.key, asked.tenant.slug, asked.at, asked.known_at)
    for required in decision.requires if decision.always is None else ():
        below = evaluate(
            ruleset, required, tenant=asked.tenant.slug, context=asked.context, at=asked.at, known_at=asked.known_at,
            members=members,
        )  # fmt: skip
        yield f"requires {required}, which is {_json(below.value)} ({below.reason})"
        if below.value is not True:
            return
    if decision.decided is None and answer.prerequisite is None:
        yield from _groups_in_words(decision, asked, members, now)


def _groups_in_words(decision: FlagDecision, asked: Question, members: Members, now: datetime) -> Iterator[str]:
    for group in decision.groups:
        if group.segment is not None:
            inside = _is_inside(group, asked, members)
            yield f"segment {group.segment}: {_asks(group)}: {'yes' if inside else 'no'}" + (
                f" ({_MEMBERS_OF_NOW})" if group.kind != "attribute" and asked.at < now else ""
            )
            if not inside:
                continue
        else:
            yield "everyone" if len(decision.groups) == 1 else "everyone else"
        yield f"serves {_slots_in_words(group)}"
        unit = unit_text(asked.context.get(decision.bucket_by))
        if group.answer is None:
            found = decision.in_bucket(group, bucket_after(decision.salted, unit)) if unit else None
            yield (
                f"bucket {found.bucket} of {decision.bucket_by} {unit!r}, salt {decision.salt!r}: {found.variant}"
                if found is not None
                else f"the context has no {decision.bucket_by}, by which the bucket is found"
            )
        return


def _is_inside(group: Group, asked: Question, members: Members) -> bool:
    if group.kind == "attribute":
        return group.matches(asked.context)
    user = unit_text(asked.context.get(TARGETING_KEY))
    return bool(user) and user in members.get((asked.tenant.slug, group.segment or ""), ())


def _asks(group: Group) -> str:
    return json.dumps(group.condition, ensure_ascii=False) if group.kind == "attribute" else f"a member ({group.kind})"


def _slots_in_words(group: Group) -> str:
    if not group.slots:
        return "off"
    return ", ".join(_slot_in_words(slot) for slot in group.slots)


def _slot_in_words(slot: Slot) -> str:
    return f"{slot.variant} to buckets [{slot.start}, {slot.end})"


def _version_in_words(version: Version, by: Mapping[int, tuple[str, str | None]]) -> str:
    if version.id not in by:
        return f"{in_words(_state(version))} (built in)"
    who, why = by[version.id]
    return (
        f"{in_words(_state(version))} (version {version.id}, from {moment_in_words(version.effective_from)}, recorded "
        f"{moment_in_words(version.recorded_at)} by {who}" + (f': "{why}")' if why else ")")
    )


def _state(version: Version) -> dict[str, Any] | None:
    return None if version.state is None else dict(version.state)


def _authors(connection: Connection[Any], versions: list[int]) -> dict[int, tuple[str, str | None]]:
    found = connection.execute(statement("flags/authors_of_versions"), {"versions": versions})
    return {number: (by, why) for number, by, why in found}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
