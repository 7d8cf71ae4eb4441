"""GrowthBook's own SDK, given the payload, serves what we serve."""

from random import Random
from typing import Any

import pytest
from flag_values.random_conditions import attributes, condition
from flag_values.reference import NOW, attribute, own, row, ruleset, state, vectors
from flags.payloads import worlds
from growthbook import GrowthBook
from growthbook.core import evalCondition

from trackai_pipelines.flag_values.conditions import check, matcher
from trackai_pipelines.flags.growthbook import payload

_REFERENCE = vectors("evaluation")


def test_the_reference_payload() -> None:
    segments = {name: attribute(condition) for name, condition in _REFERENCE["segments"].items()}
    rules = ruleset({flag["key"]: state(**flag, segments=segments) for flag in _REFERENCE["flags"]})
    expected = vectors("growthbook_payload")
    # The reference was written without the types beside comparisons.
    expected["segment_off"]["rules"][0]["condition"]["orders"]["$type"] = "number"
    assert payload(rules, "acme", NOW) == expected


# 50,000 in all; each starts anew, so that a failure is repeated soon.
@pytest.mark.parametrize("seed", range(50))
def test_random_flags_are_the_same_in_growthbook(seed: int) -> None:
    evaluations = served = 0
    for world in worlds(seed):
        sdk = GrowthBook(features=dict(world.features))
        for key, given, ours in world.answers():
            sdk.set_attributes(given)
            theirs = sdk.eval_feature(key)
            assert (theirs.value, type(theirs.value)) == (ours.value, type(ours.value)), (key, given)
            evaluations += 1
            served += bool(ours.value_used)
        sdk.destroy()
        if evaluations > 1_000:
            break
    assert served > 100


@pytest.mark.parametrize("seed", range(10))
def test_random_conditions_hold_where_growthbook_says_so(seed: int) -> None:
    random = Random(seed)
    held = 0
    for _ in range(300):
        wanted = condition(random)
        check(wanted)
        rules = ruleset({"flag": _flag_of(wanted)})
        (exported, *_) = payload(rules, "acme", NOW)["flag"]["rules"]
        for _ in range(4):
            asked = attributes(random)
            found = matcher(wanted)(asked)
            assert found is evalCondition(asked, wanted) is evalCondition(asked, exported["condition"]), (wanted, asked)
            held += found
    assert 200 < held < 1_000


def _flag_of(wanted: dict[str, Any]) -> dict[str, Any]:
    return state(rollouts=[row("segment", None, 100)], segments={"segment": attribute(wanted)})


def test_conditions_say_what_javascript_would_convert() -> None:
    wanted = {
        "n": {"$gte": 10, "$lt": 20},
        "s": {"$gt": "a", "$not": {"$lte": 5}},
        "never": {"$gt": "a", "$lt": 5},
        "nor": {"$gte": True},
        "$not": {"$and": [{"n": {"$gt": 1.5}}, {"plan": "free", "country": {"$in": ["BR"]}}]},
        "number": 5,
        "boolean": False,
        "digits": "5",
        "a boolean": "true",
        "list": "a,b",
        "nothing": None,
        "object": {"a": 5},
        "negated": {"$not": 0},
        "anything": {},
    }
    (rule, *_) = payload(ruleset({"flag": _flag_of(wanted)}), "acme", NOW)["flag"]["rules"]
    assert rule["condition"] == {
        "n": {"$type": "number", "$gte": 10, "$lt": 20},
        "s": {"$type": "string", "$gt": "a", "$not": {"$type": "number", "$lte": 5}},
        "never": {"$type": "none", "$gt": "a", "$lt": 5},
        "nor": {"$type": "none", "$gte": True},
        "$not": {"$and": [{"n": {"$type": "number", "$gt": 1.5}}, {"plan": "free", "country": {"$in": ["BR"]}}]},
        "number": {"$eq": 5},
        "boolean": {"$eq": False},
        "digits": {"$eq": "5"},
        "a boolean": {"$eq": "true"},
        "list": {"$eq": "a,b"},
        "nothing": None,
        "object": {"a": 5},
        "negated": {"$not": {"$eq": 0}},
    }


def test_what_no_sdk_can_evaluate_is_left_out() -> None:
    members = {"beta": {"kind": "list", "condition": None}, "buyers": {"kind": "conversions", "condition": None}}
    flags = {
        "on": state(),
        "list": state(rollouts=[row("beta", None, 50)], segments=members),
        "conversions": state(rollouts=[row("buyers", None, 50)], segments=members),
        "unreadable": state(value_type="integer", on_value="ten", rollout_percentage=50),
        "archived": state(archived=True),
        "deleted": None,
        "hidden": state(client_visible=False),
        "needs_on": state(requires=["on"]),
        "needs_list": state(requires=["list"]),
        "needs_needs_list": state(requires=["needs_list", "on"]),
        "needs_hidden": state(requires=["hidden"]),
        "needs_itself": state(requires=["needs_itself"]),
        "gone": state(rollouts=[row("nobody", None, 100)], rollout_percentage=0),
    }
    rules = ruleset(flags, {("list", "globex"): own(value="true")})
    assert payload(rules, "acme", NOW).keys() == {"on", "needs_on", "gone"}
    assert payload(rules, "acme", NOW)["gone"] == {"defaultValue": False, "rules": []}
    assert payload(rules, "globex", NOW).keys() == {"on", "needs_on", "gone", "list", "needs_list", "needs_needs_list"}
    everything = payload(rules, "acme", NOW, visible_only=False)
    assert {"hidden", "needs_hidden", "email_matching"} <= everything.keys()


def test_objects_of_the_payload_are_the_callers_own() -> None:
    rules = ruleset({"flag": state(value_type="json", off_value="{}", on_value='{"n": 1}')})
    for _ in range(2):
        found = payload(rules, "acme", NOW)["flag"]
        assert found == {"defaultValue": {}, "rules": [{"force": {"n": 1}}]}
        found["defaultValue"]["n"] = found["rules"][0]["force"]["n"] = 2
