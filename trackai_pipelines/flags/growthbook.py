"""A tenant's flags as a payload for GrowthBook's SDKs, which then evaluate them themselves, with the same results.

What belongs here: the payload. What does not: serving it (web), and evaluating here (flag_values). An SDK is given the
context's attributes, and the targeting key as `id`. Source: https://docs.growthbook.io/lib/build-your-own
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from trackai_pipelines.flag_values.bucketing import BUCKETS
from trackai_pipelines.flag_values.conditions import COMBINED, COMPARISONS, is_operators, kind
from trackai_pipelines.flag_values.decisions import BROKEN, OFF, FlagDecision, Group, Slot, nobody
from trackai_pipelines.flag_values.evaluation import TARGETING_KEY
from trackai_pipelines.flag_values.ruleset import Ruleset
from trackai_pipelines.flag_values.values import JsonText

Json = dict[str, Any]

# Texts to which JavaScript converts no number, boolean or null, and no list of several values.
_WORD = re.compile(r"(?!(?:true|false|null|undefined|NaN|Infinity)\Z)[A-Za-z][A-Za-z0-9_ .-]*")


def payload(ruleset: Ruleset, tenant: str, at: datetime, *, visible_only: bool = True) -> dict[str, Json]:
    """Return GrowthBook's features by key, as a tenant's slug has them at a moment.

    Flags that no SDK can evaluate are left out: those with segments by list or conversions, those with a value that
    cannot be read, and those that require a flag that is left out. `visible_only`: flags that clients may not see are
    left out, too.
    """
    waiting = {}
    for key in ruleset.flags:
        decision = ruleset.decision(key, tenant, at)
        if (decision.client_visible or not visible_only) and _can_be_told(decision):
            waiting[key] = decision
    features: dict[str, Json] = {}
    while ready := [key for key, decision in waiting.items() if features.keys() >= set(decision.requires)]:
        features |= {key: _feature(key, waiting.pop(key)) for key in ready}
    return dict(sorted(features.items()))


def _can_be_told(decision: FlagDecision) -> bool:
    answer = decision.decided or decision.always
    values = [decision.off.value, *(slot.value for group in decision.groups for slot in group.slots)]
    members = any(group.kind in ("list", "conversions") for group in decision.groups)
    return not (members or BROKEN in values or (answer is not None and answer.error_code))


def _feature(key: str, decision: FlagDecision) -> Json:
    feature: Json = {"defaultValue": _plain(decision.off.value)}
    answer = decision.decided
    if answer is not None and answer.reason == "DISABLED":
        return feature
    required = [{"id": required, "condition": {"value": True}} for required in decision.requires]
    always = {"parentConditions": required} if required else {}
    if answer is None:
        rules = [rule for group in decision.groups for rule in _rules(key, decision, group)]
    else:
        rules = [] if answer.variant == OFF else [{"force": _plain(answer.value)}]
    return {**feature, "rules": [{**always, **rule} for rule in rules]}


def _rules(key: str, decision: FlagDecision, group: Group) -> Iterator[Json]:
    """Yield the rules of a group. A segment ends with one that forces off, so that nothing falls through."""
    if group.matches is nobody:
        return
    whom = {"condition": _strict(group.condition)} if group.segment else {}
    hashed = {
        "hashAttribute": "id" if decision.bucket_by == TARGETING_KEY else decision.bucket_by,
        "hashVersion": 2,
        "seed": decision.salt,
    }
    match group.slots:
        case ():
            pass
        case (Slot(start=0, end=end) as slot,) if end >= BUCKETS:
            yield {**whom, "force": _plain(slot.value)}
        case (slot,):
            yield {**whom, "force": _plain(slot.value), **hashed, "range": _range(slot)}
        case slots:
            # Never `coverage`: the SDKs disagree about its end.
            yield {
                **whom,
                **hashed,
                "key": key,
                "variations": [_plain(slot.value) for slot in slots],
                "meta": [{"key": slot.variant} for slot in slots],
                "ranges": [_range(slot) for slot in slots],
            }
    if group.segment:
        yield {**whom, "force": _plain(decision.off.value)}


def _range(slot: Slot) -> list[float]:
    return [slot.start / BUCKETS, slot.end / BUCKETS]


def _plain(value: Any) -> Any:
    return value.decoded() if isinstance(value, JsonText) else value


def _strict(condition: Mapping[str, Any]) -> Json:
    """Return a condition that means the same to the JavaScript SDK, which converts values of other types."""
    strict: Json = {}
    for key, value in condition.items():
        if key in COMBINED:
            strict[key] = [_strict(part) for part in value]
        elif key == "$not":
            strict[key] = _strict(value)
        # Without operators everything holds here, and in JavaScript the empty object alone.
        elif value != {}:
            strict[key] = _strict_value(value)
    return strict


def _strict_value(wanted: Any) -> Any:
    """Return what is wanted of a field: with the type beside comparisons, and with `$eq` where conversions could match.

    A word is left as it is, which everybody can read; only a list of this one word converts to it.
    """
    if not is_operators(wanted):
        plain = kind(wanted) in ("array", "object", "null") or (isinstance(wanted, str) and _WORD.fullmatch(wanted))
        return wanted if plain else {"$eq": wanted}
    strict = {name: _strict_value(value) if name == "$not" else value for name, value in wanted.items()}
    kinds = {kind(wanted[name]) for name in COMPARISONS if name in wanted}
    if not kinds:
        return strict
    # A comparison with a number and a text, or with anything else, never holds; no value has this type.
    return {"$type": kinds.pop() if kinds in ({"number"}, {"string"}) else "none", **strict}
