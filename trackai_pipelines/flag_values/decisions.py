"""A flag's state for one tenant, ready for evaluation: everything that needs no context is done already.

What belongs here: which values a state serves, to which buckets of which group. What does not: which state is in force
(ruleset), and asking with a context (evaluation).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import msgspec

from trackai_pipelines.flag_values.bucketing import BUCKETS, fnv1a32
from trackai_pipelines.flag_values.conditions import Matches, check, matcher
from trackai_pipelines.flag_values.gates import GATES
from trackai_pipelines.flag_values.values import JsonText, parsed

OFF, ON, OVERRIDE = "off", "on", "override"

State = Mapping[str, Any]

# A percent of a percent is one bucket.
_PERCENT = BUCKETS // 100
# In the place of a value that cannot be read.
BROKEN = object()


class Evaluation(msgspec.Struct, frozen=True, gc=False):
    """The answer to one check. A msgspec struct: making one takes a fifth of the time of a frozen dataclass."""

    value: Any
    """None with an error: the caller's default is served."""
    variant: str | None
    reason: str
    """OpenFeature's: STATIC, TARGETING_MATCH, SPLIT, DEFAULT, DISABLED, ERROR or STALE."""
    error_code: str | None = None
    flag_version: int = 0
    """The version of the flag's global state; 0: built in, or not found."""
    override_version: int = 0
    """The version of the tenant's state; 0: it has none."""
    segment: str | None = None
    """The segment whose group decided."""
    bucket: int | None = None
    """The unit's bucket, where it decided."""
    prerequisite: str | None = None
    """The required flag that was not on."""
    value_used: bool | None = None
    """Whether the value differs from the off value; None with an error."""
    stale_reason: str | None = None
    """The reason that STALE stands in for."""

    @property
    def metadata(self) -> dict[str, str | int]:
        """What OpenFeature and OFREP call flag metadata."""
        more = {"segment": self.segment, "prerequisite": self.prerequisite, "reason": self.stale_reason}
        given = {name: value for name, value in more.items() if value is not None}
        return {"flagVersion": self.flag_version, "overrideVersion": self.override_version, **given}


NOT_FOUND = Evaluation(None, None, "ERROR", "FLAG_NOT_FOUND")


class Slot(NamedTuple):
    """A served value, and the buckets that get it: from `start` to before `end`."""

    variant: str
    value: Any
    start: int = 0
    end: int = BUCKETS


@dataclass(frozen=True, slots=True)
class Group:
    """The rollout rows of one segment, or of everyone (`segment` None). The first group that has the unit decides."""

    segment: str | None
    kind: str | None
    """attribute, list or conversions; None for everyone."""
    condition: Mapping[str, Any]
    matches: Matches
    """For segments by attribute: whether a context is in it."""
    slots: tuple[Slot, ...]
    """In order, without empty ones. Other buckets are off."""
    answer: Evaluation | None = None
    """What each of its units is served; None where the bucket decides."""


@dataclass(frozen=True, slots=True)
class FlagDecision:
    """One flag as one tenant has it."""

    off: Slot
    flag_version: int = 0
    override_version: int = 0
    client_visible: bool = False
    always: Evaluation | None = None
    """The answer that needs nothing else, where there is one."""
    requires: tuple[str, ...] = ()
    decided: Evaluation | None = None
    """The answer that needs no more than the required flags, where there is one."""
    groups: tuple[Group, ...] = ()
    """In the order in which they are asked; everyone comes last."""
    bucket_by: str = ""
    salt: str = ""
    salted: int = 0
    """The hash of the salt."""

    def answer(
        self,
        slot: Slot,
        reason: str,
        segment: str | None = None,
        bucket: int | None = None,
        prerequisite: str | None = None,
    ) -> Evaluation:
        """Return the answer that serves a slot; a value that cannot be read is an error."""
        if slot.value is BROKEN:
            return self.error("PARSE_ERROR")
        return Evaluation(
            slot.value,
            slot.variant,
            reason,
            None,
            self.flag_version,
            self.override_version,
            segment,
            bucket,
            prerequisite,
            slot.value != self.off.value,
        )

    def error(self, code: str) -> Evaluation:
        """Return an error of this flag."""
        return Evaluation(None, None, "ERROR", code, self.flag_version, self.override_version)

    def in_bucket(self, group: Group, bucket: int) -> Evaluation:
        """Return the answer of a group that divides its units, for one bucket."""
        for slot in group.slots:
            if slot.start <= bucket < slot.end:
                return self.answer(slot, "SPLIT", group.segment, bucket)
        return self.answer(self.off, "SPLIT", group.segment, bucket)


ABSENT = FlagDecision(Slot(OFF, None), always=NOT_FOUND)


