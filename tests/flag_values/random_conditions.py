"""Random conditions and attributes that meet often enough; the same for the same seed."""

from random import Random
from typing import Any

_NAMES = ("plan", "n", "tags", "nested.n", "nested.deep.s", "tags.0", "missing")
_SCALARS: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    5,
    5.0,
    -2.5,
    10**12,
    "",
    "5",
    "free",
    "Free",
    "é",
    "😀",
    "\uff5e",
)


def condition(random: Random, depth: int = 3) -> dict[str, Any]:
    """Return a condition with every operator in it sooner or later."""
    made: dict[str, Any] = {}
    for _ in range(random.choice([0, 1, 1, 2])):
        combined = random.choice(["$and", "$or", "$nor", "$not"]) if depth and random.random() < 0.4 else None
        if combined == "$not":
            made[combined] = condition(random, depth - 1)
        elif combined:
            made[combined] = [condition(random, depth - 1) for _ in range(random.randrange(3))]
        else:
            made[random.choice(_NAMES)] = _operators(random) if random.random() < 0.7 else _value(random)
    return made


def attributes(random: Random) -> dict[str, Any]:
    """Return attributes under the names that conditions ask for; some are missing."""
    values = {
        "plan": _scalar(random),
        "n": _value(random),
        "tags": [_value(random) for _ in range(random.choice([0, 2, 3]))],
        "nested": random.choice([_value(random), {"n": _scalar(random), "deep": {"s": _value(random)}}]),
    }
    return {name: value for name, value in values.items() if random.random() < 0.8}


def _operators(random: Random, depth: int = 2) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for _ in range(random.choice([1, 1, 2])):
        name = random.choice(["$eq", "$ne", "$in", "$nin", "$gt", "$gte", "$lt", "$lte", "$exists", "$not"])
        if name in ("$in", "$nin"):
            made[name] = (
                [_value(random) for _ in range(random.randrange(4))] if random.random() < 0.9 else _scalar(random)
            )
        elif name == "$exists":
            made[name] = random.random() < 0.5
        elif name == "$not":
            made[name] = _operators(random, depth - 1) if depth and random.random() < 0.7 else _value(random)
        else:
            made[name] = _value(random)
    return made


def _value(random: Random) -> Any:
    """Return a JSON value.

    Objects have one key, because GrowthBook compares their order, which PostgreSQL loses. No list has one element,
    because to JavaScript such a list is its element's text.
    """
    return random.choice(
        [
            _scalar(random),
            _scalar(random),
            [],
            [_scalar(random), _scalar(random)],
            {"a": _scalar(random)},
        ]
    )


def _scalar(random: Random) -> Any:
    return random.choice(_SCALARS)
