"""Conditions on attributes, in GrowthBook's form: checked when written, compiled once, asked often.

What belongs here: the operators. What does not: where conditions are kept (segments of flags).
Source: https://docs.growthbook.io/lib/build-your-own#evalcondition. A comparison holds only between two numbers or two
strings; values of different JSON types are never equal.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

MAX_DEPTH = 10
MAX_NODES = 100

Attributes = Mapping[str, Any]
Matches = Callable[[Attributes], bool]
_Test = Callable[[Any], bool]

# Exports name the type that each compares.
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
COMBINED = ("$and", "$or", "$nor")
_OPERATORS = ("$eq", "$ne", "$in", "$nin", *COMPARISONS, "$exists", "$not")


def check(condition: object) -> None:
    """Raise ValueError, with what to change, for a condition that is malformed, too deep or too large.

    A level is an object of conditions or operators, a node one entry of such an object. Values are not counted.
    """
    nodes = sum(_nodes(condition, 1))
    if nodes > MAX_NODES:
        raise ValueError(f"the condition has {nodes} nodes; at most {MAX_NODES} are allowed: divide the segment")


def matcher(condition: Mapping[str, Any]) -> Matches:
    """Return a function that says whether attributes meet the condition, which `check` has passed."""
    return _all(_part(key, value) for key, value in condition.items())


def is_operators(value: object) -> bool:
    """Whether a field's condition is an object of operators, and not a value to be equal to."""
    return isinstance(value, dict) and all(key.startswith("$") for key in value)


def _nodes(condition: object, depth: int) -> Iterable[int]:
    if depth > MAX_DEPTH:
        raise ValueError(f"the condition is more than {MAX_DEPTH} levels deep: write it flatter")
    if not isinstance(condition, dict):
        raise ValueError(f"a condition is an object such as {{'plan': 'premium'}}, not {condition!r}")
    yield len(condition)
    for key, value in condition.items():
        if key in COMBINED:
            if not isinstance(value, list):
                raise ValueError(f"{key} takes a list of conditions, not {value!r}")
            for part in value:
                yield from _nodes(part, depth + 1)
        elif key == "$not":
            yield from _nodes(value, depth + 1)
        elif key.startswith("$"):
            raise ValueError(f"{key} is no operator on conditions; there are {', '.join(COMBINED)} and $not")
        else:
            yield from _nodes_of_field(value, depth + 1)


def _nodes_of_field(value: object, depth: int) -> Iterable[int]:
    if not isinstance(value, dict):
        return
    if not is_operators(value):
        if any(key.startswith("$") for key in value):
            raise ValueError(f"{value!r} mixes operators with fields: put fields into a condition of their own")
        return
    if depth > MAX_DEPTH:
        raise ValueError(f"the condition is more than {MAX_DEPTH} levels deep: write it flatter")
    yield len(value)
    for name, wanted in value.items():
        if name not in _OPERATORS:
            raise ValueError(f"the operator {name} is not supported; there are {', '.join(_OPERATORS)}")
        if name == "$not":
            yield from _nodes_of_field(wanted, depth + 1)


def _part(key: str, value: Any) -> Matches:
    if key == "$and":
        return _all(map(matcher, value))
    if key == "$or":
        return _any(map(matcher, value))
    if key == "$nor":
        return _not(_any(map(matcher, value)))
    if key == "$not":
        return _not(matcher(value))
    test = _test(value)
    if "." not in key:
        return lambda attributes: test(attributes.get(key))
    steps = key.split(".")
    return lambda attributes: test(_at(attributes, steps))


def _test(wanted: Any) -> _Test:
    if is_operators(wanted):
        return _all(_operator(name, value) for name, value in wanted.items())
    return lambda value: _equal(value, wanted)


def _operator(name: str, wanted: Any) -> _Test:
    if name in COMPARISONS:
        return _comparison(COMPARISONS[name], wanted)
    if name == "$eq":
        return lambda value: _same(value, wanted)
    if name == "$ne":
        return lambda value: not _same(value, wanted)
    if name == "$exists":
        return lambda value: (value is not None) == bool(wanted)
    if name == "$not":
        return _not(_test(wanted))
    if not isinstance(wanted, list):
        return lambda value: False
    found = _among(wanted)
    return found if name == "$in" else _not(found)


def _comparison(holds: Callable[[Any, Any], bool], bound: Any) -> _Test:
    if isinstance(bound, str):
        units = _utf16(bound)
        return lambda value: isinstance(value, str) and holds(_utf16(value), units)
    if kind(bound) == "number":
        return lambda value: kind(value) == "number" and holds(value, bound)
    return lambda value: False


def _among(wanted: list[Any]) -> _Test:
    values = {(kind(value), value) for value in wanted if kind(value) not in ("array", "object")}

    def found(value: Any) -> bool:
        if isinstance(value, list | tuple):
            return any(kind(item) not in ("array", "object") and (kind(item), item) in values for item in value)
        return kind(value) != "object" and (kind(value), value) in values

    return found


def _same(value: Any, wanted: Any) -> bool:
    """Equality of `$eq`: objects and arrays are never the same, as in JavaScript."""
    return kind(value) == kind(wanted) not in ("array", "object") and bool(value == wanted)


def _equal(value: Any, wanted: Any) -> bool:
    """Equality of JSON. The order of an object's keys does not count: PostgreSQL does not keep it."""
    if kind(value) != kind(wanted):
        return False
    if isinstance(wanted, list):
        return len(value) == len(wanted) and all(map(_equal, value, wanted))
    if isinstance(wanted, dict):
        return (
            isinstance(value, Mapping)
            and value.keys() == wanted.keys()
            and all(_equal(value[key], wanted[key]) for key in wanted)
        )
    return bool(value == wanted)


def kind(value: Any) -> str:
    """Return the JSON type of a value."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "array" if isinstance(value, list | tuple) else "object"


def _at(attributes: Any, steps: list[str]) -> Any:
    """Return what a dotted path leads to, through objects and positions of lists, or None."""
    for step in steps:
        if isinstance(attributes, Mapping):
            attributes = attributes.get(step)
        elif isinstance(attributes, list | tuple) and step == "length":
            attributes = len(attributes)
        elif isinstance(attributes, list | tuple) and step in map(str, range(len(attributes))):
            attributes = attributes[int(step)]
        else:
            return None
    return attributes


def _utf16(text: str) -> bytes:
    """Return bytes that compare as the text's UTF-16 code units do."""
    return text.encode("utf-16-be", "surrogatepass")


def _all(tests: Iterable[_Test]) -> _Test:
    every = tuple(tests)
    if len(every) == 1:
        return every[0]

    def holds(value: Any) -> bool:
        for test in every:  # noqa: SIM110  a generator takes twice the time
            if not test(value):
                return False
        return True

    return holds


def _any(tests: Iterable[_Test]) -> _Test:
    """An empty list of alternatives holds, as in GrowthBook."""
    every = tuple(tests)
    return lambda value: not every or any(test(value) for test in every)


def _not(test: _Test) -> _Test:
    return lambda value: not test(value)
