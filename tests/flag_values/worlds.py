"""Random flags, tenants and contexts, the same for the same seed, and what they must be, read slowly from the rules.

What belongs here: worlds and their oracle. What does not: what is compared with them.
"""

import json
from collections.abc import Mapping
from random import Random
from typing import Any

from flag_values.reference import attribute, own, row, state

TENANTS = ("acme", "globex")
# Each condition with what it means.
SEGMENTS: Mapping[str, tuple[dict[str, Any], Any]] = {
    "premium": ({"plan": "premium"}, lambda context: context.get("plan") == "premium"),
    "lusophone": ({"country": {"$in": ["BR", "PT"]}}, lambda context: context.get("country") in ("BR", "PT")),
    "buyers": ({"orders": {"$gte": 10, "$lt": 50}}, lambda context: 10 <= (context.get("orders") or 0) < 50),
    "guests": ({"plan": {"$exists": False}}, lambda context: context.get("plan") is None),
    "ours": (
        {"$and": [{"tenant": {"$ne": "globex"}}, {"$not": {"plan": "free"}}]},
        lambda context: context.get("tenant") != "globex" and context.get("plan") != "free",
    ),
}
_TEXTS = {
    "boolean": ("true", "false"),
    "string": ("blue", "Olá", ""),
    "integer": ("5", "-10", "0"),
    "number": ("0.5", "2", "-1e3"),
    "json": ("{}", '{"cols": 3}', '{"title": {"pt": "Olá"}}'),
}


def flags(random: Random, count: int) -> dict[str, dict[str, Any]]:
    """Return states by key; a flag requires only flags before it, and only boolean ones do."""
    made: dict[str, dict[str, Any]] = {}
    for number in range(count):
        made[f"flag-{number}"] = _flag(random, f"flag-{number}", [key for key in made if _boolean(made[key])])
    return made


