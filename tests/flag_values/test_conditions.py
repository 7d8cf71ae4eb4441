"""Conditions hold where GrowthBook's SDKs say so, and one that cannot be asked is refused when it is written."""

from typing import Any

import pytest
from flag_values.reference import vectors

from trackai_pipelines.flag_values.conditions import check, matcher


@pytest.mark.parametrize(("name", "condition", "attributes", "expected"), vectors("conditions"))
def test_conditions_match_as_published(
    name: str, condition: dict[str, Any], attributes: dict[str, Any], expected: bool
) -> None:
    check(condition)
    assert matcher(condition)(attributes) is expected, name


@pytest.mark.parametrize(
    ("condition", "attributes", "expected"),
    [
        # A surrogate pair comes before U+FF5E in UTF-16, and after it by code point.
        ({"word": {"$lt": "\uff5e"}}, {"word": "😀"}, True),
        ({"word": {"$gte": "😀"}}, {"word": "\uff5e"}, True),
        ({"n": 1}, {"n": True}, False),
        ({"n": {"$in": [1]}}, {"n": True}, False),
        ({"n": {"$in": [True]}}, {"n": [0, True]}, True),
        ({"n": {"$eq": 0}}, {"n": False}, False),
        ({"n": {"$gt": 0}}, {"n": True}, False),
        ({"n": {"$gt": True}}, {"n": 5}, False),
        ({"n": 1}, {"n": 1.0}, True),
        ({"o": {"a": 1, "b": [True]}}, {"o": {"b": [True], "a": 1}}, True),
        ({"o": {"a": 1}}, {"o": {"a": True}}, False),
        ({"o": {"$eq": [1]}}, {"o": [1]}, False),
        ({"o": {"$ne": [1]}}, {"o": [1]}, True),
        ({"o": {"$in": [[1]]}}, {"o": [[1]]}, False),
        ({"tags.1": "b"}, {"tags": ["a", "b"]}, True),
        ({"tags.length": {"$gt": 1}}, {"tags": ["a", "b"]}, True),
        ({"tags.01": "b"}, {"tags": ["a", "b"]}, False),
        ({"age": {"$not": {"$gt": 5}}}, {}, True),
        ({"$nor": []}, {}, False),
        ({"when": {"a": 1}}, {"when": object()}, False),
        ({"when": {"$in": ["a"]}}, {"when": object()}, False),
    ],
)
def test_values_of_different_types_are_never_equal_nor_ordered(
    condition: dict[str, Any], attributes: dict[str, Any], expected: bool
) -> None:
    check(condition)
    assert matcher(condition)(attributes) is expected


def _deep(levels: int) -> dict[str, Any]:
    condition: dict[str, Any] = {"plan": "premium"}
    for _ in range(levels - 1):
        condition = {"$not": condition}
    return condition


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ({"name": {"$regex": "a+"}}, r"\$regex is not supported"),
        ({"name": {"$not": {"$elemMatch": {}}}}, r"\$elemMatch is not supported"),
        ({"$where": {}}, r"\$where is no operator on conditions"),
        ({"$or": {"plan": "premium"}}, r"\$or takes a list"),
        ({"$and": ["premium"]}, "a condition is an object"),
        ({"$not": "premium"}, "a condition is an object"),
        (["premium"], "a condition is an object"),
        ({"name": {"$eq": "a", "b": 1}}, "mixes operators with fields"),
        (_deep(11), "more than 10 levels deep"),
        ({"$or": [{f"a{number}": 1} for number in range(100)]}, "101 nodes"),
    ],
)
def test_what_cannot_be_asked_is_refused(condition: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check(condition)


def test_the_largest_conditions_are_taken() -> None:
    check(_deep(10))
    check({"$or": [{f"a{number}": 1} for number in range(99)]})
    check({"country": {"$in": [f"c{number}" for number in range(1_000)]}})