def decision_of(
    key: str, flag: State | None, tenant: State | None, flag_version: int, override_version: int
) -> FlagDecision:
    """Return the decision of a flag's global state and a tenant's; None: there is no flag, the tenant inherits all."""
    if flag is None or flag["archived"]:
        return ABSENT
    own = tenant or {}
    state = {**flag, **{name: own[name] for name in ("enabled", "rollout_percentage") if own.get(name) is not None}}
    killed = flag["killed"] or own.get("killed")
    gate = GATES.get(key)
    off_value = gate.killed_value if killed and gate and gate.killed_value else flag["off_value"]
    decision = FlagDecision(
        Slot(OFF, _value(flag["value_type"], off_value)), flag_version, override_version, flag["client_visible"]
    )
    if killed or not state["enabled"]:
        return _settled(decision, decision.answer(decision.off, "DISABLED"))
    decision = replace(decision, requires=tuple(flag["requires"]))
    if own.get("value") is not None:
        override = Slot(OVERRIDE, _value(flag["value_type"], own["value"]))
        return _settled(decision, decision.answer(override, "TARGETING_MATCH"))
    rows, segments = (own["rollouts"], own["segments"]) if own.get("rollouts") else (flag["rollouts"], flag["segments"])
    groups = tuple(_groups(state, rows, segments))
    if len(groups) == 1 and (everyone := _one(decision, groups[0])):
        return _settled(decision, decision.answer(everyone, "STATIC"))
    return replace(
        decision,
        groups=tuple(replace(group, answer=_same_for_all(decision, group)) for group in groups),
        bucket_by=flag["bucket_by"],
        salt=flag["salt"],
        salted=fnv1a32(flag["salt"]),
    )


def slots(state: State, rows: Sequence[State]) -> Iterator[Slot]:
    """Yield the slots of a group's active rows, empty ones included; an inactive row keeps its place.

    `state` has value_type, on_value and the percentage in force. Variants share a group by weight, and the percentage
    says how much of each weight is served. Raising it therefore never takes a value from anyone.
    """
    kind, percentage = state["value_type"], state["rollout_percentage"]
    if not rows:
        yield Slot(ON, _value(kind, state["on_value"]), 0, _PERCENT * percentage)
        return
    start = 0
    for row in rows:
        weight, variant = row["percentage"], row["variant_key"]
        if row["active"] and variant is None:
            yield Slot(ON, _value(kind, state["on_value"]), 0, _PERCENT * weight)
        elif row["active"]:
            yield Slot(variant, _variant_value(kind, variant, row["variant_value"]), start, start + percentage * weight)
        start += _PERCENT * weight


def _groups(state: State, rows: Sequence[State], segments: State) -> Iterator[Group]:
    """Yield the groups in the order of their first rows; one without an active row is left out, but for everyone."""
    by_segment: dict[str | None, list[State]] = {}
    for row in rows:
        by_segment.setdefault(row["user_segment"], []).append(row)
    everyone = by_segment.pop(None, [])
    for name, own in by_segment.items():
        if any(row["active"] for row in own):
            segment = segments.get(name or "") or {}
            condition = segment.get("condition") or {}
            valid = segment.get("kind") == "attribute" and _valid(condition)
            yield Group(
                name, segment.get("kind"), condition, matcher(condition) if valid else nobody, _served(state, own)
            )
    yield Group(None, None, {}, _everybody, _served(state, everyone))


def _served(state: State, rows: Sequence[State]) -> tuple[Slot, ...]:
    return tuple(slot for slot in slots(state, rows) if slot.start < slot.end)


def _one(decision: FlagDecision, group: Group) -> Slot | None:
    """Return what all units of a group are served; None where the bucket decides."""
    if not group.slots:
        return decision.off
    first = group.slots[0]
    return first if (first.start, first.end) == (0, BUCKETS) else None


def _same_for_all(decision: FlagDecision, group: Group) -> Evaluation | None:
    slot = _one(decision, group)
    if slot is None:
        return None
    return decision.answer(slot, "TARGETING_MATCH" if group.segment else "DEFAULT", group.segment)


def _settled(decision: FlagDecision, answer: Evaluation) -> FlagDecision:
    # JSON goes the long way, on which each check gets its own copy.
    always = None if decision.requires or isinstance(answer.value, JsonText) else answer
    return replace(decision, always=always, decided=answer)


def _value(value_type: str, text: str) -> Any:
    try:
        value = parsed(value_type, text)
    except ValueError:
        return BROKEN
    # In one order of keys, so that equal objects are equal texts.
    return JsonText(msgspec.json.encode(value, order="sorted")) if value_type == "json" else value


def _variant_value(value_type: str, variant: str, text: str | None) -> Any:
    if text is not None:
        return _value(value_type, text)
    if value_type == "boolean":
        return variant != "control"
    return variant if value_type == "string" else BROKEN


def _valid(condition: object) -> bool:
    """Whether a condition can be asked; plain SQL may have written one that cannot, and nobody is in that segment."""
    try:
        check(condition)
    except ValueError:
        return False
    return True


def nobody(_: Mapping[str, Any]) -> bool:
    """Nobody is in a segment whose condition cannot be asked, or which is gone."""
    return False


def _everybody(_: Mapping[str, Any]) -> bool:
    return True