def overrides(random: Random, states: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what tenants have of their own, by flag and tenant."""
    return {
        (key, tenant): own(
            enabled=random.choice([None, None, True, False]),
            rollout_percentage=random.choice([None, None, 0, 100, random.randrange(101)]),
            value=random.choice([None, None, None, _text(random, flag["value_type"])]),
            killed=random.random() < 0.1,
            rollouts=_rollouts(random, flag["value_type"]) if random.random() < 0.3 else [],
            segments=_conditions(),
        )
        for key, flag in states.items()
        for tenant in TENANTS
        if random.random() < 0.3
    }


def context(random: Random) -> dict[str, Any]:
    """Return a context; any attribute may be missing, and a unit is a text or a positive integer."""
    values = {
        "targetingKey": random.choice(["user-1", "José", "😀", 42, f"user-{random.randrange(10**6)}", "", None]),
        "tenant": random.choice(TENANTS),
        "plan": random.choice(["free", "premium", None]),
        "country": random.choice(["BR", "PT", "US"]),
        "orders": random.choice([0, 9, 10, 10.5, 49, 50]),
        "account": random.choice(["a1", f"a{random.randrange(10**4)}", random.randrange(1, 10**6)]),
    }
    return {name: value for name, value in values.items() if name == "tenant" or random.random() < 0.9}


def _flag(random: Random, key: str, boolean: list[str]) -> dict[str, Any]:
    kind = random.choice(["boolean", "boolean", *_TEXTS])
    texts = ("false", "true") if kind == "boolean" else (_text(random, kind), _text(random, kind))
    requires = random.sample(boolean, min(len(boolean), random.choice([0, 0, 0, 1, 2])))
    return state(
        value_type=kind,
        off_value=texts[0],
        on_value=texts[1],
        bucket_by=random.choice(["targetingKey", "targetingKey", "account", "tenant"]),
        salt=random.choice([key, "shared"]),
        enabled=random.random() < 0.9,
        killed=random.random() < 0.05,
        rollout_percentage=random.choice([0, 100, 100, random.randrange(101), random.randrange(101)]),
        rollouts=_rollouts(random, kind) if random.random() < 0.7 else [],
        requires=sorted(requires) if kind == "boolean" else [],
        segments=_conditions(),
    )


def _rollouts(random: Random, kind: str) -> list[Any]:
    """Return rows of some groups in a random order, in which the rows of groups may alternate."""
    rows: list[Any] = []
    for segment in random.sample([*SEGMENTS, None], random.randrange(4)):
        if segment is not None and random.random() < 0.5:
            percentage = random.choice([0, 100, random.randrange(101)])
            rows.append(row(segment, None, percentage, active=random.random() < 0.8))
        else:
            rows += _variants(random, kind, segment)
    order = [*rows]
    random.shuffle(order)
    return order


def _variants(random: Random, kind: str, segment: str | None) -> list[Any]:
    left, rows = 100, []
    for key in random.sample(["control", "a", "b", "c"], random.randrange(1, 5)):
        weight = random.choice([left, random.randrange(left + 1), 0])
        left -= weight
        named = kind in ("boolean", "string") and random.random() < 0.5
        value = None if named else _text(random, kind)
        rows.append(row(segment, key, weight, active=random.random() < 0.8, value=value))
    return rows


def _conditions() -> dict[str, Any]:
    return {name: attribute(condition) for name, (condition, _) in SEGMENTS.items()}


def _text(random: Random, kind: str) -> str:
    return random.choice(_TEXTS[kind])


def _boolean(flag: Mapping[str, Any]) -> bool:
    return bool(flag["value_type"] == "boolean")


def expected(
    states: Mapping[str, Mapping[str, Any]],
    tenants: Mapping[tuple[str, str], Mapping[str, Any]],
    key: str,
    asked: Mapping[str, Any],
) -> tuple[Any, ...]:
    """Return value, variant, reason, segment, bucket and prerequisite, or the error's code alone.

    The rules one after another, with a table of all 10,000 buckets in the place of slots.
    """
    flag, override = states[key], tenants.get((key, asked["tenant"]), own())
    enabled = flag["enabled"] if override["enabled"] is None else override["enabled"]
    share = flag["rollout_percentage"] if override["rollout_percentage"] is None else override["rollout_percentage"]
    kind, off = flag["value_type"], _read(flag["value_type"], flag["off_value"])
    if flag["killed"] or override["killed"] or not enabled:
        return off, "off", "DISABLED", None, None, None
    for required in flag["requires"]:
        if expected(states, tenants, required, asked)[0] is not True:
            return off, "off", "DISABLED", None, None, required
    if override["value"] is not None:
        return _read(kind, override["value"]), "override", "TARGETING_MATCH", None, None, None
    rows = override["rollouts"] or flag["rollouts"]
    named = [one["user_segment"] for one in rows if one["user_segment"] is not None]
    active = {one["user_segment"] for one in rows if one["active"]}
    groups = [segment for segment in dict.fromkeys(named) if segment in active]
    segment = next((segment for segment in groups if SEGMENTS[segment][1](asked)), None)
    table = _table(kind, flag["on_value"], off, share, [one for one in rows if one["user_segment"] == segment])
    if len({variant for variant, _ in table}) == 1:
        variant, value = table[0]
        reason = "TARGETING_MATCH" if segment else "DEFAULT" if groups else "STATIC"
        return value, variant, reason, segment, None, None
    unit = asked.get(flag["bucket_by"])
    if unit in (None, ""):
        return ("TARGETING_KEY_MISSING",)
    bucket = _bucket(flag["salt"], str(unit))
    variant, value = table[bucket]
    return value, variant, "SPLIT", segment, bucket, None


def _table(kind: str, on: str, off: Any, share: int, rows: list[Any]) -> list[tuple[str, Any]]:
    """Return the variant and value of each bucket."""
    table: list[tuple[str, Any]] = [("off", off)] * 10_000
    if not rows or rows[0]["variant_key"] is None:
        percentage = rows[0]["percentage"] if rows else share
        return [("on", _read(kind, on))] * (percentage * 100) + table[percentage * 100 :]
    first = 0
    for one in rows:
        value = one["variant_value"]
        default: Any = one["variant_key"] != "control" if kind == "boolean" else one["variant_key"]
        for bucket in range(first, first + share * one["percentage"]):
            if one["active"]:
                table[bucket] = (one["variant_key"], default if value is None else _read(kind, value))
        first += 100 * one["percentage"]
    return table


def _read(kind: str, text: str) -> Any:
    return text if kind == "string" else float(text) if kind == "number" else json.loads(text)


def _bucket(salt: str, unit: str) -> int:
    def fnv(text: str) -> int:
        state, units = 2_166_136_261, text.encode("utf-16-be")
        for place in range(0, len(units), 2):
            state = ((state ^ int.from_bytes(units[place : place + 2])) * 16_777_619) % 2**32
        return state

    return fnv(str(fnv(salt + unit))) % 10_000
