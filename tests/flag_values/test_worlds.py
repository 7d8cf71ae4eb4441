"""Random flags are what the rules say, bucket by bucket, and a ramp never takes a value from anyone."""

from itertools import pairwise
from random import Random
from typing import Any

import pytest
from flag_values.reference import NOW, own, ruleset
from flag_values.worlds import SEGMENTS, context, expected, flags, overrides
from hypothesis import given, settings
from hypothesis import strategies as st

from trackai_pipelines.flag_values.decisions import Evaluation
from trackai_pipelines.flag_values.evaluation import evaluate

_USERS = 1_000


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_random_flags_are_what_the_rules_say(seed: int) -> None:
    random = Random(seed)
    states = flags(random, 4)
    tenants = overrides(random, states)
    rules = ruleset(states, tenants)
    for _ in range(3):
        asked = context(random)
        for key in states:
            found = evaluate(rules, key, tenant=asked["tenant"], context=asked, at=NOW)
            assert _told(found) == expected(states, tenants, key, asked)


def _told(found: Evaluation) -> tuple[Any, ...]:
    if found.error_code:
        return (found.error_code,)
    return found.value, found.variant, found.reason, found.segment, found.bucket, found.prerequisite


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_the_first_group_that_has_the_unit_decides(seed: int) -> None:
    random = Random(seed)
    for flag in flags(random, 5).values():
        flag |= {"enabled": True, "killed": False, "requires": []}
        asked = context(random)
        found = evaluate(ruleset({"flag": flag}), "flag", tenant=asked["tenant"], context=asked, at=NOW)
        active = {row["user_segment"] for row in flag["rollouts"] if row["active"]}
        there = [row["user_segment"] for row in flag["rollouts"] if row["user_segment"] in active - {None}]
        assert found.segment == next((name for name in there if SEGMENTS[name][1](asked)), None) or found.error_code


@pytest.mark.parametrize("seed", range(6))
def test_raising_a_percentage_never_takes_nor_changes_a_value(seed: int) -> None:
    random = Random(seed)
    flag = next(
        flag for flag in flags(random, 500).values() if len(flag["rollouts"]) == seed and flag["value_type"] == "string"
    )
    flag |= {"enabled": True, "killed": False, "bucket_by": "targetingKey", "off_value": "nothing"}
    asked = [{**context(random), "targetingKey": f"user-{number}"} for number in range(_USERS)]
    for overridden in (False, True):
        served = []
        for percentage in range(101):
            # Either everywhere, or for one tenant alone.
            flag["rollout_percentage"] = 30 if overridden else percentage
            rules = ruleset(
                {"flag": flag}, {("flag", "acme"): own(rollout_percentage=percentage)} if overridden else {}
            )
            served.append([evaluate(rules, "flag", tenant=one["tenant"], context=one, at=NOW) for one in asked])
        for before, after in pairwise(served):
            for earlier, later in zip(before, after, strict=True):
                assert earlier.variant in ("off", later.variant)
                assert earlier.variant == "off" or earlier.value == later.value
